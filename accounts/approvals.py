"""Requests that a second person decides: asked, then approved, rejected or withdrawn, once.

What follows from a decision is done by the floor that asked, in the same transaction; so is putting it on record.
"""

from datetime import datetime

from django.db import transaction

from accounts.models import Approval


class ApprovalError(Exception):
    """A decision that cannot be."""


class OwnRequestError(ApprovalError):
    """Somebody would decide what they asked for themselves."""


class AlreadyDecidedError(ApprovalError):
    """The request waits no longer; `approval` says who decided and when, where there was one."""

    def __init__(self, approval: Approval | None = None) -> None:
        super().__init__("decided already")
        self.approval = approval


class ReasonMissingError(ApprovalError):
    """A no without a reason."""


def ask(
    *,
    kind: str,
    subject_id: int,
    audience: Approval.Audience,
    company_id: int | None,
    asked_by_id: int,
    points: int | None,
    note: str = "",
    now: datetime,
) -> Approval:
    """Write down that `asked_by_id` asks for a decision about the row `subject_id`; `note` says why, in words."""
    return Approval.objects.create(
        kind=kind,
        subject_id=subject_id,
        audience=audience,
        company_id=company_id,
        points=points,
        asked_by_id=asked_by_id,
        asked_at=now,
        note=note,
    )


def decide(*, approval_id: int, by_user_id: int, is_approved: bool, reason: str = "", now: datetime) -> Approval:
    """Approve a request, or reject it with a reason; whether this user may decide at all, the floor that asks knows.

    Raises AlreadyDecidedError, OwnRequestError or ReasonMissingError; then nothing has changed.
    """
    with transaction.atomic():
        approval = _waiting(approval_id)
        if approval.asked_by_id == by_user_id:
            raise OwnRequestError
        if not is_approved and not reason.strip():
            raise ReasonMissingError
        state = Approval.State.APPROVED if is_approved else Approval.State.REJECTED
        return _end(approval, state, by_user_id, reason.strip(), now)


def withdraw(*, approval_id: int, by_user_id: int, reason: str = "", now: datetime) -> Approval:
    """End a request without a decision: what was asked about is no longer wanted, or nobody is left to decide.

    Raises AlreadyDecidedError; then nothing has changed.
    """
    with transaction.atomic():
        return _end(_waiting(approval_id), Approval.State.WITHDRAWN, by_user_id, reason.strip(), now)


def _waiting(approval_id: int) -> Approval:
    """The request under lock."""
    approval = Approval.objects.select_for_update(of=("self",)).select_related("decided_by").get(pk=approval_id)
    if approval.state != Approval.State.WAITING:
        raise AlreadyDecidedError(approval)
    return approval


def _end(approval: Approval, state: Approval.State, by_user_id: int, reason: str, now: datetime) -> Approval:
    approval.state = state
    approval.decided_by_id = by_user_id
    approval.decided_at = now
    approval.reason = reason
    approval.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    return approval
