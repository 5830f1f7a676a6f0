"""Notice before benefits end: who loses what at the next turn of the window unless more is counted until then."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from django.utils import translation
from django.utils.formats import date_format, number_format

from accounts import messages
from accounts.messages import Telling
from accounts.models import Employee, Message, RoleAssignment, SegmentMembership
from loyalty.benefits.ahead import Fall, fall_at, next_turn
from loyalty.benefits.matrix import matrices_in_force
from loyalty.messages import BENEFITS_END
from loyalty.models import BenefitCell, Membership, Metric, MetricBucket, Program, TierAssignment
from loyalty.selectors import unit_of
from loyalty.standing import TierPlan, month_of, month_start, tier_plans_of
from loyalty.standing.windows import TierStep

NOTICE = timedelta(days=30)
"""How long before the turn people are told at the earliest."""

BATCH = 1_000
TURNS = 100_000
"""More months than there will be: a message speaks of one membership at one turn."""


def announce_ends(*, now: datetime) -> int:
    """Tell whoever would lose a benefit at the next turn of a window, once a turn; return how many people were told.

    Reads what is kept a month, nothing else, and a fixed number of times for each BATCH of companies. Safe to run
    twice: what was told is not told again.
    """
    programs = list(Program.objects.filter(is_active=True).order_by("pk"))
    plans = tier_plans_of(programs)
    return sum(_announce(_Turn.of(program, plans[program.pk], now)) for program in programs)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The next turn of a program's window."""

    program: Program
    plan: TierPlan
    now: datetime
    month: int
    at: datetime

    @classmethod
    def of(cls, program: Program, plan: TierPlan, now: datetime) -> "_Turn":
        month = next_turn(plan, month_of(now, plan.zone))
        return cls(program, plan, now, month, datetime.combine(month_start(month), time(), plan.zone))

    @property
    def is_near(self) -> bool:
        """Whether it is time to tell."""
        return month_start(self.month) - self.now.astimezone(self.plan.zone).date() <= NOTICE


@dataclass(frozen=True, slots=True)
class _Losing:
    """A company whose tier falls at the turn."""

    membership_id: int
    step: TierStep
    fall: Fall


def _announce(turn: _Turn) -> int:
    if not turn.is_near:
        return 0
    cells: dict[int, list[BenefitCell]] = defaultdict(list)
    in_force = matrices_in_force(turn.program.pk, at=turn.at)
    for cell in BenefitCell.objects.filter(matrix__in=in_force, benefit__is_active=True).select_related("benefit"):
        cells[cell.tier_id].append(cell)
    if not cells:
        return 0
    measures = Metric.objects.filter(program=turn.program, code=turn.plan.metric).values_list("measure", flat=True)
    measure = measures.first()
    told = 0
    for companies in _batches(turn):
        losing = _losing(turn, companies)
        if losing:
            told += _tell(turn, losing, cells, measure)
    return told


def _batches(turn: _Turn) -> Iterator[dict[int, int]]:
    """Memberships in force, as membership id to company id, BATCH at a time."""
    rows = (
        Membership.objects.filter(program=turn.program).in_force(turn.now).order_by("pk").values_list("pk", "company")
    )
    last = 0
    while chunk := dict(rows.filter(pk__gt=last)[:BATCH]):
        yield chunk
        last = max(chunk)


def _losing(turn: _Turn, companies: Mapping[int, int]) -> dict[int, _Losing]:
    """The companies whose earned tier falls if nothing more is counted, by company id."""
    plan = turn.plan
    held = dict(
        TierAssignment.objects.filter(
            membership__in=companies, source=TierAssignment.Source.EARNED, ends_at__isnull=True, tier__threshold__gt=0
        )
        .in_force(turn.now)
        .values_list("membership", "tier")
    )
    months: dict[int, dict[int, Decimal]] = defaultdict(dict)
    first = month_start(plan.first_month(turn.month))
    kept = MetricBucket.objects.filter(membership__in=held, metric=plan.metric, month__gte=first)
    for membership_id, month, value in kept.values_list("membership", "month", "value"):
        months[membership_id][month.year * 12 + month.month - 1] = value
    falling = {}
    for membership_id, tier_id in held.items():
        step = plan.step(tier_id)
        fall = fall_at(plan, step, months[membership_id], turn=turn.month)
        if fall is not None:
            falling[companies[membership_id]] = _Losing(membership_id, step, fall)
    return falling


def _tell(
    turn: _Turn, losing: Mapping[int, _Losing], cells: Mapping[int, list[BenefitCell]], measure: str | None
) -> int:
    roles = _sets(
        RoleAssignment.objects.filter(employee__company__in=losing).in_force(turn.now).values_list("employee", "role")
    )
    segments = _sets(
        SegmentMembership.objects.filter(company__in=losing).in_force(turn.now).values_list("company", "segment")
    )
    people = Employee.objects.filter(company__in=losing, is_active=True, user__isnull=False).select_related("user")
    tellings = []
    for person in people.order_by("pk"):
        company = losing[person.company_id]
        lost = _lost(person, company, cells, roles[person.pk], segments[person.company_id])
        if lost:
            subject = company.membership_id * TURNS + turn.month
            tellings.append(Telling(person.pk, subject, _facts(turn, company, person, lost, measure)))
    told = Message.objects.filter(
        kind=BENEFITS_END.code,
        employee__in=[telling.employee_id for telling in tellings],
        subject_id__in=[telling.subject_id for telling in tellings],
    )
    before = told.count()
    messages.tell(BENEFITS_END, tellings, now=turn.now)
    return told.count() - before


def _lost(
    person: Employee, company: _Losing, cells: Mapping[int, list[BenefitCell]], roles: set[int], segments: set[int]
) -> list[str]:
    """The names of the benefits that go with the tier and that the person may use, for itself or for the company."""
    acts = person.access == Employee.Access.ADMIN or person.buying_role == Employee.BuyingRole.DECIDES

    def open_at(tier_id: int) -> dict[tuple[int, bool], str]:
        return {
            (cell.benefit_id, cell.role_id is None): cell.benefit.name
            for cell in cells.get(tier_id, ())
            if (cell.role_id in roles or (cell.role_id is None and acts))
            and (cell.segment_id is None or cell.segment_id in segments)
        }

    then = open_at(company.fall.to.id) if company.fall.to else {}
    return sorted({name for key, name in open_at(company.step.id).items() if key not in then})


def _facts(
    turn: _Turn, company: _Losing, person: Employee, lost: list[str], measure: str | None
) -> dict[str, str | int]:
    """What the message is made of, numbers and days in the person's own notation."""
    threshold = company.step.threshold
    language = person.user.language if person.user else None
    with translation.override(language):
        decimals = 0 if threshold == threshold.to_integral_value() else 2
        number = number_format(threshold, decimals, force_grouping=True)
        unit = unit_of(turn.program, measure)
        return {
            "threshold": f"{number} {unit}".strip(),
            "day": date_format(company.fall.last_day, "DATE_FORMAT"),
            "tier": company.step.name,
            "benefits": ", ".join(lost),
        }


def _sets(pairs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    grouped: dict[int, set[int]] = defaultdict(set)
    for key, value in pairs:
        grouped[key].add(value)
    return grouped
