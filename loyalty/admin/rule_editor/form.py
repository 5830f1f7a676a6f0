"""The form of a rule and its limits, whose parts offer what the chosen version and kind of activity have."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.condition_forms import ConditionField, condition_field
from accounts.admin.documents import check_condition
from accounts.admin.reshaping import ReshapedForm, ReshapedFormSet, bring_anew
from accounts.admin.scoped import ScopedInline
from accounts.reader import READER
from accounts.wording import listed
from loyalty.admin.drafts import PartOfRulesForm, is_open
from loyalty.admin.rule_editor.formulas import FormulaField, Offer
from loyalty.earning import AMOUNT, FormulaError, cap_sentence
from loyalty.models import ActivityType, Rule, RuleCap, RuleSet
from loyalty.rulebook import shared_limits_of
from loyalty.vocabulary import Vocabulary

FORMULA_TO_START_FROM = {"kind": "per", "points": 1, "step": "10", "of": AMOUNT}
"""What the form of a new rule shows."""
BLANK_ROWS = 3
"""Rows of a condition that a new rule begins with."""

PREVIEW = "#rule-preview"
EDITORS = "#id_condition-editor,#id_formula-editor,#id_shared_limits"
"""Parts of the page that offer something else once the version or the kind of activity is another."""


class SharedLimitsField(forms.MultipleChoiceField):
    """Codes of limits, ticked; that each is there is checked against the version."""

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: object) -> bool:
        """Leave it to the form, which knows the version."""
        return True


class RuleForm(ReshapedForm[Rule], PartOfRulesForm[Rule]):
    """A rule of a draft."""

    role = forms.ChoiceField(
        label=gettext_lazy("Role"), required=False, help_text=gettext_lazy("For “everybody in a role who took part”.")
    )
    shared_limits = SharedLimitsField(
        label=gettext_lazy("Shared limits"),
        required=False,
        help_text=gettext_lazy("Limits of this version that count several rules together."),
    )

    class Meta:
        field_classes: ClassVar[Mapping[str, Any]] = {"condition": ConditionField, "formula": FormulaField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.words = Vocabulary()
        if "person_share" in self.fields:
            self.fields["person_share"].required = False
        if "role" in self.fields:
            self.fields["role"].choices = [("", "---------"), *self.words.roles()]  # type: ignore[attr-defined]
        if self.initial.get("formula") is None:
            self.initial["formula"] = FORMULA_TO_START_FROM
        for name in ("rule_set", "activity_type"):
            if name in self.fields:
                bring_anew(self.fields[name], PREVIEW, asked="condition:show", also=EDITORS)
        self.offer = self._offer()
        if condition := condition_field(self, "condition"):
            blank_rows = BLANK_ROWS if self.instance._state.adding else 1
            catalogue = None if self.offer is None else self.offer.catalogue
            condition.ask(catalogue, blank_rows=blank_rows, also_swapped=PREVIEW)
        if isinstance(formula := self.fields.get("formula"), FormulaField):
            before = None if self.instance._state.adding else self.instance.formula
            formula.ask(self.offer, before=before, also_swapped=PREVIEW)
        if "shared_limits" in self.fields:
            self.fields["shared_limits"].choices = self._shared_limits()  # type: ignore[attr-defined]

    def _chosen(self, name: str) -> Any:
        """Return the row that a field names now, be it typed or not yet; None where it names none."""
        if name not in self.fields or self.fields[name].disabled:
            return getattr(self.instance, name, None) if getattr(self.instance, f"{name}_id") else None
        value = self[name].value()
        if value is not None and value == getattr(self.instance, f"{name}_id"):
            return getattr(self.instance, name)
        rows = self.fields[name].queryset  # type: ignore[attr-defined]
        return rows.filter(pk=int(value)).first() if str(value).isdecimal() and len(str(value)) < 19 else None

    def _offer(self) -> Offer | None:
        rule_set, activity_type = self._chosen("rule_set"), self._chosen("activity_type")
        self.rule_set: RuleSet | None = rule_set
        self.activity_type: ActivityType | None = activity_type
        if rule_set is None or activity_type is None:
            return None
        catalogue = self.words.catalogue(
            activity_type_id=activity_type.pk, program=rule_set.program, rule_set_id=rule_set.pk
        )
        return Offer(catalogue, self.words.scheme_of(rule_set.pk), self.words, rule_set.program_id)

    def _shared_limits(self) -> list[tuple[str, str]]:
        there = shared_limits_of([self.rule_set.pk]).get(self.rule_set.pk, {}) if self.rule_set else {}
        self.shared = there
        gone = [code for code in self.instance.shared_limits or () if code not in there]
        return [
            *((code, f"{cap.name}: {cap_sentence(cap, READER)}") for code, cap in sorted(there.items())),
            *((code, _("%(code)s (there is none)") % {"code": code}) for code in gone),
        ]

    def clean_person_share(self) -> int:
        """Nothing written: there is none."""
        return self.cleaned_data["person_share"] or 0

    def clean(self) -> dict[str, Any]:
        """Check both documents against what the activity type carries and the codes that the program knows."""
        cleaned = super().clean() or self.cleaned_data
        if self.offer is not None:
            if "condition" in cleaned:
                check_condition(self, cleaned["condition"], self.offer.catalogue)
            if "formula" in cleaned:
                try:
                    self.offer.read(cleaned["formula"])
                except FormulaError as error:
                    self.add_error("formula", error.translated(READER))
        for field, sentence in recipients_wrong(cleaned):
            self.add_error(field, sentence)
        if self.rule_set and cleaned.get("shared_limits"):
            self._check_shared_limits(cleaned["shared_limits"], self.shared)
        return cleaned

    def _check_shared_limits(self, named: list[str], known: Iterable[str]) -> None:
        there = set(known)
        for code in named:
            if code not in there:
                text = _("This version has no shared limit “%(code)s”. There is: %(known)s.")
                self.add_error("shared_limits", text % {"code": code, "known": listed(sorted(there), _) or "–"})


def recipients_wrong(chosen: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what does not fit together of to whom a rule gives: the field, and a sentence."""
    to, wrong = chosen.get("beneficiary"), []
    if to == Rule.To.SPLIT and chosen.get("person_share") == 0:
        wrong.append(("person_share", _("Say how much of it the employee gets, from 1 to 99 in a hundred.")))
    elif to and to != Rule.To.SPLIT and chosen.get("person_share"):
        wrong.append(("person_share", _("Only where company and employee share it: say 0 here.")))
    if to == Rule.To.ROLE and chosen.get("role") == "":
        wrong.append(("role", _("Name the role where everybody in a role gets it.")))
    elif to and to != Rule.To.ROLE and chosen.get("role"):
        wrong.append(("role", _("Only where everybody in a role gets it: leave it empty here.")))
    elif to and to != Rule.To.ROLE and chosen.get("is_divided"):
        wrong.append(("is_divided", _("Only where everybody in a role gets it: leave it out here.")))
    return wrong


class CapForm(ReshapedForm[RuleCap]):
    """A limit of a rule."""


class CapFormSet(ReshapedFormSet[RuleCap, Rule]):
    """The limits of a rule; a blank one begins with what most limits say."""

    blank: ClassVar[Mapping[str, str]] = {"subject": "COMPANY", "period": "MONTH", "counts": "POINTS"}


class CapInline(ScopedInline[RuleCap, Rule]):
    """The limits of the rule; open as long as the rule is."""

    model = RuleCap
    form = CapForm
    formset = CapFormSet
    fields = ("limit", "counts", "period", "subject", "is_per_object")
    can_delete = True

    def get_extra(self, request: HttpRequest, obj: Rule | None = None, **kwargs: Any) -> int:
        """A blank one where there is none."""
        return 0 if obj is not None and obj.caps.all() else 1

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """In a draft."""
        return is_open(obj) and super().has_delete_permission(request, obj)
