"""What follows from an activity and is one itself: a tier that was reached, a badge that was received.

Rules can be made for it like for any other, and it is judged in the same transaction, right after what it follows from.
"""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from accounts import arrays
from loyalty.activities.arrivals import COLUMNS, row_of
from loyalty.activities.configuration import Configuration
from loyalty.activities.items import ActivityItem, Arrival, payload_hash
from loyalty.earning import EarningRule
from loyalty.effects import Effect
from loyalty.models import Source
from loyalty.own_activities import PROGRAM_ATTRIBUTE, TIER_REACHED, internal_source
from loyalty.rulebook import rule_set_at
from loyalty.standing import TierMove

DEEPEST = 2
"""What follows from what follows from an activity still brings points; nothing follows from that any more."""


@dataclass(frozen=True, slots=True)
class Consequence:
    """Something that follows: of a type, about an `object` (a tier, a badge), for a person or for the company."""

    type_code: str
    object: str
    employee_id: int | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """An activity that followed from another, as a return of that one finds it."""

    activity_id: int
    external_id: str
    type_id: int
    company_id: int
    employee_id: int | None
    object: str
    occurred_at: datetime

    @classmethod
    def from_arrival(cls, arrival: Arrival) -> "Derived":
        """One of the batch itself."""
        item = arrival.item
        return cls(
            arrival.activity_id,
            item.external_id,
            arrival.type_id,
            item.company_id,
            item.employee_id,
            item.object,
            item.occurred_at,
        )


def external_id(cause: str, program_code: str, consequence: Consequence) -> str:
    """Return the one id under which something that follows is ever recorded; `cause` names what it follows from."""
    content = json.dumps([cause, program_code, consequence.type_code, consequence.object, consequence.employee_id])
    return f"{consequence.type_code}-{hashlib.blake2b(content.encode(), digest_size=16).hexdigest()}"


def cause_of(source: Source, external_id_: str) -> str:
    """Return how an activity is named as a cause."""
    return f"{source.code}/{external_id_}"


def is_judged(configuration: Configuration, program_id: int, type_code: str, at: datetime) -> bool:
    """Whether anything in the program asks for what follows; else it is not recorded at all."""
    type_id = configuration.types.get(type_code)
    return type_id is not None and bool(
        rules_for(configuration, program_id, type_id, at) or configuration.metrics.get((program_id, type_id))
    )


def reaching(move: TierMove, program_id: int, configuration: Configuration) -> ActivityItem | None:
    """Return the activity that reaching a tier otherwise than by an activity is; None where nothing asks for it."""
    if move.after is None or (move.before is not None and not move.is_upwards):
        return None
    if not is_judged(configuration, program_id, TIER_REACHED, move.at):
        return None
    code = configuration.programs[program_id].code
    reached = Consequence(TIER_REACHED, move.after.step.code)
    cause = f"{move.membership_id}/{move.after.starts_at.isoformat()}"
    return ActivityItem(
        external_id=external_id(cause, code, reached),
        type=TIER_REACHED,
        company_id=move.company_id,
        occurred_at=move.at,
        object=reached.object,
        attributes={PROGRAM_ATTRIBUTE: code},
    )


def rules_for(configuration: Configuration, program_id: int, type_id: int, at: datetime) -> tuple[EarningRule, ...]:
    """Return the rules of a program for an activity type as of a moment."""
    rule_set_id = rule_set_at(configuration.terms.get(program_id, []), at)
    return configuration.rules_of(rule_set_id, type_id).rules


