"""A share of a number, in points.

{"kind": "percent", "percent": "2.5", "of": "activity.amount"}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from accounts.conditions import Catalogue, Values
from accounts.wording import N_, Translator
from loyalty.earning.formulas.asking import Ask, Asks
from loyalty.earning.formulas.kind import AMOUNT, EXACT, MAX_POINTS, Kind
from loyalty.earning.formulas.reading import Part


@dataclass(frozen=True, slots=True)
class Percent(Kind):
    """`percent` of the fact `of`, in points."""

    percent: Decimal
    of: str

    kind: ClassVar[str] = "percent"
    keys: ClassVar[frozenset[str]] = frozenset({"percent", "of"})
    example: ClassVar[Mapping[str, object]] = {"kind": "percent", "percent": "2.5", "of": "activity.amount"}
    title: ClassVar[str] = N_("a percentage of a number, as points")
    asks: ClassVar[tuple[Ask, ...]] = (
        Ask("percent", N_("percent"), Asks.NUMBER),
        Ask("of", N_("of"), Asks.NUMBER_FACT, suggested=AMOUNT),
    )

    @classmethod
    def read(cls, part: Part) -> Self:
        """Read the percentage and the fact."""
        return cls(part.number("percent", most=10_000), part.number_fact("of"))

    @property
    def facts(self) -> tuple[str, ...]:
        """What it is a share of."""
        return (self.of,)

    @property
    def counted(self) -> tuple[str, ...]:
        """What it is a share of."""
        return (self.of,)

    def exact(self, values: Values) -> Decimal:
        """Return the share; 0 where the fact is not known or negative."""
        value = values.get(self.of)
        if not isinstance(value, Decimal) or value <= 0:
            return Decimal(0)
        if value >= MAX_POINTS * 100 / self.percent:
            return Decimal(MAX_POINTS)
        return EXACT.scaleb(EXACT.multiply(value, self.percent), -2)

    def sentence(self, catalogue: Catalogue, translate: Translator) -> str:
        """Return "2.5 % of amount in points"."""
        template = translate(N_("{percent} of {fact} in points"))
        return template.format(percent=f"{translate.number(self.percent)} %", fact=catalogue[self.of].label)
