"""What a person does about e-mails that did not go out, or that nobody knows of; each act on record."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts import audit, queues
from accounts.messages import MAIL_QUEUE
from accounts.models import Mail, SuppressedAddress

State = Mail.State

CAN_BE_SENT_AGAIN = frozenset({State.UNCERTAIN, State.FAILED, State.BOUNCED, State.UNWANTED, State.WRITTEN_OFF})
CAN_BE_WRITTEN_OFF = frozenset({State.UNCERTAIN, State.FAILED, State.BOUNCED})


class NotNowError(Exception):
    """The e-mail is in a state that this cannot be done in."""


def send_again(*, mail_ids: Collection[int], by_user_id: int, now: datetime) -> int:
    """Put e-mails that did not go out, or of which nobody knows, back into the queue; returns how many.

    Whoever sends an uncertain one again accepts that it may arrive twice.
    """
    with transaction.atomic():
        mails = _under_lock(mail_ids, CAN_BE_SENT_AGAIN)
        _change(mails, state=State.WAITING, due_at=now, ended_at=None, tries=0, why="")
        _record("mail-sent-again", mails, by_user_id, now)
        queues.wake(MAIL_QUEUE)
    return len(mails)


def write_off(*, mail_ids: Collection[int], by_user_id: int, now: datetime) -> int:
    """Leave e-mails alone from now on; returns how many."""
    with transaction.atomic():
        mails = _under_lock(mail_ids, CAN_BE_WRITTEN_OFF)
        _change(mails, state=State.WRITTEN_OFF, ended_at=now)
        _record("mail-written-off", mails, by_user_id, now)
    return len(mails)


def try_again(*, address: str, by_user_id: int, now: datetime) -> bool:
    """Take e-mails to an address up again; returns whether they had been stopped."""
    with transaction.atomic():
        row = SuppressedAddress.objects.in_force().select_for_update().filter(address=address.lower()).first()
        if row is None:
            return False
        row.lifted_at = now
        row.save(update_fields=["lifted_at"])
        audit.record("mail-address-tried-again", row, actor_id=by_user_id, now=now)
    return True


def forget_old(*, now: datetime) -> int:
    """Forget e-mails without a message (invitations, new passwords) that ended long ago; returns how many."""
    before = now - timedelta(days=settings.MAILS_KEPT_DAYS)
    return Mail.objects.filter(message__isnull=True, ended_at__lt=before).exclude(state=State.UNCERTAIN).delete()[0]


def _under_lock(mail_ids: Collection[int], states: Collection[str]) -> list[Mail]:
    rows = Mail.objects.select_for_update(of=("self",)).filter(pk__in=mail_ids, state__in=states)
    return list(rows.select_related("user__employee").order_by("pk"))


def _change(mails: list[Mail], **fields: object) -> None:
    Mail.objects.filter(pk__in=[mail.pk for mail in mails]).update(**fields)


def _record(action: str, mails: list[Mail], by_user_id: int, now: datetime) -> None:
    for mail in mails:
        employee = getattr(mail.user, "employee", None)
        company_id = employee.company_id if employee is not None else None
        audit.record(action, mail, actor_id=by_user_id, now=now, company_id=company_id)
