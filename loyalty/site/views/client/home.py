"""The client's home: what one has, what comes next, and what waits for somebody to do it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from django.db.models import BooleanField, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.actors import Actor
from accounts.middleware import actor_behind
from accounts.models import Approval, Employee
from loyalty.benefits import next_benefits
from loyalty.models import ActivityType, Membership
from loyalty.prospects import Prospect, prospects, situation_of, used_limits, with_situation, with_used_limits
from loyalty.selectors import membership_of, memberships_of, standing_of
from loyalty.site.views.client.points import lines_of, purse_of
from loyalty.statement import Line, statement
from loyalty.terms import end_in_words
from rewards.models import Redemption, SpendingPolicy
from rewards.selectors import next_reward_for
from rewards.steps import OPEN
from surveys.activity import TYPE_CODE
from surveys.selectors import open_surveys_for

LINES_AT_HOME = 5
SURVEYS_AT_HOME = 2
ORDERS_AT_HOME = 3
WAYS_AT_HOME = 3


@dataclass(frozen=True, slots=True)
class FirstStep:
    """One thing that a company does to begin with, and whether rows say that it is done."""

    label: str
    hint: str
    url: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that is under way."""

    reward: str
    reference: str
    state_label: str
    url: str


@require_safe
@signed_in
def home(request: HttpRequest) -> HttpResponse:
    """The client's home; others are sent to their own desk."""
    actor = actor_behind(request)
    if actor.is_manager:
        return HttpResponseRedirect(reverse("admin:index"))
    if not actor.is_employee:
        return HttpResponseRedirect(reverse("am-today" if actor.is_account_manager else "me"))
    rows = _with_desk(with_used_limits(with_situation(memberships_of(actor), actor), actor), actor)
    membership = membership_of(actor, chosen=request.GET.get("program", ""), among=rows)
    if membership is None:
        return render(request, "client/no_program.html")
    purse = purse_of(request, actor, membership)
    balance, owner = purse.balance, purse.balance.owner
    standing = standing_of(membership, at=actor.at)
    reward = next_reward_for(actor, owner=owner, points=balance.available)
    lines = statement(owner, count=LINES_AT_HOME)
    orders, names = _orders(lines, actor)
    context = {
        "program": membership.program,
        "ends": end_in_words(membership.program),
        "balance": balance.available,
        "pending": balance.pending,
        "waiting": balance.waiting,
        "debt": balance.debt,
        "wallets": purse.tabs,
        "wallet_label": purse.label,
        "statement_url": _statement_url(request),
        "tiers": standing.tiers,
        "tier": standing.tier,
        "next_tier": standing.next_tier,
        "tier_progress": standing.progress,
        "next_benefit": next(iter(next_benefits(actor, membership, at=actor.at, standing=standing)), None),
        "expiring": next(iter(balance.expiring), None),
        "expiring_later": sum(lot.points for lot in balance.expiring[1:]),
        "next_reward": reward,
        "next_reward_missing": reward.price - balance.available if reward else 0,
        "surveys": open_surveys_for(actor)[:SURVEYS_AT_HOME],
        "orders": orders,
        "approvals": vars(membership)["approvals"],
        "ways": list(islice(_ways(membership, actor), WAYS_AT_HOME)),
        "first_steps": _first_steps(membership, actor),
        "lines": lines_of(lines, purse.label, actor, names),
        "as_of": actor.at,
    }
    return render(request, "client/home.html", context)


def _ways(membership: Membership, actor: Actor) -> Iterator[Prospect]:
    """What brings the reader points now; open surveys stand on the page by themselves."""
    used = used_limits(membership, actor)
    for way in prospects(membership, situation_of(membership, actor), actor, used=used):
        is_open = way.for_me and not way.obstacles and not way.is_used_up
        if is_open and way.type_id != vars(membership)["survey_type"]:
            yield way


def _statement_url(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in set(query) - {"program", "wallet", "person"}:
        del query[name]
    return f"{reverse('statement')}?{query.urlencode()}".removesuffix("?")


def _with_desk(memberships: QuerySet[Membership], actor: Actor) -> QuerySet[Membership]:
    """Bring along what waits for the actor's decision, and how far the company has begun."""
    waiting = Approval.objects.visible_to(actor).filter(state=Approval.State.WAITING).exclude(asked_by=actor.user_id)
    counted = waiting.order_by().values("company").annotate(count=Count("pk")).values("count")
    colleagues = Employee.objects.visible_to(actor).filter(company=OuterRef("company"), is_active=True)
    return memberships.annotate(
        approvals=Coalesce(Subquery(counted, output_field=IntegerField()), 0),
        has_people=Exists(colleagues.exclude(pk=actor.employee_id)),
        has_policy=Exists(SpendingPolicy.objects.visible_to(actor).filter(company=OuterRef("company"))),
        survey_type=Subquery(ActivityType.objects.filter(code=TYPE_CODE).values("pk")[:1]),
        has_ordered=Exists(Redemption.objects.visible_to(actor).filter(company=OuterRef("company"))),
    )


def _first_steps(membership: Membership, actor: Actor) -> list[FirstStep]:
    """What an admin's company has still to begin with; empty once it is all done."""
    if not actor.is_company_admin:
        return []
    row = vars(membership)
    steps = [
        FirstStep(
            _("Agree that your people earn"),
            _("Until then only the company does."),
            reverse("consent"),
            row["has_consent"] or membership.has_one_wallet,
        ),
        FirstStep(_("Add your people"), _("Each earns for what they do."), reverse("people"), row["has_people"]),
        FirstStep(
            _("Say which orders you approve"),
            _("None, those above a value, or all."),
            reverse("spending-policy"),
            row["has_policy"],
        ),
        FirstStep(_("Choose a first reward"), _("Small ones count, too."), reverse("rewards"), row["has_ordered"]),
    ]
    return [] if all(step.is_done for step in steps) else steps


def _orders(lines: list[Line], actor: Actor) -> tuple[list[OpenOrder], dict[int, str]]:
    """Return the latest orders under way, and the rewards behind lines by their transaction; one query for both."""
    shown = [line.transaction_id for line in lines]
    rows = Redemption.objects.visible_to(actor)
    fields = ("is_under_way", "pk", "state", "approval", "reward__name", "debit", "credit")
    under_way = rows.filter(state__in=OPEN, employee=actor.employee_id).annotate(is_under_way=_flag(True))
    behind = rows.filter(Q(debit__in=shown) | Q(credit__in=shown)).annotate(is_under_way=_flag(False))
    latest = under_way.order_by("-placed_at", "-pk").values_list(*fields)[:ORDERS_AT_HOME]
    orders: list[OpenOrder] = []
    names: dict[int, str] = {}
    found = latest.union(behind.order_by().values_list(*fields), all=True)
    for is_under_way, pk, state, approval, reward, debit_id, credit_id in sorted(found, key=_latest_first):
        if is_under_way:
            waits = state == Redemption.State.REQUESTED and approval is not None
            label = _("waits for your company") if waits else str(Redemption.State(state).label)
            orders.append(OpenOrder(reward, Redemption(pk=pk).reference, label, reverse("order", args=[pk])))
        names |= {transaction_id: reward for transaction_id in (debit_id, credit_id) if transaction_id is not None}
    return orders, names


def _flag(value: bool) -> Value:
    return Value(value, output_field=BooleanField())


def _latest_first(row: tuple[bool, int, str, int | None, str, int, int | None]) -> int:
    return -row[1]
