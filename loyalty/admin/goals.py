"""What a program is to bring and may cost: its plan with goals and budget, and the profits that are typed in."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.admin.links import AskedFilter, LinkedRowFilter, VocabularyFilter, row_link
from accounts.admin.scoped import FixedFieldsForm, NeverDeleted, ReadOnlyAdmin, ScopedInline
from accounts.admin.steps import Step, SteppedAdmin
from accounts.models import User
from accounts.text import validate_plain_text
from loyalty.admin.comparisons import shown
from loyalty.explaining import rule_set_in_force
from loyalty.goals import Reviewed, ReviewError, as_reviewed, compare, due, over_budget, review
from loyalty.models import Goal, Metric, ProfitPeriod, Program, ProgramPlan, ProgramReview, ReviewedGoal

_DAY = forms.DateInput(attrs={"type": "date"})


def _today(program: Program | None) -> date:
    now = timezone.now()
    return now.astimezone(program.zone).date() if program else timezone.localdate(now)


class PlanForm(FixedFieldsForm[ProgramPlan]):
    """A plan in its program's money, with a review that is still to come."""

    fixed = ("program",)

    def clean(self) -> dict[str, Any]:
        """Check the days and the money against the program."""
        cleaned = super().clean() or self.cleaned_data
        program = cleaned.get("program") or (self.instance.program if self.instance.program_id else None)
        if program is None:
            return cleaned
        currency = cleaned.get("currency")
        if currency and currency != program.currency:
            text = _("“%(program)s” counts in %(own)s, not in %(other)s: give all money in %(own)s.")
            self.add_error("currency", text % {"program": program, "own": program.currency, "other": currency})
        cleaned["currency"] = program.currency
        review_on = cleaned.get("review_on")
        if review_on and "review_on" in self.changed_data and review_on <= _today(program):
            self.add_error("review_on", _("This day is over. Choose a day after today, on which somebody decides."))
        others = ProgramPlan.objects.filter(program=program, closed_at__isnull=True)
        if self.instance.pk is None and others.exists():
            text = _("“%(program)s” has an open plan: change that one, or review it first.")
            self.add_error("program", text % {"program": program})
        return cleaned


class GoalForm(FixedFieldsForm[Goal]):
    """A goal that can still be reached, by a figure of its own program."""

    fixed = ("figure", "metric")

    def clean(self) -> dict[str, Any]:
        """Check the days, and whose metric it is."""
        cleaned = super().clean() or self.cleaned_data
        plan: ProgramPlan | None = cleaned.get("plan") or self.instance.plan
        program = plan.program if plan and plan.program_id else None
        metric = cleaned.get("metric")
        if metric and program and metric.program_id != program.pk:
            self.add_error("metric", _("This metric is another program's. Choose one of “%s”.") % program)
        by_on = cleaned.get("by_on")
        if by_on and "by_on" in self.changed_data:
            if by_on < _today(program):
                self.add_error("by_on", _("This day is over: nothing can come true by then. Choose a day to come."))
            elif plan and plan.starts_on and by_on < plan.starts_on:
                self.add_error("by_on", _("The plan begins later: choose a day after its first."))
        if cleaned.get("typed_on") and cleaned["typed_on"] > _today(program):
            self.add_error("typed_on", _("This day is still to come: nobody can know the figure."))
        return cleaned


class ProfitFormSet(forms.BaseInlineFormSet[ProfitPeriod, ProgramPlan, Any]):
    """Profits of which no two count the same day."""

    def clean(self) -> None:
        """Refuse a day that would count twice: the database cannot say it of rows that are saved together."""
        super().clean()
        taken: list[tuple[date, date]] = []
        for form in self.forms:
            first, last = (getattr(form, "cleaned_data", {}).get(name) for name in ("starts_on", "ends_on"))
            if first is None or last is None or form.cleaned_data.get("DELETE"):
                continue
            if any(first <= other_last and other_first <= last for other_first, other_last in taken):
                form.add_error("starts_on", _("The profit of some of these days is typed in already."))
            if last > _today(self.instance.program if self.instance.program_id else None):
                form.add_error("ends_on", _("This day is still to come: type the profit in once it is known."))
            taken.append((first, last))


class _OfOpenPlan(ScopedInline[Any, ProgramPlan]):
    """Rows that change as long as their plan is open; an empty one stands ready where no script adds any."""

    can_delete = True
    extra = 1

    def has_add_permission(self, request: HttpRequest, obj: ProgramPlan | None = None) -> bool:
        """To an open plan."""
        return (obj is None or obj.is_open) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: ProgramPlan | None = None) -> bool:
        """In an open plan."""
        return (obj is None or obj.is_open) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: ProgramPlan | None = None) -> bool:
        """Out of an open plan; the history keeps it."""
        return (obj is None or obj.is_open) and super().has_delete_permission(request, obj)


