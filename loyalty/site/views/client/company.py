"""The company's own page, for those who see the company: its wallet, its months, its people, its account manager."""

from dataclasses import dataclass
from datetime import date, datetime

from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import for_actors
from accounts.actors import Actor
from accounts.middleware import actor_behind
from accounts.models import AccountManagerAssignment, Employee, FollowUp, ServiceNote
from loyalty.company_figures import earned_since, months_of, people_with_points, year_start
from loyalty.ledger import Owner
from loyalty.models import Membership
from loyalty.selectors import membership_of
from loyalty.site import charts
from loyalty.site.views.client.points import EXPIRES_SOON
from loyalty.statement import balances_of

NOTES_SHOWN = 5
PROMISES_SHOWN = 5
PEOPLE_A_PAGE = 25

company_only = for_actors(lambda actor: actor.sees_company)
"""Pages for those who may see the company: its admins, and who decides."""


@dataclass(frozen=True, slots=True)
class Earner:
    """Somebody of the company, with points."""

    name: str
    available: int
    earned: int
    url: str


@dataclass(frozen=True, slots=True)
class Note:
    """What the account manager wrote down and shared."""

    kind_label: str
    at: datetime
    text: str
    author: str


@dataclass(frozen=True, slots=True)
class Promise:
    """What the account manager owes the company."""

    kind_label: str
    text: str
    due_on: date
    is_late: bool


@require_safe
@company_only
def company(request: HttpRequest) -> HttpResponse:
    """The company as its management sees it."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    today = actor.at.astimezone(membership.program.zone).date()
    owner = Owner(membership.program_id, membership.company_id)
    [balance] = balances_of([owner], today=today, expiring_until=today + EXPIRES_SOON)
    page = _people(request, actor, membership) if actor.is_company_admin else None
    manager = AccountManagerAssignment.objects.visible_to(actor).in_force(actor.at).select_related("user").first()
    context = {
        "program": membership.program,
        "balance": balance,
        "expiring": sum(lot.points for lot in balance.expiring),
        "expiring_until": today + EXPIRES_SOON,
        "chart": _chart(membership, actor),
        "earners": _earners(page, membership, actor) if page else [],
        "page": page,
        "account_manager": manager.user if manager else None,
        "promises": _promises(actor, today),
        "notes": _notes(actor),
        "is_admin": actor.is_company_admin,
        "as_of": actor.at,
    }
    return render(request, "company/overview.html", context)


def _chart(membership: Membership, actor: Actor) -> object:
    months = months_of(membership, at=actor.at)
    return charts.columns(
        title=_("Points month by month"),
        labels=[date_format(row.month, "M") for row in months],
        series=[
            (_("Issued"), [row.issued for row in months]),
            (_("Spent"), [-row.spent for row in months]),
            (_("Expired"), [-row.expired for row in months]),
        ],
        unit=_("points"),
    )


def _people(request: HttpRequest, actor: Actor, membership: Membership) -> Page[Employee]:
    people = people_with_points(actor, membership)
    if request.GET.get("sort") == "name":
        people = people.order_by("name", "pk")
    return Paginator(people, PEOPLE_A_PAGE).get_page(request.GET.get("page"))


def _earners(page: Page[Employee], membership: Membership, actor: Actor) -> list[Earner]:
    earned = earned_since(membership, [person.pk for person in page], since=year_start(membership, at=actor.at))
    statement = reverse("statement")
    return [
        Earner(
            person.name,
            vars(person)["available"],
            earned.get(person.pk, 0),
            f"{statement}?person={person.pk}&program={membership.program.code}",
        )
        for person in page
    ]


def _promises(actor: Actor, today: date) -> list[Promise]:
    rows = FollowUp.objects.visible_to(actor).filter(state=FollowUp.State.OPEN).order_by("due_on", "pk")
    return [
        Promise(str(row.get_kind_display()), row.text, row.due_on, row.due_on < today) for row in rows[:PROMISES_SHOWN]
    ]


def _notes(actor: Actor) -> list[Note]:
    rows = ServiceNote.objects.visible_to(actor).select_related("author").order_by("-happened_at", "-pk")
    return [Note(str(row.get_kind_display()), row.happened_at, row.text, row.author.name) for row in rows[:NOTES_SHOWN]]
