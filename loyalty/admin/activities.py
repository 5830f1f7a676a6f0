"""What companies do: the words for it, where it comes from, and every activity to read."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import LinkedRowFilter, VocabularyFilter, rows_link
from accounts.admin.scoped import FixedFieldsForm, ReadOnlyAdmin, ScopedInline, ScopedModelAdmin
from loyalty.models import (
    Activity,
    ActivityAttribute,
    ActivityReturn,
    ActivityType,
    Evaluation,
    ReturnLink,
    Source,
    Transaction,
)


class AttributeForm(FixedFieldsForm[ActivityAttribute]):
    """An attribute keeps its code and type: rules were written for them."""

    fixed = ("code", "type")


class AttributeInline(ScopedInline[ActivityAttribute, ActivityType]):
    """What activities of the type may carry."""

    model = ActivityAttribute
    form = AttributeForm
    ordering = ("code",)


@admin.register(ActivityType)
class ActivityTypeAdmin(ScopedModelAdmin[ActivityType]):
    """Activity types."""

    form = FixedFieldsForm[ActivityType]
    list_display = ("name", "code")
    search_fields = ("name", "code")
    ordering = ("name",)
    inlines = (AttributeInline,)


@admin.register(ActivityAttribute)
class ActivityAttributeAdmin(ReadOnlyAdmin[ActivityAttribute]):
    """All attributes, to search in; they are declared on their type's page."""

    list_display = ("name", "code", "activity_type", "type", "unit", "is_required")
    list_filter = ("type", ("activity_type", VocabularyFilter))
    list_select_related = ("activity_type",)
    search_fields = ("name", "code", "activity_type__name")
    ordering = ("activity_type__name", "code")


@admin.register(Source)
class SourceAdmin(ScopedModelAdmin[Source]):
    """Sources."""

    form = FixedFieldsForm[Source]
    list_display = ("name", "code", "kind")
    list_filter = ("kind",)
    search_fields = ("name", "code")
    ordering = ("name",)


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin[Activity]):
    """Activities, as they arrived."""

    list_display = (
        "external_id",
        "type",
        "company",
        "employee",
        "object",
        "amount",
        "currency",
        "occurred_at",
        "source",
    )
    list_filter = (
        ("type", VocabularyFilter),
        ("source", VocabularyFilter),
        ("company", LinkedRowFilter),
        ("employee", LinkedRowFilter),
    )
    list_select_related = ("type", "company", "employee", "source")
    search_fields = ("external_id__exact", "object__exact", "company__name")
    search_help_text = gettext_lazy("The whole number at the source, the whole object, or part of a company's name")
    ordering = ("-pk",)
    fields = (
        ("source", "external_id"),
        "type",
        "company",
        "employee",
        "object",
        ("quantity", "amount", "currency"),
        "attributes",
        ("occurred_at", "recorded_at"),
        "reverses_external_id",
        "behind",
    )

    @admin.display(description=gettext_lazy("what came of it"))
    def behind(self, activity: Activity) -> str:
        """Links to the judgements and the points."""
        judged = rows_link(Evaluation, _("Evaluations"), activity__exact=activity.pk)
        booked = rows_link(Transaction, _("Transactions"), activity__exact=activity.pk)
        return format_html("{} · {}", judged, booked)


@admin.register(ActivityReturn)
class ActivityReturnAdmin(ReadOnlyAdmin[ActivityReturn]):
    """How much of each activity came back."""

    list_display = ("activity", "company", "original_amount", "amount", "original_quantity", "quantity", "is_whole")
    list_filter = ("is_whole",)
    list_select_related = ("activity__company",)
    search_fields = ("activity__external_id__exact", "activity__company__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("company"))
    def company(self, returned: ActivityReturn) -> str:
        """Whose activity it was."""
        return str(returned.activity.company)


@admin.register(ReturnLink)
class ReturnLinkAdmin(ReadOnlyAdmin[ReturnLink]):
    """Which return undoes which activity, and which ones wait for theirs."""

    list_display = ("activity", "original", "applied_at")
    list_filter = (("applied_at", admin.EmptyFieldListFilter),)
    list_select_related = ("activity", "original")
    search_fields = ("activity__external_id__exact", "original__external_id__exact")
    ordering = ("-pk",)
