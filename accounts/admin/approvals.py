"""What waits for a second person's decision, and who decides while somebody is away."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import naming
from accounts.admin.links import AskedFilter, LinkedRowFilter
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.models import Approval, Delegation


class RequestFilter(AskedFilter):
    """Requests of one kind, by their names."""

    title = gettext_lazy("what is asked")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The kinds that there are."""
        return naming.REQUESTS.choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Approval]) -> QuerySet[Approval]:
        """Those of the kind asked for."""
        asked = self.value()
        return queryset.filter(kind=asked) if asked in naming.REQUESTS else queryset


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin[Approval]):
    """Requests for a decision, those that wait first; each kind is decided on a page of its own floor."""

    list_display = ("request", "company", "points", "asked_by", "asked_at", "state", "decided_by", "decided_at")
    list_filter = ("state", "audience", RequestFilter, ("company", LinkedRowFilter))
    list_select_related = ("company", "asked_by", "decided_by")
    search_fields = ("kind", "company__name", "asked_by__name", "note")
    ordering = ("-decided_at", "asked_at")  # those that wait have no such moment, and come first
    fields = (
        "request",
        "audience",
        "company",
        "points",
        ("asked_by", "asked_at"),
        "note",
        "state",
        ("decided_by", "decided_at"),
        "reason",
    )

    @admin.display(description=gettext_lazy("what is asked"))
    def request(self, approval: Approval) -> str:
        """In words."""
        return naming.REQUESTS.of(approval.kind)


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyAdmin[Delegation]):
    """Who stands in for whom at the clients; they arrange it themselves."""

    sortable_by = None
    list_display = ("company", "employee", "delegate", "starts_at", "ends_at")
    list_filter = (("ends_at", admin.EmptyFieldListFilter), ("company", LinkedRowFilter))
    list_select_related = ("company", "employee", "delegate")
    search_fields = ("company__name", "employee__name", "delegate__name")
    ordering = ("-starts_at",)
