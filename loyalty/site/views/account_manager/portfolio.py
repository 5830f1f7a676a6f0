"""One of the actor's companies, and the programs it takes part in: what every page of a company begins with."""

from dataclasses import dataclass

from django.db.models import Exists
from django.http import Http404, HttpRequest

from accounts import drafts
from accounts.actors import Actor
from accounts.models import Company
from loyalty.models import Membership
from loyalty.selectors import membership_of


@dataclass(frozen=True, slots=True)
class ProgramTab:
    """One of the programs that a page can be of."""

    name: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Taking:
    """The membership that a page is of, and the tabs where there are more."""

    membership: Membership
    tabs: list[ProgramTab]


def company_at(request: HttpRequest, actor: Actor, pk: int) -> Company:
    """Return the company, with `has_draft`; one query. Raises Http404 where there is none, or none in sight."""
    kept = drafts.kept(user_id=actor.user_id, address=request.path, now=actor.at)
    row = Company.objects.visible_to(actor).filter(pk=pk).annotate(has_draft=Exists(kept)).first()
    if row is None:
        raise Http404
    return row


def taking_part(company: Company, actor: Actor, *, chosen: str) -> Taking | None:
    """Return what the company takes part in: in the program of code `chosen`, else in the oldest one; one query."""
    rows = (
        Membership.objects.visible_to(actor)
        .in_force(actor.at)
        .filter(company=company)
        .select_related("program")
        .order_by("starts_at", "pk")
    )
    membership = membership_of(actor, chosen=chosen, among=rows)
    if membership is None:
        return None
    tabs = [ProgramTab(row.program.name, f"?program={row.program.code}", row.pk == membership.pk) for row in rows]
    return Taking(membership, tabs if len(tabs) > 1 else [])
