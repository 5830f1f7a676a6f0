"""What comes in: one item an activity, checked before anything is written; and what goes back: one outcome an item."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from accounts import arrays
from accounts.conditions import Fact, FactType, Value, from_json, to_json
from accounts.currencies import is_currency
from loyalty.activities.configuration import Configuration, configuration
from loyalty.activities.dated import Enrolment
from loyalty.facts import ATTRIBUTE_PREFIX, number
from loyalty.models import ActivityAttribute, Source

AHEAD = timedelta(minutes=5)
"""How far another system's clock may run ahead of ours."""

_MOST = Decimal(10) ** 12
_DECIMALS = 100
"""More of them in an attribute are a prank: written out they would fill the memory."""

_CODE_LENGTH = 200

MOST_PARTICIPANTS = 100


class Status(StrEnum):
    """What became of an item."""

    RECORDED = "recorded"
    WAITING = "waiting"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ActivityItem:
    """One thing that happened, as a source tells it.

    `occurred_at` carries a time zone; `quantity` is in pieces, `amount` in money of `currency`. `reverses` is the
    external id of the activity of the same source that this one undoes: the whole of what is left of it, or the
    `amount` (where it has one, else the `quantity`) given here. `participants` had a part beside `employee_id`.
    """

    external_id: str
    type: str
    company_id: int
    occurred_at: datetime
    employee_id: int | None = None
    object: str = ""
    quantity: Decimal | None = None
    amount: Decimal | None = None
    currency: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    reverses: str = ""
    participants: tuple[int, ...] = ()

    @property
    def people(self) -> tuple[int, ...]:
        """Everybody who had a part, each once, the activity's own person first."""
        own = () if self.employee_id is None else (self.employee_id,)
        return tuple(dict.fromkeys((*own, *self.participants)))


@dataclass(frozen=True, slots=True)
class ItemError:
    """Why an item was not recorded: a stable code, the field, and a sentence for a person."""

    code: str
    field: str
    sentence: str


class Outcome(NamedTuple):
    """What became of one item; `points` is the sum of points it brought (or took, negative) in all programs.

    What followed from it (a tier that was reached, a badge) is an activity of its own, with points of its own; so is
    what undoes that, when a return does.

    `activity_id` is None for an item that was not recorded. `is_waiting` says of a return, a repeated one included,
    that its original has not arrived; one that waited and turned out not to fit its original is a recorded activity
    without effect, and says so in `error`.
    """

    status: Status
    activity_id: int | None = None
    points: int = 0
    error: ItemError | None = None
    is_waiting: bool = False


@dataclass(slots=True)
class Arrival:
    """An item that passed the checks, on its way through the main flow."""

    position: int
    item: ActivityItem
    type_id: int
    payload_hash: bytes
    attributes: dict[str, Value]
    activity_id: int = 0
    points: int = 0


@dataclass(slots=True)
class Batch:
    """The items of one call: those that go on, in their order, and the outcomes of those that do not."""

    source: Source
    now: datetime
    known: "Known"
    arrivals: list[Arrival] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    awaited: set[str] = field(default_factory=set)
    """Ids of this batch that returns have waited for."""
    released: dict[int, tuple[Arrival, ItemError | None]] = field(default_factory=dict)
    """Returns, by activity id, that have waited and no longer do; with the error where they did not fit."""
    is_heard: bool = False
    """Whether another system wants to hear what is recorded."""

    def reject(self, arrival: Arrival, code: str, field_: str, sentence: str) -> None:
        """Take an arrival out of the flow."""
        self.outcomes[arrival.position] = _rejected(code, field_, sentence)

    def settle(self, arrival: Arrival, outcome: Outcome) -> None:
        """Note what became of an arrival."""
        self.outcomes[arrival.position] = outcome

    @property
    def open(self) -> list[Arrival]:
        """The arrivals that nothing was said of yet, in item order."""
        return [arrival for arrival in self.arrivals if arrival.position not in self.outcomes]

    @property
    def first(self) -> dict[str, Arrival]:
        """The first open arrival of every id."""
        first: dict[str, Arrival] = {}
        for arrival in self.open:
            first.setdefault(arrival.item.external_id, arrival)
        return first


