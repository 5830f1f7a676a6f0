"""A request with activities: read item by item, told to `record_activities` a source at a time, answered in order."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.api.problems import FieldError, Problem
from loyalty.activities import ActivityItem, Gathering, ItemError, Outcome, Status, record_activities
from loyalty.api.effects import effects_of
from loyalty.api.naming import Named, look_up
from loyalty.models import Source

MOST_ITEMS = 1_000
_REQUIRED = ("source", "id", "type", "company", "occurred_at")
_TEXTS = (*_REQUIRED[:4], "employee", "object", "currency", "reverses")
_FIELDS = frozenset((*_REQUIRED, *_TEXTS, "participants", "quantity", "amount", "attributes"))

_DIGITS = re.compile(r"\A-?[0-9]{1,40}(\.[0-9]{1,40})?\Z")


Effects = dict[str, list[dict[str, Any]]]
"""What an activity led to, by kind."""


@dataclass(slots=True)
class _Entry:
    """One item of the request, and what becomes of it."""

    index: int
    raw: Mapping[str, Any]
    source: Source | None = None
    item: ActivityItem | None = None
    outcome: Outcome | None = None
    effects: Effects | None = None

    def reject(self, error: ItemError) -> None:
        """Say why it is not recorded."""
        self.outcome = Outcome(Status.REJECTED, error=error)


def record(body: object, *, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Record the activities of a request; return what became of each, in their order.

    What is unsound is rejected alone and the others are recorded; raises Problem where the request as a whole makes no
    sense, and then nothing is recorded.
    """
    entries = [_Entry(index, raw) for index, raw in enumerate(_items(body))]
    for entry in entries:
        error = _shape_error(entry.raw)
        if error is not None:
            entry.reject(error)
    sound = [entry for entry in entries if entry.outcome is None]
    named = _named(sound, actor)
    for entry in sound:
        _fill(entry, named)
    for source, part in _by_source(entries):
        # A transaction a source: two in one would take locks out of the global order.
        items = [(entry.item, now) for entry in part if entry.item is not None]
        for entry, told in zip(part, _recording((source, get_language()), items), strict=True):
            entry.outcome, entry.effects = told
    return [_answer(entry) for entry in entries]


def _record_and_tell(
    key: tuple[Source, str | None], items: Sequence[tuple[ActivityItem, datetime]]
) -> list[tuple[Outcome, Effects | None]]:
    """Record activities, of one request or of many, and tell what each led to, in the language of `key`."""
    source, _language = key
    outcomes = record_activities([item for item, _now in items], source=source, now=max(now for _item, now in items))
    effects = effects_of({outcome.activity_id for outcome in outcomes if outcome.activity_id is not None})
    return [(outcome, None if outcome.activity_id is None else effects[outcome.activity_id]) for outcome in outcomes]


_recording = Gathering(_record_and_tell, most=MOST_ITEMS)


def _items(body: object) -> list[Any]:
    if not isinstance(body, dict) or not isinstance(body.get("items"), list):
        sentence = _('Send an object with a list of activities: {"items": […]}.')
        raise Problem("invalid", errors=[FieldError("bad_items", "items", sentence)])
    errors = [FieldError("unknown_field", name[:50], _("There is no such field.")) for name in body if name != "items"]
    items: list[Any] = body["items"]
    if not items:
        errors.append(FieldError("no_items", "items", _("Send at least one activity.")))
    if errors:
        raise Problem("invalid", errors=errors)
    if len(items) > MOST_ITEMS:
        sentence = _("Send at most %(most)s activities at once; this request has %(count)s.")
        raise Problem("too_many_items", sentence % {"most": MOST_ITEMS, "count": len(items)})
    return items


def _shape_error(raw: object) -> ItemError | None:
    """What is wrong with an item before anything is looked up."""
    if not isinstance(raw, dict):
        return ItemError("bad_item", "", _("An activity is an object."))
    for name in raw:
        if name not in _FIELDS:
            return ItemError("unknown_field", name[:50], _("There is no such field."))
    for name in _REQUIRED:
        if raw.get(name) in (None, ""):
            return ItemError("missing_field", name, _("This field is required."))
    for name in _TEXTS:
        if not isinstance(raw.get(name, ""), str | None):
            return ItemError("bad_text", name, _("A text is needed here."))
    if not isinstance(raw.get("attributes", {}), dict | None):
        return ItemError("bad_attributes", "attributes", _("An object is needed here."))
    participants = raw.get("participants") or []
    if not isinstance(participants, list) or not all(isinstance(number, str) for number in participants):
        return ItemError("bad_participants", "participants", _("A list of the people's numbers is needed here."))
    return None