class GoalInline(_OfOpenPlan):
    """The goals."""

    model = Goal
    form = GoalForm
    template = "admin/edit_inline/stacked.html"  # ten fields in a row go beyond every screen
    fields = (
        ("name", "aim"), ("figure", "metric", "unit"), ("baseline", "target", "by_on"), ("typed", "typed_on"),
    )  # fmt: skip
    ordering = ("by_on", "pk")

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> QuerySet[Any]:
        """Say of each metric whose it is, in one query."""
        rows = super().get_field_queryset(db, db_field, request)
        return rows.select_related("program") if db_field.name == "metric" else rows

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Metrics by program and name: two programs may call theirs the same."""
        if db_field.name == "metric":
            kwargs["form_class"] = _MetricField
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class _MetricField(forms.ModelChoiceField[Metric]):
    def label_from_instance(self, obj: Metric) -> str:
        """The program and the metric."""
        return f"{obj.program}: {obj}"


class ProfitInline(_OfOpenPlan):
    """The profits that were typed in."""

    model = ProfitPeriod
    formset = ProfitFormSet
    fields = ("starts_on", "ends_on", "profit", "brought")
    ordering = ("starts_on",)


class ReviewForm(forms.Form):
    """What is decided, why, and when the program is looked at next."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("Decision"), choices=ProgramReview.Outcome.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=500,
        validators=[validate_plain_text],
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
    )
    next_review_on = forms.DateField(
        label=gettext_lazy("Next review"),
        required=False,
        widget=_DAY,
        help_text=gettext_lazy("Where the program is kept or changed; a program that stops has none."),
    )


def _review(plan: ProgramPlan, by: User, now: datetime, asked: Mapping[str, Any]) -> Reviewed:
    return review(
        plan_id=plan.pk,
        outcome=ProgramReview.Outcome(asked["outcome"]),
        reason=asked["reason"],
        next_review_on=asked["next_review_on"],
        by=by,
        now=now,
    )


class ConcernFilter(AskedFilter):
    """Open plans by what somebody should look at."""

    title = gettext_lazy("worth a look")
    parameter_name = "look"
    choices_of = {"due": gettext_lazy("review is due"), "budget": gettext_lazy("over the budget")}

    def cut(self, rows: QuerySet[ProgramPlan], asked: str, actor: Actor) -> QuerySet[ProgramPlan]:
        """Those."""
        return due(rows, actor.at) if asked == "due" else over_budget(rows, actor.at)


@admin.register(ProgramPlan)
class ProgramPlanAdmin(NeverDeleted[ProgramPlan], SteppedAdmin[ProgramPlan]):
    """Plans; what came true of one, and its review, are pages of their own."""

    form = PlanForm
    list_display = ("program", "starts_on", "review_on", "budget_percent", "expected_return", "currency", "state")
    list_filter = (("program", VocabularyFilter), ("closed_at", admin.EmptyFieldListFilter), ConcernFilter)
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-pk",)
    inlines = (GoalInline, ProfitInline)
    refusal = ReviewError
    step_template = "admin/loyalty/programplan/review.html"
    steps = {
        "review": Step(
            gettext_lazy("Review"),
            gettext_lazy(
                "Decide by what came true. Keep: the plan goes on to the next review. Change: the plan is closed, "
                "another begins today where the goals stand, and a draft of the rules is next. Stop: the plan is "
                "closed, and you set the last days of the program. What stands here is kept for ever."
            ),
            gettext_lazy("Reviewed: %(row)s."),
            _review,
            ReviewForm,
        )
    }

    @admin.display(description=gettext_lazy("state"))
    def state(self, plan: ProgramPlan) -> str:
        """Whether it still holds."""
        return _("open") if plan.is_open else _("closed")

    def get_urls(self) -> list[URLPattern]:
        """The page of what came true."""
        view = self.admin_site.admin_view(self.came_true_view)
        return [path("<int:pk>/came-true/", view, name="loyalty_programplan_came-true"), *super().get_urls()]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A plan begins today."""
        return {"starts_on": timezone.localdate(), **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: ProgramPlan | None = None) -> bool:
        """As long as it is open."""
        return (obj is None or obj.is_open) and super().has_change_permission(request, obj)

    def may_take(self, request: HttpRequest, row: ProgramPlan, step: Step) -> bool:
        """Program managers; of a plan that was closed meanwhile they are told so."""
        return request.user.has_perm("loyalty.change_programplan")

    def offered(self, row: ProgramPlan) -> list[str]:
        """An open one is reviewed."""
        return list(self.steps) if row.is_open else []

    def further_tools(self, request: HttpRequest, row: ProgramPlan) -> list[dict[str, Any]]:
        """What came true, and what was decided before."""
        reviews = reverse("admin:loyalty_programreview_changelist")
        return [
            {"label": _("What came true"), "url": self._url("came-true", row)},
            {"label": _("Reviews"), "url": f"{reviews}?{urlencode({'plan__program__id__exact': row.program_id})}"},
        ]

    def came_true_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what came true so far beside what was planned."""
        plan = self.get_object(request, str(pk))
        if plan is None:
            raise Http404
        if not self.has_view_permission(request, plan):
            raise PermissionDenied
        now = timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": plan,
            "title": _("What came true: %(program)s") % {"program": plan.program},
            "as_of": now,
            "may_review": plan.is_open and self.has_change_permission(request, plan),
            "review_url": self._url("review", plan),
            "back_url": self._url("change", plan),
            **shown(compare(plan, now=now), today=_today(plan.program)),
        }
        return TemplateResponse(request, "admin/loyalty/programplan/came_true.html", context)

    def foretold(self, row: ProgramPlan, name: str) -> dict[str, Any]:
        """What came true, to decide by."""
        return shown(compare(row, now=timezone.now()), today=_today(row.program))

    def taken(self, request: HttpRequest, step: Step, result: Reviewed) -> HttpResponse:
        """Lead to what the decision asks for next."""
        written = result.review
        program = written.plan.program
        self.log_change(request, written.plan, str(written))
        if written.outcome == ProgramReview.Outcome.STOP:
            text = _("Decided to stop. Set the last day to earn and the last day to spend: clients are told at once.")
            url = reverse("admin:loyalty_program_change", args=[program.pk])
        elif written.outcome == ProgramReview.Outcome.CHANGE and result.next_plan is not None:
            text = _("Decided to change. The next plan begins today with the same goals; make a draft of the rules.")
            rule_set = rule_set_in_force(program, at=timezone.now())
            url = self._url("change", result.next_plan)
            if rule_set is not None and request.user.has_perm("loyalty.add_ruleset"):
                url = reverse("admin:loyalty_ruleset_draft", args=[rule_set.pk])
        else:
            text = _("Decided to keep. The program is looked at again on %(day)s.") % {
                "day": date_format(written.plan.review_on, "DATE_FORMAT")
            }
            url = self._url("change", written.plan)
        self.message_user(request, text)
        return HttpResponseRedirect(url)


