"""Points for each full step of a number.

{"kind": "per", "points": 2, "step": "10", "of": "activity.amount"}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from accounts.conditions import Catalogue, Values
from accounts.wording import N_, Translator
from loyalty.earning.formulas.asking import Ask, Asks
from loyalty.earning.formulas.kind import AMOUNT, MAX_POINTS, Kind, with_unit
from loyalty.earning.formulas.reading import Part


@dataclass(frozen=True, slots=True)
class Per(Kind):
    """`points` for each full `step` of the fact `of`."""

    points: int
    step: Decimal
    of: str

    kind: ClassVar[str] = "per"
    keys: ClassVar[frozenset[str]] = frozenset({"points", "step", "of"})
    example: ClassVar[Mapping[str, object]] = {"kind": "per", "points": 2, "step": "10", "of": "activity.amount"}
    title: ClassVar[str] = N_("points for each full step of a number")
    asks: ClassVar[tuple[Ask, ...]] = (
        Ask("points", N_("points"), Asks.POINTS),
        Ask("step", N_("for each full"), Asks.NUMBER),
        Ask("of", N_("of"), Asks.NUMBER_FACT, suggested=AMOUNT),
    )

    @classmethod
    def read(cls, part: Part) -> Self:
        """Read the points, the step and the fact."""
        return cls(part.points("points"), part.number("step", most=10**9), part.number_fact("of"))

    @property
    def facts(self) -> tuple[str, ...]:
        """What is counted."""
        return (self.of,)

    @property
    def counted(self) -> tuple[str, ...]:
        """What is counted."""
        return (self.of,)

    def exact(self, values: Values) -> Decimal:
        """Return the points, which are whole as steps are full."""
        return Decimal(self.give(values))

    def give(self, values: Values) -> int:
        """Return the points; 0 where the fact is not known or negative."""
        value = values.get(self.of)
        if not isinstance(value, Decimal) or value < self.step:
            return 0
        if value >= self.step * MAX_POINTS:
            return MAX_POINTS
        return min(int(value // self.step) * self.points, MAX_POINTS)

    def sentence(self, catalogue: Catalogue, translate: Translator) -> str:
        """Return "2 points for each full 10 GBP of amount"."""
        one, many = (
            N_("{points} point for each full {step} of {fact}"),
            N_("{points} points for each full {step} of {fact}"),
        )
        fact = catalogue[self.of]
        template = translate(one if self.points == 1 else many)
        return template.format(
            points=translate.number(self.points), step=with_unit(self.step, fact, translate), fact=fact.label
        )
