"""Putting a version of rules in force as people do: one asks, with when and why, another approves or rejects.

The draft stays a draft meanwhile, and may be edited; but only what was asked for can be approved. The engine's own act
is `rulesets.activate`, with which an approval ends.
"""

from datetime import datetime

from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts import approvals, audit
from accounts.models import Approval, User
from loyalty.approval_mail import tell_approvers, tell_asker
from loyalty.models import Program, RuleSet
from loyalty.models.rules import ACTIVATION as KIND
from loyalty.proving import require_proven
from loyalty.rulebook import fingerprint
from loyalty.rulesets import activate, require_startable
from loyalty.versions import VersionError, closed_draft

__all__ = [
    "KIND",
    "AlreadyAskedError",
    "EditedSinceError",
    "NoReasonError",
    "OtherDraftAskedError",
    "ProgramClosedError",
    "ask",
    "decide",
    "is_as_asked",
    "start_of",
    "withdraw",
]


class AlreadyAskedError(VersionError):
    """The draft waits for approval as it stands."""


class OtherDraftAskedError(VersionError):
    """Another draft of the program waits for approval."""


class EditedSinceError(VersionError):
    """The draft is no longer what was asked for."""


class ProgramClosedError(VersionError):
    """The program does not run, or nothing can be earned any more when the version would begin."""


class NoReasonError(VersionError):
    """Nobody could tell why the version is wanted."""


def ask(*, rule_set: RuleSet, by: User, starts_at: datetime | None, reason: str, now: datetime) -> RuleSet:
    """Ask a second person to put a draft in force from `starts_at` (None: once it is approved); returns the draft.

    Everybody who may decide is written to; of the decision, whoever asked. A draft that was edited since it was asked
    for is asked for anew: the earlier request is withdrawn. Raises a VersionError of the fitting kind, those of
    `rulesets.require_startable` and `proving.require_proven` included; then nothing has changed.
    """
    with transaction.atomic():
        draft = closed_draft(rule_set)
        _require_not_asked(draft)
        if not reason.strip():
            raise NoReasonError(_("Say why this version is wanted: whoever approves it reads that."))
        _require_running(draft, starts_at or now)
        require_startable(draft, starts_at=starts_at or now, now=now)
        require_proven(draft)
        if draft.approval_id is not None:
            approvals.withdraw(approval_id=draft.approval_id, by_user_id=by.pk, now=now)
        draft.approval = request = approvals.ask(
            kind=KIND,
            subject_id=draft.pk,
            audience=Approval.Audience.VENDOR,
            company_id=None,
            asked_by_id=by.pk,
            points=None,
            note=reason.strip(),
            now=now,
        )
        draft.wanted_start_at, draft.asked_fingerprint = starts_at, fingerprint(draft)
        draft.save(update_fields=["approval", "wanted_start_at", "asked_fingerprint"])
        wanted = None if starts_at is None else starts_at.isoformat()
        _record("rule-set-asked", draft, by, now, reason=reason.strip(), starts_at=wanted)
        tell_approvers(draft, request, now=now)
    return draft


def decide(*, rule_set_id: int, by: User, is_approved: bool, reason: str = "", now: datetime) -> RuleSet:
    """Put in force what was asked for, or leave it a draft, with a reason; by anybody but the one who asked.

    Approved after the moment for which it was asked, it holds from `now` on. Raises approvals.ApprovalError, or a
    VersionError where things have changed meanwhile; then nothing has changed.
    """
    with transaction.atomic():
        row = RuleSet.objects.get(pk=rule_set_id)
        if row.status != RuleSet.Status.DRAFT:
            raise approvals.AlreadyDecidedError(row.approval)
        draft = closed_draft(row)
        if draft.approval_id is None:
            raise approvals.AlreadyDecidedError
        request = approvals.decide(
            approval_id=draft.approval_id, by_user_id=by.pk, is_approved=is_approved, reason=reason, now=now
        )
        if not is_approved:
            _ask_no_more(draft)
            _record("rule-set-refused", draft, by, now, reason=reason.strip())
            tell_asker(draft, request, by=by, now=now)
            return draft
        _require_as_asked(draft)
        starts_at = start_of(draft, now=now)
        _require_running(draft, starts_at)
        require_proven(draft)
        _record("rule-set-approved", draft, by, now, reason=reason.strip(), starts_at=starts_at.isoformat())
        held = activate(rule_set=draft, by=by, starts_at=starts_at, now=now)
        tell_asker(held, request, by=by, now=now)
        return held


