"""The client's points: whose they are, every line of the statement, and why each came or went."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.access import clients_and_account_managers, employees_only
from accounts.actors import Actor
from accounts.middleware import actor_behind
from accounts.models import Employee
from loyalty.explaining import counted_as, explain
from loyalty.ledger import Owner
from loyalty.looking_up import reference_of
from loyalty.models import Activity, Adjustment, Membership, Posting, Program, Transaction, Transfer, Wallet
from loyalty.selectors import membership_of
from loyalty.statement import (
    END,
    LINES_A_PAGE,
    OWN_KINDS,
    Balance,
    Line,
    Place,
    balances_of,
    default_owner,
    owners_visible_to,
    statement,
    title_of,
)
from loyalty.terms import terms_in_words
from loyalty.transfers import can_pass_on
from rewards.models import Redemption

EXPIRES_SOON = timedelta(days=60)
_PLACE_FORMAT = "%Y%m%dT%H%M%S.%f"


@dataclass(frozen=True, slots=True)
class StatementLine:
    """A line of the statement as a page shows it."""

    at: datetime
    title: str
    detail: str
    points: int
    url: str
    wallet_label: str


@dataclass(frozen=True, slots=True)
class WalletTab:
    """One of the wallets that a reader may look at."""

    label: str
    url: str
    points: int
    is_current: bool


@dataclass(frozen=True, slots=True)
class Purse:
    """Whose points a page shows, and whose else the reader may look at."""

    balance: Balance
    tabs: list[WalletTab]
    label: str


@require_safe
@employees_only
def points(request: HttpRequest) -> HttpResponse:
    """The statement: every posting, latest first, each with its why."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    purse = purse_of(request, actor, membership)
    lines = statement(purse.balance.owner, before=place_of(request.GET.get("before", "")))
    query = request.GET.copy()
    query["before"] = written(lines[-1].place) if lines else ""
    context = {
        "program": membership.program,
        "balance": purse.balance.available,
        "pending": purse.balance.pending,
        "waiting": purse.balance.waiting,
        "can_pass_on": membership.program.transfers != Program.Transfers.NONE
        and any(can_pass_on(actor, membership, to_company=way) for way in (True, False)),
        "ends_on": purse.balance.ends_on,
        "terms": terms_in_words(membership.program),
        "label": purse.label,
        "is_of_colleague": not purse.tabs,
        "wallets": purse.tabs,
        "lines": lines_of(lines, purse.label, actor),
        "next_url": f"?{query.urlencode()}" if len(lines) == LINES_A_PAGE else "",
        "as_of": actor.at,
    }
    return render(request, "client/statement.html", context)


@require_safe
@clients_and_account_managers
def why(request: HttpRequest, pk: int) -> HttpResponse:
    """Why a transaction moved points: each rule with its verdict, and each posting.

    The company's people and its account manager read the same page, each with what is in their sight.
    """
    actor = actor_behind(request)
    transaction = Transaction.objects.visible_to(actor).filter(pk=pk).select_related("company", "program").first()
    if transaction is None:
        raise Http404
    activity = None
    if transaction.activity_id is not None:
        activity = Activity.objects.select_related("type").get(pk=transaction.activity_id)
    redemption = None
    if transaction.activity_id is None:
        about = Q(debit=transaction) | Q(credit=transaction)
        redemption = Redemption.objects.visible_to(actor).filter(about).select_related("reward").first()
    passed_on = None
    if transaction.kind == Transaction.Kind.TRANSFER:
        passed_on = Transfer.objects.visible_to(actor).filter(transaction=transaction).first()
    adjustment = None
    if transaction.kind == Transaction.Kind.ADJUST:
        adjustment = Adjustment.objects.visible_to(actor).filter(transaction=transaction).first()
    context = {
        "transaction": transaction,
        "title": title_of(transaction.kind, activity.type.name if activity else ""),
        "reference": reference_of(transaction.pk),
        "activity": activity,
        "counted": counted_as(activity, transaction.program) if activity else None,
        "redemption": redemption,
        "adjustment": adjustment,
        "passed_on": passed_on,
        "verdicts": explain(transaction, actor) if activity else [],
        "postings": _postings(transaction, actor),
        "company": None if actor.is_employee else transaction.company,
    }
    return render(request, "client/why.html", context)


