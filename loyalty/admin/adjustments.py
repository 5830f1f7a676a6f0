"""Points by hand: asked for here, posted at once or after a second person's approval; what managements say; figures."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter, row_link
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.models import User
from loyalty.admin.by_hand import ByHandAdmin, ByHandForm, refusal
from loyalty.admin.segment_points import segment_view
from loyalty.by_hand import MOST_POINTS, NoPointsError, adjust
from loyalty.by_hand.adjustments import KIND
from loyalty.models import Adjustment, BookDay, CohortMonth, ProgramComment, ProgramDay, Transfer


class AdjustmentForm(ByHandForm[Adjustment]):
    """Whose points, how many, and why."""

    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        min_value=-MOST_POINTS,
        max_value=MOST_POINTS,
        help_text=gettext_lazy("Below 0 to take points."),
    )

    def clean(self) -> dict[str, Any]:
        """Refuse beside the field what the use case would refuse."""
        cleaned = super().clean()
        if cleaned.get("points") == 0:
            self.add_error("points", refusal(NoPointsError()))
        return cleaned


@admin.register(Adjustment)
class AdjustmentAdmin(ByHandAdmin[Adjustment]):
    """Points by hand: written once, never edited."""

    form = AdjustmentForm
    request_kind = KIND
    asked_fields = ("membership", "employee", "points", "reason_code", "reason")
    shown_fields = ("state", ("asked_by", "asked_at"), "decision", "act", "came_with")
    done = gettext_lazy("The points are posted; the client has been told.")
    left_to_another = gettext_lazy(
        "Nothing has moved yet: this is above the program's limit and waits for a second person's approval."
    )
    list_display = ("asked_at", "company", "employee", "points", "reason_code", "state", "asked_by", "act")
    list_filter: ClassVar[Any] = (
        "state",
        "reason_code",
        *ByHandAdmin.list_filter[1:],
        ("batch", LinkedRowFilter),
        ("opened_by", LinkedRowFilter),
    )
    list_select_related: ClassVar[Any] = (*ByHandAdmin.list_select_related, "transaction")
    change_list_template = "admin/loyalty/adjustment/list.html"
    add_form_template = "admin/loyalty/adjustment/add_form.html"

    @admin.display(description=gettext_lazy("posted by"))
    def act(self, adjustment: Adjustment) -> str:
        """The act that moved the points."""
        if adjustment.transaction_id is None:
            return "–"
        return row_link(adjustment.transaction, f"T{adjustment.transaction_id}")

    @admin.display(description=gettext_lazy("batch"))
    def came_with(self, adjustment: Adjustment) -> str:
        """The file or list that it came with, if any."""
        return row_link(adjustment.batch or adjustment.opened_by)

    def get_urls(self) -> list[URLPattern]:
        """The page for a whole segment."""
        view = self.admin_site.admin_view(segment_view)
        return [path("segment/", view, name="loyalty_adjustment_segment"), *super().get_urls()]

    def ask(self, row: Adjustment, *, by: User) -> Adjustment:
        """Move the points, or ask a second person."""
        return adjust(
            membership=row.membership,
            employee=row.employee,
            points=row.points,
            reason_code=row.reason_code,
            reason=row.reason,
            by=by,
            now=timezone.now(),
        ).adjustment


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin[Transfer]):
    """Points that clients passed on within their company."""

    list_display = ("made_at", "company", "employee", "is_to_company", "points", "reason_code", "reason", "made_by")
    list_filter = (
        "is_to_company",
        ("membership__program", VocabularyFilter),
        ("membership", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related = ("membership__company", "membership__program", "employee", "made_by")
    search_fields = ("membership__company__name", "employee__name", "reason")
    ordering = ("-made_at", "-pk")

    @admin.display(description=gettext_lazy("company"))
    def company(self, transfer: Transfer) -> str:
        """Within which company."""
        return str(transfer.membership.company)


@admin.register(ProgramComment)
class ProgramCommentAdmin(ReadOnlyAdmin[ProgramComment]):
    """What managements say of a program."""

    list_display = ("created_at", "company", "author", "beginning")
    list_filter = (("membership__program", VocabularyFilter), ("membership", LinkedRowFilter))
    list_select_related = ("membership__company", "membership__program", "author")
    search_fields = ("membership__company__name", "author__name", "text")
    ordering = ("-created_at", "-pk")

    @admin.display(description=gettext_lazy("company"))
    def company(self, comment: ProgramComment) -> str:
        """Whose management."""
        return str(comment.membership.company)

    @admin.display(description=gettext_lazy("comment"))
    def beginning(self, comment: ProgramComment) -> str:
        """How it begins."""
        return comment.text[:80]


@admin.register(BookDay)
class BookDayAdmin(ReadOnlyAdmin[BookDay]):
    """How each day closed."""

    list_display = (
        "day",
        "program",
        "opening",
        "earned",
        "returned",
        "spent",
        "given_back",
        "expired",
        "by_hand",
        "handed_over",
        "available",
        "waiting",
        "debt",
    )
    list_filter = (("program", VocabularyFilter),)
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-day", "program__name")


@admin.register(CohortMonth)
class CohortMonthAdmin(ReadOnlyAdmin[CohortMonth]):
    """How points of each month went: what is said to expire rests on it."""

    list_display = ("cohort", "month", "program", "used", "expired", "expired_in")
    list_filter = (("program", VocabularyFilter),)
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-cohort", "month", "program__name")


@admin.register(ProgramDay)
class ProgramDayAdmin(ReadOnlyAdmin[ProgramDay]):
    """A program's figures at the end of each day."""

    list_display = ("day", "program", "issued", "spent", "expired", "outstanding", "members", "active_companies")
    list_filter = (("program", VocabularyFilter),)
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-day", "program__name")
