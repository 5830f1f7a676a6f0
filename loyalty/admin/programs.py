"""Programs, their tiers, and the metrics that raise and lower them."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, TypeVar

from django import forms
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.condition_forms import ConditionField, condition_field
from accounts.admin.documents import check_condition
from accounts.admin.links import AskedFilter, LinkedRowFilter, VocabularyFilter, row_link, rows_link
from accounts.admin.reshaping import ReshapedForm, ReshapingAdmin
from accounts.admin.scoped import FixedFieldsForm, ReadOnlyAdmin, ScopedInline, ScopedModelAdmin
from accounts.conditions import ConditionError, parse, sentence
from accounts.reader import READER
from accounts.scope import in_force
from loyalty.admin.liability import liability_view
from loyalty.admin.setup import setup_view
from loyalty.ending import tell_of_end
from loyalty.goals import over_budget, to_be_stopped, without_goals
from loyalty.models import (
    ActivityAttribute,
    Badge,
    BadgeHolding,
    EffectAward,
    EndNotice,
    HandedOver,
    Metric,
    Program,
    ProgramPlan,
    RuleSet,
    Tier,
    TierThreshold,
)
from loyalty.own_activities import ensure_derived_types
from loyalty.titles import enrolment_catalogue
from loyalty.vocabulary import Vocabulary

D = TypeVar("D", Tier, Badge)


def chosen(form: forms.ModelForm[Any], name: str) -> Any:
    """Return the row that a field of a form names now, typed or saved; None where it names none."""
    field = form.fields.get(name)
    if not isinstance(field, forms.ModelChoiceField) or field.disabled:
        return getattr(form.instance, name) if getattr(form.instance, f"{name}_id") else None
    value = str(form[name].value())
    return field.queryset.filter(pk=int(value)).first() if value.isdecimal() and len(value) < 19 else None  # type: ignore[union-attr]


class MetricForm(ReshapedForm[Metric], FixedFieldsForm[Metric]):
    """A metric whose condition is checked against what its activities carry."""

    fixed = ("code", "measure", "activity_type", "attribute")

    class Meta:
        field_classes: ClassVar[Mapping[str, Any]] = {"condition": ConditionField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if condition := condition_field(self, "condition"):
            program, activity_type = chosen(self, "program"), chosen(self, "activity_type")
            if program and activity_type:
                condition.ask(Vocabulary().catalogue(activity_type_id=activity_type.pk, program=program))

    def clean(self) -> dict[str, Any]:
        """Check the condition, and that what is added up is a number."""
        cleaned = super().clean() or self.cleaned_data
        if (code := cleaned.get("attribute")) and cleaned.get("activity_type"):
            numbers = ActivityAttribute.objects.filter(
                activity_type=cleaned["activity_type"], type=ActivityAttribute.Type.NUMBER
            )
            if not numbers.filter(code=code).exists():
                self.add_error("attribute", _("This type of activity has no attribute of that code that is a number."))
        program = cleaned.get("program") or (self.instance.program if self.instance.program_id else None)
        activity_type = cleaned.get("activity_type")
        if program and activity_type and "condition" in cleaned:
            catalogue = Vocabulary().catalogue(activity_type_id=activity_type.pk, program=program)
            check_condition(self, cleaned["condition"], catalogue)
        return cleaned


class ProgramTierInline(ScopedInline[Tier, Program]):
    """The tiers, lowest first."""

    model = Tier
    form = FixedFieldsForm[Tier]
    fields = ("code", "name", "rank", "is_earned", "threshold")
    ordering = ("rank",)


class MetricInline(ScopedInline[Metric, Program]):
    """The metrics."""

    model = Metric
    form = MetricForm
    fields = ("code", "name", "measure", "activity_type", "attribute", "only_if")
    readonly_fields = ("only_if",)
    ordering = ("code",)
    show_change_link = True

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        """Read once for all metrics of the page: an inline is made anew for each."""
        return Vocabulary()

    @admin.display(description=gettext_lazy("only if"))
    def only_if(self, metric: Metric) -> str:
        """The condition as a sentence; it is edited on the metric's own page."""
        if not metric.condition:
            return _("always")
        catalogue = self._vocabulary.catalogue(activity_type_id=metric.activity_type_id, program=metric.program)
        try:
            return sentence(parse(metric.condition, catalogue), catalogue, READER)
        except ConditionError as error:
            return error.translated(_)


def without_rules(programs: QuerySet[Program], at: datetime) -> QuerySet[Program]:
    """Return those of `programs` that run at `at` without rules in force: nothing is earned there."""
    rules = RuleSet.objects.exclude(status=RuleSet.Status.DRAFT).filter(in_force(at), program=OuterRef("pk"))
    return programs.filter(~Exists(rules), is_active=True)


class RulesFilter(AskedFilter):
    """Running programs by whether rules are in force."""

    title = gettext_lazy("rules in force")
    parameter_name = "rules"
    choices_of = {"none": gettext_lazy("none")}

    def cut(self, rows: QuerySet[Program], asked: str, actor: Actor) -> QuerySet[Program]:
        """Those without."""
        return without_rules(rows, actor.at)


