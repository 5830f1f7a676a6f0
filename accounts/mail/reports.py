"""What whoever carries our e-mails reports: that one came back, or was called spam; signed, and counted once."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.dateparse import parse_datetime

from accounts.models import Mail, MailReport, SuppressedAddress

WINDOW = timedelta(minutes=5)
"""How old a signature may be: whoever overheard a report cannot send it again later."""

Event, Kind = MailReport.Event, MailReport.Kind


class BadSignatureError(Exception):
    """Not signed by whoever knows the secret, or too long ago."""


class MalformedReportError(ValueError):
    """A report that says nothing we understand; `str()` names the field."""


@dataclass(frozen=True, slots=True)
class Report:
    """One event: about an e-mail of ours, by its number, or about an address."""

    event: str
    kind: str
    at: datetime
    code: UUID | None = None
    address: str = ""


def sign(body: bytes, *, secret: str, at: datetime) -> str:
    """Return the header that goes with `body`: `t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>", in hex>`."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def check_signature(header: str, body: bytes, *, secret: str, now: datetime) -> None:
    """Raise BadSignatureError unless `header` was made by `sign` with our secret, within WINDOW of `now`."""
    words = dict(word.partition("=")[::2] for word in header.split(","))
    seconds = words.get("t", "")
    if not secret or not (seconds.isascii() and seconds.isdigit()) or len(seconds) > 11:
        raise BadSignatureError
    at = datetime.fromtimestamp(int(seconds), tz=now.tzinfo)
    if abs(now - at) > WINDOW or not hmac.compare_digest(sign(body, secret=secret, at=at).encode(), header.encode()):
        raise BadSignatureError


def report_of(body: bytes, *, now: datetime) -> Report:
    """Read `{"event": "bounce" | "complaint", "message_id" | "email", "kind": "hard" | "soft", "at"}`.

    A complaint needs no kind. Raises MalformedReportError.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedReportError("body") from None
    if not isinstance(said, dict):
        raise MalformedReportError("body")
    event = _choice(said, "event", Event.values)
    kind = Kind.HARD if event == Event.COMPLAINT and "kind" not in said else _choice(said, "kind", Kind.values)
    return Report(event, kind, _moment(said, now), *_whom(said))


def take_report(report: Report, *, now: datetime) -> bool:
    """Write a report down and stop e-mails to an address that takes none; the same report again does nothing.

    Returns whether it was news: False where it came before, or is about an e-mail that we do not know.
    """
    with transaction.atomic():
        mail = None
        if report.code is not None:
            mail = Mail.objects.select_for_update().filter(code=report.code).first()
        address = mail.address.lower() if mail is not None else report.address.lower()
        if not address:
            return False
        row, is_new = MailReport.objects.get_or_create(
            address=address, event=report.event, kind=report.kind, at=report.at,
            defaults={"mail": mail, "reported_at": now},
        )  # fmt: skip
        if not is_new or row.kind == Kind.SOFT:
            return is_new
        _suppress(row, now)
        if mail is not None and row.event == Event.BOUNCE and mail.state in (Mail.State.SENT, Mail.State.UNCERTAIN):
            mail.state = Mail.State.BOUNCED
            mail.save(update_fields=["state"])
    return True


def _suppress(row: MailReport, now: datetime) -> None:
    """Stop e-mails to the address; news from before somebody said that it can be tried again is no news."""
    stopped, is_new = SuppressedAddress.objects.select_for_update().get_or_create(
        address=row.address, defaults={"reason": row.event, "since": now}
    )
    if not is_new and stopped.lifted_at is not None and row.at > stopped.lifted_at:
        stopped.reason, stopped.since, stopped.lifted_at = row.event, now, None
        stopped.save(update_fields=["reason", "since", "lifted_at"])


def _choice(said: dict[str, object], name: str, choices: list[str]) -> str:
    value = said.get(name)
    if not isinstance(value, str) or value.upper() not in choices:
        raise MalformedReportError(name)
    return value.upper()


def _moment(said: dict[str, object], now: datetime) -> datetime:
    value = said.get("at")
    try:
        at = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at > now + WINDOW:
        raise MalformedReportError("at")
    return at


def _whom(said: dict[str, object]) -> tuple[UUID | None, str]:
    number, address = said.get("message_id"), said.get("email")
    if isinstance(number, str):
        try:
            return UUID(number.strip("<>").partition("@")[0]), ""
        except ValueError:
            raise MalformedReportError("message_id") from None
    try:
        validate_email(address if isinstance(address, str) else "")
    except ValidationError:
        raise MalformedReportError("email") from None
    return None, str(address)
