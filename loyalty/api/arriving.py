"""A request with activities: read item by item, told to `record_activities` a source at a time, answered in order."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.api.problems import FieldError, Problem
from loyalty.activities import ActivityItem, ItemError, Outcome, Status, record_activities
from loyalty.api.effects import effects_of
from loyalty.api.naming import Named, look_up
from loyalty.gathering import Gathering
from loyalty.models import Source

MOST_ITEMS = 1_000
_LONGEST_CODE = Source._meta.get_field("code").max_length or 0
_REQUIRED = ("source", "id", "type", "company", "occurred_at")
_TEXTS = (*_REQUIRED[:4], "employee", "object", "currency", "reverses")
_FIELDS = frozenset((*_REQUIRED, *_TEXTS, "participants", "quantity", "amount", "attributes"))

_DIGITS = re.compile(r"\A-?[0-9]{1,40}(\.[0-9]{1,40})?\Z")


Effects = dict[str, list[dict[str, Any]]]
"""What an activity led to, by kind."""


class _Sent(NamedTuple):
    """An item whose shape is sound, with who sent it, and when it came."""

    raw: Mapping[str, Any]
    actor: Actor
    now: datetime


class _Told(NamedTuple):
    """What became of an item."""

    outcome: Outcome
    effects: Effects | None = None


def record(body: object, *, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Record the activities of a request; return what became of each, in their order.

    What is unsound is rejected alone and the others are recorded; raises Problem where the request as a whole makes no
    sense, and then nothing is recorded.
    """
    items = _items(body)
    errors = [_shape_error(raw) for raw in items]
    sent = [_Sent(raw, actor, now) for raw, error in zip(items, errors, strict=True) if error is None]
    told = iter(_all_told(sent) if sent else ())
    return [
        _answer(index, raw, next(told) if error is None else _Told(Outcome(Status.REJECTED, error=error)))
        for index, (raw, error) in enumerate(zip(items, errors, strict=True))
    ]


def _all_told(sent: Sequence[_Sent]) -> Sequence[_Told]:
    """Record what one request sent, together with others of the moment that name the same source."""
    sources = tuple({one.raw["source"] for one in sent})
    # What goes wrong for many is done again for each: of two sources one could have been recorded before.
    is_code = len(sources) == 1 and len(sources[0]) <= _LONGEST_CODE
    work = _recording if is_code else _record_and_tell
    return work((sources, get_language()), sent)


def _record_and_tell(_key: tuple[tuple[str, ...], str | None], sent: Sequence[_Sent]) -> list[_Told]:
    """Look up what items name, of one request or of many, record those that are sound, and tell what each led to."""
    named = _named(sent)
    outcomes: dict[int, Outcome] = {}
    parts: dict[Source, list[tuple[int, ActivityItem]]] = {}
    for place, one in enumerate(sent):
        found = _read(one, named)
        if isinstance(found, ItemError):
            outcomes[place] = Outcome(Status.REJECTED, error=found)
        else:
            source, item = found
            parts.setdefault(source, []).append((place, item))
    for source, part in parts.items():
        # A transaction a source: two in one would take locks out of the global order.
        now = max(sent[place].now for place, _item in part)
        recorded = record_activities([item for _place, item in part], source=source, now=now)
        outcomes.update(zip([place for place, _item in part], recorded, strict=True))
    effects = effects_of({outcome.activity_id for outcome in outcomes.values() if outcome.activity_id is not None})
    return [
        _Told(outcome, None if outcome.activity_id is None else effects[outcome.activity_id])
        for _place, outcome in sorted(outcomes.items())
    ]


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


def _named(sent: Sequence[_Sent]) -> Named:
    """Look up all that the items name."""
    people: set[tuple[Actor, str, str | None]] = set()
    for raw, actor, _now in sent:
        numbers = raw.get("employee") or None, *(raw.get("participants") or ())
        people.update((actor, raw["company"], number) for number in numbers)
    return look_up(sources={(one.actor, one.raw["source"]) for one in sent}, people=people)


def _read(sent: _Sent, named: Named) -> tuple[Source, ActivityItem] | ItemError:
    """Make an item of what was sent, or say what is wrong with it."""
    raw, client = sent.raw, sent.actor.service_client_id
    source = named.sources.get((client, raw["source"]))
    if source is None:
        return ItemError("source_not_allowed", "source", _("The client may not send as this source."))
    company_id = named.companies.get((client, raw["company"]))
    if company_id is None:
        return ItemError("unknown_company", "company", _("There is no such company."))
    employee_id = named.employees.get((company_id, raw.get("employee") or ""))
    if raw.get("employee") and employee_id is None:
        return ItemError("unknown_employee", "employee", _("The company has no such employee."))
    participants = [named.employees.get((company_id, number)) for number in raw.get("participants") or ()]
    if None in participants:
        return ItemError("unknown_employee", "participants", _("The company has no such employee."))
    occurred_at = _moment(raw["occurred_at"])
    if occurred_at is None:
        return ItemError("bad_time", "occurred_at", _("A time as in 2026-05-04T10:00:00Z is needed here."))
    numbers: dict[str, Decimal | None] = {}
    for name in ("quantity", "amount"):
        try:
            numbers[name] = _number(raw.get(name))
        except ValueError:
            return ItemError(f"bad_{name}", name, _("A number is needed here."))
    return source, ActivityItem(
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


def _answer(index: int, raw: object, told: _Told) -> dict[str, Any]:
    outcome, effects = told
    return {
        "index": index,
        "id": _id_of(raw),
        "status": outcome.status.value,
        "activity": outcome.activity_id,
        "effects": effects,
        "error": outcome.error
        and {"code": outcome.error.code, "field": outcome.error.field, "sentence": outcome.error.sentence},
    }


def _id_of(raw: object) -> str | None:
    sent = raw.get("id") if isinstance(raw, dict) else None
    return sent if isinstance(sent, str) else None