def purse_of(request: HttpRequest, actor: Actor, membership: Membership) -> Purse:
    """Return the purse that the address asks for: the own, the company's, or for an admin a colleague's; one query.

    A colleague takes one query more. Raises Http404 where there is no such colleague, or none in sight.
    """
    today = actor.at.astimezone(membership.program.zone).date()
    if "person" in request.GET:
        colleague = _colleague(request.GET["person"], actor)
        owner = Owner(membership.program_id, membership.company_id, colleague.pk)
        [balance] = balances_of([owner], today=today, expiring_until=today + EXPIRES_SOON)
        return Purse(balance, [], _("Points of %(person)s") % {"person": colleague.name})
    balances = balances_of(owners_visible_to(actor, membership), today=today, expiring_until=today + EXPIRES_SOON)
    names = {"own": balances[0].owner, "company": balances[-1].owner}
    owner = names.get(request.GET.get("wallet", "")) or default_owner(balances)
    tabs = []
    for balance in balances:
        query = request.GET.copy()
        query.pop("before", None)
        query["wallet"] = "own" if balance.owner.employee_id else "company"
        tabs.append(
            WalletTab(_short(balance.owner), f"?{query.urlencode()}", balance.available, balance.owner == owner)
        )
    return Purse(next(balance for balance in balances if balance.owner == owner), tabs, _label(owner))


def _colleague(pk: str, actor: Actor) -> Employee:
    """Somebody whose wallet the actor sees: an admin's own people."""
    people = Employee.objects.visible_to(actor).filter(company_id=actor.company_id)
    colleague = people.filter(pk=int(pk[:18])).first() if actor.is_company_admin and pk.isdecimal() else None
    if colleague is None:
        raise Http404
    return colleague


def _label(owner: Owner) -> str:
    return _("My points") if owner.employee_id else _("The company's points")


def _short(owner: Owner) -> str:
    return _("Mine") if owner.employee_id else _("Company")


def lines_of(
    lines: list[Line], wallet_label: str, actor: Actor, orders: dict[int, str] | None = None
) -> list[StatementLine]:
    """Return lines as a page shows them; `orders` calls a transaction's reward, one query where it is not at hand."""
    rewards = _rewards_behind(lines, actor) if orders is None else orders
    return [
        StatementLine(
            at=line.at,
            title=title_of(line.kind, line.activity_type),
            detail=rewards.get(line.transaction_id)
            or " · ".join(filter(None, (line.rule_name, line.object, line.reason, _promoted(line)))),
            points=line.points,
            url=reverse("why", args=[line.transaction_id]),
            wallet_label=wallet_label,
        )
        for line in lines
    ]


def _promoted(line: Line) -> str:
    """How many of the points a personal promotion added."""
    if not line.promoted:
        return ""
    points = number_format(line.promoted, force_grouping=True)
    return ngettext("%(points)s of it by a promotion", "%(points)s of them by a promotion", line.promoted) % {
        "points": points
    }


def _rewards_behind(lines: list[Line], actor: Actor) -> dict[int, str]:
    shown = [line.transaction_id for line in lines]
    rows = Redemption.objects.visible_to(actor).filter(Q(debit__in=shown) | Q(credit__in=shown))
    return {
        transaction_id: name
        for debit_id, credit_id, name in rows.values_list("debit", "credit", "reward__name")
        for transaction_id in (debit_id, credit_id)
    }


@dataclass(frozen=True, slots=True)
class PostingLine:
    """A posting of a transaction, as one of the reader's wallets saw it."""

    points: int
    wallet_label: str
    at: datetime
    lot_expires_on: object


def _postings(transaction: Transaction, actor: Actor) -> list[PostingLine]:
    wallets = Wallet.objects.visible_to(actor).filter(kind__in=OWN_KINDS, company_id=transaction.company_id)
    wallets = wallets.select_related("employee")
    visible = {wallet.pk: wallet for wallet in wallets.filter(program=transaction.program_id)}
    lines = []
    for posting in (
        Posting.objects.visible_to(actor).filter(transaction=transaction).select_related("lot").order_by("pk")
    ):
        for wallet_id, sign in ((posting.debit_wallet_id, -1), (posting.credit_wallet_id, 1)):
            wallet = visible.get(wallet_id)
            if wallet is None:
                continue
            label = _("%(owner)s, %(kind)s") % {"owner": _whose(wallet, actor), "kind": wallet.get_kind_display()}
            lot = posting.lot.last_day if posting.lot else None
            lines.append(PostingLine(sign * posting.points, label, posting.created_at, lot))
    return lines


def _whose(wallet: Wallet, actor: Actor) -> str:
    if wallet.employee is None:
        return _("Company")
    if not actor.is_employee:
        return wallet.employee.name
    return _("You") if wallet.employee_id == actor.employee_id else _("A colleague")


def written(place: Place) -> str:
    """Return a place of a statement as an address names it."""
    at, posting_id = place
    return f"{at.astimezone(UTC).strftime(_PLACE_FORMAT)}-{posting_id}"


def place_of(text: str) -> Place:
    """Return the place that an address names; the end where it names none."""
    at, _dash, posting_id = text.rpartition("-")
    try:
        return datetime.strptime(at, _PLACE_FORMAT).replace(tzinfo=UTC), int(posting_id[:18])
    except ValueError:
        return END