@dataclass(frozen=True, slots=True)
class Known:
    """What the installation knows, as far as the items of one call speak of it; read before anything is locked."""

    configuration: Configuration
    enrolments: Mapping[int, list[Enrolment]]
    """By company; the companies of the call that there are."""
    employers: Mapping[int, int]


def check_items(items: Sequence[ActivityItem], *, source: Source, now: datetime) -> Batch:
    """Check every item for itself; what is wrong is rejected with a code, the field and a sentence."""
    known = _known(items)
    batch = Batch(source, now, known)
    for position, item in enumerate(items):
        error = next((error for check in _CHECKS if (error := check(item, known, now)) is not None), None)
        if error is not None:
            batch.outcomes[position] = Outcome(Status.REJECTED, error=error)
            continue
        type_id = known.configuration.types[item.type]
        if type_id in known.configuration.derived_types and source.kind != Source.Kind.INTERNAL:
            sentence = _("Activities of this type follow from others: they are never sent.")
            batch.outcomes[position] = _rejected("reserved_type", "type", sentence)
            continue
        attributes = read_attributes(item, known.configuration.attributes.get(type_id, {}))
        if isinstance(attributes, ItemError):
            batch.outcomes[position] = Outcome(Status.REJECTED, error=attributes)
            continue
        batch.arrivals.append(Arrival(position, item, type_id, payload_hash(item, attributes), attributes))
    return batch


def used_for_another() -> ItemError:
    """The id came before, with other content."""
    return ItemError("id_used_for_another", "id", _("This id was used before, for an activity with other content."))


def _rejected(code: str, field_: str, sentence: str) -> Outcome:
    return Outcome(Status.REJECTED, error=ItemError(code, field_, sentence))


def _known(items: Sequence[ActivityItem]) -> Known:
    enrolments: dict[int, list[Enrolment]] = {}
    employers: dict[int, int] = {}
    asked = arrays.ask(
        _KNOWN,
        list({item.company_id for item in items}),
        list({employee_id for item in items for employee_id in item.people}),
    )
    current = configuration()
    for company_id, employee_id, membership_id, program_id, starts_at, ends_at in asked.rows:
        if employee_id is not None:
            employers[employee_id] = company_id
            continue
        there = enrolments.setdefault(company_id, [])
        if membership_id is not None:
            there.append(Enrolment(starts_at, ends_at, membership_id, company_id, program_id))
    return Known(current, enrolments, employers)


_KNOWN = """
    SELECT c.id, NULL::bigint, m.id, m.program_id, m.starts_at, m.ends_at
    FROM accounts_company c LEFT JOIN loyalty_membership m ON m.company_id = c.id
    WHERE c.id = ANY(%s::bigint[])
    UNION ALL
    SELECT e.company_id, e.id, NULL, NULL, NULL, NULL FROM accounts_employee e WHERE e.id = ANY(%s::bigint[])"""


def _fits(text: str) -> bool:
    """Whether a code can be kept: PostgreSQL takes no NUL, and no half of a surrogate pair, which JSON may spell."""
    if len(text) > _CODE_LENGTH or "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)


def _check_id(item: ActivityItem, known: Known, now: datetime) -> ItemError | None:
    if not item.external_id or not _fits(item.external_id):
        return ItemError("bad_id", "id", _("An id has from 1 to 200 characters."))
    return None


def _check_type(item: ActivityItem, known: Known, now: datetime) -> ItemError | None:
    if item.type not in known.configuration.types:
        return ItemError("unknown_type", "type", _("There is no activity type “%s”.") % item.type)
    return None


