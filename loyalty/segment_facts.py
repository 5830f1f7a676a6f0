"""What a segment's condition may ask of a company's place in programs: tier, rank, since when, and what was counted."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from accounts import arrays, company_facts
from accounts.company_facts import Answer, CompanyFacts
from accounts.conditions import Fact, FactType
from loyalty.models import Metric, Program, Tier
from loyalty.selectors import unit_of
from loyalty.standing import month_of, month_start

MONTHS = 12
"""Values count over the month that it is and the eleven before it."""


def register() -> None:
    """Make this floor's facts of companies known."""
    company_facts.register(CompanyFacts("programs", _facts, _read))


def _facts() -> Sequence[Fact]:
    """Tier, rank, first day and monthly values, a program; three queries."""
    tiers: dict[int, list[tuple[str, str]]] = {}
    for program_id, code, name in Tier.objects.order_by("rank").values_list("program", "code", "name"):
        tiers.setdefault(program_id, []).append((code, name))
    metrics: dict[int, list[Metric]] = {}
    for metric in Metric.objects.exclude(measure=Metric.Measure.PEOPLE).order_by("code"):
        metrics.setdefault(metric.program_id, []).append(metric)
    facts: list[Fact] = []
    for program in Program.objects.order_by("pk"):
        said = {"program": program.name}
        if program.pk in tiers:
            choices = tuple(tiers[program.pk])
            facts.append(Fact(_code(program, "tier"), FactType.CHOICE, _("tier in %(program)s") % said, "", choices))
            facts.append(
                Fact(_code(program, "tier_rank"), FactType.NUMBER, _("rank of the tier in %(program)s") % said)
            )
        facts.append(Fact(_code(program, "since"), FactType.DATE, _("first day in %(program)s") % said))
        facts += [
            Fact(
                _code(program, f"last_12_months.{metric.code}"),
                FactType.NUMBER,
                _("%(metric)s of the last 12 months in %(program)s") % {**said, "metric": metric.name},
                unit_of(program, metric.measure),
            )
            for metric in metrics.get(program.pk, [])
        ]
    return facts


def _code(program: Program, what: str) -> str:
    return f"program.{program.code}.{what}"


def _read(codes: Collection[str], company_ids: Sequence[int], at: datetime) -> Iterable[Answer]:
    """Answer for those that are members at `at`; two queries. Of others nothing is known, not even that it is 0."""
    members: dict[int, tuple[int, str]] = {}
    for membership_id, company_id, program, zone, starts_at, tier, rank in arrays.fetch(
        """SELECT m.id, m.company_id, p.code, p.time_zone, m.starts_at, t.code, t.rank
           FROM loyalty_membership m JOIN loyalty_program p ON p.id = m.program_id
           LEFT JOIN loyalty_tierassignment a ON a.membership_id = m.id AND a.starts_at <= %s
                AND (a.ends_at IS NULL OR a.ends_at > %s)
           LEFT JOIN loyalty_tier t ON t.id = a.tier_id
           WHERE m.company_id = ANY(%s::bigint[]) AND m.starts_at <= %s AND (m.ends_at IS NULL OR m.ends_at > %s)""",
        at, at, list(company_ids), at, at,
    ):  # fmt: skip
        members[membership_id] = (company_id, f"program.{program}.")
        yield company_id, f"program.{program}.since", starts_at.astimezone(ZoneInfo(zone)).date()
        if tier is not None:
            yield company_id, f"program.{program}.tier", tier
            yield company_id, f"program.{program}.tier_rank", Decimal(rank)
    yield from _counted(codes, members, at)


def _counted(codes: Collection[str], members: Mapping[int, tuple[int, str]], at: datetime) -> Iterable[Answer]:
    """What was counted over MONTHS months where each program is; 0 where nothing was."""
    asked = {code.rpartition(".last_12_months.")[2] for code in codes if ".last_12_months." in code}
    if not asked or not members:
        return
    zones = dict(Program.objects.values_list("code", "time_zone"))
    first = {
        membership_id: month_start(month_of(at, ZoneInfo(zones[prefix.split(".")[1]])) - MONTHS + 1)
        for membership_id, (_company_id, prefix) in members.items()
    }
    for company_id, prefix in members.values():
        for metric in asked:
            if (code := f"{prefix}last_12_months.{metric}") in codes:
                yield company_id, code, Decimal(0)
    for membership_id, metric, value in arrays.fetch(
        """SELECT b.membership_id, b.metric, sum(b.value) FROM loyalty_metricbucket b
           JOIN unnest(%s::bigint[], %s::date[]) AS f(membership_id, first) ON f.membership_id = b.membership_id
           WHERE b.month >= f.first AND b.metric = ANY(%s::text[]) GROUP BY 1, 2""",
        [*first],
        [*first.values()],
        [*asked],
    ):
        company_id, prefix = members[membership_id]
        yield company_id, f"{prefix}last_12_months.{metric}", value
