"""Companies, who looks after them, and the segments they stand in."""

from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actors import Actor
from accounts.admin.links import AskedFilter, LinkedRowFilter, VocabularyFilter, rows_link
from accounts.admin.scoped import (
    NeverDeleted,
    ReadOnlyAdmin,
    ScopedAdmin,
    ScopedInline,
    ScopedModelAdmin,
    manager_behind,
)
from accounts.admin.segments import ListedForm, segments_by_condition
from accounts.models import (
    AccountManagerAssignment,
    Company,
    CompanyProfile,
    Employee,
    SegmentMembership,
    ServiceNote,
    User,
)
from accounts.segments import refresh_segments


class VendorUsers(ScopedAdmin[Any]):
    """Nobody who works for a client looks after clients."""

    def get_field_queryset(
        self, db: str | None, db_field: RelatedField[Any, Any], request: HttpRequest
    ) -> QuerySet[Any]:
        """Leave the clients' own people, and other systems, out where a user is chosen."""
        rows = super().get_field_queryset(db, db_field, request)
        return rows.filter(employee__isnull=True, service_client__isnull=True) if db_field.name == "user" else rows


def record_portfolio(assignment: AccountManagerAssignment, by: User) -> None:
    """Put on record that somebody looks after a company, and sees it, or no longer does (A1)."""
    now = timezone.now()
    audit.record(
        "portfolio-changed",
        assignment,
        actor_id=by.pk,
        now=now,
        company_id=assignment.company_id,
        user=assignment.user_id,
        holds=int(assignment.ends_at is None or assignment.ends_at > now),
    )


class ProfileInline(ScopedInline[CompanyProfile, Company]):
    """What we know of the company."""

    model = CompanyProfile
    template = "admin/edit_inline/stacked.html"
    max_num = 1


class AccountManagerInline(VendorUsers, ScopedInline[AccountManagerAssignment, Company]):
    """Who looks after the company, and since when."""

    model = AccountManagerAssignment
    autocomplete_fields = ("user",)
    ordering = ("-starts_at",)


class SegmentMembershipInline(ScopedInline[SegmentMembership, Company]):
    """The segments that somebody listed the company in."""

    model = SegmentMembership
    form = ListedForm
    verbose_name_plural = gettext_lazy("segments that the company is listed in")
    autocomplete_fields = ("segment",)
    ordering = ("-starts_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SegmentMembership]:
        """Leave out what conditions say: nobody changes that by hand."""
        return super().get_queryset(request).filter(source=SegmentMembership.Source.LISTED)


def without_account_manager(companies: QuerySet[Company], at: datetime) -> QuerySet[Company]:
    """Return those of `companies` that nobody looks after at `at`."""
    looked_after = AccountManagerAssignment.objects.in_force(at).filter(company=OuterRef("pk"))
    return companies.filter(~Exists(looked_after))


class AccountManagerFilter(AskedFilter):
    """Companies by whether somebody looks after them at this moment."""

    title = gettext_lazy("account manager")
    parameter_name = "account_manager"
    choices_of = {"none": gettext_lazy("nobody")}

    def cut(self, rows: QuerySet[Company], asked: str, actor: Actor) -> QuerySet[Company]:
        """Those that nobody looks after."""
        return without_account_manager(rows, actor.at)


@admin.register(Company)
class CompanyAdmin(ScopedModelAdmin[Company]):
    """Companies; what has a past is protected."""

    list_display = ("name", "external_id", "kind", "country", "served_by", "created_at")
    list_filter: ClassVar[tuple[Any, ...]] = (
        "kind",
        AccountManagerFilter,
        "country",
        ("segments__segment", VocabularyFilter),
    )
    list_select_related = ("served_by",)
    search_fields = ("name", "external_id")
    ordering = ("name",)
    autocomplete_fields = ("served_by",)
    fields = ("name", "kind", "external_id", "country", "served_by", "created_at", "behind")
    readonly_fields = ("created_at", "behind")
    inlines: ClassVar[tuple[Any, ...]] = (ProfileInline, AccountManagerInline, SegmentMembershipInline)

    def get_fields(self, request: HttpRequest, obj: Company | None = None) -> Any:
        """Leave out what a new company cannot have yet."""
        fields = super().get_fields(request, obj)
        return [field for field in fields if obj is not None or field not in self.readonly_fields]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Put every change of who looks after the company on record."""
        super().save_formset(request, form, formset, change)
        if formset.model is AccountManagerAssignment:
            for assignment in [*formset.new_objects, *(changed for changed, _fields in formset.changed_objects)]:
                record_portfolio(assignment, manager_behind(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Let the company into the segments whose conditions it meets now."""
        super().save_related(request, form, formsets, change)
        refresh_segments(now=timezone.now(), company_ids=[form.instance.pk])

    @admin.display(description=gettext_lazy("people, notes and segments"))
    def behind(self, company: Company) -> str:
        """Links to the rows that are too many for this page."""
        people = rows_link(Employee, _("Employees"), company__exact=company.pk)
        notes = rows_link(ServiceNote, _("Service notes"), company__exact=company.pk)
        return format_html("{} · {} · {}", people, notes, segments_by_condition(company))


@admin.register(CompanyProfile)
class CompanyProfileAdmin(ReadOnlyAdmin[CompanyProfile]):
    """All profiles, to search in; they are written on the company's page."""

    list_display = ("company", "goals")
    list_select_related = ("company",)
    search_fields = ("company__name", "goals", "values", "problems")
    ordering = ("company__name",)


@admin.register(AccountManagerAssignment)
class AccountManagerAssignmentAdmin(
    VendorUsers, NeverDeleted[AccountManagerAssignment], ScopedModelAdmin[AccountManagerAssignment]
):
    """Portfolios."""

    list_display = ("company", "user", "starts_at", "ends_at")
    list_filter = (("ends_at", admin.EmptyFieldListFilter), ("company", LinkedRowFilter), ("user", LinkedRowFilter))
    list_select_related = ("company", "user")
    search_fields = ("company__name", "user__name", "user__email")
    ordering = ("-starts_at",)
    autocomplete_fields = ("company", "user")

    def save_model(self, request: HttpRequest, obj: AccountManagerAssignment, form: Any, change: bool) -> None:
        """Put every change on record."""
        super().save_model(request, obj, form, change)
        record_portfolio(obj, manager_behind(request))