def _check_company(item: ActivityItem, known: Known, now: datetime) -> ItemError | None:
    if item.company_id not in known.enrolments:
        return ItemError("unknown_company", "company", _("There is no such company."))
    if item.employee_id is not None and known.employers.get(item.employee_id) != item.company_id:
        return ItemError("unknown_employee", "employee", _("The company has no such employee."))
    if len(item.participants) > MOST_PARTICIPANTS:
        return ItemError("bad_participants", "participants", _("At most 100 people took part besides."))
    if any(known.employers.get(employee_id) != item.company_id for employee_id in item.participants):
        return ItemError("unknown_employee", "participants", _("The company has no such employee."))
    return None


def _check_time(item: ActivityItem, known: Known, now: datetime) -> ItemError | None:
    if item.occurred_at.tzinfo is None:
        return ItemError("naive_time", "occurred_at", _("The time needs a time zone."))
    if item.occurred_at > now + AHEAD:
        return ItemError("future_time", "occurred_at", _("The time lies in the future."))
    if item.occurred_at.year < 1970:
        return ItemError("time_too_early", "occurred_at", _("The time lies before 1970."))
    return None


def _check_numbers(item: ActivityItem, known: Known, now: datetime) -> ItemError | None:
    for field_, value in (("amount", item.amount), ("quantity", item.quantity)):
        if value is None:
            continue
        if not value.is_finite() or not 0 <= value <= _MOST or value != round(value, 4):
            sentence = _("A number from 0 to 1,000,000,000,000 with at most 4 decimals is needed here.")
            return ItemError(f"bad_{field_}", field_, sentence)
    if item.amount is not None and not is_currency(item.currency):
        sentence = _("An amount needs a currency that there is, by its code, such as EUR, GBP or JPY.")
        return ItemError("bad_currency", "currency", sentence)
    return None


def _check_texts(item: ActivityItem, known: Known, now: datetime) -> ItemError | None:
    for field_, text in (("object", item.object), ("reverses", item.reverses)):
        if not _fits(text):
            return ItemError(f"bad_{field_}", field_, _("At most 200 characters fit here."))
    return None


_CHECKS: tuple[Callable[[ActivityItem, Known, datetime], ItemError | None], ...] = (
    _check_id,
    _check_type,
    _check_company,
    _check_time,
    _check_numbers,
    _check_texts,
)


def read_attributes(item: ActivityItem, declared: Mapping[str, ActivityAttribute]) -> dict[str, Value] | ItemError:
    """Return an item's attributes as the type's declared ones have them, or what is wrong with one."""
    for code in item.attributes:
        if code not in declared:
            return ItemError("unknown_attribute", f"attributes.{code}", _("This attribute is not declared."))
    values: dict[str, Value] = {}
    for code, attribute in declared.items():
        raw = item.attributes.get(code)
        if raw is None:
            if attribute.is_required and not item.reverses:
                return ItemError("missing_attribute", f"attributes.{code}", _("This attribute is required."))
            continue
        try:
            values[code] = _attribute_value(raw, attribute)
        except ValueError:
            sentence = _("This is not a value of the type “%s”.") % attribute.get_type_display()
            return ItemError("bad_attribute", f"attributes.{code}", sentence)
    return values


def _attribute_value(raw: object, attribute: ActivityAttribute) -> Value:
    if isinstance(raw, Decimal | date):
        raw = to_json(raw)
    if isinstance(raw, str) and not _fits(raw):
        raise ValueError
    fact = Fact(f"{ATTRIBUTE_PREFIX}{attribute.code}", FactType(attribute.type), attribute.name)
    json_value: Any = raw
    value = from_json(json_value, fact)
    if isinstance(value, Decimal) and (not -_MOST <= value <= _MOST or value.adjusted() < -_DECIMALS):
        raise ValueError
    return value


def payload_hash(item: ActivityItem, attributes: Mapping[str, Value]) -> bytes:
    """Return what tells the content of an activity from any other."""
    content = (
        item.type,
        item.company_id,
        item.employee_id,
        item.occurred_at.timestamp(),
        item.object,
        number(item.quantity),
        number(item.amount),
        item.currency,
        {code: to_json(value) for code, value in sorted(attributes.items())} if attributes else None,
        item.reverses,
        *([sorted(set(item.participants))] if item.participants else ()),
    )
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).digest()
