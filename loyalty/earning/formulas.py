"""Formulas: a menu of ways to turn an activity into points, each a small document.

    {"kind": "fixed", "points": 50}
    {"kind": "per", "points": 2, "step": "10", "of": "activity.amount"}     2 points for each full 10
    {"kind": "percent", "percent": "2.5", "of": "activity.amount"}

Points are whole and rounded down, here and nowhere else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from accounts.conditions import Catalogue, Fact, FactType, Values

MAX_POINTS = 10**15
"""The most that one rule gives for one activity; far from where a 64-bit integer ends."""

_EXACT = Context(prec=1_000)
"""Enough digits that no product is rounded: a rounded one could reach the next whole point."""


def N_(text: str) -> str:
    """Mark a template for translation; `translate` is applied when it is rendered."""
    return text


class FormulaError(ValueError):
    """A formula document that cannot be run; the sentence names the key and says what it takes.

    `str()` is English; `translated` says the same in a reader's language.
    """

    def __init__(self, template: str, **words: str) -> None:
        super().__init__(template.format(**words))
        self._template = template
        self._words = words

    def translated(self, translate: Callable[[str], str]) -> str:
        """Return the sentence in the language of `translate`."""
        return translate(self._template).format(**self._words)


@dataclass(frozen=True, slots=True)
class Fixed:
    """The same number of points each time."""

    points: int

    def give(self, values: Values) -> int:
        """Return the points."""
        return self.points


@dataclass(frozen=True, slots=True)
class Per:
    """`points` for each full `step` of the fact `of`."""

    points: int
    step: Decimal
    of: str

    def give(self, values: Values) -> int:
        """Return the points; 0 where the fact is not known or negative."""
        value = values.get(self.of)
        if not isinstance(value, Decimal) or value < self.step:
            return 0
        if value >= self.step * MAX_POINTS:
            return MAX_POINTS
        return min(int(value // self.step) * self.points, MAX_POINTS)


@dataclass(frozen=True, slots=True)
class Percent:
    """`percent` of the fact `of`, in points, rounded down."""

    percent: Decimal
    of: str

    def give(self, values: Values) -> int:
        """Return the points; 0 where the fact is not known or negative."""
        value = values.get(self.of)
        if not isinstance(value, Decimal) or value <= 0:
            return 0
        if value >= MAX_POINTS * 100 / self.percent:
            return MAX_POINTS
        return int(_EXACT.multiply(value, self.percent) // 100)


Formula = Fixed | Per | Percent

_KEYS: Mapping[str, frozenset[str]] = {
    "fixed": frozenset({"kind", "points"}),
    "per": frozenset({"kind", "points", "step", "of"}),
    "percent": frozenset({"kind", "percent", "of"}),
}


def parse_formula(document: object, catalogue: Catalogue) -> Formula:
    """Return the formula that `document` describes; FormulaError where it does not."""
    if not isinstance(document, Mapping):
        raise FormulaError(N_("A formula is an object with the key 'kind'."))
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise FormulaError(N_("kind: {found} is not one of {kinds}."), found=repr(kind), kinds=", ".join(_KEYS))
    if unknown := sorted(set(document) - _KEYS[kind]):
        template = N_("{key}: a formula of the kind '{kind}' has no such key.")
        raise FormulaError(template, key=str(unknown[0]), kind=kind)
    if missing := sorted(_KEYS[kind] - set(document)):
        raise FormulaError(N_("{key}: missing."), key=missing[0])
    if kind == "fixed":
        return Fixed(points=_points(document["points"]))
    of = _number_fact(document["of"], catalogue)
    if kind == "per":
        return Per(points=_points(document["points"]), step=_positive(document["step"], "step", 10**9), of=of)
    return Percent(percent=_positive(document["percent"], "percent", 10_000), of=of)


def _points(raw: object) -> int:
    if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= 10**9:
        raise FormulaError(N_("points: {found} is not a whole number from 1 to 1,000,000,000."), found=repr(raw))
    return raw


def _positive(raw: object, key: str, most: int) -> Decimal:
    try:
        number = Decimal(str(raw)) if isinstance(raw, int | float | str) and not isinstance(raw, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not Decimal("0.0001") <= number <= most:
        template = N_("{key}: {found} is not a number from 0.0001 to {most}.")
        raise FormulaError(template, key=key, found=repr(raw), most=f"{most:,}")
    return number


def _number_fact(code: object, catalogue: Catalogue) -> str:
    fact = catalogue.get(code) if isinstance(code, str) else None
    if fact is None or fact.type is not FactType.NUMBER:
        numbers = ", ".join(sorted(fact.code for fact in catalogue.values() if fact.type is FactType.NUMBER))
        template = N_("of: {found} is not a number of this activity; there are {numbers}.")
        raise FormulaError(template, found=repr(code), numbers=numbers)
    return fact.code


def formula_sentence(formula: Formula, catalogue: Catalogue, translate: Callable[[str], str]) -> str:
    """Return the formula in plain words, such as "2 points for each full 10 GBP of amount"."""
    match formula:
        case Fixed(points):
            template = N_("{points} point") if points == 1 else N_("{points} points")
            return translate(template).format(points=f"{points:,}")
        case Per(points, step, of):
            one, many = (
                N_("{points} point for each full {step} of {fact}"),
                N_("{points} points for each full {step} of {fact}"),
            )
            template = translate(one if points == 1 else many)
            return template.format(points=f"{points:,}", step=_with_unit(step, catalogue[of]), fact=catalogue[of].label)
        case Percent(percent, of):
            template = translate(N_("{percent} % of {fact} in points"))
            return template.format(percent=_plain(percent), fact=catalogue[of].label)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():,f}"


def _with_unit(number: Decimal, fact: Fact) -> str:
    return f"{_plain(number)} {fact.unit}".rstrip()
