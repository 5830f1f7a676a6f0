"""Companies as a table, with the programs they take part in."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime, time

from django.db.models import Q
from django.utils.translation import gettext_lazy

from accounts.models import Company
from accounts.moving.companies import Companies, CompanyPlan, CompanySheet
from accounts.moving.kinds import Column, Fate, Row, Sheet, Terms, Verdict
from accounts.moving.values import codes, listed, parsed
from loyalty.memberships import Joining, enrol
from loyalty.models import Membership, Program

_PROGRAMS = Column(
    "programs",
    gettext_lazy("Programs"),
    gettext_lazy("Codes; the company joins those it is not in yet, and leaves none."),
    also=("program",),
)
_MEMBER_SINCE = Column(
    "member_since",
    gettext_lazy("Member since"),
    gettext_lazy("For programs that it joins now; counted from the first of that month. Empty: of this month."),
)


class CompaniesInPrograms(Companies):
    """The table of companies, as far as this floor knows them."""

    permissions = (*Companies.permissions, "loyalty.add_membership")

    def columns(self) -> Sequence[Column]:
        """Return the columns."""
        return *super().columns(), _PROGRAMS, _MEMBER_SINCE

    def begin(self, terms: Terms) -> Sheet:
        """Prepare to judge a file."""
        return _Sheet(terms)

    def export_part(self, part: Sequence[Company], *, now: datetime) -> Iterator[list[str]]:
        """Yield some companies with the programs they are in; the day they joined is not of this form."""
        held = _held([company.pk for company in part], at=now)
        for company, cells in zip(part, super().export_part(part, now=now), strict=True):
            yield [*cells, listed(held.get(company.pk, ())), ""]


class _Sheet(CompanySheet):
    """A file of companies on its way in."""

    def __init__(self, terms: Terms) -> None:
        super().__init__(terms)
        self._programs = {program.code: program for program in Program.objects.all()}
        self._held: dict[int, set[str]] = {}

    def look_up(self, rows: Sequence[Row], *, is_final: bool) -> None:
        """Read which programs the companies are in, too."""
        super().look_up(rows, is_final=is_final)
        self._held = _held([company.pk for company in self.known.values()], at=self.terms.now)

    def judge_one(self, row: Row) -> Verdict:
        """Say what a row would change."""
        wanted = codes(row, _PROGRAMS.code, self._programs) or frozenset()
        since = parsed(row, _MEMBER_SINCE.code, self.terms.cells.day)
        verdict = super().judge_one(row)
        plan: CompanyPlan = verdict.plan
        held = self._held.get(plan.company.pk or 0, set())
        if joins := wanted - held:
            plan.further = dict.fromkeys(joins, since)
            if verdict.fate is not Fate.NEW:
                verdict.fate = Fate.CHANGED
                verdict.changes.append((_PROGRAMS.code, listed(held), listed(wanted | held)))
        return verdict

    def write(self, judged: Sequence[tuple[Row, Verdict]]) -> None:
        """Write companies, then make them members."""
        super().write(judged)
        plans: list[CompanyPlan] = [verdict.plan for _row, verdict in judged]
        left = _left([plan.company.pk for plan in plans if plan.further])
        joinings: dict[str, list[Joining]] = {}
        for plan in plans:
            for code, since in plan.further.items():
                program = self._programs[code]
                starts_at = self._start(program, since)
                if left_at := left.get((plan.company.pk, program.pk)):
                    starts_at = max(starts_at, left_at)
                joinings.setdefault(code, []).append(Joining(plan.company.pk, starts_at))
        for code, joining in sorted(joinings.items()):
            enrol(program=self._programs[code], joinings=joining)

    def _start(self, program: Program, since: date | None) -> datetime:
        day = since or self.terms.now.astimezone(program.zone).date()
        return datetime.combine(day.replace(day=1), time(), program.zone)


def _held(company_ids: Collection[int], *, at: datetime) -> dict[int, set[str]]:
    """By company: the programs that it is in, or is to join."""
    held: dict[int, set[str]] = {}
    rows = Membership.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at), company__in=company_ids)
    for company_id, code in rows.values_list("company", "program__code"):
        held.setdefault(company_id, set()).add(code)
    return held


def _left(company_ids: Collection[int]) -> dict[tuple[int, int], datetime]:
    """When companies left programs that they may join again."""
    rows = Membership.objects.filter(company__in=company_ids, ends_at__isnull=False).order_by("ends_at")
    return {
        (company_id, program_id): ends_at
        for company_id, program_id, ends_at in rows.values_list("company", "program", "ends_at")
        if ends_at is not None
    }
