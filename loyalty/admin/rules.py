"""Rules: made in the rule editor, shown as the sentence that clients read, moved among the rules of their version."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import PermissionDenied
from django.db.models import Max, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from django.views.decorators.http import require_POST

from accounts.admin.links import LinkedRowFilter, VocabularyFilter
from accounts.admin.reshaping import ReshapingAdmin
from accounts.admin.scoped import ReadOnlyAdmin, manager_behind
from accounts.wording import listed
from loyalty.admin.drafts import PartOfRulesAdmin, PartOfRulesForm
from loyalty.admin.rule_editor.form import CapInline, RuleForm
from loyalty.admin.rule_editor.preview import Preview, in_words, preview_of
from loyalty.models import ActivityType, Rule, RuleCap, SharedLimit
from loyalty.rulesets import NotADraftError, move_rule
from loyalty.vocabulary import Vocabulary

_STEPS = {"up": -1, "down": 1}


@admin.register(Rule)
class RuleAdmin(ReshapingAdmin[Rule], PartOfRulesAdmin[Rule]):
    """Rules of drafts to edit, rules in force to read."""

    form = RuleForm
    change_form_template = "admin/rule_editor/page.html"
    list_display = ("name", "code", "rule_set", "sentence")
    list_filter = (("rule_set__program", VocabularyFilter), "rule_set__status", ("rule_set", LinkedRowFilter))
    list_select_related = ("rule_set__program", "activity_type")
    search_fields = ("name", "code", "rule_set__program__name")
    ordering = ("-rule_set_id", "position", "code")
    inlines = (CapInline,)

    def get_urls(self) -> list[URLPattern]:
        """The sentence of what is being typed, and the moves among the rules of a version."""
        view = self.admin_site.admin_view
        return [
            path("preview/", view(require_POST(self.preview_view)), name="loyalty_rule_preview"),
            path("<int:pk>/preview/", view(require_POST(self.preview_view)), name="loyalty_rule_preview"),
            path("<int:pk>/move/", view(require_POST(self.move_view)), name="loyalty_rule_move"),
            *super().get_urls(),
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        """Bring the limits, which are part of the sentence."""
        return super().get_queryset(request).prefetch_related("caps")

    def with_extras(self, rows: Sequence[Rule]) -> Sequence[Rule]:
        """Say every rule in words; what they are made of is read once."""
        vocabulary = Vocabulary()
        for rule in rows:
            rule.plain_sentence = in_words(rule, vocabulary)  # type: ignore[attr-defined]
        return rows

    def get_fieldsets(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        """A block for each part of the sentence; what is in force is read as the sentence that it is."""
        to = {"fields": ("beneficiary", "person_share", "role", "is_divided")}
        shared = {"fields": ("shared_limits",)}
        if not self.has_change_permission(request, obj) and obj is not None:
            about = {"fields": ("rule_set", "name", "code", "activity_type", "sentence")}
            shares = ((_("Limits shared with other rules"), shared),) if obj.shared_limits else ()
            return ((None, about), (_("Who gets it"), to), *shares)
        return (
            (None, {"fields": ("rule_set", "name", "code", *(("sentence",) if obj else ()))}),
            (pgettext("trigger", "When"), {"fields": ("activity_type",)}),
            (_("Only if"), {"fields": ("condition",)}),
            (_("Give"), {"fields": ("formula",)}),
            (_("Who gets it"), to),
            (_("Limits shared with other rules"), shared),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        """The sentence is worked out."""
        return ("sentence",)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        """A new rule's code follows its name."""
        return {} if obj else {"code": ("name",)}

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Begin with the activity type that most of the version's rules have, of as many the latest; or the only."""
        initial: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        rule_set = str(initial.get("rule_set", ""))
        if "activity_type" not in initial:
            rules = self.get_queryset(request).prefetch_related(None).order_by("-position", "-pk")
            of_version = rules.filter(rule_set=int(rule_set[:18])) if rule_set.isdecimal() else rules.none()
            asked = Counter(of_version.values_list("activity_type", flat=True))
            types = list(ActivityType.objects.order_by("pk").values_list("pk", flat=True)[:2])
            if asked:
                [(initial["activity_type"], _times)] = asked.most_common(1)
            elif len(types) == 1:
                initial["activity_type"] = types[0]
        return initial

    def get_deleted_objects(
        self, objs: QuerySet[Any] | Sequence[Any], request: HttpRequest
    ) -> tuple[list[Any], dict[Any, Any], set[Any], list[Any]]:
        """A rule goes with its limits, which nobody deletes on a screen of their own."""
        rows, counts, forbidden, protected = super().get_deleted_objects(objs, request)
        return rows, counts, forbidden - {RuleCap._meta.verbose_name}, protected

    def response_post_save_add(self, request: HttpRequest, obj: Rule) -> HttpResponseRedirect:
        """Go on with the version that the rule belongs to."""
        return HttpResponseRedirect(reverse("admin:loyalty_ruleset_change", args=[obj.rule_set_id]))

    response_post_save_change = response_post_save_add

    def save_model(self, request: HttpRequest, obj: Rule, form: Any, change: bool) -> None:
        """Put a new rule last."""
        if not change:
            last = Rule.objects.filter(rule_set=obj.rule_set_id).aggregate(last=Max("position"))["last"]
            obj.position = 0 if last is None else last + 1
        super().save_model(request, obj, form, change)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the sentence of what the form says, and the ways up and down."""
        rule: Rule | None = context.get("original")
        form = context["adminform"].form
        if "formula" in form.fields:
            formsets = [one.formset for one in context["inline_admin_formsets"]]
            context |= self._preview_context(rule, preview_of(form, formsets))
            if rule is not None:
                rule.plain_sentence = in_words(rule, form.words)  # type: ignore[attr-defined]
                context["moves"] = _moves(rule)
        return super().render_change_form(request, context, *args, **kwargs)

    def preview_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """The sentence of what was typed so far, or the first thing that is wrong with it; nothing is saved."""
        rule = None if pk is None else self.get_object(request, str(pk))
        if pk is not None and rule is None:
            raise Http404
        if not (self.has_change_permission(request, rule) if rule else self.has_add_permission(request)):
            raise PermissionDenied
        form_class = self.get_form(request, rule, change=rule is not None)
        form = cast(RuleForm, form_class(request.POST, instance=rule))
        formsets, _inlines = self._create_formsets(request, form.instance, change=rule is not None)  # type: ignore[attr-defined]
        context = self._preview_context(rule, preview_of(form, formsets))
        return TemplateResponse(request, "admin/rule_editor/includes/preview.html", context)

    def _preview_context(self, rule: Rule | None, preview: Preview) -> dict[str, Any]:
        url = reverse("admin:loyalty_rule_preview", args=[rule.pk] if rule else [])
        return {"preview": preview, "preview_url": url}

    def move_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Move a rule of a draft one place up or down, as the address says."""
        direction = request.GET.get("way", "")
        rule = self.get_object(request, str(pk))
        if rule is None or direction not in _STEPS:
            raise Http404
        if not self.has_change_permission(request, rule):
            raise PermissionDenied
        try:
            move_rule(rule=rule, by=_STEPS[direction], who=manager_behind(request), now=timezone.now())
        except NotADraftError as error:
            self.message_user(request, str(error), messages.ERROR)
        if request.GET.get("back") == "rule":
            return HttpResponseRedirect(reverse("admin:loyalty_rule_change", args=[rule.pk]))
        return HttpResponseRedirect(reverse("admin:loyalty_ruleset_change", args=[rule.rule_set_id]))

    @admin.display(description=gettext_lazy("in plain words"))
    def sentence(self, rule: Rule) -> str:
        """What clients read."""
        if not hasattr(rule, "plain_sentence"):
            return in_words(rule, Vocabulary())
        return str(rule.plain_sentence)


