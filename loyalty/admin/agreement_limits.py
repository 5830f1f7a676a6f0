"""Agreed limits: of a rule chosen from those of the program, of several or all together, or of one that rules share."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import escape
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import VocabularyFilter
from accounts.admin.reshaping import ReshapedForm, bring_anew
from accounts.reader import READER
from accounts.wording import in_turn, listed
from loyalty.admin.agreement_parts import PartOfAgreementAdmin, is_open
from loyalty.admin.agreement_rates import rules_for
from loyalty.admin.programs import chosen
from loyalty.agreements import why_limit_unfit
from loyalty.earning import cap_sentence
from loyalty.models import Agreement, AgreementLimit, Rule, RuleSet, SharedLimit
from loyalty.rulebook import agreed_limit, caps_of, shared_cap

_RULE, _SHARED = "rule:", "shared:"
"""Before a code, in the choice of what is limited; the other choices are scopes."""

_KIND = ("counts", "subject", "period")
"""What a limit that rules share keeps, whatever is agreed."""

_NEEDS: Mapping[str, frozenset[str]] = {
    "rule": frozenset({*_KIND, "is_per_object", "is_lower"}),
    "shared": frozenset({"is_lower"}),
    AgreementLimit.Scope.RULES.value: frozenset({"rules", "name", *_KIND, "is_per_object"}),
    AgreementLimit.Scope.ALL.value: frozenset({*_KIND, "is_per_object"}),
}
"""What is asked for beside the number, by what is limited."""

_TERMS = ".limit-terms"
"""The part of the page that asks for it."""


def sentence_of(limit: AgreementLimit) -> str:
    """Return a limit in the words that rules have for it."""
    return cap_sentence(agreed_limit(limit).cap, READER)


def of_what(limit: AgreementLimit) -> str:
    """Return the codes of what a limit counts, or how much of the program it is."""
    match limit.scope:
        case AgreementLimit.Scope.RULE:
            return limit.rule_code
        case AgreementLimit.Scope.RULES:
            return listed(limit.rule_codes, _)
        case AgreementLimit.Scope.SHARED:
            return _("the shared limit “%(code)s”") % {"code": limit.shared_as}
    return limit.get_scope_display()


def shared_for(agreement: Agreement) -> dict[str, SharedLimit]:
    """Return the limits that rules share, in force or to come, by code: of each code the latest."""
    to_come = Q(rule_set__ends_at__isnull=True) | Q(rule_set__ends_at__gt=timezone.now())
    rows = SharedLimit.objects.filter(to_come, rule_set__program=agreement.membership.program_id)
    rows = rows.exclude(rule_set__status=RuleSet.Status.DRAFT).exclude(subject=SharedLimit.Subject.PROGRAM)
    return {row.code: row for row in rows.order_by("rule_set__version", "code")}


def _beside(rule: Rule) -> str:
    """Return which limits of a rule the program has, and that what is agreed takes the place of one at most."""
    if not (caps := caps_of(rule)):
        return _("The program does not limit this rule.")
    return _(
        "The program limits this rule: %(limits)s. What is agreed here stands in the place of the one that counts the "
        "same, for the same, in the same time. The others hold beside it, and an agreement cannot take them away: once "
        "it ends, they would have missed what was given meanwhile. To free the company of one, agree on that very one "
        "with a number that nobody reaches."
    ) % {"limits": in_turn((cap_sentence(cap, READER) for cap in caps), _)}


class LimitForm(ReshapedForm[AgreementLimit]):
    """A limit of a draft, checked against the rules that it counts."""

    of = forms.ChoiceField(
        label=gettext_lazy("Limits"),
        help_text=gettext_lazy(
            "It stays the same one in new versions of the rules. Of a limit that rules share only the number changes; "
            "what counts several or all rules together counts beside the program's limits."
        ),
    )
    rules = forms.MultipleChoiceField(
        label=gettext_lazy("Rules"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Where several rules count together: which."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agreement: Agreement | None = chosen(self, "agreement")
        self.shared: Mapping[str, SharedLimit] = {}
        if "limit" not in self.fields:
            return
        if "agreement" in self.fields:
            bring_anew(self.fields["agreement"], _TERMS, asked="of:agreement", also="#id_of")
        bring_anew(self.fields["of"], _TERMS, asked="of:show")
        for name in _KIND:
            self.fields[name].required = False
        subjects: Any = self.fields["subject"]
        subjects.choices = [
            (value, label) for value, label in subjects.choices if value != AgreementLimit.Subject.PROGRAM
        ]
        rules = rules_for(self.agreement) if self.agreement else {}
        self._offer(rules)
        self._ask_what_is_needed(rules)

    def _ask_what_is_needed(self, rules: Mapping[str, Rule]) -> None:
        """Ask for what the chosen kind needs; the rest is hidden, and comes back as it was with another choice."""
        of, _colon, code = str(self["of"].value()).partition(":")
        for name in frozenset[str]().union(*_NEEDS.values()) - _NEEDS.get(of, _NEEDS["rule"]):
            field: Any = self.fields[name]
            field.widget = field.hidden_widget()
        if of == "shared" and code in self.shared:
            limit = cap_sentence(shared_cap(self.shared[code]), READER)
            self.fields["limit"].help_text = escape(_("The program's: %(limit)s.") % {"limit": limit})
        elif of == "rule" and code in rules:
            self.fields["limit"].help_text = escape(_beside(rules[code]))

    def _offer(self, rules: Mapping[str, Rule]) -> None:
        """Offer the rules of the program and the limits that they share, by name, and what was saved before."""
        self.shared = shared_for(self.agreement) if self.agreement else {}
        limit, named = self.instance, {code: f"{rule.name} ({code})" for code, rule in rules.items()}
        for code in (limit.rule_code, *limit.rule_codes):
            if code and code not in named:
                named[code] = _("%(code)s (there is none)") % {"code": code}
        own: Any = self.fields["rules"]
        own.choices, self.initial["rules"] = list(named.items()), limit.rule_codes
        shared = {code: row.name for code, row in self.shared.items()}
        if limit.scope == AgreementLimit.Scope.SHARED:
            shared.setdefault(limit.shared_as, _("%(code)s (there is none)") % {"code": limit.shared_as})
        of: Any = self.fields["of"]
        scopes = AgreementLimit.Scope
        of.choices = [
            (scopes.RULE.label, [(f"{_RULE}{code}", name) for code, name in named.items()]),
            *([(scopes.SHARED.label, [(f"{_SHARED}{code}", name) for code, name in shared.items()])] if shared else []),
            (_("Together"), [(scopes.RULES.value, scopes.RULES.label), (scopes.ALL.value, scopes.ALL.label)]),
        ]
        if not limit._state.adding:
            of_one = {scopes.RULE: f"{_RULE}{limit.rule_code}", scopes.SHARED: f"{_SHARED}{limit.shared_as}"}
            self.initial["of"] = of_one.get(scopes(limit.scope), limit.scope)
        elif not self.initial.get("of"):
            self.initial["of"] = next(value for _label, offered in of.choices for value, _name in offered)

    def clean(self) -> dict[str, Any]:
        """Refuse what does not fit, in the words of the check that is done again when it is asked for."""
        cleaned = super().clean() or self.cleaned_data
        if self.agreement is None or "of" not in cleaned:
            return cleaned
        self._take(cleaned)
        if self.errors:
            return cleaned
        for name in ("limit", "name", "is_per_object", "is_lower", *_KIND):
            setattr(self.instance, name, cleaned[name])
        if sentence := why_limit_unfit(self.agreement.membership.program, self.instance, now=timezone.now()):
            self.add_error("of", sentence)
        return cleaned

    def _take(self, cleaned: dict[str, Any]) -> None:
        """Say what is limited in the terms of the row; what does not go with that is not kept."""
        limit, scopes = self.instance, AgreementLimit.Scope
        of, _colon, code = cleaned["of"].partition(":")
        limit.scope = {"rule": scopes.RULE, "shared": scopes.SHARED}.get(of, of)
        limit.rule_code, limit.shared_as, limit.rule_codes = "", "", []
        if limit.scope == scopes.RULE:
            limit.rule_code = code
        elif limit.scope == scopes.SHARED:
            limit.shared_as, cleaned["is_per_object"] = code, False
            if code in self.shared:
                cleaned |= {name: getattr(self.shared[code], name) for name in _KIND}
        else:
            cleaned["is_lower"] = False
        if limit.scope == scopes.RULES:
            self._take_several(cleaned)
        else:
            cleaned["name"] = ""
        for name in _KIND:
            if not cleaned.get(name):
                self.add_error(name, _("Choose one."))

    def _take_several(self, cleaned: dict[str, Any]) -> None:
        limit, name = self.instance, cleaned.get("name", "")
        limit.rule_codes, limit.shared_as = cleaned.get("rules", []), self._code_for(name)
        if len(limit.rule_codes) < 2:
            self.add_error("rules", _("Choose two rules at least; for one alone, choose it above."))
        if not name:
            self.add_error("name", _("Give the limit a name: the client reads it."))

    def _code_for(self, name: str) -> str:
        """Return the code under which rules count together: by its name the next agreement finds it again."""
        if self.initial.get("of") == AgreementLimit.Scope.RULES and self.instance.pk:
            return AgreementLimit.objects.values_list("shared_as", flat=True).get(pk=self.instance.pk)
        return slugify(name)[:50] or f"limit-{timezone.now():%Y%m%d%H%M%S}"

    def _get_validation_exclusions(self) -> set[str]:
        """What the choice says is checked with the rest."""
        exclusions: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return exclusions - {"scope", "rule_code", "shared_as", "rule_codes"}


@admin.register(AgreementLimit)
class AgreementLimitAdmin(PartOfAgreementAdmin[AgreementLimit]):
    """Agreed limits: those of drafts to edit, the others to read."""

    form = LimitForm
    list_display = ("of_what", "sentence", "agreement", "is_lower")
    list_filter = (("agreement__membership__program", VocabularyFilter), "agreement__status")
    list_select_related = ("agreement__membership__company", "agreement__membership__program")
    search_fields = ("rule_code", "shared_as", "name", "agreement__membership__company__name")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("limits"))
    def of_what(self, limit: AgreementLimit) -> str:
        """What it counts."""
        return of_what(limit)

    @admin.display(description=gettext_lazy("in plain words"))
    def sentence(self, limit: AgreementLimit) -> str:
        """What it says."""
        return sentence_of(limit)

    change_form_template = "admin/loyalty/agreementlimit/page.html"

    def get_fieldsets(self, request: HttpRequest, obj: AgreementLimit | None = None) -> Any:
        """What is limited, and then what that needs; what was asked for is read as the sentence that it is."""
        if obj is not None and not is_open(obj.agreement):
            return ((None, {"fields": _READ}),)
        terms = ("rules", "name", "limit", *_KIND, "is_per_object", "is_lower")
        return (
            (None, {"fields": ("agreement", "of")}),
            (_("How much"), {"fields": terms, "classes": (_TERMS.removeprefix("."),)}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: AgreementLimit | None = None) -> Any:
        """A limit stays with its agreement."""
        if obj is None:
            return ()
        return ("agreement",) if is_open(obj.agreement) else _READ


_READ = ("agreement", "of_what", "sentence", "is_lower")
"""What is shown of a limit that no longer changes."""
