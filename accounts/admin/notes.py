"""Service notes: written once; who may read them can still change."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.links import LinkedRowFilter
from accounts.admin.scoped import NeverDeleted, ScopedModelAdmin, manager_behind
from accounts.models import ServiceNote


@admin.register(ServiceNote)
class ServiceNoteAdmin(NeverDeleted[ServiceNote], ScopedModelAdmin[ServiceNote]):
    """Notes of all account managers."""

    list_display = ("company", "kind", "happened_at", "author", "visibility", "beginning")
    list_filter = ("kind", "visibility", ("company", LinkedRowFilter), ("author", LinkedRowFilter))
    list_select_related = ("company", "author")
    search_fields = ("company__name", "text")
    ordering = ("-happened_at",)
    autocomplete_fields = ("company", "people")
    fields = ("company", "kind", "happened_at", "text", "people", "visibility", "author", "created_at")

    @admin.display(description=ServiceNote._meta.get_field("text").verbose_name)
    def beginning(self, note: ServiceNote) -> str:
        """How the note begins."""
        return note.text[:80]

    def get_readonly_fields(self, request: HttpRequest, obj: ServiceNote | None = None) -> Any:
        """Words that were written stay; a note that was shared by mistake can be taken back."""
        written = ("company", "kind", "happened_at", "text", "people")
        return ("author", "created_at", *(written if obj else ()))

    def save_model(self, request: HttpRequest, obj: ServiceNote, form: Any, change: bool) -> None:
        """Sign a new note."""
        if not change:
            obj.author = manager_behind(request)
        super().save_model(request, obj, form, change)
