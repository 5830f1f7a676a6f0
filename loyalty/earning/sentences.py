"""Rules, limits and verdicts in plain words: the same sentence in editor, rules page, audit and explanation."""

from collections.abc import Mapping
from types import MappingProxyType

from accounts.conditions import ALWAYS, Catalogue, Label, failure_sentence, sentence
from accounts.wording import N_, Translator, in_turn
from loyalty.earning.caps import EVERY_RULE, Cap, CapSubject, Counts, Period
from loyalty.earning.formulas import formula_sentence
from loyalty.earning.formulas.kind import ROLES
from loyalty.earning.rules import Beneficiary, EarningRule, Gives, MayEarn, Verdict

_TO: Mapping[Beneficiary, str] = MappingProxyType(
    {
        Beneficiary.COMPANY: N_("{give} to the company"),
        Beneficiary.EMPLOYEE: N_("{give} to the employee"),
        Beneficiary.BOTH: N_("{give} to the company and the same to the employee"),
        Beneficiary.SPLIT: N_("{give}, of which {share} % to the employee and the rest to the company"),
        Beneficiary.ROLE: N_("{give} to everybody in the role {role} who took part"),
    }
)
_TO_FIRST: Mapping[Beneficiary, str] = MappingProxyType(
    {
        Beneficiary.COMPANY: N_("the company gets {give}"),
        Beneficiary.EMPLOYEE: N_("the employee gets {give}"),
        Beneficiary.BOTH: N_("the company and the employee each get {give}"),
        Beneficiary.SPLIT: N_("the employee gets {share} % and the company the rest of {give}"),
        Beneficiary.ROLE: N_("everybody in the role {role} who took part gets {give}"),
    }
)
"""For what is a list of rates: whom they go to would be read of the last one alone."""
_TO_ROLE_DIVIDED = N_("{give}, shared equally by everybody in the role {role} who took part")
_TO_ROLE_DIVIDED_FIRST = N_("everybody in the role {role} who took part shares {give}")
_POINTS: Mapping[Period, str] = MappingProxyType(
    {
        Period.DAY: N_("at most {limit} points a day {subject}"),
        Period.WEEK: N_("at most {limit} points a week {subject}"),
        Period.MONTH: N_("at most {limit} points a month {subject}"),
        Period.QUARTER: N_("at most {limit} points a quarter {subject}"),
        Period.YEAR: N_("at most {limit} points a year {subject}"),
        Period.EVER: N_("at most {limit} points in all {subject}"),
    }
)
_TIMES: Mapping[Period, str] = MappingProxyType(
    {
        Period.DAY: N_("at most {limit} times a day {subject}"),
        Period.WEEK: N_("at most {limit} times a week {subject}"),
        Period.MONTH: N_("at most {limit} times a month {subject}"),
        Period.QUARTER: N_("at most {limit} times a quarter {subject}"),
        Period.YEAR: N_("at most {limit} times a year {subject}"),
        Period.EVER: N_("at most {limit} times {subject}"),
    }
)
_ONCE: Mapping[Period, str] = MappingProxyType(
    {
        Period.DAY: N_("once a day {subject}"),
        Period.WEEK: N_("once a week {subject}"),
        Period.MONTH: N_("once a month {subject}"),
        Period.QUARTER: N_("once a quarter {subject}"),
        Period.YEAR: N_("once a year {subject}"),
        Period.EVER: N_("only once {subject}"),
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
        MayEarn.FOR_COMPANY: N_("As the company's management wishes, the company gets the points of this role."),
        MayEarn.ONE_WALLET: N_("The company has one wallet: it gets the points of its people."),
        MayEarn.NOBODY_OF_ROLE: N_("No points: nobody in the role took part."),
    }
)

_LEFT_OUT: Mapping[MayEarn, str] = MappingProxyType(
    {
        MayEarn.NO_EMPLOYEE: N_("Nothing is given: the activity names no employee."),
        MayEarn.NO_CONSENT: N_("Nothing is given: the company's management had not agreed that its people take part."),
        MayEarn.ROLE_NOT_NAMED: N_("Nothing is given: the company's management had not agreed to this role."),
        MayEarn.NOBODY_OF_ROLE: N_("Nothing is given: nobody in the role took part."),
    }
)
"""Where a rule gives something else than points."""


def cap_sentence(cap: Cap, translate: Translator) -> str:
    """Return a limit in plain words, such as "at most 500 points a month per company"."""
    templates = _POINTS if cap.counts is Counts.POINTS else _ONCE if cap.limit == 1 else _TIMES
    text = translate(templates[cap.period]).format(
        limit=translate.number(cap.limit), subject=translate(_SUBJECTS[cap.subject])
    )
    if cap.is_per_object:
        text = translate(N_("{limit} for each product code")).format(limit=text)
    if cap.shared_as == EVERY_RULE:
        text = translate(N_("{limit} from all rules together")).format(limit=text)
    elif cap.shared_as:
        text = translate(N_("{limit} from all rules for “{name}” together")).format(limit=text, name=cap.name)
    return text