def _moves(rule: Rule) -> dict[str, Any]:
    """Where a rule stands among the rules of its version, and the ways up and down."""
    order = list(
        Rule.objects.filter(rule_set=rule.rule_set_id).order_by("position", "code").values_list("pk", flat=True)
    )
    place = order.index(rule.pk)
    ways = [("up", _("Move up"))] * (place > 0) + [("down", _("Move down"))] * (place < len(order) - 1)
    words = _("Rule %(place)s of %(count)s in its version") % {"place": place + 1, "count": len(order)}
    address = reverse("admin:loyalty_rule_move", args=[rule.pk])
    addresses = [(f"{address}?way={way}&back=rule", label) for way, label in ways]
    return {"words": words, "ways": addresses}


@admin.register(RuleCap)
class RuleCapAdmin(ReadOnlyAdmin[RuleCap]):
    """All limits, to search in; they are set on the rule's page."""

    list_display = ("rule", "rule_set", "limit", "counts", "subject", "period", "is_per_object")
    list_filter = ("subject", "period", "counts", "is_per_object", ("rule__rule_set__program", VocabularyFilter))
    list_select_related = ("rule__rule_set__program",)
    search_fields = ("rule__name", "rule__code")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("rule set"))
    def rule_set(self, cap: RuleCap) -> str:
        """The version that it belongs to."""
        return str(cap.rule.rule_set)


class SharedLimitForm(PartOfRulesForm[SharedLimit]):
    """A shared limit of a draft."""


@admin.register(SharedLimit)
class SharedLimitAdmin(PartOfRulesAdmin[SharedLimit]):
    """Limits that count several rules together: of drafts to edit, of versions in force to read."""

    form = SharedLimitForm
    list_display = ("name", "code", "rule_set", "limit", "counts", "subject", "period", "rules")
    list_filter = (("rule_set__program", VocabularyFilter), "rule_set__status", ("rule_set", LinkedRowFilter))
    list_select_related = ("rule_set__program",)
    search_fields = ("name", "code", "rule_set__program__name")
    ordering = ("-rule_set_id", "code")
    fields = ("rule_set", "name", "code", "limit", "counts", "subject", "period")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SharedLimit]:
        """Bring which rules share it."""
        sharing = Rule.objects.filter(rule_set=OuterRef("rule_set"), shared_limits__contains=[OuterRef("code")])
        return super().get_queryset(request).annotate(sharing=ArraySubquery(sharing.order_by("code").values("code")))

    @admin.display(description=gettext_lazy("rules that share it"))
    def rules(self, limit: SharedLimit) -> str:
        """Their codes."""
        return listed(getattr(limit, "sharing", ()), _) or "–"
