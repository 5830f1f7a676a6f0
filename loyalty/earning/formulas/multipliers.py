"""Multipliers: what a formula gives, times a factor of the company's tier.

"multipliers": {"tier": {"silver": "1.2", "gold": "1.5"}}
"""

from dataclasses import dataclass
from decimal import Decimal

from accounts.conditions import Catalogue, Values, value_in_words
from loyalty.earning.formulas.kind import N_, TIER, Translate, found, plain
from loyalty.earning.formulas.reading import FormulaError, Part, shown

MOST = 100
"""No factor is more."""


@dataclass(frozen=True, slots=True)
class Multipliers:
    """Factors by the code of a tier; a tier that is not named is not multiplied."""

    tiers: tuple[tuple[str, Decimal], ...] = ()

    @property
    def facts(self) -> tuple[str, ...]:
        """The tier."""
        return (TIER,) if self.tiers else ()

    def factor(self, values: Values) -> Decimal:
        """Return what the points are multiplied with."""
        tier = values.get(TIER)
        return next((factor for code, factor in self.tiers if code == tier), Decimal(1))

    def terms(self, catalogue: Catalogue, translate: Translate) -> list[str]:
        """Return each factor in plain words, in the order of the tiers."""
        fact = catalogue[TIER]
        ranks = [code for code, _label in fact.choices]
        template = translate(N_("times {factor} where {fact} is {tier}"))
        return [
            template.format(factor=plain(factor), fact=fact.label, tier=value_in_words(code, fact, translate))
            for code, factor in sorted(self.tiers, key=lambda one: ranks.index(one[0]) if one[0] in ranks else -1)
        ]

    def findings(self, values: Values, catalogue: Catalogue, translate: Translate) -> list[str]:
        """Tell which factor counted."""
        told = found(catalogue[TIER], values, translate)
        factor = self.factor(values)
        template = translate(N_("{found}: times {factor}") if factor != 1 else N_("{found}: not multiplied"))
        return [template.format(found=told, factor=plain(factor))]


def read_multipliers(part: Part) -> Multipliers:
    """Read the key `multipliers` of a document."""
    inner = part.part("multipliers")
    inner.require({"tier"})
    return Multipliers(_read_tiers(inner))


def _read_tiers(part: Part) -> tuple[tuple[str, Decimal], ...]:
    fact = part.catalogue.get(TIER)
    if fact is None:
        raise FormulaError(N_("{key}: this program has no tiers."), key=part.place("tier"))
    factors = part.part("tier")
    if not factors.document:
        raise FormulaError(N_("{key}: name a tier with its factor."), key=factors.path)
    codes = [code for code, _label in fact.choices]
    for code in factors.document:
        if codes and code not in codes:
            template = N_("{key}: {found} is not one of {choices}.")
            raise FormulaError(template, key=factors.path, found=shown(code), choices=", ".join(codes))
    return tuple((code, factors.number(code, least="0.01", most=MOST)) for code in sorted(factors.document))
