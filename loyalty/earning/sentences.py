"""Rules, limits and verdicts in plain words: the same sentence in editor, rules page, audit and explanation."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from accounts.conditions import ALWAYS, Catalogue, Label, failure_sentence, sentence
from loyalty.earning.caps import Cap, CapSubject, Period
from loyalty.earning.formulas import formula_sentence, joined
from loyalty.earning.formulas.kind import N_
from loyalty.earning.rules import Beneficiary, EarningRule, MayEarn, Verdict

Translate = Callable[[str], str]

_TO: Mapping[Beneficiary, str] = MappingProxyType(
    {
        Beneficiary.COMPANY: N_("{give} to the company"),
        Beneficiary.EMPLOYEE: N_("{give} to the employee"),
        Beneficiary.BOTH: N_("{give} to the company and the same to the employee"),
    }
)
_TO_FIRST: Mapping[Beneficiary, str] = MappingProxyType(
    {
        Beneficiary.COMPANY: N_("the company gets {give}"),
        Beneficiary.EMPLOYEE: N_("the employee gets {give}"),
        Beneficiary.BOTH: N_("the company and the employee each get {give}"),
    }
)
"""For what is a list of rates: whom they go to would be read of the last one alone."""
_PERIODS: Mapping[Period, str] = MappingProxyType(
    {
        Period.DAY: N_("at most {limit} points a day {subject}"),
        Period.WEEK: N_("at most {limit} points a week {subject}"),
        Period.MONTH: N_("at most {limit} points a month {subject}"),
        Period.QUARTER: N_("at most {limit} points a quarter {subject}"),
        Period.YEAR: N_("at most {limit} points a year {subject}"),
        Period.EVER: N_("at most {limit} points in all {subject}"),
    }
)
_SUBJECTS: Mapping[CapSubject, str] = MappingProxyType(
    {
        CapSubject.EMPLOYEE: N_("per person"),
        CapSubject.COMPANY: N_("per company"),
        CapSubject.PROGRAM: N_("for all companies together"),
    }
)
_MAY_EARN: Mapping[MayEarn, str] = MappingProxyType(
    {
        MayEarn.YES: N_("The person may earn points."),
        MayEarn.NO_EMPLOYEE: N_("No points: the activity names no employee."),
        MayEarn.NO_CONSENT: N_("No points: the company's management had not agreed that its people earn points."),
        MayEarn.ROLE_NOT_NAMED: N_("No points: the company's management had not agreed to this role earning points."),
    }
)


def cap_sentence(cap: Cap, translate: Translate) -> str:
    """Return a limit in plain words, such as "at most 500 points a month per company"."""
    return translate(_PERIODS[cap.period]).format(limit=f"{cap.limit:,}", subject=translate(_SUBJECTS[cap.subject]))


def rule_sentence(rule: EarningRule, *, when: Label, catalogue: Catalogue, translate: Translate) -> str:
    """Return the whole rule in plain words; `when` is the name of its activity type."""
    to = _TO_FIRST if rule.formula.is_table else _TO
    give = translate(to[rule.beneficiary]).format(give=rule.formula.sentence(catalogue, translate))
    if rule.condition is ALWAYS:
        text = translate(N_("{when}: {give}")).format(when=when, give=give)
    else:
        condition = sentence(rule.condition, catalogue, translate)
        text = translate(N_("{when}, only if {condition}: {give}")).format(when=when, condition=condition, give=give)
    limits = [cap_sentence(cap, translate) for cap in rule.caps]
    for limit in (*rule.formula.terms(catalogue, translate), *limits):
        text = translate(N_("{rule}, {limit}")).format(rule=text, limit=limit)
    return translate(N_("{rule}.")).format(rule=text)


def may_earn_sentence(may_earn: MayEarn, translate: Translate) -> str:
    """Return why a person may or may not earn, in plain words."""
    return translate(_MAY_EARN[may_earn])


def verdict_sentence(
    verdict: Verdict, *, granted: int, catalogue: Catalogue, translate: Translate, is_budget_spent: bool = False
) -> str:
    """Return in plain words why a rule gave what it gave; `granted` is the sum that passed the limits.

    `is_budget_spent`: what did not pass had no place in the campaign's budget any more.
    """
    if not verdict.is_met:
        reasons = [failure_sentence(outcome, catalogue, translate) for outcome in verdict.failures]
        return translate(N_("Does not apply: {reasons}.")).format(reasons=joined(reasons, translate))
    given = sum(gift.points for gift in verdict.gifts)
    refusal = next((gift.refusal for gift in verdict.gifts if gift.refusal), None)
    if refusal and not given:
        return may_earn_sentence(refusal, translate)
    give = formula_sentence(verdict.rule.formula, catalogue, translate)
    if granted < given:
        template = N_("Applies: {give} would be {given}; a limit let {granted} through.")
        if is_budget_spent:
            template = N_("Applies: {give} would be {given}; what was left of the campaign's budget made it {granted}.")
        text = translate(template).format(give=give, given=f"{given:,}", granted=f"{granted:,}")
    else:
        text = translate(N_("Applies: {give}.")).format(give=give)
    if findings := verdict.rule.formula.findings(verdict.values, catalogue, translate):
        text = translate(N_("{text} Here: {findings}.")).format(text=text, findings=joined(findings, translate))
    if refusal:
        template = translate(N_("{company} For the employee: {person}"))
        text = template.format(company=text, person=may_earn_sentence(refusal, translate))
    return text