def _named(entries: Sequence[_Entry], actor: Actor) -> Named:
    """Look up all that the items name."""
    people: set[tuple[str, str | None]] = set()
    for entry in entries:
        numbers = entry.raw.get("employee") or None, *(entry.raw.get("participants") or ())
        people.update((entry.raw["company"], number) for number in numbers)
    return look_up(actor, sources={entry.raw["source"] for entry in entries}, people=people)


def _fill(entry: _Entry, named: Named) -> None:
    """Make an item of what was sent, or reject it."""
    raw = entry.raw
    entry.source = named.sources.get(raw["source"])
    if entry.source is None:
        return entry.reject(ItemError("source_not_allowed", "source", _("The client may not send as this source.")))
    company_id = named.companies.get(raw["company"])
    if company_id is None:
        return entry.reject(ItemError("unknown_company", "company", _("There is no such company.")))
    employee_id = named.employees.get((company_id, raw.get("employee") or ""))
    if raw.get("employee") and employee_id is None:
        return entry.reject(ItemError("unknown_employee", "employee", _("The company has no such employee.")))
    participants = [named.employees.get((company_id, number)) for number in raw.get("participants") or ()]
    if None in participants:
        return entry.reject(ItemError("unknown_employee", "participants", _("The company has no such employee.")))
    occurred_at = _moment(raw["occurred_at"])
    if occurred_at is None:
        sentence = _("A time as in 2026-05-04T10:00:00Z is needed here.")
        return entry.reject(ItemError("bad_time", "occurred_at", sentence))
    numbers: dict[str, Decimal | None] = {}
    for name in ("quantity", "amount"):
        try:
            numbers[name] = _number(raw.get(name))
        except ValueError:
            return entry.reject(ItemError(f"bad_{name}", name, _("A number is needed here.")))
    entry.item = ActivityItem(
        external_id=raw["id"],
        type=raw["type"],
        company_id=company_id,
        occurred_at=occurred_at,
        employee_id=employee_id,
        object=raw.get("object") or "",
        quantity=numbers["quantity"],
        amount=numbers["amount"],
        currency=raw.get("currency") or "",
        attributes=raw.get("attributes") or {},
        reverses=raw.get("reverses") or "",
        participants=tuple(employee_id for employee_id in participants if employee_id is not None),
    )
    return None


def _moment(text: object) -> datetime | None:
    """The time that `text` writes in ISO 8601, in UTC, or without a zone; None for anything else."""
    if not isinstance(text, str) or len(text) > 40 or "T" not in text:
        return None
    try:
        moment = parse_datetime(text)
    except (ValueError, OverflowError):
        return None
    try:
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo is not None else moment
    except OverflowError:
        return moment  # at the very ends of all time: too early or too late, as will be said


def _number(raw: object) -> Decimal | None:
    """The number that stands in a field, as a number or as text; raises ValueError for anything else."""
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | str | Decimal):
        raise ValueError
    if isinstance(raw, str) and not _DIGITS.match(raw):
        raise ValueError
    return Decimal(raw)


def _by_source(entries: Sequence[_Entry]) -> list[tuple[Source, list[_Entry]]]:
    """The items that are to be recorded, by source."""
    parts: dict[int, tuple[Source, list[_Entry]]] = {}
    for entry in entries:
        if entry.source is not None and entry.item is not None:
            parts.setdefault(entry.source.pk, (entry.source, []))[1].append(entry)
    return list(parts.values())


def _answer(entry: _Entry) -> dict[str, Any]:
    outcome = entry.outcome
    assert outcome is not None  # noqa: S101 (tells the type checker: rejected or recorded, something was said of each)
    return {
        "index": entry.index,
        "id": _id_of(entry.raw),
        "status": outcome.status.value,
        "activity": outcome.activity_id,
        "effects": entry.effects,
        "error": outcome.error
        and {"code": outcome.error.code, "field": outcome.error.field, "sentence": outcome.error.sentence},
    }


def _id_of(raw: object) -> str | None:
    sent = raw.get("id") if isinstance(raw, dict) else None
    return sent if isinstance(sent, str) else None
