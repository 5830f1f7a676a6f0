"""Rules: documents checked against the facts and codes that exist, shown as the sentence that clients read."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.documents import DOCUMENT_FIELDS, check_condition
from accounts.admin.links import LinkedRowFilter, VocabularyFilter
from accounts.admin.scoped import ReadOnlyAdmin, ScopedInline
from accounts.conditions import ConditionError
from accounts.models import StakeholderRole
from loyalty.admin.documents import check_formula
from loyalty.admin.drafts import PartOfRulesAdmin, PartOfRulesForm, is_open
from loyalty.earning import KINDS, MODIFIERS, FormulaError, rule_sentence
from loyalty.effects import effects
from loyalty.facts import AMOUNT
from loyalty.models import Rule, RuleCap, SharedLimit
from loyalty.rulebook import schemes_of
from loyalty.vocabulary import Vocabulary


def in_words(rule: Rule, vocabulary: Vocabulary) -> str:
    """Return the rule as clients read it, or what keeps it from being run."""
    catalogue = vocabulary.catalogue(
        activity_type_id=rule.activity_type_id, program=rule.rule_set.program, rule_set_id=rule.rule_set_id
    )
    try:
        earning_rule = vocabulary.earning_rule(rule)
    except ConditionError as error:
        return f"{error.path}: {error.translated(_)}"
    except FormulaError as error:
        return error.translated(_)
    return rule_sentence(earning_rule, when=rule.activity_type.name, catalogue=catalogue, translate=_)


FORMULA_TO_START_FROM = {"kind": "per", "points": 1, "step": "10", "of": AMOUNT}
"""What the form of a new rule shows, as there is no formula without one of its kinds."""


def _menu() -> SafeString:
    """What there is to choose from: a document of each kind, and what every kind takes beside its own keys."""
    formulas, others = (
        format_html_join("", "<li><code>{}</code></li>", ((json.dumps(kind.example),) for kind in kinds))
        for kinds in (KINDS.values(), effects().values())
    )
    return format_html(
        "<details><summary>{}</summary><ul>{}</ul><p>{}</p><p>{}</p><ul>{}</ul></details>",
        _("Kinds of formulas"),
        formulas,
        _("Each also takes: %(keys)s.") % {"keys": ", ".join(sorted(MODIFIERS))},
        _("In the place of points a rule can give:"),
        others,
    )


class RuleForm(PartOfRulesForm[Rule]):
    """A rule of a draft."""

    role = forms.ChoiceField(
        label=gettext_lazy("role"), required=False, help_text=gettext_lazy("For “everybody of a role that had a part”.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "formula" in self.fields:
            self.fields["formula"].help_text = _menu()
        if "person_share" in self.fields:
            self.fields["person_share"].required = False
        if "role" in self.fields:
            roles = StakeholderRole.objects.order_by("name").values_list("code", "name")
            self.fields["role"].choices = [("", "---------"), *roles]  # type: ignore[attr-defined]
        if self.initial.get("formula") is None:
            self.initial["formula"] = FORMULA_TO_START_FROM

    def clean_person_share(self) -> int:
        """Nothing written: there is none."""
        return self.cleaned_data["person_share"] or 0

    def clean_condition(self) -> Any:
        """Nothing written means always; anything else (`false`, `[]`) is looked at."""
        document = self.cleaned_data["condition"]
        return {} if document is None else document

    def clean(self) -> dict[str, Any]:
        """Check both documents against what the activity type carries and the codes that the program knows."""
        cleaned = super().clean() or self.cleaned_data
        rule_set, activity_type = cleaned.get("rule_set"), cleaned.get("activity_type")
        if rule_set and activity_type:
            words = Vocabulary()
            catalogue = words.catalogue(
                activity_type_id=activity_type.pk, program=rule_set.program, rule_set_id=rule_set.pk
            )
            if "condition" in cleaned:
                check_condition(self, cleaned["condition"], catalogue)
            if "formula" in cleaned:
                scheme = schemes_of([rule_set.pk])[rule_set.pk]
                program_id = rule_set.program_id
                check_formula(self, cleaned["formula"], catalogue, scheme, words=words, program_id=program_id)
        if rule_set and cleaned.get("shared_limits"):
            self._check_shared_limits(cleaned["shared_limits"], rule_set.shared_limits.values_list("code", flat=True))
        return cleaned

    def _check_shared_limits(self, named: list[str], known: Iterable[str]) -> None:
        there = set(known)
        for code in named:
            if code not in there:
                text = _("This version has no shared limit “%(code)s”. There is: %(known)s.")
                self.add_error("shared_limits", text % {"code": code, "known": ", ".join(sorted(there)) or "–"})


class CapInline(ScopedInline[RuleCap, Rule]):
    """The limits of the rule; open as long as the rule is."""

    model = RuleCap
    can_delete = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_delete_permission(request, obj)


@admin.register(Rule)
class RuleAdmin(PartOfRulesAdmin[Rule]):
    """Rules of drafts to edit, rules in force to read."""

    form = RuleForm
    formfield_overrides = DOCUMENT_FIELDS
    list_display = ("name", "code", "rule_set", "sentence")
    list_filter = (("rule_set__program", VocabularyFilter), "rule_set__status", ("rule_set", LinkedRowFilter))
    list_select_related = ("rule_set__program", "activity_type")
    search_fields = ("name", "code", "rule_set__program__name")
    ordering = ("-rule_set_id", "position", "code")
    autocomplete_fields = ("activity_type",)
    inlines = (CapInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rule]:
        """Bring the limits, which are part of the sentence."""
        return super().get_queryset(request).prefetch_related("caps")

    def with_extras(self, rows: Sequence[Rule]) -> Sequence[Rule]:
        """Say every rule in words; what they are made of is read once."""
        vocabulary = Vocabulary()
        for rule in rows:
            rule.plain_sentence = in_words(rule, vocabulary)  # type: ignore[attr-defined]
        return rows

    def get_fields(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        """The sentence stands under the documents once there is one."""
        to = ("beneficiary", "person_share", "role", "is_divided", "shared_limits")
        fields = ("rule_set", "name", "code", "position", "activity_type", "condition", "formula", *to)
        return (*fields, "sentence") if obj else fields

    def get_readonly_fields(self, request: HttpRequest, obj: Rule | None = None) -> Any:
        """The sentence is worked out."""
        return ("sentence",)

    @admin.display(description=gettext_lazy("in plain words"))
    def sentence(self, rule: Rule) -> str:
        """What clients read."""
        if not hasattr(rule, "plain_sentence"):
            return in_words(rule, Vocabulary())
        return str(rule.plain_sentence)


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
        return ", ".join(getattr(limit, "sharing", ())) or "–"
