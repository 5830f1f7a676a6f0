"""Examples of a program, in plain forms; and on one page how they come out with a version of its rules."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import BaseInlineFormSet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import VocabularyFilter
from accounts.admin.scoped import ReadOnlyAdmin, ScopedInline, ScopedModelAdmin
from accounts.middleware import actor_behind
from accounts.models import Segment, StakeholderRole
from accounts.wording import listed
from loyalty.admin.attributes import AttributesField, check_attributes
from loyalty.effects import effects
from loyalty.examples import run_examples
from loyalty.models import Example, ExampleStep, RuleSet, Tier
from loyalty.proving import missing_proofs
from loyalty.vocabulary import Vocabulary

MOST_STEPS = 1_000
_BACK = "rule_set"
"""In an address: the version whose page of examples led there, and is gone back to."""


class NextNumberField(forms.IntegerField):
    """A number that may be left empty: then it is the one that the form begins with."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Empty is as it was."""
        return data not in self.empty_values and super().has_changed(initial, data)


class ExampleStepForm(forms.ModelForm[ExampleStep]):
    """A step; its attributes are those that the activity type declares."""

    position = NextNumberField(label=gettext_lazy("step"), required=False, min_value=1, max_value=MOST_STEPS)
    attributes = AttributesField(
        label=gettext_lazy("attributes"), required=False, help_text=gettext_lazy("A line each: code = value.")
    )

    def clean_position(self) -> int:
        """Nothing typed: the next one."""
        return int(self.cleaned_data["position"] or self.initial.get("position") or 1)

    def clean(self) -> dict[str, Any]:
        """Refuse attributes that the activity type does not declare; read yes and no."""
        cleaned = super().clean() or self.cleaned_data
        check_attributes(self, cleaned)
        return cleaned


class ExampleForm(forms.ModelForm[Example]):
    """A made-up client; codes are those that there are."""

    def clean(self) -> dict[str, Any]:
        """Refuse codes that nothing has."""
        cleaned = super().clean() or self.cleaned_data
        program = cleaned.get("program") or self.instance.program_id
        tiers = set(Tier.objects.filter(program=program).values_list("code", flat=True)) if program else set()
        words = Vocabulary()
        owner = getattr(program, "pk", program) or 0
        given = {f"{kind}:{code}" for kind in effects() for code in words.subjects(kind, owner)}
        for field, known in (
            ("tier", tiers),
            ("tier_after", tiers),
            ("favours", given),
            ("segments", set(Segment.objects.values_list("code", flat=True))),
            ("roles", set(StakeholderRole.objects.values_list("code", flat=True))),
        ):
            written = cleaned.get(field) or []
            for code in [written] if isinstance(written, str) else written:
                if code not in known:
                    text = _("There is no “%(code)s” here. There is: %(known)s.")
                    self.add_error(field, text % {"code": code, "known": listed(sorted(known), _) or "–"})
        return cleaned


