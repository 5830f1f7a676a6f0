"""Versions of a program's rules: read in plain words, drawn up, put in force, taken out of force."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import VocabularyFilter, row_link, rows_link
from accounts.admin.scoped import ScopedModelAdmin, manager_behind
from loyalty.admin.rules import in_words
from loyalty.models import Rule, RuleSet
from loyalty.rulesets import RuleSetError, activate, draft_from, next_version, retire
from loyalty.vocabulary import Vocabulary


class StepForm(forms.Form):
    """Nothing to ask, only to confirm."""


class ActivateForm(StepForm):
    """From when the version is to hold."""

    starts_at = forms.DateTimeField(
        label=gettext_lazy("In force from"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["starts_at"].help_text = _("In the time zone %(zone)s. Empty: from this moment.") % {
            "zone": timezone.get_current_timezone_name()
        }


@dataclass(frozen=True, slots=True)
class Step:
    """A step that a version can take, as its confirmation page speaks of it."""

    label: str | Promise
    consequence: str | Promise
    done: str | Promise
    form: type[StepForm]


STEPS: Mapping[str, Step] = {
    "activate": Step(
        gettext_lazy("Put in force"),
        gettext_lazy(
            "The version that is in force then ends at that moment. Its rules can no longer be changed: to change "
            "them, a new draft is made. Activities are judged by the version of the moment they happened."
        ),
        gettext_lazy("%(rule_set)s is put in force."),
        ActivateForm,
    ),
    "retire": Step(
        gettext_lazy("Take out of force"),
        gettext_lazy(
            "The version ends at this moment and gives nothing from then on. Where it has not begun yet, it never "
            "will, and the version before it goes on."
        ),
        gettext_lazy("%(rule_set)s is taken out of force."),
        StepForm,
    ),
    "draft": Step(
        gettext_lazy("Make a new draft from it"),
        gettext_lazy(
            "Its rules and limits are copied into the next version, which you can change until it is in force."
        ),
        gettext_lazy("%(rule_set)s is drawn up; its rules can be changed now."),
        StepForm,
    ),
}


@admin.register(RuleSet)
class RuleSetAdmin(ScopedModelAdmin[RuleSet]):
    """Versions. All that changes one is a step with a page to confirm it."""

    change_form_template = "admin/loyalty/ruleset/change_form.html"
    list_display = ("__str__", "program", "state", "starts_at", "ends_at", "rule_list")
    list_filter = (("program", VocabularyFilter), "status")
    list_select_related = ("program",)
    search_fields = ("program__name", "program__code")
    ordering = ("-pk",)

    def get_fields(self, request: HttpRequest, obj: RuleSet | None = None) -> Any:
        """A new version only asks for which program."""
        return ("program", "version", "state", "starts_at", "ends_at", "in_words") if obj else ("program",)

    def get_readonly_fields(self, request: HttpRequest, obj: RuleSet | None = None) -> Any:
        """A version that exists changes by steps alone."""
        return self.get_fields(request, obj) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: RuleSet | None = None) -> bool:
        """Drafts can be thrown away."""
        is_draft = obj is None or obj.status == RuleSet.Status.DRAFT
        return is_draft and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: RuleSet, form: Any, change: bool) -> None:
        """Give a new version its number."""
        if not change:
            obj.version = next_version(obj.program)
            super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("state"))
    def state(self, rule_set: RuleSet) -> str:
        """What the dates make of the status at this moment."""
        now = timezone.now()
        if rule_set.starts_at is None or rule_set.status == RuleSet.Status.DRAFT:
            return _("draft")
        if rule_set.ends_at is not None and rule_set.ends_at <= max(now, rule_set.starts_at):
            return _("ended")
        return _("in force") if rule_set.starts_at <= now else _("to come")

    @admin.display(description=gettext_lazy("rules"))
    def rule_list(self, rule_set: RuleSet) -> str:
        """A link to its rules."""
        return rows_link(Rule, _("Rules"), rule_set__exact=rule_set.pk)

    @admin.display(description=gettext_lazy("rules"))
    def in_words(self, rule_set: RuleSet) -> str:
        """Every rule in plain words, leading to its page."""
        vocabulary = Vocabulary()
        rules = rule_set.rules.select_related("rule_set__program", "activity_type").prefetch_related("caps")
        rows = [(row_link(rule), in_words(rule, vocabulary)) for rule in rules.order_by("position", "code")]
        if not rows:
            return _("No rules yet.")
        return format_html("<ol>{}</ol>", format_html_join("", "<li>{}<br>{}</li>", rows))

    def get_urls(self) -> list[URLPattern]:
        """The pages that confirm a step."""
        steps = [
            path(
                f"<int:pk>/{name}/",
                self.admin_site.admin_view(partial(self.step_view, name=name)),
                name=f"loyalty_ruleset_{name}",
            )
            for name in STEPS
        ]
        return [*steps, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Offer the steps that the version can take."""
        rule_set = self.get_object(request, object_id)
        tools = self._tools(request, rule_set) if rule_set else []
        nothing_to_save = {"show_save": False, "show_save_and_continue": False, "show_save_and_add_another": False}
        context = {**(extra_context or {}), **nothing_to_save, "tools": tools}
        return super().change_view(request, object_id, form_url, context)

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Confirm a step, take it, and go to the version that it led to; or say why it cannot be taken."""
        rule_set = self.get_object(request, str(pk))
        if rule_set is None:
            raise Http404
        if not self._may(request, rule_set, name):
            raise PermissionDenied
        step = STEPS[name]
        form = step.form(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                result = self._take(name, rule_set, request, form)
            except RuleSetError as error:
                form.add_error(None, str(error))
            else:
                text = str(step.done) % {"rule_set": result}
                self.log_change(request, result, text)
                self.message_user(request, text, messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:loyalty_ruleset_change", args=[result.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": rule_set,
            "title": f"{step.label}: {rule_set}",
            "step": step,
            "form": form,
        }
        return TemplateResponse(request, "admin/loyalty/ruleset/confirm.html", context)

    def _may(self, request: HttpRequest, rule_set: RuleSet, name: str) -> bool:
        return self.has_add_permission(request) if name == "draft" else self.has_change_permission(request, rule_set)

    def _take(self, name: str, rule_set: RuleSet, request: HttpRequest, form: StepForm) -> RuleSet:
        by, now = manager_behind(request), timezone.now()
        match name:
            case "activate":
                starts_at = form.cleaned_data["starts_at"] or now
                return activate(rule_set=rule_set, by=by, starts_at=starts_at, now=now)
            case "retire":
                return retire(rule_set=rule_set, by=by, now=now)
            case _:
                return draft_from(rule_set=rule_set, by=by, now=now)

    def _tools(self, request: HttpRequest, rule_set: RuleSet) -> list[dict[str, Any]]:
        offered = {
            RuleSet.Status.DRAFT.value: ["activate", "draft"],
            RuleSet.Status.ACTIVE.value: ["draft", "retire"],
            RuleSet.Status.RETIRED.value: ["draft"],
        }[rule_set.status]
        tools = [
            {"label": STEPS[name].label, "url": reverse(f"admin:loyalty_ruleset_{name}", args=[rule_set.pk])}
            for name in offered
            if self._may(request, rule_set, name)
        ]
        if rule_set.status == RuleSet.Status.DRAFT and request.user.has_perm("loyalty.add_rule"):
            url = reverse("admin:loyalty_rule_add", query={"rule_set": rule_set.pk})
            tools.insert(0, {"label": _("Add a rule"), "url": url})
        return tools