def withdraw(*, rule_set: RuleSet, by: User, now: datetime) -> RuleSet:
    """Ask nobody any more; returns the draft. Raises approvals.AlreadyDecidedError."""
    with transaction.atomic():
        row = RuleSet.objects.get(pk=rule_set.pk)
        if row.status != RuleSet.Status.DRAFT:
            raise approvals.AlreadyDecidedError(row.approval)
        draft = closed_draft(row)
        if draft.approval_id is None:
            raise approvals.AlreadyDecidedError
        approvals.withdraw(approval_id=draft.approval_id, by_user_id=by.pk, now=now)
        _ask_no_more(draft)
        _record("rule-set-withdrawn", draft, by, now)
    return draft


def is_as_asked(draft: RuleSet) -> bool:
    """Whether a draft that waits is still what was asked for; one query."""
    return draft.asked_fingerprint == fingerprint(draft)


def start_of(draft: RuleSet, *, now: datetime) -> datetime:
    """Return from when a draft that waits would hold if it was approved at `now`; one query.

    A program's first version may begin in the past; any other begins at `now` where its moment is over.
    """
    wanted = draft.wanted_start_at or now
    held = RuleSet.objects.filter(program=draft.program_id).exclude(status=RuleSet.Status.DRAFT)
    return max(wanted, now) if held.exists() else wanted


def _require_not_asked(draft: RuleSet) -> None:
    waiting = RuleSet.objects.filter(program=draft.program_id, status=RuleSet.Status.DRAFT, approval__isnull=False)
    for other in waiting.select_related("approval__asked_by"):
        request = other.approval
        if request is None or (other.pk == draft.pk and not is_as_asked(draft)):
            continue
        words = {
            "version": other.version,
            "name": request.asked_by.name,
            "at": date_format(localtime(request.asked_at), "DATETIME_FORMAT"),
        }
        if other.pk == draft.pk:
            raise AlreadyAskedError(
                _(
                    "%(name)s asked for version %(version)s on %(at)s, and nothing was edited since: it waits for "
                    "somebody else under “Approvals”. To ask otherwise, withdraw that request first."
                )
                % words
            )
        raise OtherDraftAskedError(
            _(
                "Version %(version)s of this program waits for approval already (%(name)s, %(at)s). Let it be decided "
                "under “Approvals”, or withdraw that request on its page first."
            )
            % words
        )


def _require_as_asked(draft: RuleSet) -> None:
    if not is_as_asked(draft):
        raise EditedSinceError(
            _(
                "Version %(version)s was edited after it was asked for: what would go into force is not what you were "
                "asked about. Nothing has changed. Let it be asked for again on its page, or reject the request."
            )
            % {"version": draft.version}
        )


def _require_running(draft: RuleSet, starts_at: datetime) -> None:
    program: Program = draft.program
    words = {"program": program.name}
    if not program.is_active:
        raise ProgramClosedError(
            _("“%(program)s” is not running, so no rules can begin in it. Let it run first, on the program’s page.")
            % words
        )
    if program.last_earn_on is not None and starts_at.astimezone(program.zone).date() > program.last_earn_on:
        raise ProgramClosedError(
            _(
                "The last day to earn points in “%(program)s” is %(day)s: this version would give nobody anything. "
                "Begin earlier, or move that day on the program’s page."
            )
            % {**words, "day": date_format(program.last_earn_on, "DATE_FORMAT")}
        )


def _ask_no_more(draft: RuleSet) -> None:
    draft.approval, draft.wanted_start_at, draft.asked_fingerprint = None, None, ""
    draft.save(update_fields=["approval", "wanted_start_at", "asked_fingerprint"])


def _record(
    action: str, draft: RuleSet, by: User, now: datetime, *, reason: str = "", starts_at: str | None = None
) -> None:
    audit.record(action, draft, actor_id=by.pk, now=now, reason=reason, version=draft.version, starts_at=starts_at)
