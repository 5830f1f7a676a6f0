"""Examples of a program, in plain forms; and on one page how they come out with a version of its rules."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
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


class ExampleStepForm(forms.ModelForm[ExampleStep]):
    """A step; its attributes are those that the activity type declares."""

    attributes = AttributesField(
        label=gettext_lazy("attributes"), required=False, help_text=gettext_lazy("A line each: code = value.")
    )

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


class ExampleStepInline(ScopedInline[ExampleStep, Example]):
    """What happens, in order."""

    model = ExampleStep
    form = ExampleStepForm
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
        "add_url": reverse("admin:loyalty_example_add", query={"program": rule_set.program_id}),
    }
    return TemplateResponse(request, "admin/loyalty/ruleset/examples.html", context)
