"""What waits for a second person's decision, and who decides while somebody is away."""

from django.contrib import admin
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.models import Approval, Delegation


@admin.register(Approval)
class ApprovalAdmin(ReadOnlyAdmin[Approval]):
    """Requests for a decision, those that wait first; each kind is decided on a page of its own floor."""

    list_display = ("request", "company", "points", "asked_by", "asked_at", "state", "decided_by", "decided_at")
    list_filter = ("state", "audience", "kind", ("company", LinkedRowFilter))
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
        """The kind and the row it is about."""
        return f"{capfirst(approval.kind.replace('-', ' '))} {approval.subject_id}"


@admin.register(Delegation)
class DelegationAdmin(ReadOnlyAdmin[Delegation]):
    """Who stands in for whom at the clients; they arrange it themselves."""

    sortable_by = None
    list_display = ("company", "employee", "delegate", "starts_at", "ends_at")
    list_filter = (("ends_at", admin.EmptyFieldListFilter), ("company", LinkedRowFilter))
    list_select_related = ("company", "employee", "delegate")
    search_fields = ("company__name", "employee__name", "delegate__name")
    ordering = ("-starts_at",)
