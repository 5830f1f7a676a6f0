"""Agreed limits: of a rule chosen from those of the program, of several or all together, or of one that rules share."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.links import VocabularyFilter
from accounts.admin.reshaping import ReshapedForm, bring_anew
from accounts.wording import listed
from loyalty.admin.agreement_parts import PartOfAgreementAdmin, is_open
from loyalty.admin.agreement_rates import rules_for
from loyalty.admin.programs import chosen
from loyalty.agreements import why_limit_unfit
from loyalty.earning import cap_sentence
from loyalty.models import Agreement, AgreementLimit, RuleSet, SharedLimit
from loyalty.rulebook import agreed_limit

_RULE, _SHARED = "rule:", "shared:"
"""Before a code, in the choice of what is limited; the other choices are scopes."""

_KIND = ("counts", "subject", "period")
"""What a limit that rules share keeps, whatever is agreed."""


def sentence_of(limit: AgreementLimit) -> str:
    """Return a limit in the words that rules have for it."""
    return cap_sentence(agreed_limit(limit).cap, _)


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
            bring_anew(self.fields["agreement"], "#id_of", asked="of:agreement", also="#id_rules")
        for name in _KIND:
            self.fields[name].required = False
        subjects: Any = self.fields["subject"]
        subjects.choices = [
            (value, label) for value, label in subjects.choices if value != AgreementLimit.Subject.PROGRAM
        ]
        self._offer()

    def _offer(self) -> None:
        """Offer the rules of the program and the limits that they share, by name, and what was saved before."""
        rules = rules_for(self.agreement) if self.agreement else {}
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

    def get_fields(self, request: HttpRequest, obj: AgreementLimit | None = None) -> Any:
        """What was asked for is read as the sentence that it is."""
        if obj is not None and not is_open(obj.agreement):
            return ("agreement", "of_what", "sentence", "is_lower")
        return ("agreement", "of", "rules", "name", "limit", *_KIND, "is_per_object", "is_lower")

    def get_readonly_fields(self, request: HttpRequest, obj: AgreementLimit | None = None) -> Any:
        """A limit stays with its agreement."""
        if obj is None:
            return ()
        return ("agreement",) if is_open(obj.agreement) else self.get_fields(request, obj)
