"""The account manager's desk: the own companies, and one company with its notes."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Max, OuterRef, Subquery
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import account_managers_only
from accounts.actors import Actor
from accounts.forms import ServiceNoteForm
from accounts.middleware import actor_behind
from accounts.models import Company, CompanyProfile, Employee, RoleAssignment, ServiceNote
from accounts.scope import in_force
from accounts.service_notes import write_note
from loyalty.ledger import Owner
from loyalty.models import Membership, TierAssignment
from loyalty.statement import balances_of

COMPANIES_A_PAGE = 50
NOTES_A_PAGE = 20
PROFILE_FIELDS = ("goals", "values", "decision_process", "processes", "problems")


@require_safe
@account_managers_only
def companies(request: HttpRequest) -> HttpResponse:
    """The companies that the account manager looks after."""
    actor = actor_behind(request)
    query = request.GET.get("q", "").strip().replace("\0", "")
    tier = (
        TierAssignment.objects.filter(in_force(actor.at), membership__company=OuterRef("pk"))
        .order_by("-tier__rank")
        .values("tier__name")[:1]
    )
    rows = (
        Company.objects.visible_to(actor)
        .annotate(tier=Subquery(tier), last_note_at=Max("service_notes__happened_at"))
        .order_by("name", "pk")
    )
    if query:
        rows = rows.filter(name__icontains=query)
    page = Paginator(rows, COMPANIES_A_PAGE).get_page(request.GET.get("page"))
    context = {"companies": [_CompanyRow.of(row) for row in page], "query": query, "page": page}
    return render(request, "am/companies.html", context)


@dataclass(frozen=True, slots=True)
class _CompanyRow:
    name: str
    kind_label: str
    tier: str | None
    last_note_at: object
    url: str

    @classmethod
    def of(cls, row: Company) -> "_CompanyRow":
        return cls(
            row.name,
            str(row.get_kind_display()),
            getattr(row, "tier", None),
            getattr(row, "last_note_at", None),
            reverse("am-company", args=[row.pk]),
        )


@require_http_methods(["GET", "HEAD", "POST"])
@account_managers_only
def company(request: HttpRequest, pk: int) -> HttpResponse:
    """One company: what is known of it, its people, where it stands, its notes, and a form for a new one."""
    actor = actor_behind(request)
    row = Company.objects.visible_to(actor).filter(pk=pk).first()
    if row is None:
        raise Http404
    form = ServiceNoteForm(request.POST or None, company=row)
    if form.is_valid():
        write_note(company=row, author_id=actor.user_id, **form.cleaned_data)
        messages.success(request, _("The note is saved."))
        return HttpResponseRedirect(reverse("am-company", args=[pk]))
    context = {
        "company": row,
        "form": form,
        "profile": _profile(row, actor),
        "people": _people(row, actor),
        "memberships": _memberships(row, actor),
        "notes": _notes(row, actor),
    }
    return render(request, "am/company.html", context, status=422 if form.errors else 200)


def _profile(row: Company, actor: Actor) -> list[dict[str, str]]:
    profile = CompanyProfile.objects.visible_to(actor).filter(company=row).first()
    if profile is None:
        return []
    return [
        {"label": str(CompanyProfile._meta.get_field(name).verbose_name), "value": value}  # type: ignore[union-attr]
        for name in PROFILE_FIELDS
        if (value := getattr(profile, name))
    ]


def _people(row: Company, actor: Actor) -> list[dict[str, object]]:
    roles: dict[int, list[str]] = {}
    assignments = RoleAssignment.objects.visible_to(actor).in_force(actor.at).filter(employee__company=row)
    for employee_id, name in assignments.values_list("employee", "role__name").order_by("role__name"):
        roles.setdefault(employee_id, []).append(name)
    people = Employee.objects.visible_to(actor).filter(company=row, is_active=True).order_by("name", "pk")
    return [
        {
            "name": person.name,
            "roles": roles.get(person.pk, []),
            "buying_role": person.get_buying_role_display(),
            "preferred_channel": person.get_preferred_channel_display(),
        }
        for person in people
    ]


def _memberships(row: Company, actor: Actor) -> list[dict[str, object]]:
    memberships = list(
        Membership.objects.visible_to(actor).in_force(actor.at).filter(company=row).select_related("program")
    )
    tiers = dict(
        TierAssignment.objects.visible_to(actor)
        .in_force(actor.at)
        .filter(membership__in=memberships)
        .values_list("membership", "tier__name")
    )
    if not memberships:
        return []
    owners = [Owner(membership.program_id, membership.company_id) for membership in memberships]
    today = actor.at.astimezone(memberships[0].program.zone).date()
    return [
        {
            "program": membership.program.name,
            "tier": tiers.get(membership.pk),
            "balance": balance.available,
        }
        for membership, balance in zip(memberships, balances_of(owners, today=today), strict=True)
    ]


def _notes(row: Company, actor: Actor) -> list[dict[str, object]]:
    notes = (
        ServiceNote.objects.visible_to(actor)
        .filter(company=row)
        .select_related("author")
        .prefetch_related("people")
        .order_by("-happened_at", "-pk")[:NOTES_A_PAGE]
    )
    return [
        {
            "kind_label": note.get_kind_display(),
            "text": note.text,
            "author": note.author.name,
            "at": note.happened_at,
            "visibility_label": note.get_visibility_display(),
            "people": [person.name for person in note.people.all()],
        }
        for note in notes
    ]
