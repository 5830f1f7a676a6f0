"""The outbox: what people are to be told is a row, written in the transaction of what it speaks of.

The row is the inbox: with the commit it is delivered there, once. Whoever wants an e-mail, too, gets a row for that one
beside it (`Mail`), which `accounts.mail` sends.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.formats import date_format, number_format

from accounts import queues
from accounts.conditions.facts import iso_date
from accounts.models import Employee, Mail, Message
from accounts.preferences import Channel, who_wants

MAIL_QUEUE = "mail"
"""The queue of e-mails that wait, which `accounts.mail` sends."""

_ROWS_AT_A_TIME = 2_000


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message: `title` is a translatable template over the message's facts.

    `url_name` is the page it leads to: that of the row the message speaks of, or, where `names_subject` is False, one
    that names no row. `topic` is what people may switch off (NotificationPreference.Topic); "" cannot be switched off.
    """

    code: str
    title: object
    url_name: str = ""
    topic: str = ""
    names_subject: bool = True


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing to tell one employee; `subject_id` is the row it speaks of, told once.

    Facts are kept as they are: numbers, and days as in "2026-03-31", are written in the reader's notation when read.
    """

    employee_id: int
    subject_id: int
    facts: Mapping[str, str | int]


_kinds: dict[str, MessageKind] = {}


def register(*kinds: MessageKind) -> None:
    """Make kinds known; each floor registers its own."""
    for kind in kinds:
        _kinds[kind.code] = kind


def codes() -> list[str]:
    """Return the codes of all kinds."""
    return list(_kinds)


def tell(kind: MessageKind, tellings: Iterable[Telling], *, now: datetime) -> None:
    """Write one outbox row a telling, and the e-mail where one is wanted; what was told already is not told again.

    Whoever does not want the kind's topic in the inbox finds nothing there; whoever does not want it at all, or could
    only be written to without having a login, is left out.
    """
    told = list(tellings)
    if not told:
        return
    wanting = who_wants(kind.topic, {telling.employee_id for telling in told})
    logins = _logins_of(wanting[Channel.EMAIL])
    Message.objects.bulk_create(
        [
            Message(
                employee_id=telling.employee_id,
                kind=kind.code,
                subject_id=telling.subject_id,
                facts=dict(telling.facts),
                created_at=now,
                is_in_inbox=telling.employee_id in wanting[Channel.INBOX],
            )
            for telling in told
            if telling.employee_id in wanting[Channel.INBOX] or telling.employee_id in logins
        ],
        batch_size=_ROWS_AT_A_TIME,
        ignore_conflicts=True,
    )
    if logins:
        _mail(kind, {telling.subject_id for telling in told if telling.employee_id in logins}, logins, now)


def _logins_of(employee_ids: Collection[int]) -> dict[int, tuple[int, str]]:
    """Return of those who can be written to the login and its address, by employee."""
    people = Employee.objects.filter(pk__in=employee_ids, is_active=True, user__is_active=True)
    return {pk: (user_id, address) for pk, user_id, address in people.values_list("pk", "user_id", "user__email")}


def _mail(
    kind: MessageKind, subject_ids: Collection[int], logins: Mapping[int, tuple[int, str]], now: datetime
) -> None:
    """Write an e-mail for each message that was told just now; one that was told before has had its own, or none."""
    fresh = Message.objects.filter(
        kind=kind.code, employee__in=logins, subject_id__in=subject_ids, created_at=now
    ).values_list("pk", "employee_id")
    Mail.objects.bulk_create(
        [
            Mail(
                kind=kind.code,
                message_id=pk,
                user_id=logins[employee_id][0],
                address=logins[employee_id][1],
                created_at=now,
                due_at=now,
            )
            for pk, employee_id in fresh
        ],
        batch_size=_ROWS_AT_A_TIME,
        ignore_conflicts=True,
    )
    queues.wake(MAIL_QUEUE)


def topic_of(message: Message) -> str:
    """Return the topic that a message belongs to, "" where it cannot be switched off."""
    kind = _kinds.get(message.kind)
    return kind.topic if kind else ""


def title_of(message: Message) -> str:
    """Return what the message says, in the language in force."""
    kind = _kinds.get(message.kind)
    return str(kind.title).format(**_told(message.facts)) if kind else message.kind


def _told(facts: Mapping[str, str | int]) -> dict[str, str]:
    """Facts in the reader's notation: days, and numbers with their thousands parted."""
    return {name: _written(fact) for name, fact in facts.items()}


def _written(fact: str | int) -> str:
    if isinstance(fact, int):
        return number_format(fact, force_grouping=True)
    day = iso_date(fact)
    return fact if day is None else date_format(day, "DATE_FORMAT")


def address_of(message: Message) -> str:
    """Return the address of the page that the message leads to, "" where it leads nowhere."""
    kind = _kinds.get(message.kind)
    if kind is None or not kind.url_name:
        return ""
    return reverse(kind.url_name, args=[message.subject_id] if kind.names_subject else [])


def forget_old(*, now: datetime) -> int:
    """Forget what people were told so many days ago that nobody looks for it; returns how many messages that were.

    Their e-mails go with them.
    """
    old = Message.objects.filter(created_at__lt=now - timedelta(days=settings.MESSAGES_KEPT_DAYS))
    counted = 0
    while ids := list(old.order_by("pk").values_list("pk", flat=True)[:_ROWS_AT_A_TIME]):
        counted += len(ids)
        Message.objects.filter(pk__in=ids).delete()
    return counted