@admin.register(Goal)
class GoalAdmin(ReadOnlyAdmin[Goal]):
    """Goals, to search in; they are set on the plan's page."""

    list_display = ("name", "plan", "aim", "figure", "baseline", "target", "by_on", "typed", "typed_on")
    list_filter = (("plan__program", VocabularyFilter), "aim", "figure", ("plan", LinkedRowFilter))
    list_select_related = ("plan__program", "metric")
    search_fields = ("name", "plan__program__name")
    ordering = ("-pk",)


@admin.register(ProfitPeriod)
class ProfitPeriodAdmin(ReadOnlyAdmin[ProfitPeriod]):
    """Profits that were typed in, to search in; they are typed in on the plan's page."""

    list_display = ("plan", "starts_on", "ends_on", "profit", "brought")
    list_filter = (("plan__program", VocabularyFilter), ("plan", LinkedRowFilter))
    list_select_related = ("plan__program",)
    search_fields = ("plan__program__name",)
    ordering = ("-pk",)


@admin.register(ProgramReview)
class ProgramReviewAdmin(ReadOnlyAdmin[ProgramReview]):
    """Reviews: what was decided, and what came true by then."""

    list_display = ("__str__", "outcome", "decided_by", "decided_at", "next_review_on", "cost", "budget", "brought")
    list_filter = (("plan__program", VocabularyFilter), "outcome", ("plan", LinkedRowFilter))
    list_select_related = ("plan__program", "decided_by")
    search_fields = ("plan__program__name", "reason", "decided_by__name")
    ordering = ("-pk",)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show it as it was kept."""
        if request.method == "POST":
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": row,
            "review": row,
            "title": str(row),
            "back_url": reverse("admin:loyalty_programplan_change", args=[row.plan_id]),
            **shown(as_reviewed(row), today=row.last_on + timedelta(days=1)),
        }
        return TemplateResponse(request, "admin/loyalty/programreview/page.html", context)


@admin.register(ReviewedGoal)
class ReviewedGoalAdmin(ReadOnlyAdmin[ReviewedGoal]):
    """Goals as reviews found them."""

    list_display = ("goal", "review", "baseline", "target", "by_on", "actual", "current")
    list_filter = (("review__plan__program", VocabularyFilter), ("review", LinkedRowFilter), ("goal", LinkedRowFilter))
    list_select_related = ("goal", "review__plan__program")
    search_fields = ("goal__name", "review__plan__program__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("plan"))
    def current(self, row: ReviewedGoal) -> str:
        """Where it was set."""
        return row_link(row.review.plan)
