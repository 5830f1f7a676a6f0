"""The companies that an account manager looks after."""

from dataclasses import dataclass
from datetime import date, datetime

from django.core.paginator import Paginator
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import account_managers_only
from accounts.middleware import actor_behind
from accounts.models import Company, FollowUp, ServiceNote
from accounts.models.companies import CompanyQuerySet
from accounts.scope import in_force
from loyalty.models import TierAssignment

COMPANIES_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class CompanyRow:
    """A company as the list shows it."""

    name: str
    kind_label: str
    tier: str | None
    owed: int
    late: int
    last_note_at: datetime | None
    url: str

    @classmethod
    def of(cls, row: Company) -> "CompanyRow":
        """Return a row with `_columns` as the list shows it."""
        return cls(
            row.name,
            str(row.get_kind_display()),
            getattr(row, "tier", None),
            getattr(row, "owed", 0),
            getattr(row, "late", 0),
            getattr(row, "last_note_at", None),
            reverse("am-company", args=[row.pk]),
        )


@require_safe
@account_managers_only
def companies(request: HttpRequest) -> HttpResponse:
    """The own companies, by name; who comes from a search for one company goes straight to it."""
    actor = actor_behind(request)
    query = request.GET.get("q", "").strip().replace("\0", "")
    is_late_only = request.GET.get("late") == "1"
    today = timezone.localdate(actor.at)
    rows = Company.objects.visible_to(actor)
    if query:
        rows = rows.filter(name__icontains=query)
    if is_late_only:
        rows = rows.filter(Exists(_open_of(OuterRef("pk")).filter(due_on__lt=today)))
    rows = _columns(rows, at=actor.at, today=today)
    page = Paginator(rows, COMPANIES_A_PAGE).get_page(request.GET.get("page"))
    shown = [CompanyRow.of(row) for row in page]
    if request.GET.get("go") == "1" and query and len(shown) == 1:
        return HttpResponseRedirect(shown[0].url)
    kept = request.GET.copy()
    for name in ("page", "go", "next"):
        kept.pop(name, None)
    context = {
        "companies": shown,
        "query": query,
        "is_late_only": is_late_only,
        "page": page,
        "kept": kept.urlencode(),
    }
    return render(request, "am/companies.html", context)


def _columns(rows: CompanyQuerySet, *, at: datetime, today: date) -> CompanyQuerySet:
    tier = (
        TierAssignment.objects.filter(in_force(at), membership__company=OuterRef("pk"))
        .order_by("-tier__rank")
        .values("tier__name")[:1]
    )
    open_ones = _open_of(OuterRef("pk"))
    last_note = ServiceNote.objects.filter(company=OuterRef("pk")).order_by("-happened_at").values("happened_at")[:1]
    return rows.annotate(
        tier=Subquery(tier),
        owed=_how_many(open_ones),
        late=_how_many(open_ones.filter(due_on__lt=today)),
        last_note_at=Subquery(last_note),
    ).order_by("name", "pk")


def _open_of(company: OuterRef) -> QuerySet[FollowUp]:
    return FollowUp.objects.filter(company=company, state=FollowUp.State.OPEN)


def _how_many(rows: QuerySet[FollowUp]) -> Coalesce:
    counted = rows.order_by().values("company").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)
