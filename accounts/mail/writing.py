"""Writing an e-mail down, for the worker to send."""

from collections.abc import Mapping
from datetime import datetime

from django.conf import settings

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
