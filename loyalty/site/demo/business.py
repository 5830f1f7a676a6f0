"""What the demo's firms do: orders, returns, training, day by day."""

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from loyalty.activities import ActivityItem, record_activities
from loyalty.ending import end_programs
from loyalty.figures import take_figures
from loyalty.ledger import expire_points, release_points
from loyalty.models import Source
from loyalty.site.demo.calendar import Calendar, Deed
from loyalty.site.demo.settling import Settled
from loyalty.standing import review_tiers

PRODUCTS = ("DRILL-8", "DRILL-12", "MILL-40", "COOLANT-20", "GAUGE-3", "VISE-150", "BLADE-7", "CLAMP-2")
MODULES = ("coolants", "calibration", "safety", "five-axis")
_DAY_BY_DAY = timedelta(days=70)
_SURE_TRAININGS = (3, 8, 13, 17, 20, 22, 25)
"""Weeks in which the second of each firm's people certainly sits down to learn."""


def do_business(calendar: Calendar, firms: Iterable[Settled], source: Source, begin: datetime) -> None:
    """Write down the business: what was done is recorded in the evening, then the day's figures are kept.

    The last weeks go day by day, so that the home page has something to compare; what lies before goes week by week.
    """
    items = sorted(
        (item for number, settled in enumerate(firms) for item in _activities(settled, calendar.until, number)),
        key=lambda item: item.occurred_at,
    )
    day = begin.replace(hour=0)
    while day < calendar.until:
        step = timedelta(days=1 if calendar.until - day < _DAY_BY_DAY else 7)
        evening = min(day + step - timedelta(hours=1), calendar.until)
        batch = [item for item in items if day <= item.occurred_at < day + step]
        calendar.on(evening, _recording(batch, source))
        if day.day <= step.days:
            calendar.on(day + timedelta(minutes=5), lambda at: review_tiers(now=at))
        calendar.on(day + timedelta(minutes=8), lambda at: release_points(now=at))
        calendar.on(day + timedelta(minutes=10), lambda at: expire_points(now=at))
        calendar.on(day + timedelta(minutes=12), lambda at: end_programs(now=at))
        calendar.on(evening, lambda at: take_figures(now=at))
        day += step


def _recording(batch: list[ActivityItem], source: Source) -> Deed:
    def record(at: datetime) -> None:
        happened = [item for item in batch if item.occurred_at <= at]
        for outcome in record_activities(happened, source=source, now=at):
            if outcome.error is not None:
                raise RuntimeError(f"The demo tells something impossible: {outcome.error.sentence}")

    return record


def _activities(settled: Settled, now: datetime, seed: int) -> Iterator[ActivityItem]:
    """What a firm and its people do; drawn from a seed, so that every demo tells the same story."""
    chance = random.Random(seed)
    firm, people = settled.firm, settled.people
    number = 0
    last = now - settled.quiet_from
    for week in range(firm.joined_weeks):
        monday = settled.joined_at + timedelta(weeks=week)
        for _order in range(firm.orders_a_week):
            number += 1
            at = monday + timedelta(days=chance.randrange(5), minutes=chance.randrange(540))
            amount = Decimal(chance.randrange(firm.usual_order // 4, firm.usual_order * 3)) + Decimal("0.50")
            order = f"{firm.number}-{number:04d}"
            bought = (settled.company.pk, at, people[1].pk, chance.choice(PRODUCTS))
            is_returned = chance.random() < 0.05
            back_at = at + timedelta(days=9)
            if at < last:
                yield _purchase(order, *bought, amount)
                if is_returned and back_at < now:
                    yield _purchase(f"{order}-R", bought[0], back_at, bought[2], bought[3], amount / 2, reverses=order)
        person = people[1] if week in _SURE_TRAININGS else people[chance.randrange(len(people))]
        at = monday + timedelta(days=2, hours=3)
        is_trained, module = chance.random() < 0.4, chance.choice(MODULES)
        if (is_trained or week in _SURE_TRAININGS) and at < last:
            yield ActivityItem(
                external_id=f"{firm.number}-T{week:02d}",
                type="training",
                company_id=settled.company.pk,
                employee_id=person.pk,
                occurred_at=at,
                attributes={"module": module},
            )


def _purchase(
    external_id: str,
    company_id: int,
    at: datetime,
    employee_id: int,
    product: str,
    amount: Decimal,
    reverses: str = "",
) -> ActivityItem:
    return ActivityItem(
        external_id=external_id,
        type="purchase",
        company_id=company_id,
        employee_id=employee_id,
        occurred_at=at,
        object=product,
        amount=amount,
        currency="EUR",
        reverses=reverses,
    )
