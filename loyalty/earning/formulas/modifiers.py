"""What may be said of a formula of any kind, beside its own keys.

"minimum_spend": "100"                      nothing where the activity's amount is below it
"multipliers": {"tier": {"gold": "1.5"}}    what the kind gives, times a factor
"rounding": "half up"                       how parts of a point are rounded; down unless said
"at_least": 5                               no fewer points each time, where there are any
"at_most": 500                              no more points each time

In this order: minimum spend, the kind's own calculation, multipliers, rounding, the least and the most.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from enum import StrEnum

from accounts.conditions import Catalogue, FactType, Values
from accounts.wording import N_, Translator
from loyalty.earning.formulas.asking import Ask, Asks
from loyalty.earning.formulas.kind import AMOUNT, EXACT, MAX_POINTS, Formula, with_unit
from loyalty.earning.formulas.multipliers import Campaign, Combining, Multipliers, Scheme, read_multipliers
from loyalty.earning.formulas.reading import FormulaError, Part

MODIFIERS = frozenset({"minimum_spend", "multipliers", "rounding", "at_least", "at_most"})
"""The keys that every kind of formula takes."""


MODIFIER_ASKS = (
    Ask("minimum_spend", N_("nothing below an amount of"), Asks.NUMBER, is_optional=True),
    Ask(
        "multipliers",
        N_("factors"),
        Asks.PART,
        is_optional=True,
        parts=(
            Ask("tier", N_("factor for each tier"), Asks.TIER_FACTORS, is_optional=True),
            Ask("campaigns", N_("campaigns"), Asks.CAMPAIGNS, is_optional=True),
        ),
    ),
    Ask(
        "rounding",
        N_("parts of a point are"),
        Asks.WORD,
        is_optional=True,
        words=(
            ("down", N_("rounded down")),
            ("up", N_("rounded up")),
            ("half up", N_("rounded to the nearest point, halves up")),
        ),
    ),
    Ask("at_least", N_("at least each time (points)"), Asks.POINTS, is_optional=True),
    Ask("at_most", N_("at most each time (points)"), Asks.POINTS, is_optional=True),
)
"""The same, as a form asks for them."""


class Rounding(StrEnum):
    """What becomes of parts of a point."""

    DOWN = "down"
    UP = "up"
    HALF_UP = "half up"


_DECIMAL: Mapping[Rounding, str] = {
    Rounding.DOWN: ROUND_FLOOR,
    Rounding.UP: ROUND_CEILING,
    Rounding.HALF_UP: ROUND_HALF_UP,
}
_SAID: Mapping[Rounding, str] = {
    Rounding.DOWN: N_("rounded down"),
    Rounding.UP: N_("rounded up"),
    Rounding.HALF_UP: N_("rounded to the nearest point, halves up"),
}
_SHOWN_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Modified(Formula):
    """A formula of some kind with what is said of it; None where nothing is."""

    formula: Formula
    minimum_spend: Decimal | None = None
    multipliers: Multipliers | None = None
    rounding: Rounding | None = None
    at_least: int | None = None
    at_most: int | None = None

    @property
    def facts(self) -> tuple[str, ...]:
        """Those of its kind, the amount where there is a minimum of it, and those that multiply."""
        spend = () if self.minimum_spend is None else (AMOUNT,)
        factors = () if self.multipliers is None else self.multipliers.facts
        return tuple(dict.fromkeys((*self.formula.facts, *spend, *factors)))

    @property
    def counted(self) -> tuple[str, ...]:
        """Those of its kind."""
        return self.formula.counted

    @property
    def is_table(self) -> bool:
        """Whether its kind is one."""
        return self.formula.is_table

    @property
    def lines(self) -> int:
        """Those of its kind."""
        return self.formula.lines

    def exact(self, values: Values) -> Decimal:
        """Return what its kind gives, multiplied; 0 below the minimum spend."""
        return self._multiplied(values, with_campaign=True)

    def give(self, values: Values) -> int:
        """Return whole points, within the least and the most."""
        exact = self.exact(values)
        return self._within(self._whole(exact), exact)

    @property
    def campaigns(self) -> tuple[Campaign, ...]:
        """The campaigns that multiply it."""
        return () if self.multipliers is None else self.multipliers.campaigns

    def give_without_campaign(self, values: Values) -> int:
        """Return whole points as if no campaign was on."""
        exact = self._multiplied(values, with_campaign=False)
        return self._within(self._whole(exact), exact)

    def sentence(self, catalogue: Catalogue, translate: Translator) -> str:
        """Return what its kind says."""
        return self.formula.sentence(catalogue, translate)

    def terms(self, catalogue: Catalogue, translate: Translator) -> list[str]:
        """Return each modifier in plain words, in the order in which they count."""
        terms = self.formula.terms(catalogue, translate)
        if self.minimum_spend is not None:
            fact = catalogue[AMOUNT]
            template = translate(N_("nothing where {fact} is below {amount}"))
            terms.append(template.format(fact=fact.label, amount=with_unit(self.minimum_spend, fact, translate)))
        if self.multipliers is not None:
            terms += self.multipliers.terms(catalogue, translate)
        if self.rounding is not None:
            terms.append(translate(_SAID[self.rounding]))
        for points, one, many in (
            (self.at_least, N_("at least {points} point each time"), N_("at least {points} points each time")),
            (self.at_most, N_("at most {points} point each time"), N_("at most {points} points each time")),
        ):
            if points is not None:
                terms.append(translate(one if points == 1 else many).format(points=translate.number(points)))
        return terms

    def findings(self, values: Values, catalogue: Catalogue, translate: Translator) -> list[str]:
        """Tell also what each modifier made of it."""
        findings = self.formula.findings(values, catalogue, translate)
        if self._is_too_little(values) and self.minimum_spend is not None:
            fact = catalogue[AMOUNT]
            template = translate(N_("{fact} did not reach {amount}, so nothing is given"))
            return [*findings, template.format(fact=fact.label, amount=with_unit(self.minimum_spend, fact, translate))]
        if self.multipliers is not None:
            findings += self.multipliers.findings(values, catalogue, translate)
        exact = self.exact(values)
        whole = self._whole(exact)
        if exact != whole:
            # Cut, not rounded: what is just below a point must not look like one.
            shown = translate.number(exact.quantize(_SHOWN_PLACES, ROUND_DOWN, EXACT))
            template = translate(N_("rounded from {exact} to {points}"))
            findings.append(template.format(exact=shown, points=translate.number(whole)))
        points = self._within(whole, exact)
        if points != whole:
            raised, cut = N_("raised from {points} to {to}"), N_("cut from {points} to {to}")
            template = translate(raised if points > whole else cut)
            findings.append(template.format(points=translate.number(whole), to=translate.number(points)))
        return findings

    def _multiplied(self, values: Values, *, with_campaign: bool) -> Decimal:
        if self._is_too_little(values):
            return Decimal(0)
        exact = self.formula.exact(values)
        if self.multipliers is None:
            return exact
        return EXACT.multiply(exact, self.multipliers.factor(values, with_campaign=with_campaign))

    def _is_too_little(self, values: Values) -> bool:
        if self.minimum_spend is None:
            return False
        spent = values.get(AMOUNT)
        return not isinstance(spent, Decimal) or spent < self.minimum_spend

    def _whole(self, exact: Decimal) -> int:
        return int(exact.to_integral_value(_DECIMAL[self.rounding or Rounding.DOWN]))

    def _within(self, points: int, exact: Decimal) -> int:
        """Keep to the least, which only something can reach, and to the most."""
        if self.at_least is not None and exact:
            points = max(points, self.at_least)
        return min(points, MAX_POINTS if self.at_most is None else self.at_most)


def read_modified(formula: Formula, part: Part, scheme: Scheme) -> Formula:
    """Return the formula with the modifiers of its document; the formula itself where there are none."""
    if not MODIFIERS.intersection(part.document):
        return formula
    minimum_spend = None
    if "minimum_spend" in part:
        fact = part.catalogue.get(AMOUNT)
        if fact is None or fact.type is not FactType.NUMBER:
            raise FormulaError(N_("{key}: this activity has no amount."), key=part.place("minimum_spend"))
        minimum_spend = part.number("minimum_spend", most=10**12)
    at_least = part.points("at_least") if "at_least" in part else None
    at_most = part.points("at_most") if "at_most" in part else None
    if at_least is not None and at_most is not None and at_least > at_most:
        template = N_("{key}: {least} is more than the most of {most} points.")
        raise FormulaError(template, key=part.place("at_least"), least=at_least, most=at_most)
    rounding = Rounding(part.one_of("rounding", Rounding)) if "rounding" in part else None
    multipliers = read_multipliers(part, scheme) if "multipliers" in part else None
    return Modified(formula, minimum_spend, multipliers, rounding, at_least, at_most)


def by_agreement(formula: Formula, factor: Decimal, combining: Combining) -> Formula:
    """Return the formula multiplied with the factor of an agreement, too; it meets others as `combining` says."""
    modified = formula if isinstance(formula, Modified) else Modified(formula)
    multipliers = modified.multipliers or Multipliers(combining=combining)
    return replace(modified, multipliers=replace(multipliers, agreement=factor))


def by_promotion(formula: Formula, factor: Decimal) -> Formula:
    """Return the formula multiplied with the factor of a promotion, too; it meets others as its version says."""
    modified = formula if isinstance(formula, Modified) else Modified(formula)
    return replace(modified, multipliers=replace(modified.multipliers or Multipliers(), promotion=factor))
