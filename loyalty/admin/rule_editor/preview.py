"""The sentence of a rule, saved or just being typed, or the first thing that keeps it from being one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.conditions import Catalogue, ConditionError
from accounts.reader import READER
from loyalty.admin.rule_editor.form import RuleForm, recipients_wrong
from loyalty.concerns import findings_in_words
from loyalty.earning import EarningRule, FormulaError, rule_sentence
from loyalty.models import Rule, RuleCap
from loyalty.vocabulary import Vocabulary

_PARTS = ("condition", "formula", "beneficiary", "person_share", "role", "is_divided", "shared_limits")
"""What makes the sentence, in the order of the page."""


@dataclass(frozen=True, slots=True)
class Preview:
    """A sentence as clients read it, or what is wrong; `doubts` are what is odd about a rule that can be run."""

    sentence: str = ""
    error: str = ""
    doubts: Sequence[str] = ()


def in_words(rule: Rule, vocabulary: Vocabulary) -> str:
    """Return the rule as clients read it, or what keeps it from being run."""
    try:
        return _sentence(rule, vocabulary.earning_rule(rule), vocabulary)
    except ConditionError as error:
        return f"{error.path}: {error.translated(READER)}"
    except FormulaError as error:
        return error.translated(READER)


def preview_of(form: RuleForm, formsets: Sequence[Any]) -> Preview:
    """Return the sentence of what a form and its limits say now; nothing is saved, and a name is not asked for."""
    rule = Rule(rule_set=form.rule_set, activity_type=form.activity_type)
    if form.offer is None:
        return Preview(error=_("Choose a version, and when the rule is asked."))
    try:
        for name in _PARTS:
            if (value := _value(form, name)) is not None:
                setattr(rule, name, value)
        for _field, sentence in recipients_wrong({name: getattr(rule, name) for name in _PARTS}):
            return Preview(error=sentence)
        earning = form.words.earning_rule(rule, list(_limits(form, formsets)))
    except ValidationError as error:
        return Preview(error=error.messages[0])
    except ConditionError as error:
        return Preview(error=error.translated(READER))
    except FormulaError as error:
        return Preview(error=error.translated(READER))
    catalogue = _catalogue(rule, form.words)
    named = replace(earning, name=str(form["name"].value() or _("This rule")))
    doubts = findings_in_words(named, catalogue, rule.rule_set.program, now=timezone.now())
    return Preview(_sentence(rule, earning, form.words), doubts=doubts)


def _sentence(rule: Rule, earning: EarningRule, vocabulary: Vocabulary) -> str:
    catalogue = _catalogue(rule, vocabulary)
    return rule_sentence(earning, when=rule.activity_type.name, catalogue=catalogue, translate=READER)


def _catalogue(rule: Rule, vocabulary: Vocabulary) -> Catalogue:
    return vocabulary.catalogue(
        activity_type_id=rule.activity_type_id, program=rule.rule_set.program, rule_set_id=rule.rule_set_id
    )


def _value(form: RuleForm, name: str) -> Any:
    field = form.fields[name]
    if not form.is_bound:
        return form.get_initial_for_field(field, name)
    value = field.clean(form[name].data)
    return value or 0 if name == "person_share" else value


def _limits(form: RuleForm, formsets: Sequence[Any]) -> Iterator[RuleCap]:
    """Yield the limits that were typed; those of the row where nothing was."""
    for formset in formsets:
        for number, each in enumerate(formset.forms, start=1):
            if not formset.is_bound:
                if each.instance.pk:
                    yield each.instance
            elif each.has_changed() or each.instance.pk:
                if formset.can_delete and each[_DELETE].data:
                    continue
                if found := each.errors_so_far():
                    words = {"number": number, "reason": next(iter(found.values()))[0]}
                    raise ValidationError(_("Limit %(number)s: %(reason)s") % words)
                yield each.instance


_DELETE = "DELETE"
