"""More time for points that are about to expire: asked for here, given at once or after a second person's approval."""

from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, rows_link
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.models import User
from loyalty.admin.by_hand import ByHandAdmin, ByHandForm, refusal
from loyalty.by_hand import NoTimeGivenError, extend
from loyalty.by_hand.extensions import KIND
from loyalty.models import ExtendedLot, Extension


class ExtensionForm(ByHandForm[Extension]):
    """Whose points, which of them, up to when, and why."""

    def clean(self) -> dict[str, Any]:
        """Refuse beside the field what the use case would refuse."""
        cleaned = super().clean()
        until, to = cleaned.get("until"), cleaned.get("to")
        if until and to and to <= until:
            self.add_error("to", refusal(NoTimeGivenError()))
        return cleaned


@admin.register(Extension)
class ExtensionAdmin(ByHandAdmin[Extension]):
    """More time for points: written once, never edited."""

    form = ExtensionForm
    request_kind = KIND
    asked_fields = ("membership", "employee", "until", "to", "reason")
    shown_fields = ("points", "state", ("asked_by", "asked_at"), "decision", "which")
    done = gettext_lazy("The points last longer; the client has been told.")
    left_to_another = gettext_lazy(
        "Nothing has changed yet: this is above the program's limit and waits for a second person's approval."
    )
    list_display = ("asked_at", "company", "employee", "points", "until", "to", "state", "asked_by", "which")

    @admin.display(description=gettext_lazy("lots"))
    def which(self, extension: Extension) -> str:
        """The lots that got more time."""
        return rows_link(ExtendedLot, _("Lots"), extension__exact=extension.pk)

    def ask(self, row: Extension, *, by: User) -> Extension:
        """Give the time, or ask a second person."""
        return extend(
            membership=row.membership,
            employee=row.employee,
            until=row.until,
            to=row.to,
            reason=row.reason,
            by=by,
            now=timezone.now(),
        ).extension


@admin.register(ExtendedLot)
class ExtendedLotAdmin(ReadOnlyAdmin[ExtendedLot]):
    """Which lots got more time, and from which day."""

    list_display = ("extension", "lot", "points", "last_day_before", "last_day")
    list_filter = (("extension", LinkedRowFilter), ("lot", LinkedRowFilter))
    list_select_related = ("extension", "lot")
    search_fields = ("extension__membership__company__name",)
    ordering = ("-pk",)
