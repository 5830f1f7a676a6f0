"""Service notes and follow-ups: written once; who may read a note can still change, and what it said is kept."""

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin.links import LinkedRowFilter
from accounts.admin.scoped import NeverDeleted, ReadOnlyAdmin, ScopedModelAdmin, manager_behind
from accounts.models import FollowUp, FollowUpMove, ServiceNote, ServiceNoteVersion
from accounts.service_notes import edit_note, words_of


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
        """Sign a new note; let the use case decide what a change of readers takes along and puts on record."""
        if not change:
            obj.author = manager_behind(request)
            super().save_model(request, obj, form, change)
            return
        kept = ServiceNote.objects.get(pk=obj.pk)
        edit_note(
            note_id=obj.pk,
            words=replace(words_of(kept), visibility=obj.visibility),
            edits_seen=kept.versions.count(),
            by_user_id=manager_behind(request).pk,
            now=timezone.now(),
        )


@admin.register(ServiceNoteVersion)
class ServiceNoteVersionAdmin(ReadOnlyAdmin[ServiceNoteVersion]):
    """How notes read before they were edited."""

    list_display = ("replaced_at", "note", "kind", "visibility", "replaced_by", "beginning")
    list_filter = (("note", LinkedRowFilter),)
    list_select_related = ("note", "replaced_by")
    search_fields = ("text", "note__company__name")
    ordering = ("-pk",)
    fields = ("note", "kind", "happened_at", "text", "visibility", "replaced_by", "replaced_at")

    @admin.display(description=ServiceNoteVersion._meta.get_field("text").verbose_name)
    def beginning(self, version: ServiceNoteVersion) -> str:
        """How the version begins."""
        return version.text[:80]


@admin.register(FollowUp)
class FollowUpAdmin(ReadOnlyAdmin[FollowUp]):
    """What account managers owe; they close and move it on their own pages."""

    list_display = ("company", "kind", "text", "due_on", "state", "visibility", "created_by")
    list_filter = ("state", "kind", "visibility", ("company", LinkedRowFilter), ("created_by", LinkedRowFilter))
    list_select_related = ("company", "created_by")
    search_fields = ("text", "company__name")
    ordering = ("-pk",)
    fields = (
        "company", "note", "kind", "text", "visibility", "due_on", "state", "outcome", "created_by", "created_at",
        "closed_by", "closed_at",
    )  # fmt: skip


@admin.register(FollowUpMove)
class FollowUpMoveAdmin(ReadOnlyAdmin[FollowUpMove]):
    """Due days that were moved, and why."""

    list_display = ("moved_at", "follow_up", "from_on", "to_on", "reason", "moved_by")
    list_filter = (("follow_up", LinkedRowFilter),)
    list_select_related = ("follow_up", "moved_by")
    search_fields = ("reason", "follow_up__text", "follow_up__company__name")
    ordering = ("-pk",)
    fields = ("follow_up", "from_on", "to_on", "reason", "moved_by", "moved_at")
