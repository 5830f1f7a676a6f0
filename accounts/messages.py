"""The outbox: what people are to be told is a row, written in the transaction of what it speaks of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from accounts.models import Message


@dataclass(frozen=True, slots=True)
class MessageKind:
    """A kind of message: `title` is a translatable template over the message's facts."""

    code: str
    title: object


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
    """Write one outbox row a telling; what was told already is not told again."""
    Message.objects.bulk_create(
        [
            Message(
                employee_id=telling.employee_id,
                kind=kind.code,
                subject_id=telling.subject_id,
                facts=dict(telling.facts),
                created_at=now,
            )
            for telling in tellings
        ],
        ignore_conflicts=True,
    )


def title_of(message: Message) -> str:
    """Return what the message says, in the language in force."""
    kind = _kinds.get(message.kind)
    return str(kind.title).format(**message.facts) if kind else message.kind
