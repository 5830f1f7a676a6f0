"""The outbox: what people are to be told is a row, written in the transaction of what it speaks of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse
from django.utils.formats import number_format

from accounts.models import Message, NotificationPreference


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
    """One thing to tell one employee; `subject_id` is the row it speaks of, told once."""

    employee_id: int
    subject_id: int
    facts: Mapping[str, str | int]


_kinds: dict[str, MessageKind] = {}


def register(*kinds: MessageKind) -> None:
    """Make kinds known; each floor registers its own."""
    for kind in kinds:
        _kinds[kind.code] = kind


def tell(kind: MessageKind, tellings: Iterable[Telling], *, now: datetime) -> None:
    """Write one outbox row a telling; what was told already is not told again.

    Whoever does not want the kind's topic in the inbox is left out.
    """
    wanted = _wanted(kind, list(tellings))
    Message.objects.bulk_create(
        [
            Message(
                employee_id=telling.employee_id,
                kind=kind.code,
                subject_id=telling.subject_id,
                facts=dict(telling.facts),
                created_at=now,
            )
            for telling in wanted
        ],
        ignore_conflicts=True,
    )


def _wanted(kind: MessageKind, tellings: list[Telling]) -> list[Telling]:
    if not kind.topic or not tellings:
        return tellings
    unwilling = set(
        NotificationPreference.objects.filter(
            employee__in={telling.employee_id for telling in tellings},
            topic=kind.topic,
            channel=NotificationPreference.Channel.INBOX,
            is_wanted=False,
        ).values_list("employee_id", flat=True)
    )
    return [telling for telling in tellings if telling.employee_id not in unwilling]


def title_of(message: Message) -> str:
    """Return what the message says, in the language in force."""
    kind = _kinds.get(message.kind)
    return str(kind.title).format(**_told(message.facts)) if kind else message.kind


def _told(facts: Mapping[str, str | int]) -> dict[str, str]:
    """Facts in the reader's notation: numbers with their thousands parted."""
    return {
        name: fact if isinstance(fact, str) else number_format(fact, force_grouping=True)
        for name, fact in facts.items()
    }


def address_of(message: Message) -> str:
    """Return the address of the page that the message leads to, "" where it leads nowhere."""
    kind = _kinds.get(message.kind)
    if kind is None or not kind.url_name:
        return ""
    return reverse(kind.url_name, args=[message.subject_id] if kind.names_subject else [])
