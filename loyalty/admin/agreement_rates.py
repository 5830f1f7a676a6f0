"""Agreed rates: what a rule gives one company instead, filled in as in the rule editor, from what it gives all on."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import VocabularyFilter
from accounts.admin.reshaping import ReshapedForm, bring_anew
from loyalty.admin.agreement_parts import PartOfAgreementAdmin
from loyalty.admin.programs import chosen
from loyalty.admin.rule_editor.formulas import FormulaField, Offer
from loyalty.agreements import why_unfit
from loyalty.models import Agreement, AgreementRate, Rule, RuleSet
from loyalty.vocabulary import Vocabulary


def rules_for(agreement: Agreement) -> dict[str, Rule]:
    """Return the rules, in force or to come, that an agreement can give a rate, by code: of each code the latest."""
    rules = Rule.objects.filter(rule_set__program=agreement.membership.program_id)
    to_come = Q(rule_set__ends_at__isnull=True) | Q(rule_set__ends_at__gt=timezone.now())
    rules = rules.filter(to_come).exclude(rule_set__status=RuleSet.Status.DRAFT)
    rules = rules.select_related("rule_set__program", "activity_type")
    return {rule.code: rule for rule in rules.order_by("rule_set__version", "position", "code")}


class RateForm(ReshapedForm[AgreementRate]):
    """A rate of a draft, checked against the rule for which it stands."""

    rule_code = forms.ChoiceField(
        label=gettext_lazy("Rule"), help_text=gettext_lazy("A rule stays the same one in new versions of the rules.")
    )

    class Meta:
        field_classes: ClassVar[Mapping[str, Any]] = {"formula": FormulaField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agreement: Agreement | None = chosen(self, "agreement")
        if "formula" not in self.fields:
            return
        if "agreement" in self.fields:
            bring_anew(self.fields["agreement"], "#id_rule_code", asked="formula:rule", also="#id_formula-editor")
        rules = rules_for(self.agreement) if self.agreement else {}
        rule = self._rule_of(rules)
        before = None if self.instance._state.adding else self.instance.formula
        if rule is not None and before is None:
            self.initial["formula"] = rule.formula
        formula = self.fields["formula"]
        if isinstance(formula, FormulaField):
            formula.ask(None if rule is None else _offer(rule), before=before)

    def _rule_of(self, rules: Mapping[str, Rule]) -> Rule | None:
        """Offer the rules by name, those first that have no rate yet, and return the one that is chosen."""
        rated: set[str] = set()
        if self.agreement is not None and self.agreement.pk:
            rated = set(self.agreement.rates.exclude(pk=self.instance.pk).values_list("rule_code", flat=True))
        codes = sorted(rules, key=lambda code: (code in rated, rules[code].position))
        asked = self["rule_code"].value() or next(iter(codes), "")
        choices = [(code, f"{rules[code].name} ({code})") for code in codes]
        if asked and asked not in rules:
            choices.append((asked, _("%(code)s (there is none)") % {"code": asked}))
        field: Any = self.fields["rule_code"]
        field.choices, self.initial["rule_code"] = choices, asked
        bring_anew(field, "#id_formula-editor", asked="formula:rule")
        return rules.get(asked)

    def clean(self) -> dict[str, Any]:
        """Refuse what does not fit, in the words of the check that is done again when it is asked for."""
        cleaned = super().clean() or self.cleaned_data
        if self.agreement is not None and cleaned.get("rule_code") and "formula" in cleaned:
            program = self.agreement.membership.program
            if sentence := why_unfit(program, cleaned["rule_code"], cleaned["formula"], now=timezone.now()):
                self.add_error("formula", sentence)
        return cleaned


def _offer(rule: Rule) -> Offer:
    words, version = Vocabulary(), rule.rule_set
    catalogue = words.catalogue(activity_type_id=rule.activity_type_id, program=version.program, rule_set_id=version.pk)
    return Offer(catalogue, words.scheme_of(version.pk), words, version.program_id, has_effects=False)


@admin.register(AgreementRate)
class AgreementRateAdmin(PartOfAgreementAdmin[AgreementRate]):
    """Agreed rates: those of drafts to edit, the others to read."""

    form = RateForm
    fields = ("agreement", "rule_code", "formula")
    list_display = ("rule_code", "agreement", "formula")
    list_filter = (("agreement__membership__program", VocabularyFilter), "agreement__status")
    list_select_related = ("agreement__membership__company", "agreement__membership__program")
    search_fields = ("rule_code", "agreement__membership__company__name")
    ordering = ("-pk",)

    def get_readonly_fields(self, request: HttpRequest, obj: AgreementRate | None = None) -> Any:
        """A rate stays with its agreement."""
        return () if obj is None else ("agreement",)