class ExampleStepFormSet(BaseInlineFormSet[ExampleStep, Example, forms.ModelForm[ExampleStep]]):
    """The steps: a blank one bears the next number and the day of the one before, the very first the day of today."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        there = list(self.get_queryset())
        self._last = max((step.position for step in there), default=0)
        self._day = max((step.day for step in there), default=timezone.localdate())

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        """Begin a blank step; the one that "Add another" copies has no number until it is sent."""
        kwargs = super().get_form_kwargs(index)
        if index is None:
            return {**kwargs, "initial": {"day": self._day}}
        if index >= self.initial_form_count():
            number = self._last + 1 + index - self.initial_form_count()
            return {**kwargs, "initial": {"position": number, "day": self._day}}
        return kwargs


class ExampleStepInline(ScopedInline[ExampleStep, Example]):
    """What happens, in order."""

    model = ExampleStep
    form = ExampleStepForm
    formset = ExampleStepFormSet
    can_delete = True
    extra = 1
    ordering = ("position",)
    fields = (
        "position", "activity_type", "day", "times", "amount", "quantity", "object", "attributes", "by_person",
        "undoes", "gives_company", "gives_person",
    )  # fmt: skip


@admin.register(Example)
class ExampleAdmin(ScopedModelAdmin[Example]):
    """Examples: given this client, when this happens, then that."""

    form = ExampleForm
    list_display = ("name", "program", "code", "position")
    list_filter = (("program", VocabularyFilter),)
    list_select_related = ("program",)
    search_fields = ("name", "code", "program__name")
    ordering = ("program", "position", "pk")
    inlines = (ExampleStepInline,)
    fieldsets = (
        (None, {"fields": ("program", "name", "code", "position")}),
        (
            gettext_lazy("Given"),
            {"fields": ("company_kind", "country", "segments", "tier", "roles", "may_earn")},
        ),
        (
            gettext_lazy("Then"),
            {
                "fields": (
                    "gives_company",
                    "gives_person",
                    "company_available",
                    "company_waiting",
                    "person_available",
                    "person_waiting",
                    "tier_after",
                    "favours",
                )
            },
        ),
    )

    def get_prepopulated_fields(self, request: HttpRequest, obj: Example | None = None) -> Any:
        """A new example's code follows its name."""
        return {} if obj else {"code": ("name",)}

    def response_add(self, request: HttpRequest, obj: Example, post_url_continue: str | None = None) -> HttpResponse:
        """Keep program and version where more is to be done."""
        return self._with_way_back(request, super().response_add(request, obj, post_url_continue))

    def response_change(self, request: HttpRequest, obj: Example) -> HttpResponse:
        """Keep program and version where more is to be done."""
        return self._with_way_back(request, super().response_change(request, obj))

    def _with_way_back(self, request: HttpRequest, answer: HttpResponse) -> HttpResponse:
        goes_on = "_continue" in request.POST or "_addanother" in request.POST
        if goes_on and _BACK in request.GET and isinstance(answer, HttpResponseRedirect) and "?" not in answer.url:
            return HttpResponseRedirect(f"{answer.url}?{request.GET.urlencode()}")
        return answer

    def response_post_save_add(self, request: HttpRequest, obj: Example) -> HttpResponseRedirect:
        """Go back to the version that led here, where the example is run; else to the list."""
        asked = request.GET.get(_BACK, "")
        versions = RuleSet.objects.visible_to(actor_behind(request)).filter(program=obj.program_id)
        if asked.isdecimal() and versions.filter(pk=int(asked[:18])).exists():
            return HttpResponseRedirect(reverse("admin:loyalty_ruleset_examples", args=[int(asked[:18])]))
        return super().response_post_save_add(request, obj)

    response_post_save_change = response_post_save_add


@admin.register(ExampleStep)
class ExampleStepAdmin(ReadOnlyAdmin[ExampleStep]):
    """All steps, to search in; they are set on the example's page."""

    list_display = ("example", "position", "activity_type", "day", "times", "amount", "quantity", "undoes")
    list_filter = (("example__program", VocabularyFilter),)
    list_select_related = ("example__program", "activity_type")
    search_fields = ("example__name", "object")
    ordering = ("-pk",)


def examples_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Run the examples of a program with a version of its rules, and show how each comes out and why."""
    if not request.user.has_perms(("loyalty.view_ruleset", "loyalty.view_example")):
        raise PermissionDenied
    rule_set = RuleSet.objects.visible_to(actor_behind(request)).select_related("program").filter(pk=pk).first()
    if rule_set is None:
        raise Http404
    context = {
        **admin.site.each_context(request),
        "opts": RuleSet._meta,
        "original": rule_set,
        "title": _("Examples with %(version)s") % {"version": rule_set},
        "ran": run_examples(rule_set),
        "missing": missing_proofs(rule_set) if rule_set.status == RuleSet.Status.DRAFT else [],
        "back_url": reverse("admin:loyalty_ruleset_change", args=[rule_set.pk]),
        "add_url": reverse("admin:loyalty_example_add", query={"program": rule_set.program_id, _BACK: rule_set.pk}),
    }
    return TemplateResponse(request, "admin/loyalty/ruleset/examples.html", context)
