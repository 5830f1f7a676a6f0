"""Writing an e-mail down, for the worker to send; or, for a history that is written down later, as sent long ago."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db.models import F

from accounts import queues
from accounts.mail.kinds import MailKind
from accounts.messages import MAIL_QUEUE
from accounts.models import Mail, User


def send(
    kind: MailKind,
    *,
    now: datetime,
    user: User | None = None,
    address: str = "",
    language: str = "",
    facts: Mapping[str, str | int] | None = None,
) -> Mail:
    """Write down an e-mail to a login, or to an address that has none, and wake a worker after the commit.

    A login is written to in its own language and time zone, anybody else in `language`. `facts` hold nothing that opens
    a door: see `MailKind.prepare`.
    """
    mail = Mail.objects.create(
        kind=kind.code,
        user=user,
        address=user.email if user is not None else address,
        language=user.language if user is not None else language or settings.LANGUAGE_CODE,
        facts=dict(facts or {}),
        created_at=now,
        due_at=now,
    )
    queues.wake(MAIL_QUEUE)
    return mail


def leave_to_the_past(*, until: datetime) -> int:
    """Let e-mails that wait and were written by `until` count as sent when they were; returns how many.

    For whoever writes down what happened long ago: call it in the transaction of that history, before a worker can see
    it. Nobody is written to today of what was then.
    """
    history = Mail.objects.filter(state=Mail.State.WAITING, claim__isnull=True, created_at__lte=until)
    return history.update(state=Mail.State.SENT, ended_at=F("created_at"), tries=1)
