"""What companies do: the words for it, where it comes from, and every activity to read."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.actors import Actor
from accounts.admin.links import AskedFilter, LinkedRowFilter, VocabularyFilter, rows_link
from accounts.admin.scoped import FixedFieldsForm, ReadOnlyAdmin, ScopedInline, ScopedModelAdmin, manager_behind
from accounts.admin.steps import Step, StepForm, SteppedAdmin
from accounts.models import User
from loyalty.activities import confirm_activities, waiting_points
from loyalty.models import (
    Activity,
    ActivityAttribute,
    ActivityReturn,
    ActivityType,
    Confirmation,
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


class NothingWaitsError(Exception):
    """Nothing of an activity waits: somebody else confirmed it, or it came back."""

    def __str__(self) -> str:
        return _("Nothing of it waits any more: it was confirmed, taken back, or its day has come.")


def _confirm(activity: Activity, by: User, now: datetime) -> Activity:
    if not confirm_activities([activity.pk], by_user_id=by.pk, now=now)[activity.pk].points:
        raise NothingWaitsError
    return activity


@admin.register(Activity)
class ActivityAdmin(ReadOnlyAdmin[Activity], SteppedAdmin[Activity]):
    """Activities, as they arrived; what waits of their points can be confirmed."""

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
        "waits",
        "behind",
    )
    actions = ("confirm",)  # type: ignore[assignment]
    refusal: ClassVar[type[Exception]] = NothingWaitsError
    steps: ClassVar[Mapping[str, Step]] = {
        "confirm": Step(
            gettext_lazy("Confirm"),
            gettext_lazy("Its points can be spent from now on. A return takes them back as any others."),
            gettext_lazy("Confirmed: the points of %(row)s can be spent."),
            lambda activity, by, now, _asked: _confirm(activity, by, now),
        )
    }

    def offered(self, row: Activity) -> list[str]:
        """What waits can be confirmed."""
        return ["confirm"] if waiting_points(row.pk) else []

    def may_take(self, request: HttpRequest, row: Activity, step: Step) -> bool:
        """Program managers; nobody edits an activity, which is what the permission would otherwise mean."""
        return self.has_confirm_permission(request)

    def has_confirm_permission(self, request: HttpRequest) -> bool:
        """Program managers."""
        return request.user.has_perm("loyalty.add_confirmation")

    @admin.action(description=gettext_lazy("Confirm: points that wait can be spent"), permissions=["confirm"])
    def confirm(self, request: HttpRequest, queryset: QuerySet[Activity]) -> HttpResponse | None:
        """Confirm the chosen activities, after a look at how many there are."""
        ids = list(queryset.order_by("pk").values_list("pk", flat=True))
        if "confirm" not in request.POST:
            return self._confirmation(request, ids)
        came = confirm_activities(ids, by_user_id=manager_behind(request).pk, now=timezone.now())
        points = sum(one.points for one in came.values())
        text = ngettext("%(count)s point can be spent.", "%(count)s points can be spent.", points)
        self.message_user(request, text % {"count": localize(points)}, messages.SUCCESS if points else messages.WARNING)
        return None

    def _confirmation(self, request: HttpRequest, ids: list[int]) -> HttpResponse:
        step = self.steps["confirm"]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": step.label,
            "facts": [(_("Activities to confirm"), localize(len(ids)))],
            "consequence": _("What waits of their points can be spent from now on; what does not wait stays as it is."),
            "form": StepForm(),
            "hidden": [
                *((ACTION_CHECKBOX_NAME, pk) for pk in ids),
                ("action", "confirm"),
                ("index", 0),
                ("confirm", "yes"),
            ],
            "submit": step.label,
            "back_url": request.get_full_path(),
        }
        return TemplateResponse(request, self.step_template, context)

    @admin.display(description=gettext_lazy("points that wait"))
    def waits(self, activity: Activity) -> str:
        """What can be confirmed."""
        return localize(waiting_points(activity.pk))

    @admin.display(description=gettext_lazy("what came of it"))
    def behind(self, activity: Activity) -> str:
        """Links to the judgements and the points."""
        judged = rows_link(Evaluation, _("Evaluations"), activity__exact=activity.pk)
        booked = rows_link(Transaction, _("Transactions"), activity__exact=activity.pk)
        return format_html("{} · {}", judged, booked)


@admin.register(Confirmation)
class ConfirmationAdmin(ReadOnlyAdmin[Confirmation]):
    """Who confirmed what, and the days that its points have since."""

    list_display = ("activity", "company", "program", "available_on", "expires_on", "confirmed_by", "confirmed_at")
    list_filter = (("program", VocabularyFilter), ("company", LinkedRowFilter))
    list_select_related = ("activity", "company", "program", "confirmed_by")
    search_fields = ("activity__external_id__exact", "company__name")
    ordering = ("-pk",)


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


class ReturnStateFilter(AskedFilter):
    """What became of a return."""

    title = gettext_lazy("state")
    parameter_name = "state"
    choices_of = {
        "waits": gettext_lazy("waits"),
        "applied": gettext_lazy("applied"),
        "refused": gettext_lazy("refused"),
    }

    def cut(self, rows: QuerySet[Any], asked: str, actor: Actor) -> QuerySet[Any]:
        """Those that are in this state."""
        if asked == "waits":
            return rows.filter(awaited_source__isnull=False)
        return rows.filter(applied_at__isnull=False) if asked == "applied" else rows.exclude(refusal="")


@admin.register(ReturnLink)
class ReturnLinkAdmin(ReadOnlyAdmin[ReturnLink]):
    """Which return undoes which activity, which ones wait for theirs and since when, and which did not fit."""

    list_display = ("activity", "company", "source", "undoes", "recorded_at", "applied_at", "state")
    list_filter = (ReturnStateFilter, "refusal")
    list_select_related = ("activity__company", "activity__source")
    search_fields = (
        "activity__external_id__exact",
        "activity__reverses_external_id__exact",
        "activity__company__name",
    )
    search_help_text = gettext_lazy("The whole number of either at the source, or part of a company's name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("company"))
    def company(self, link: ReturnLink) -> str:
        """Whose return it is."""
        return str(link.activity.company)

    @admin.display(description=gettext_lazy("source"))
    def source(self, link: ReturnLink) -> str:
        """Where it comes from."""
        return str(link.activity.source)

    @admin.display(description=gettext_lazy("undoes"))
    def undoes(self, link: ReturnLink) -> str:
        """What it names, there or not."""
        return link.activity.reverses_external_id

    @admin.display(description=gettext_lazy("recorded"), ordering="activity__recorded_at")
    def recorded_at(self, link: ReturnLink) -> datetime:
        """Since when it stands, or waits."""
        return link.activity.recorded_at

    @admin.display(description=gettext_lazy("state"))
    def state(self, link: ReturnLink) -> str:
        """What became of it, in words."""
        if link.refusal:
            return _("refused: %(reason)s") % {"reason": link.get_refusal_display()}
        return _("waits") if link.applied_at is None else _("applied")
