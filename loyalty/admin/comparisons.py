"""What came true beside what was planned, as pages show it: every number leads to the rows behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Model
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from accounts.models import Message
from loyalty.admin.by_hand import MINUS
from loyalty.goals import Account, Compared, Progress
from loyalty.models import (
    Goal,
    Membership,
    MetricBucket,
    ProfitPeriod,
    Program,
    ProgramDay,
    ProgramPlan,
    Transaction,
    Wallet,
)

_Figure = Goal.Figure
_PERCENT = {*Goal.SHARES, _Figure.METRIC_GROWTH, _Figure.REDEMPTION_RATE}


@dataclass(frozen=True, slots=True)
class GoalLine:
    """A goal on a page."""

    name: str
    aim: str
    how: str
    baseline: str
    target: str
    by_on: date
    actual: str
    url: str
    state: str
    is_reached: bool | None


@dataclass(frozen=True, slots=True)
class SumLine:
    """An amount: what was planned, what came true, and where the rows behind it are."""

    label: str
    planned: str
    actual: str
    url: str


def shown(found: Compared, *, today: date) -> dict[str, Any]:
    """Return what templates show of a comparison; `today` says whether a goal's day is over."""
    return {
        "found": found,
        "goals": [_goal_line(row, found.plan, today) for row in found.goals],
        "sums": list(_sums(found)),
        "over": _over(found.account) if found.account.is_over_budget else "",
    }


def _goal_line(row: Progress, plan: ProgramPlan, today: date) -> GoalLine:
    goal = row.goal
    how = str(goal.get_figure_display())
    if goal.metric is not None:
        how = f"{how}: {goal.metric.name}"
    if goal.figure == _Figure.TYPED and goal.typed_on is not None:
        how = _("%(how)s, as of %(day)s") % {"how": how, "day": date_format(goal.typed_on, "DATE_FORMAT")}
    return GoalLine(
        name=goal.name,
        aim=goal.get_aim_display(),
        how=how,
        baseline=_figure(row.baseline, goal, plan),
        target=_figure(row.target, goal, plan),
        by_on=row.by_on,
        actual=_("not known yet") if row.actual is None else _figure(row.actual, goal, plan),
        url=_behind(row, plan, today),
        state=_state(row, today),
        is_reached=row.is_reached,
    )


def _state(row: Progress, today: date) -> str:
    if row.is_reached:
        return _("reached")
    if row.by_on < today:
        return _("missed") if row.is_reached is False else _("nobody knows")
    return _("not yet")


def _figure(value: Decimal, goal: Goal, plan: ProgramPlan) -> str:
    if goal.figure in _PERCENT or (goal.figure == _Figure.TYPED and goal.unit == Goal.Unit.PERCENT):
        return f"{_number(value)}%"
    if goal.figure == _Figure.TYPED and goal.unit == Goal.Unit.MONEY:
        return f"{_number(value)} {plan.currency}"
    if goal.metric is not None and goal.metric.measure == goal.metric.Measure.AMOUNT:
        return f"{_number(value)} {plan.currency}"
    return _number(value)


def _number(value: int | Decimal) -> str:
    exact = Decimal(value)
    places = 0 if exact == exact.to_integral_value() else 2
    return f"{MINUS if exact < 0 else ''}{number_format(abs(exact), places, force_grouping=True)}"


def _behind(row: Progress, plan: ProgramPlan, today: date) -> str:
    """The list of the rows that make a goal's figure."""
    goal, program = row.goal, plan.program_id
    first, after = _moments(plan.program, plan.starts_on, row.last)
    joined: dict[str, str | int] = {"program__id__exact": program, "starts_at__gte": first, "starts_at__lt": after}
    match goal.figure:
        case _Figure.TYPED:
            return _list_of(Goal, plan__id__exact=plan.pk)
        case _Figure.ENROLLED:
            return _list_of(Membership, **joined)
        case _Figure.ACTIVATED:
            return _list_of(Membership, **joined, active="ever")
        case _Figure.REACH:
            return _list_of(Message, read_at__isempty=0, created_at__gte=first, created_at__lt=after)
        case _Figure.METRIC | _Figure.METRIC_GROWTH if goal.metric is not None and row.months is not None:
            return _list_of(
                MetricBucket,
                membership__program__id__exact=program,
                metric__exact=goal.metric.code,
                month__gte=row.months[0].isoformat(),
                month__lte=row.months[1].isoformat(),
            )
        case _Figure.METRIC | _Figure.METRIC_GROWTH:
            return ""
        case _Figure.MEMBERS if row.last >= today:
            return _list_of(Membership, program__id__exact=program, active="any")
        case _Figure.ACTIVE | _Figure.ACTIVE_SHARE if row.last >= today:
            return _list_of(Membership, program__id__exact=program, active="yes")
        case _Figure.SPENT:
            return _acts(plan.program, plan.starts_on, row.last)
        case _:
            return _days(program, plan.starts_on, row.last)


def _sums(found: Compared) -> Iterator[SumLine]:
    """What it cost and brought, line by line."""
    account, plan = found.account, found.plan
    program = plan.program_id
    days = _days(program, account.first, account.last)
    profits = _list_of(ProfitPeriod, plan__id__exact=plan.pk)
    held = f"{Wallet.Kind.AVAILABLE.value},{Wallet.Kind.PENDING.value}"

    def points(count: int) -> str:
        return f"{_number(account.money(count))} {account.currency} ({_number(count)})"

    def money(value: Decimal | None) -> str:
        return _("not known yet") if value is None else f"{_number(value)} {account.currency}"

    yield SumLine(_("Points issued"), "", points(account.issued), days)
    yield SumLine(_("Of it redeemed"), "", points(account.spent), _acts(plan.program, account.first, account.last))
    yield SumLine(_("Expired"), "", points(-account.expired), days)
    yield SumLine(
        _("Liability: what is outstanding"),
        "",
        points(account.outstanding),
        _list_of(Wallet, program__id__exact=program, kind__in=held),
    )
    yield SumLine(_("Profit"), money(account.expected_profit), money(account.profit), profits)
    yield SumLine(_("Cost: issued less expired"), money(account.budget), money(account.cost_through), days)
    if account.through < account.last:
        yield SumLine(_("Cost to date"), "", money(account.cost), days)
    yield SumLine(_("Return"), money(account.expected_return), money(account.brought), profits)


def _over(account: Account) -> str:
    """How far it is over its budget, in a sentence."""
    return _("The program is over its budget: through %(day)s it cost %(cost)s %(currency)s of %(budget)s.") % {
        "day": date_format(account.through, "DATE_FORMAT"),
        "cost": _number(account.cost_through),
        "currency": account.currency,
        "budget": _number(account.budget),
    }


def _days(program: int, first: date, last: date) -> str:
    return _list_of(ProgramDay, program__id__exact=program, day__gte=first.isoformat(), day__lte=last.isoformat())


def _acts(program: Program, first: date, last: date) -> str:
    since, after = _moments(program, first, last)
    kinds = f"{Transaction.Kind.REDEEM.value},{Transaction.Kind.CANCEL.value}"
    return _list_of(
        Transaction, program__id__exact=program.pk, created_at__gte=since, created_at__lt=after, kind__in=kinds
    )


def _moments(program: Program, first: date, last: date) -> tuple[str, str]:
    since = datetime.combine(first, time.min, tzinfo=program.zone)
    after = datetime.combine(last + timedelta(days=1), time.min, tzinfo=program.zone)
    return since.isoformat(), after.isoformat()


def _list_of(model: type[Model], **filters: str | int) -> str:
    listed = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{listed}?{urlencode(filters)}"
