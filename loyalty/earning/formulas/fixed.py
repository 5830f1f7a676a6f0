"""The same number of points each time.

{"kind": "fixed", "points": 50}
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from accounts.conditions import Catalogue, Values
from accounts.wording import N_, Translator
from loyalty.earning.formulas.asking import Ask, Asks
from loyalty.earning.formulas.kind import Kind
from loyalty.earning.formulas.reading import Part


@dataclass(frozen=True, slots=True)
class Fixed(Kind):
    """The same number of points each time."""

    points: int

    kind: ClassVar[str] = "fixed"
    keys: ClassVar[frozenset[str]] = frozenset({"points"})
    example: ClassVar[Mapping[str, object]] = {"kind": "fixed", "points": 50}
    title: ClassVar[str] = N_("the same points each time")
    asks: ClassVar[tuple[Ask, ...]] = (Ask("points", N_("points"), Asks.POINTS),)

    @classmethod
    def read(cls, part: Part) -> Self:
        """Read the points."""
        return cls(part.points("points"))

    @property
    def facts(self) -> tuple[str, ...]:
        """None."""
        return ()

    def exact(self, values: Values) -> Decimal:
        """Return the points."""
        return Decimal(self.points)

    def give(self, values: Values) -> int:
        """Return the points."""
        return self.points

    def sentence(self, catalogue: Catalogue, translate: Translator) -> str:
        """Return "50 points"."""
        template = N_("{points} point") if self.points == 1 else N_("{points} points")
        return translate(template).format(points=translate.number(self.points))
