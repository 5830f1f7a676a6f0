"""The demo's post: no e-mail leaves the machine; each is kept as a file and told on the console.

Files, not rows: what a mail server would have does not belong into the database.
"""

import email
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage as Parsed
from email.utils import parsedate_to_datetime
from pathlib import Path

from django.conf import settings
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.utils import timezone

MOST_KEPT = 500
_NAME = re.compile(r"\d{20}-[0-9a-f-]{36}")


class NoSuchMailError(Exception):
    """There is no such e-mail in the mailbox."""


@dataclass(frozen=True, slots=True)
class KeptMail:
    """An e-mail as it would have arrived."""

    name: str
    to: str
    subject: str
    at: datetime
    text: str
    html: str
    is_to_unsubscribe: bool


class MailboxBackend(BaseEmailBackend):
    """Keeps e-mails in the demo's folder, and says on the console to whom which one went."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep them."""
        folder = _folder()
        folder.mkdir(parents=True, exist_ok=True)
        for each in email_messages:
            whole = each.message()
            number = str(whole["Message-ID"]).strip("<>").partition("@")[0]
            moment = timezone.now()
            name = f"{moment:%Y%m%d%H%M%S%f}-{number}"
            draft = folder / f"{name}.part"
            draft.write_bytes(whole.as_bytes())
            draft.rename(folder / f"{name}.eml")
            sys.stdout.write(f"E-mail to {', '.join(each.to)}: {each.subject}\n{each.body}\n")
        sys.stdout.flush()
        for old in sorted(folder.glob("*.eml"), reverse=True)[MOST_KEPT:]:
            old.unlink(missing_ok=True)
        return len(email_messages)


def kept_mails(*, most: int) -> list[KeptMail]:
    """Return the latest e-mails, latest first."""
    names = sorted((path.stem for path in _folder().glob("*.eml")), reverse=True)
    return [kept_mail(name) for name in names[:most]]


def kept_mail(name: str) -> KeptMail:
    """Return one e-mail. Raises NoSuchMailError."""
    path = _folder() / f"{name}.eml"
    if not _NAME.fullmatch(name) or not path.is_file():
        raise NoSuchMailError
    with path.open("rb") as file:
        parsed = email.message_from_binary_file(file, policy=policy.default)
    return KeptMail(
        name=name,
        to=str(parsed["To"]),
        subject=str(parsed["Subject"]),
        at=parsedate_to_datetime(str(parsed["Date"])),
        text=_body(parsed, "plain"),
        html=_body(parsed, "html"),
        is_to_unsubscribe=parsed["List-Unsubscribe"] is not None,
    )


def _body(parsed: Parsed, kind: str) -> str:
    part = parsed.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part is not None else ""


def _folder() -> Path:
    if settings.MAILBOX is None:
        raise NoSuchMailError
    return Path(settings.MAILBOX)
