"""The past of a program's members: what was judged, in the order in which it was, and titles given in between."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from accounts import arrays
from loyalty.activities.configuration import Configuration
from loyalty.activities.items import ActivityItem, Arrival, ItemError, read_attributes

_PAGE = 5_000
"""Activities at once in memory. Pages rather than a cursor, which would keep a transaction open from end to end."""

_ACTIVITIES = """
    WITH page AS MATERIALIZED (
        SELECT id, activity_id FROM loyalty_evaluation
        WHERE program_id = %s AND company_id = ANY(%s::bigint[]) AND id > %s AND id <= %s ORDER BY id LIMIT %s)
    SELECT e.id, a.id, a.source_id, a.external_id, a.type_id, a.company_id, a.employee_id, a.participants::text,
           a.object, a.quantity, a.amount, a.currency, a.attributes::text, a.occurred_at,
           (extract(year FROM a.recorded_at AT TIME ZONE %s) * 12
            + extract(month FROM a.recorded_at AT TIME ZONE %s) - 1)::int,
           a.reverses_external_id, l.original_id, r.activity_id IS NOT NULL
    FROM page e
    JOIN loyalty_activity a ON a.id = e.activity_id
    LEFT JOIN loyalty_returnlink l ON l.activity_id = a.id
    LEFT JOIN loyalty_activityreturn r ON r.activity_id = a.id
    ORDER BY e.id"""

_EVENTS = """
    SELECT v.id, v.kind, v.membership_id, v.at, v.ends_at, t.id, t.tier_id, t.source
    FROM loyalty_standingevent v JOIN loyalty_tiertitle t ON t.id = v.title_id
    WHERE v.membership_id = ANY(%s::bigint[]) ORDER BY v.id"""

_COUNT = """
    SELECT count(*) FROM loyalty_evaluation WHERE program_id = %s AND company_id = ANY(%s::bigint[])"""


@dataclass(frozen=True, slots=True)
class Past:
    """An activity that was judged, or a return (of the activity `original_id`) that was applied.

    `month` is the one in which it was recorded, as `standing.month_of` counts. `comes_back`: something of it was
    returned later.
    """

    order: int
    source_id: int
    arrival: Arrival
    month: int
    original_id: int | None
    comes_back: bool


@dataclass(frozen=True, slots=True)
class PastTitle:
    """A title to a tier that was given, or changed, beside activities."""

    order: int
    kind: str
    membership_id: int
    at: datetime
    ends_at: datetime | None
    title_id: int
    tier_id: int
    source: str


def past_of(program_id: int, company_ids: Sequence[int], known: Configuration, *, last: int) -> Iterator[Past]:
    """Give what companies did up to the evaluation `last`, in the order of arrival, page by page.

    What followed from activities is left out: it is for the rules to bring it about again.
    """
    codes = {type_id: code for code, type_id in known.types.items()}
    zone, after = str(known.zones[program_id]), 0
    while rows := arrays.fetch(_ACTIVITIES, program_id, [*company_ids], after, last, _PAGE, zone, zone):
        after = rows[-1][0]
        yield from (_past(row, codes, known) for row in rows if row[4] not in known.derived_types)


def last_of(program_id: int) -> int:
    """Return the latest evaluation of a program so far; what arrives later is not gone through."""
    return int(
        arrays.fetch("SELECT coalesce(max(id), 0) FROM loyalty_evaluation WHERE program_id = %s", program_id)[0][0]
    )


def count_of(program_id: int, company_ids: Sequence[int]) -> int:
    """Return about how much there is to go through."""
    return int(arrays.fetch(_COUNT, program_id, [*company_ids])[0][0])


def titles_of(membership_ids: Sequence[int]) -> list[PastTitle]:
    """Return the titles of memberships, given and changed, in their order among what was judged."""
    return [PastTitle(*row) for row in arrays.fetch(_EVENTS, [*membership_ids])]


def _past(row: Sequence[Any], codes: Mapping[int, str], known: Configuration) -> Past:
    (order, activity_id, source_id, external_id, type_id, company_id, employee_id, participants, object_, quantity,
     amount, currency, attributes, occurred_at, month, reverses, original_id, comes_back) = row  # fmt: skip
    raw = {} if attributes == "{}" else json.loads(attributes, parse_float=Decimal)
    item = ActivityItem(
        external_id=external_id,
        type=codes[type_id],
        company_id=company_id,
        occurred_at=occurred_at,
        employee_id=employee_id,
        object=object_,
        quantity=quantity,
        amount=amount,
        currency=currency,
        attributes=raw,
        reverses=reverses,
        participants=() if participants == "[]" else tuple(json.loads(participants)),
    )
    values = read_attributes(item, known.attributes.get(type_id, {})) if raw else {}
    if isinstance(values, ItemError):  # it was declared otherwise when this one came
        values = {}
    arrival = Arrival(0, item, type_id, b"", values, activity_id)
    return Past(order, source_id, arrival, month, original_id, comes_back)
