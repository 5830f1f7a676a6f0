"""Notice before benefits end: who loses what at the next turn of the window unless more is counted until then."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import translation
from django.utils.formats import date_format, number_format

from accounts import messages
from accounts.messages import Telling
from accounts.models import Employee, Message, RoleAssignment, SegmentMembership
from accounts.wording import listed
from loyalty.benefits.ahead import Fall, fall_at, next_turn
from loyalty.benefits.matrix import matrices_in_force
from loyalty.messages import BENEFITS_END
from loyalty.models import BenefitCell, Membership, Metric, Program, TierAssignment
from loyalty.selectors import unit_of
from loyalty.standing import MemberStanding, TierPlan, month_of, month_start, tier_plans_of
from loyalty.standing.counts import ask_counts
from loyalty.standing.review import stays_of
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
    turns = (turn for program in programs for turn in _turns_of(program, plans[program.pk], now))
    return sum(_announce(turn) for turn in turns)


@dataclass(frozen=True, slots=True)
class _Turn:
    """The next turn of a program's window, for those who joined in `joined_in` (a month of any year; None: for all)."""

    program: Program
    plan: TierPlan
    now: datetime
    month: int
    joined_in: int | None = None

    @property
    def at(self) -> datetime:
        """The moment of the turn."""
        return self.plan.moment(self.month)

    @property
    def is_near(self) -> bool:
        """Whether it is time to tell."""
        return month_start(self.month) - self.now.astimezone(self.plan.zone).date() <= NOTICE


def _turns_of(program: Program, plan: TierPlan, now: datetime) -> Iterator[_Turn]:
    """Yield the next turn of a program's window; with years of membership there are twelve, by the month of joining."""
    month = month_of(now, plan.zone)
    if plan.window == Program.Window.MEMBERSHIP_YEAR:
        for back in range(12):
            turn = next_turn(plan.of_member(plan.moment(month - back)), month)
            if turn is not None:
                yield _Turn(program, plan, now, turn, (month - back) % 12 + 1)
    elif (turn := next_turn(plan, month)) is not None:
        yield _Turn(program, plan, now, turn)


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
    for memberships in _batches(turn):
        losing = _losing(turn, memberships)
        if losing:
            told += _tell(turn, losing, cells, measure)
    return told


def _batches(turn: _Turn) -> Iterator[dict[int, Membership]]:
    """Memberships in force by their ids, BATCH at a time."""
    rows = Membership.objects.filter(program=turn.program).in_force(turn.now).order_by("pk")
    if turn.joined_in is not None:
        rows = rows.filter(starts_at__month=turn.joined_in)
    last = 0
    while chunk := {row.pk: row for row in rows.filter(pk__gt=last)[:BATCH]}:
        yield chunk
        last = max(chunk)


def _losing(turn: _Turn, memberships: Mapping[int, Membership]) -> dict[int, _Losing]:
    """The companies whose earned tier falls if nothing more is counted, by company id."""
    held = dict(
        TierAssignment.objects.filter(
            membership__in=memberships, source=TierAssignment.Source.EARNED, ends_at__isnull=True, tier__threshold__gt=0
        )
        .in_force(turn.now)
        .values_list("membership", "tier")
    )
    stays = stays_of({memberships[pk].company_id for pk in held}) if turn.plan.favours else {}
    standings = []
    for pk in held:
        row = memberships[pk]
        plan = turn.plan.of_member(row.starts_at, stays.get(row.company_id, ()))
        standings.append(MemberStanding(pk, row.company_id, plan))
    for counts in ask_counts(standings, turn.at):
        counts.take()
    falling = {}
    for standing in standings:
        asked = {step.id: step for step in standing.plan.steps_at(turn.at)}
        step = asked[held[standing.membership_id]]
        fall = fall_at(standing.plan, step, standing.counted, turn=turn.month)
        if fall is not None:
            falling[standing.company_id] = _Losing(standing.membership_id, step, fall)
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
            "benefits": listed(lost, translation.gettext),
        }


def _sets(pairs: Iterable[tuple[int, int]]) -> dict[int, set[int]]:
    grouped: dict[int, set[int]] = defaultdict(set)
    for key, value in pairs:
        grouped[key].add(value)
    return grouped
