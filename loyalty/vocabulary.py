"""What rules and metrics may ask, with the codes that exist at this moment and what they are called."""

from dataclasses import replace

from accounts.conditions import Catalogue, Fact
from accounts.facts import COMPANY_SEGMENTS, EMPLOYEE_ROLES
from loyalty import arrays
from loyalty.earning import NO_SCHEME, EarningRule, Scheme
from loyalty.facts import PRODUCT_LISTS, TIER, catalogue_of
from loyalty.models import ActivityAttribute, Program, Rule
from loyalty.rulebook import asks_for_scheme, earning_rule, schemes_of

_WORDS = """
    SELECT 'segments', 0, code, name, 0 FROM accounts_segment
    UNION ALL SELECT 'roles', 0, code, name, 0 FROM accounts_stakeholderrole
    UNION ALL SELECT 'tiers', program_id, code, name, rank FROM loyalty_tier
    UNION ALL SELECT 'lists', rule_set_id, code, name, 0 FROM loyalty_productlist
    ORDER BY 1, 2, 5, 3"""


class Vocabulary:
    """The facts of activity types with their codes as choices; two queries, however many rules are then said in words.

    As a catalogue to parse with, it refuses typos in codes; to say rules in words, it calls codes by their names.
    """

    def __init__(self) -> None:
        self._attributes: dict[int, list[ActivityAttribute]] = {}
        for attribute in ActivityAttribute.objects.order_by("code"):
            self._attributes.setdefault(attribute.activity_type_id, []).append(attribute)
        self._words: dict[tuple[str, int], list[tuple[str, str]]] = {}
        self._schemes: dict[int, Scheme] = {}
        for kind, owner_id, code, name, _rank in arrays.fetch(_WORDS):
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

    def earning_rule(self, rule: Rule) -> EarningRule:
        """Return a rule ready for the calculation; raises ConditionError or FormulaError where it is not sound."""
        catalogue = self.catalogue(
            activity_type_id=rule.activity_type_id, program=rule.rule_set.program, rule_set_id=rule.rule_set_id
        )
        return earning_rule(rule, catalogue, self.scheme_for(rule))

    def scheme_for(self, rule: Rule) -> Scheme:
        """Return what the rule's version says once for all of its rules, where the rule asks; a query a version."""
        if not asks_for_scheme(rule):
            return NO_SCHEME
        if rule.rule_set_id not in self._schemes:
            self._schemes |= schemes_of([rule.rule_set_id])
        return self._schemes[rule.rule_set_id]
