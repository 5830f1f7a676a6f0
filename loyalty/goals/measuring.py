"""What came true of goals: from figures that are kept a day, metrics that are kept a month, and rows that are counted.

The cost grows with companies and people, not with history.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from accounts import arrays
from loyalty.figures import totals
from loyalty.models import Goal, Program, ProgramDay, ProgramPlan, Wallet
from loyalty.standing import month_start

_Figure = Goal.Figure
CENT = Decimal("0.01")


class Days:
    """A program's figures as they stood at the end of some days, the last one kept by then; today's as they stand."""

    def __init__(self, program: Program, days: Iterable[date], *, now: datetime) -> None:
        """Read them; two queries."""
        self._today = today = today_of(program, now)
        past = sorted(day for day in set(days) if day < today)
        self._rows = {row[0]: ProgramDay(**dict(zip(_KEPT, row[1:], strict=True))) for row in self._read(program, past)}
        stand = totals(program, now=now)
        self._rows[today] = ProgramDay(**{name: getattr(stand, name) for name in _KEPT})

    @staticmethod
    def _read(program: Program, days: list[date]) -> list[tuple[date, *tuple[int, ...]]]:
        return arrays.fetch(_DAYS, days, program.pk) if days else []

    def at(self, day: date) -> ProgramDay:
        """The figures at the end of a day, of today for one to come; zero where none were kept by then."""
        return self._rows.get(min(day, self._today)) or ProgramDay(**dict.fromkeys(_KEPT, 0))

    def is_known(self, day: date) -> bool:
        """Whether any were kept by then."""
        return min(day, self._today) in self._rows


def actuals_of(
    plan: ProgramPlan, goals: Iterable[Goal], lasts: Mapping[int, date], days: Days
) -> dict[int, Decimal | None]:
    """Return what came true of each goal, by its key."""
    begun = [goal for goal in goals if lasts[goal.pk] >= plan.starts_on]
    joined = _joined(plan, {lasts[goal.pk] for goal in begun if goal.figure in (_Figure.ENROLLED, _Figure.ACTIVATED)})
    reached = _reached(plan, {lasts[goal.pk] for goal in begun if goal.figure == _Figure.REACH})
    metrics = _added_up(plan, begun, lasts)
    actuals: dict[int, Decimal | None] = {}
    for goal in begun:
        last = lasts[goal.pk]
        match goal.figure:
            case _Figure.TYPED:
                actual = goal.typed
            case _Figure.METRIC | _Figure.METRIC_GROWTH:
                actual = metrics.get(goal.pk)
            case _Figure.ENROLLED:
                actual = Decimal(joined[last][0])
            case _Figure.ACTIVATED:
                actual = _percent(joined[last][1], joined[last][0])
            case _Figure.REACH:
                actual = _percent(*reached[last])
            case _:
                actual = _kept(goal.figure, plan, last, days)
        actuals[goal.pk] = None if actual is None else actual.quantize(CENT)
    return actuals


def _kept(figure: str, plan: ProgramPlan, last: date, days: Days) -> Decimal | None:
    """What the figures of a day tell."""
    if not days.is_known(last):
        return None
    now, before = days.at(last), days.at(plan.starts_on - timedelta(days=1))
    match figure:
        case _Figure.MEMBERS:
            return Decimal(now.members)
        case _Figure.ACTIVE:
            return Decimal(now.active_companies)
        case _Figure.ACTIVE_SHARE:
            return _percent(now.active_companies, now.members)
        case _Figure.ISSUED:
            return Decimal(now.issued - before.issued)
        case _Figure.SPENT:
            return Decimal(now.spent - before.spent)
        case _:
            return _percent(now.spent - before.spent, now.issued - before.issued)


def _joined(plan: ProgramPlan, lasts: set[date]) -> dict[date, tuple[int, int]]:
    """Return how many companies joined from the plan's first day through each of `lasts`, and received points."""
    if not lasts:
        return {}
    found = dict.fromkeys(lasts, (0, 0))
    first, ends = _moments(plan, lasts)
    receiving = [Wallet.Kind.AVAILABLE.value, Wallet.Kind.PENDING.value]
    for last, count, received in arrays.fetch(_JOINED, receiving, sorted(lasts), ends, plan.program_id, first):
        found[last] = int(count), int(received)
    return found


def _reached(plan: ProgramPlan, lasts: set[date]) -> dict[date, tuple[int, int]]:
    """Return how many people of the companies that take part read a message of the time, and how many there are."""
    if not lasts:
        return {}
    first, ends = _moments(plan, lasts)
    rows = arrays.fetch(_REACHED, first, sorted(lasts), ends, plan.program_id)
    return dict.fromkeys(lasts, (0, 0)) | {last: (int(read), int(people)) for last, read, people in rows}


