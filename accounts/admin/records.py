"""The records that every floor writes: the audit trail, the outbox, requests already served."""

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts import messages, naming
from accounts.admin.links import LinkedRowFilter
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.models import AuditEntry, AuditReason, IdempotencyKey, Message


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Who did what, when and why."""

    list_display = ("at", "actor", "act", "subject", "company", "reason")
    list_filter = (("actor", LinkedRowFilter), ("company", LinkedRowFilter))
    list_select_related = ("actor", "company", "reason")
    search_fields = ("action", "actor__name", "actor__email", "company__name", "reason__text")
    search_help_text = _("What, who, company or reason")
    ordering = ("-pk",)
    fields = ("at", "actor", "act", "subject", "company", "numbers", "reason")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[AuditEntry], search_term: str
    ) -> tuple[QuerySet[AuditEntry], bool]:
        """Find acts by what they are called, too."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        called = naming.ACTS.meaning(search_term) if search_term else []
        return (found | queryset.filter(action__in=called) if called else found), may_repeat

    @admin.display(description=_("what"), ordering="action")
    def act(self, entry: AuditEntry) -> str:
        """What was done, in words."""
        return naming.ACTS.of(entry.action)

    @admin.display(description=_("row"))
    def subject(self, entry: AuditEntry) -> str:
        """The row that it was done to, as a link where it has a page."""
        try:
            model = apps.get_model(entry.subject_type)
            url = reverse(f"admin:{entry.subject_type.replace('.', '_')}_change", args=[entry.subject_id])
        except (LookupError, ValueError, NoReverseMatch):
            return f"{entry.subject_type} {entry.subject_id}"
        return format_html('<a href="{}">{} {}</a>', url, model._meta.verbose_name, entry.subject_id)

    @admin.display(description=_("why"))
    def reason(self, entry: AuditEntry) -> str:
        """The reason that was given, if one was."""
        return entry.reason.text if hasattr(entry, "reason") else ""


@admin.register(AuditReason)
class AuditReasonAdmin(ReadOnlyAdmin[AuditReason]):
    """The reasons alone, to search in."""

    list_display = ("entry", "text")
    list_select_related = ("entry",)
    search_fields = ("text",)
    ordering = ("-pk",)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin[Message]):
    """What people were told."""

    list_display = ("created_at", "employee", "company", "title", "read_at")
    list_filter = (("read_at", admin.EmptyFieldListFilter), ("employee", LinkedRowFilter))
    list_select_related = ("employee__company",)
    search_fields = ("employee__name", "employee__company__name", "kind")
    ordering = ("-pk",)
    fields = ("created_at", "employee", "title", "called", "subject_id", "facts", "read_at")

    @admin.display(description=_("kind"))
    def called(self, message: Message) -> str:
        """What its kind is called."""
        return naming.LETTERS.of(message.kind)

    @admin.display(description=_("message"))
    def title(self, message: Message) -> str:
        """What it says."""
        return messages.title_of(message)

    @admin.display(description=_("company"))
    def company(self, message: Message) -> str:
        """Whose employee was told."""
        return str(message.employee.company)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin[IdempotencyKey]):
    """Requests that were served: what a second one of the same key is answered with."""

    list_display = ("created_at", "user", "key", "resource_id")
    list_select_related = ("user",)
    search_fields = ("key", "user__email")
    ordering = ("-pk",)
    fields = ("created_at", "user", "key", "resource_id")
