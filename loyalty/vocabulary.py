"""What rules and metrics may ask, with the codes that exist at this moment and what they are called."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from accounts import arrays
from accounts.conditions import Catalogue, Fact
from accounts.facts import COMPANY_SEGMENTS, EMPLOYEE_ROLES
from accounts.wording import N_
from loyalty.earning import NO_SCHEME, Cap, EarningRule, FormulaError, Scheme
from loyalty.effects import Effect, effects
from loyalty.facts import PRODUCT_LISTS, TIER, catalogue_of
from loyalty.models import ActivityAttribute, Program, Rule, RuleCap
from loyalty.rulebook import asks_for_scheme, earning_rule, schemes_of, shared_limits_of

_WORDS = """
    SELECT 'segments', 0, code, name, 0 FROM accounts_segment
    UNION ALL SELECT 'roles', 0, code, name, 0 FROM accounts_stakeholderrole
    UNION ALL SELECT 'tiers', program_id, code, name, rank FROM loyalty_tier
    UNION ALL SELECT 'lists', rule_set_id, code, name, 0 FROM loyalty_productlist"""


def _words() -> str:
    """SQL for all codes with what they are called, those of what effects give included."""
    given = [
        f" UNION ALL SELECT 'effect {kind}', program_id, code, name, 0 FROM ({effect.choices}) AS of_{number}"  # noqa: S608 (names are code)
        for number, (kind, effect) in enumerate(effects().items())
    ]
    return f"{_WORDS}{''.join(given)} ORDER BY 1, 2, 5, 3"


class Vocabulary:
    """The facts of activity types with their codes as choices; two queries, however many rules are then said in words.

    As a catalogue to parse with, it refuses typos in codes; to say rules in words, it calls codes by their names.
    """

    def __init__(self, declared: Mapping[int, Mapping[str, ActivityAttribute]] | None = None) -> None:
        """`declared` are the attributes of activity types by their codes, where they are at hand: then one query."""
        self._attributes: dict[int, list[ActivityAttribute]] = {}
        if declared is None:
            for attribute in ActivityAttribute.objects.order_by("code"):
                self._attributes.setdefault(attribute.activity_type_id, []).append(attribute)
        else:
            for type_id, by_code in declared.items():
                self._attributes[type_id] = [by_code[code] for code in sorted(by_code)]
        self._words: dict[tuple[str, int], list[tuple[str, str]]] = {}
        self._schemes: dict[int, Scheme] = {}
        self._shared: dict[int, dict[str, Cap]] | None = None
        for kind, owner_id, code, name, _rank in arrays.fetch(_words()):
            self._words.setdefault((kind, owner_id), []).append((code, name))

    def catalogue(self, *, activity_type_id: int, program: Program, rule_set_id: int | None = None) -> Catalogue:
        """Return the facts of an activity type in a program; a fact that has no codes yet cannot be asked.

        Lists of products are those of a rule set: without one, nothing can be asked about them.
        """
        catalogue: dict[str, Fact] = dict(self.plain_catalogue(activity_type_id=activity_type_id, program=program))
        for code, words in (
            (COMPANY_SEGMENTS, ("segments", 0)),
            (EMPLOYEE_ROLES, ("roles", 0)),
            (TIER, ("tiers", program.pk)),
            (PRODUCT_LISTS, ("lists", rule_set_id or 0)),
        ):
            fact = catalogue.pop(code)
            if choices := self._words.get(words):
                catalogue[code] = replace(fact, choices=tuple(choices))
        return catalogue

    def plain_catalogue(self, *, activity_type_id: int, program: Program) -> Catalogue:
        """Return the same facts with any code allowed: what was saved once can always be read again."""
        return catalogue_of(self._attributes.get(activity_type_id, []), program=program)

    def roles(self) -> list[tuple[str, str]]:
        """Return the stakeholder roles: codes with what they are called, by name."""
        return sorted(self._words.get(("roles", 0), ()), key=lambda one: one[1])

    def earning_rule(self, rule: Rule, limits: Sequence[RuleCap] | None = None) -> EarningRule:
        """Return a rule ready for the calculation; raises ConditionError or FormulaError where it is not sound.

        `limits` are its own where they are not saved as they are meant.
        """
        catalogue = self.catalogue(
            activity_type_id=rule.activity_type_id, program=rule.rule_set.program, rule_set_id=rule.rule_set_id
        )
        roles = catalogue.get(EMPLOYEE_ROLES)
        if rule.role and (roles is None or rule.role not in dict(roles.choices)):
            raise FormulaError(N_("There is no role “{code}”."), code=rule.role)
        earning = earning_rule(rule, catalogue, self.scheme_for(rule), self.shared_for(rule), limits)
        if isinstance(earning.effect, Effect):
            self.require_subject(earning.effect, rule.rule_set.program_id)
        return self.named(earning, rule.rule_set.program_id)

    def require_subject(self, effect: Effect, program_id: int) -> None:
        """Raise FormulaError where the program has nothing of that code to give."""
        there = self._names(effect, program_id)
        if effect.subject not in there:
            template = N_("{kind}: there is no “{code}” in this program; there is: {known}.")
            raise FormulaError(template, kind=effect.kind, code=effect.subject, known=sorted(there))

    def named(self, rule: EarningRule, program_id: int) -> EarningRule:
        """Return a rule that calls what it gives by the name that it has now."""
        if not isinstance(rule.effect, Effect):
            return rule
        subject = rule.effect.subject
        return replace(rule, effect=rule.effect.named(self._names(rule.effect, program_id).get(subject, subject)))

    def subjects(self, kind: str, program_id: int) -> Mapping[str, str]:
        """Return what a program has to give by a kind of effect: codes with what they are called."""
        return dict(self._words.get((f"effect {kind}", program_id), ()))

    def _names(self, effect: Effect, program_id: int) -> Mapping[str, str]:
        return self.subjects(effect.kind, program_id)

    def shared_for(self, rule: Rule) -> Mapping[str, Cap]:
        """Return the limits of the rule's version that several rules share, where the rule asks; one query for all."""
        if not rule.shared_limits:
            return {}
        if self._shared is None:
            self._shared = shared_limits_of()
        return self._shared.get(rule.rule_set_id, {})

    def scheme_for(self, rule: Rule) -> Scheme:
        """Return what the rule's version says once for all of its rules, where the rule asks; a query a version."""
        return self.scheme_of(rule.rule_set_id) if asks_for_scheme(rule) else NO_SCHEME

    def scheme_of(self, rule_set_id: int) -> Scheme:
        """Return what a version says once for all of its rules; a query a version."""
        if rule_set_id not in self._schemes:
            self._schemes |= schemes_of([rule_set_id])
        return self._schemes[rule_set_id]