def _added_up(plan: ProgramPlan, goals: Iterable[Goal], lasts: Mapping[int, date]) -> dict[int, Decimal]:
    """Return what metrics add up to, or by how many percent they grew, by the goal's key; without what nobody knows."""
    spans: list[tuple[int, str, date, date]] = []
    for goal in goals:
        months = months_of(goal, lasts[goal.pk])
        if goal.metric is None or months is None:
            continue
        first, last = months
        spans.append((goal.pk, goal.metric.code, first, last))
        if goal.figure == _Figure.METRIC_GROWTH:
            spans.append((-goal.pk, goal.metric.code, *_before(first, last)))
    if not spans:
        return {}
    rows = arrays.fetch(_ADDED_UP, *arrays.columns_of(spans), plan.program_id)
    sums = {int(key): Decimal(value) for key, value in rows}
    return {
        key: value if -key not in sums else (value - sums[-key]) / sums[-key] * 100
        for key, value in sums.items()
        if key > 0 and (-key not in sums or sums[-key] > 0)
    }


def months_of(goal: Goal, last: date) -> tuple[date, date] | None:
    """The first and the last month that a metric's figure counts: from that of the plan's first day on.

    Growth is told by whole months alone: half a month would look like a loss.
    """
    first, final = _number(goal.plan.starts_on), _number(last)
    if goal.figure == _Figure.METRIC_GROWTH:
        first += goal.plan.starts_on.day > 1
        final -= (last + timedelta(days=1)).day > 1
    return (month_start(first), month_start(final)) if first <= final else None


def _before(first: date, last: date) -> tuple[date, date]:
    """As many months right before."""
    count = _number(last) - _number(first) + 1
    return month_start(_number(first) - count), month_start(_number(first) - 1)


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _moments(plan: ProgramPlan, lasts: set[date]) -> tuple[datetime, list[datetime]]:
    """The moment that the plan begins, and those that the days are over, in their order."""
    zone = plan.program.zone
    ends = [datetime.combine(last + timedelta(days=1), time.min, tzinfo=zone) for last in sorted(lasts)]
    return datetime.combine(plan.starts_on, time.min, tzinfo=zone), ends


def today_of(program: Program, now: datetime) -> date:
    return now.astimezone(program.zone).date()


def _percent(part: int, whole: int) -> Decimal | None:
    return Decimal(part) / whole * 100 if whole > 0 else None


_KEPT = ("issued", "spent", "expired", "outstanding", "members", "active_companies")

_DAYS = f"""
    SELECT asked.day, {", ".join(f"kept.{name}" for name in _KEPT)}
    FROM loyalty_program g, unnest(%s::date[]) AS asked(day)
    CROSS JOIN LATERAL (SELECT * FROM loyalty_programday d WHERE d.program_id = g.id AND d.day <= asked.day
                        ORDER BY d.day DESC LIMIT 1) AS kept
    WHERE g.id = %s"""  # noqa: S608 (names are code)

_JOINED = """
    SELECT asked.day, count(*), count(*) FILTER (WHERE EXISTS (
               SELECT 1 FROM loyalty_wallet w WHERE w.program_id = m.program_id AND w.company_id = m.company_id
                 AND w.kind = ANY(%s) AND w.received_at IS NOT NULL))
    FROM unnest(%s::date[], %s::timestamptz[]) AS asked(day, until)
    JOIN loyalty_membership m ON m.program_id = %s AND m.starts_at >= %s AND m.starts_at < asked.until
    GROUP BY 1"""

_REACHED = """
    SELECT asked.day, count(*) FILTER (WHERE EXISTS (
               SELECT 1 FROM accounts_message t WHERE t.employee_id = e.id AND t.read_at IS NOT NULL
                 AND t.created_at >= %s AND t.created_at < asked.until)), count(*)
    FROM unnest(%s::date[], %s::timestamptz[]) AS asked(day, until)
    JOIN loyalty_membership m ON m.program_id = %s AND m.starts_at < asked.until
                             AND (m.ends_at IS NULL OR m.ends_at >= asked.until)
    JOIN accounts_employee e ON e.company_id = m.company_id AND e.is_active AND e.user_id IS NOT NULL
    GROUP BY 1"""

_ADDED_UP = """
    SELECT asked.key, coalesce(sum(b.value), 0)
    FROM unnest(%s::bigint[], %s::text[], %s::date[], %s::date[]) AS asked(key, code, first, last)
    LEFT JOIN (loyalty_metricbucket b JOIN loyalty_membership m ON m.id = b.membership_id AND m.program_id = %s)
           ON b.metric = asked.code AND b.month BETWEEN asked.first AND asked.last
    GROUP BY 1"""