def rule_sentence(rule: EarningRule, *, when: Label, catalogue: Catalogue, translate: Translator) -> str:
    """Return the whole rule in plain words; `when` is the name of its activity type."""
    gives = rule.effect.sentence(translate) if rule.effect else rule.formula.sentence(catalogue, translate)
    give = _to_whom(rule, gives, catalogue, translate)
    if rule.condition is ALWAYS:
        text = translate(N_("{when}: {give}")).format(when=when, give=give)
    else:
        condition = sentence(rule.condition, catalogue, translate)
        text = translate(N_("{when}, only if {condition}: {give}")).format(when=when, condition=condition, give=give)
    limits = [cap_sentence(cap, translate) for cap in rule.caps]
    for limit in (*rule.formula.terms(catalogue, translate), *limits):
        text = translate(N_("{rule}, {limit}")).format(rule=text, limit=limit)
    if rule.is_agreed:
        text = translate(N_("{rule}, by your agreement")).format(rule=text)
    return translate(N_("{rule}.")).format(rule=text)


def _to_whom(rule: EarningRule, give: str, catalogue: Catalogue, translate: Translator) -> str:
    """What is given, and to whom."""
    if rule.beneficiary is Beneficiary.ROLE and rule.is_divided:
        template = _TO_ROLE_DIVIDED_FIRST if rule.formula.is_table else _TO_ROLE_DIVIDED
    else:
        template = (_TO_FIRST if rule.formula.is_table else _TO)[rule.beneficiary]
    roles = catalogue.get(ROLES)
    role = next((str(label) for code, label in roles.choices if code == rule.role), rule.role) if roles else rule.role
    return translate(template).format(give=give, share=rule.person_share, role=role)


def may_earn_sentence(may_earn: MayEarn, translate: Translator) -> str:
    """Return why a person may or may not earn, in plain words."""
    return translate(_MAY_EARN[may_earn])


def verdict_sentence(
    verdict: Verdict, *, granted: int, catalogue: Catalogue, translate: Translator, is_budget_spent: bool = False
) -> str:
    """Return in plain words why a rule gave what it gave; `granted` is the sum that passed the limits.

    Of a rule that gives something else than points, `granted` is how often it was given.
    `is_budget_spent`: what did not pass had no place in the campaign's budget any more.
    """
    if not verdict.is_met:
        reasons = [failure_sentence(outcome, catalogue, translate) for outcome in verdict.failures]
        text = translate(N_("Does not apply: {reasons}.")).format(reasons=in_turn(reasons, translate))
        return _with_agreed(text, verdict.rule, catalogue, translate)
    if verdict.rule.effect is not None:
        return _favour_sentence(verdict, verdict.rule.effect, is_given=granted > 0, translate=translate)
    given = sum(gift.points for gift in verdict.gifts)
    refusals = dict.fromkeys(gift.refusal for gift in verdict.gifts if gift.refusal)
    if refusals and not given:
        text = " ".join(may_earn_sentence(refusal, translate) for refusal in refusals)
        return _with_agreed(text, verdict.rule, catalogue, translate)
    give = formula_sentence(verdict.rule.formula, catalogue, translate)
    if verdict.rule.is_agreed:
        give = translate(N_("{give}, by your agreement")).format(give=give)
    if granted < given:
        template = N_("Applies: {give} would be {given}; a limit let {granted} through.")
        if is_budget_spent:
            template = N_("Applies: {give} would be {given}; what was left of the campaign's budget made it {granted}.")
            if any(gift.from_promotion for gift in verdict.gifts):
                template = N_("Applies: {give} would be {given}; what was left of the budget made it {granted}.")
        text = translate(template).format(give=give, given=translate.number(given), granted=translate.number(granted))
    else:
        text = translate(N_("Applies: {give}.")).format(give=give)
    if findings := verdict.rule.formula.findings(verdict.values, catalogue, translate):
        text = translate(N_("{text} Here: {findings}.")).format(text=text, findings=in_turn(findings, translate))
    for refusal in refusals:
        template = translate(N_("{company} For the employee: {person}"))
        text = template.format(company=text, person=may_earn_sentence(refusal, translate))
    return text


def _with_agreed(text: str, rule: EarningRule, catalogue: Catalogue, translate: Translator) -> str:
    """Why nothing was given, with what the company's agreement would give, where one made the rule another."""
    if not rule.is_agreed or rule.effect is not None:
        return text
    give = formula_sentence(rule.formula, catalogue, translate)
    return translate(N_("{text} By your agreement it would give {give}.")).format(text=text, give=give)


def _favour_sentence(verdict: Verdict, effect: Gives, *, is_given: bool, translate: Translator) -> str:
    """Why something that is no points was given, or was not."""
    what = effect.sentence(translate)
    refusals = dict.fromkeys(favour.refusal for favour in verdict.favours if favour.refusal)
    if is_given:
        text = translate(N_("Applies: {what}.")).format(what=what)
    elif all(favour.refusal for favour in verdict.favours):
        return " ".join(translate(_LEFT_OUT[refusal]) for refusal in refusals)
    else:
        text = translate(N_("Applies, but {what} was given before, or a limit let nothing through.")).format(what=what)
    for refusal in refusals:
        template = translate(N_("{company} For the employee: {person}"))
        text = template.format(company=text, person=translate(_LEFT_OUT[refusal]))
    return text