def within_reach(
    configuration: Configuration, program_id: int, type_id: int, at: datetime
) -> Iterator[tuple[int, str]]:
    """Give the type and object of everything that can follow from an activity of a type, or from that in its turn."""
    seen: set[tuple[int, str]] = set()
    tiers: list[tuple[str, str]] = []
    if is_judged(configuration, program_id, TIER_REACHED, at):
        tiers = [(TIER_REACHED, step.code) for step in configuration.plans[program_id].steps]
    asked = [type_id]
    for _depth in range(DEEPEST):
        following = [
            (rule.effect.derives, rule.effect.subject)
            for each in asked
            for rule in rules_for(configuration, program_id, each, at)
            if rule.effect is not None and isinstance(rule.effect, Effect) and rule.effect.derives
        ]
        asked = []
        for code, object_ in [*tiers, *following]:
            follows = configuration.types.get(code, 0), object_
            if follows not in seen and is_judged(configuration, program_id, code, at):
                seen.add(follows)
                asked.append(follows[0])
                yield follows


class Derivations:
    """The activities that follow from those of one batch: made while it is judged, then written at once."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._source: Source | None = None
        self._rows: list[Arrival] = []
        self._undone: list[tuple[Arrival, Derived]] = []

    @property
    def source(self) -> Source:
        """The source of all of them."""
        if self._source is None:
            self._source = internal_source()
        return self._source

    def derive(self, consequence: Consequence, *, cause: str, item: ActivityItem, program_id: int) -> Arrival:
        """Return the activity, of the moment of `item`, which it follows from."""
        program_code = self._configuration.programs[program_id].code
        derived = ActivityItem(
            external_id=external_id(cause, program_code, consequence),
            type=consequence.type_code,
            company_id=item.company_id,
            occurred_at=item.occurred_at,
            employee_id=consequence.employee_id,
            object=consequence.object,
            attributes={PROGRAM_ATTRIBUTE: program_code},
        )
        return self.take_in(derived, self._configuration.types[consequence.type_code])

    def undo(self, done: Derived, *, by: Arrival, source: Source) -> Arrival:
        """Return the return of something that followed, by the return `by`."""
        content = json.dumps([cause_of(source, by.item.external_id), done.external_id])
        undoing = ActivityItem(
            external_id=f"return-{hashlib.blake2b(content.encode(), digest_size=16).hexdigest()}",
            type="",
            company_id=done.company_id,
            occurred_at=by.item.occurred_at,
            reverses=done.external_id,
        )
        arrival = self.take_in(undoing, done.type_id)
        self._undone.append((arrival, done))
        return arrival

    def take_in(self, item: ActivityItem, type_id: int) -> Arrival:
        """Return an activity that is written with the others."""
        content = payload_hash(item, item.attributes)
        arrival = Arrival(-1, item, type_id, content, dict(item.attributes), self._new_id())
        self._rows.append(arrival)
        return arrival

    def _new_id(self) -> int:
        return arrays.draw_ids(loyalty_activity=1)["loyalty_activity"][0]

    def write(self, *, now: datetime) -> None:
        """Write them, and which of them were undone by which."""
        if self._rows:
            arrays.insert(
                "loyalty_activity",
                {"id": "bigint", **COLUMNS},
                [(arrival.activity_id, *row_of(arrival, self.source, now)) for arrival in self._rows],
            )
        arrays.insert(
            "loyalty_returnlink",
            {
                "activity_id": "bigint",
                "original_id": "bigint",
                "applied_at": "timestamptz",
                "awaited_external_id": "text",
                "refusal": "text",
            },
            [(arrival.activity_id, done.activity_id, now, "", "") for arrival, done in self._undone],
        )
        arrays.insert(
            "loyalty_activityreturn",
            {"activity_id": "bigint", "amount": "numeric", "quantity": "numeric", "is_whole": "boolean"},
            [(done.activity_id, 0, 0, True) for _arrival, done in self._undone],
        )


def read_derived(ids: Collection[int]) -> list[Derived]:
    """Return activities that followed from others, by their ids."""
    rows = arrays.fetch(
        """SELECT id, external_id, type_id, company_id, employee_id, object, occurred_at FROM loyalty_activity
           WHERE id = ANY(%s::bigint[]) ORDER BY id""",
        [*ids],
    )
    return [Derived(*row) for row in rows]