class GoalsFilter(AskedFilter):
    """Running programs by whether anybody said what they are to bring."""

    title = gettext_lazy("goals")
    parameter_name = "goals"
    choices_of = {"none": gettext_lazy("none"), "stop": gettext_lazy("to be stopped")}

    def cut(self, rows: QuerySet[Program], asked: str, actor: Actor) -> QuerySet[Program]:
        """Those without, or those that were given up and go on."""
        return to_be_stopped(rows) if asked == "stop" else without_goals(rows)


@admin.register(Program)
class ProgramAdmin(ScopedModelAdmin[Program]):
    """Programs."""

    form = FixedFieldsForm[Program]
    list_display = ("name", "code", "currency", "time_zone", "release", "expiry", "expiry_months", "is_active")
    list_filter = ("is_active", RulesFilter, GoalsFilter)
    search_fields = ("name", "code")
    ordering = ("name",)
    inlines = (ProgramTierInline, MetricInline)
    change_form_template = "admin/loyalty/program/page.html"

    def get_urls(self) -> list[URLPattern]:
        """The pages of what a program owes, and of what is left to do until it lives."""
        view = self.admin_site.admin_view
        ours = [
            path("<int:pk>/liability/", view(liability_view), name="loyalty_program_liability"),
            path("<int:pk>/setup/", view(setup_view), name="loyalty_program_setup"),
        ]
        return [*ours, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the ways to what is left to do, to its plan and to what it owes; warn where it has no goals."""
        tools = []
        if object_id.isdecimal():
            url = reverse("admin:loyalty_program_setup", args=[object_id])
            tools.append({"label": _("What is left to do"), "url": url})
        row = self.get_object(request, object_id) if request.user.has_perm("loyalty.view_programplan") else None
        if row is not None:
            tools.append(self._plan_tool(request, row))
            if request.method == "GET":
                self._warn(request, row)
        if object_id.isdecimal() and request.user.has_perm("loyalty.view_bookday"):
            url = reverse("admin:loyalty_program_liability", args=[object_id])
            tools.append({"label": _("Liability"), "url": url})
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "tools": tools})

    def _plan_tool(self, request: HttpRequest, row: Program) -> dict[str, Any]:
        """The way to the open plan, to a new one, or to those that there were."""
        plan = row.plans.filter(closed_at__isnull=True).first()
        if plan is not None:
            return {"label": _("Goals and budget"), "url": reverse("admin:loyalty_programplan_change", args=[plan.pk])}
        way = "add" if request.user.has_perm("loyalty.add_programplan") else "changelist"
        asked = {"program" if way == "add" else "program__id__exact": row.pk}
        return {"label": _("Goals and budget"), "url": reverse(f"admin:loyalty_programplan_{way}", query=asked)}

    def _warn(self, request: HttpRequest, row: Program) -> None:
        if to_be_stopped(Program.objects.filter(pk=row.pk)).exists():
            text = _("It was decided to stop this program, and it goes on: set its last day to earn and to spend.")
            self.message_user(request, text, messages.WARNING)
        elif without_goals(Program.objects.filter(pk=row.pk)).exists():
            text = _("This program has no goals: nobody can say whether it works. Choose “Goals and budget”.")
            self.message_user(request, text, messages.WARNING)
        elif over_budget(ProgramPlan.objects.filter(program=row), timezone.now()).exists():
            text = _("This program is over its budget. Choose “Goals and budget”, then “What came true”.")
            self.message_user(request, text, messages.WARNING)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Tell at once of an end that was set; warn where nothing would ever raise or lower a tier."""
        super().save_related(request, form, formsets, change)
        program: Program = form.instance
        if program.tiers.exists():
            ensure_derived_types()
        tell_of_end(program, now=timezone.now())
        if program.tier_metric and not program.metrics.filter(code=program.tier_metric).exists():
            text = _("There is no metric “%(code)s” yet: until there is, no tier is reached.")
            self.message_user(request, text % {"code": program.tier_metric}, messages.WARNING)


class DerivingAdmin(ScopedModelAdmin[D]):
    """What rules can be made for when it is reached or received: saving the first makes the types of activities."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Make the types where there are none yet."""
        super().save_model(request, obj, form, change)
        ensure_derived_types()


@admin.register(Metric)
class MetricAdmin(ReshapingAdmin[Metric], ScopedModelAdmin[Metric]):
    """All metrics, to search in and to edit one."""

    form = MetricForm
    list_display = ("name", "code", "program", "measure", "activity_type")
    list_filter = (("program", VocabularyFilter), "measure")
    list_select_related = ("program", "activity_type")
    search_fields = ("name", "code", "program__name")
    ordering = ("program__name", "code")


class TierForm(ReshapedForm[Tier], FixedFieldsForm[Tier]):
    """A tier and the ways to it; its condition is checked against what companies and their standing can be asked."""

    class Meta:
        field_classes: ClassVar[Mapping[str, Any]] = {"condition": ConditionField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if (condition := condition_field(self, "condition")) and (program := chosen(self, "program")):
            condition.ask(enrolment_catalogue(program))

    def clean(self) -> dict[str, Any]:
        """Check the condition."""
        cleaned = super().clean() or self.cleaned_data
        program = cleaned.get("program") or (self.instance.program if self.instance.program_id else None)
        if program and cleaned.get("condition"):
            check_condition(self, cleaned["condition"], enrolment_catalogue(program))
        return cleaned


class TierThresholdInline(ScopedInline[TierThreshold, Tier]):
    """What it asks of segments."""

    model = TierThreshold


@admin.register(Tier)
class TierAdmin(ReshapingAdmin[Tier], DerivingAdmin[Tier]):
    """All tiers, and the ways to each."""

    form = TierForm
    fieldsets = (
        (None, {"fields": ("program", "code", "name", "rank")}),
        (gettext_lazy("Earned"), {"fields": ("is_earned", "threshold")}),
        (
            gettext_lazy("Other ways"),
            {
                "fields": ("is_chosen", "is_invited", "is_paid", "condition"),
                "description": gettext_lazy(
                    "The higher one counts of what a company earns and what it holds otherwise. Agreed upon or kept by "
                    "hand is always possible: under titles to tiers."
                ),
            },
        ),
        (gettext_lazy("Fee"), {"fields": ("fee", "fee_currency", "fee_months", "fee_grace_days")}),
    )
    inlines = (TierThresholdInline,)
    list_display = ("name", "code", "program", "rank", "threshold", "is_earned", "is_chosen", "is_invited", "is_paid")
    list_filter = (("program", VocabularyFilter), "is_earned", "is_chosen", "is_invited", "is_paid")
    list_select_related = ("program",)
    search_fields = ("name", "code", "program__name")
    ordering = ("program__name", "rank")


@admin.register(Badge)
class BadgeAdmin(DerivingAdmin[Badge]):
    """Badges that rules give."""

    form = FixedFieldsForm[Badge]
    list_display = ("name", "code", "program", "holders")
    list_filter = (("program", VocabularyFilter),)
    list_select_related = ("program",)
    search_fields = ("name", "code", "program__name")
    ordering = ("program__name", "code")

    @admin.display(description=gettext_lazy("who holds it"))
    def holders(self, badge: Badge) -> str:
        """A link to them."""
        return rows_link(BadgeHolding, _("Holders"), badge__exact=badge.pk)


@admin.register(BadgeHolding)
class BadgeHoldingAdmin(ReadOnlyAdmin[BadgeHolding]):
    """Who holds which badge since when, and what for."""

    list_display = ("badge", "membership", "employee", "given_at", "ended_at", "activity")
    list_filter = (
        ("badge", LinkedRowFilter),
        ("membership__program", VocabularyFilter),
        ("ended_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("badge", "membership__company", "membership__program", "employee", "award__activity")
    search_fields = ("membership__company__name", "employee__name", "badge__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("for"))
    def activity(self, holding: BadgeHolding) -> str:
        """The activity that brought it."""
        return row_link(holding.award.activity)


@admin.register(EffectAward)
class EffectAwardAdmin(ReadOnlyAdmin[EffectAward]):
    """What rules gave beside points."""

    sortable_by = None
    list_display = ("rule_code", "effect", "subject", "is_given", "company", "employee", "activity", "program")
    list_filter = (("program", VocabularyFilter), "effect", "is_given", ("activity", LinkedRowFilter))
    list_select_related = ("company", "employee", "activity", "program")
    search_fields = ("rule_code", "subject", "company__name", "employee__name")
    ordering = ("-pk",)


@admin.register(EndNotice)
class EndNoticeAdmin(ReadOnlyAdmin[EndNotice]):
    """What companies and people were told of ends."""

    list_display = ("told_at", "program", "about", "last_earn_on", "last_spend_on")
    list_filter = (("program", VocabularyFilter), "about")
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-pk",)


@admin.register(HandedOver)
class HandedOverAdmin(ReadOnlyAdmin[HandedOver]):
    """Points that were left as programs ended, to be paid out in money; exported, it is the list for whoever pays."""

    list_display = (
        "program",
        "company",
        "customer_number",
        "employee",
        "points",
        "amount",
        "currency",
        "made_at",
        "act",
    )
    list_filter = (("program", VocabularyFilter), ("company", LinkedRowFilter))
    list_select_related = ("program", "company", "employee", "transaction")
    search_fields = ("company__name", "company__external_id", "employee__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("customer number"))
    def customer_number(self, row: HandedOver) -> str:
        """What other systems call the company."""
        return row.company.external_id

    @admin.display(description=gettext_lazy("act"))
    def act(self, row: HandedOver) -> str:
        """The act that took the points."""
        return row_link(row.transaction)
