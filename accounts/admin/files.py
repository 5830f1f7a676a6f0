"""Files that were uploaded or made here."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.links import LinkedRowFilter
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.models import Attachment


@admin.register(Attachment)
class AttachmentAdmin(ReadOnlyAdmin[Attachment]):
    """Files, until they are deleted by themselves."""

    list_display = ("name", "content_type", "size", "created_by", "created_at", "expires_at", "fetched")
    list_filter = ("content_type", ("created_by", LinkedRowFilter))
    list_select_related = ("created_by",)
    search_fields = ("name", "created_by__name")
    ordering = ("-pk",)
    fields = ("name", "content_type", "size", ("created_by", "created_at"), "expires_at", "fetched")

    @admin.display(description=_("content"))
    def fetched(self, attachment: Attachment) -> str:
        """The way to the content."""
        return format_html('<a href="{}">{}</a>', reverse("file", args=[attachment.pk]), _("Download"))
