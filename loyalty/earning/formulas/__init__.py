"""Formulas: a menu of ways to turn an activity into points, each a small document and a module of its own.

Points are whole, and rounded in this folder and nowhere else. `docs/extending.md` leads through adding a kind.
"""

from collections.abc import Mapping

from accounts.conditions import Catalogue
from accounts.wording import N_, Translator
from loyalty.earning.formulas.asking import Ask, Asks
from loyalty.earning.formulas.fixed import Fixed
from loyalty.earning.formulas.kind import AMOUNT, DAY, MAX_POINTS, NOTHING, TIER, Formula, Kind
from loyalty.earning.formulas.lookup import Lookup
from loyalty.earning.formulas.modifiers import (
    MODIFIER_ASKS,
    MODIFIERS,
    Modified,
    Rounding,
    by_agreement,
    by_promotion,
    read_modified,
)
from loyalty.earning.formulas.multipliers import NO_SCHEME, Campaign, Combining, Scheme
from loyalty.earning.formulas.per import Per
from loyalty.earning.formulas.percent import Percent
from loyalty.earning.formulas.reading import FormulaError, Part, shown
from loyalty.earning.formulas.steps import Applies, Band, Steps

__all__ = [
    "AMOUNT",
    "DAY",
    "KINDS",
    "MAX_POINTS",
    "MODIFIERS",
    "MODIFIER_ASKS",
    "NOTHING",
    "NO_SCHEME",
    "TIER",
    "Applies",
    "Ask",
    "Asks",
    "Band",
    "Campaign",
    "Combining",
    "Fixed",
    "Formula",
    "FormulaError",
    "Kind",
    "Lookup",
    "Modified",
    "Part",
    "Per",
    "Percent",
    "Rounding",
    "Scheme",
    "Steps",
    "by_agreement",
    "by_promotion",
    "formula_sentence",
    "parse_formula",
]

KINDS: Mapping[str, type[Kind]] = {kind.kind: kind for kind in (Fixed, Per, Percent, Steps, Lookup)}
"""The menu, by what documents call each kind."""


def parse_formula(document: object, catalogue: Catalogue, scheme: Scheme = NO_SCHEME) -> Formula:
    """Return the formula that `document` describes in a version of rules; FormulaError where it does not."""
    if not isinstance(document, Mapping):
        raise FormulaError(N_("A formula is an object with the key 'kind'."))
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise FormulaError(N_("kind: {found} is not one of {kinds}."), found=shown(kind), kinds=[*KINDS])
    formula = KINDS[kind]
    part = Part(document, catalogue)
    if unknown := sorted(str(key) for key in set(document) - formula.keys - MODIFIERS - {"kind"}):
        template = N_("{key}: a formula of the kind '{kind}' has no such key.")
        raise FormulaError(template, key=unknown[0], kind=kind)
    part.require(formula.keys - formula.optional, {"kind", *formula.optional, *MODIFIERS})
    return read_modified(formula.read(part), part, scheme)


def formula_sentence(formula: Formula, catalogue: Catalogue, translate: Translator) -> str:
    """Return the formula in plain words, with all that holds of it."""
    text = formula.sentence(catalogue, translate)
    for term in formula.terms(catalogue, translate):
        text = translate(N_("{formula}, {term}")).format(formula=text, term=term)
    return text
