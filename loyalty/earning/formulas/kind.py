"""What a kind of formula is: how it is read, what it gives, and how it says itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_DOWN, Context, Decimal
from typing import TYPE_CHECKING, ClassVar, Self

from accounts.conditions import Catalogue, Fact, FactType, Values, unknown_sentence, value_in_words
from accounts.wording import N_, Translator
from accounts.wording import with_unit as number_with_unit

if TYPE_CHECKING:
    from loyalty.earning.formulas.asking import Ask
    from loyalty.earning.formulas.multipliers import Campaign
    from loyalty.earning.formulas.reading import Part

MAX_POINTS = 10**15
"""The most that one rule gives for one activity; far from where a 64-bit integer ends."""

EXACT = Context(prec=1_000, rounding=ROUND_DOWN)
"""Enough digits that no product is rounded: a rounded one could reach the next whole point."""


AMOUNT = "activity.amount"
"""The fact that a minimum spend is held against."""
TIER = "standing.tier"
"""The fact that says which tier the company holds, by its code."""
ROLES = "employee.roles"
"""The fact that says which roles the activity's person holds, and what they are called."""
DAY = "activity.day"
"""The fact that says on which day it was, where the program is."""


class Formula(ABC):
    """A way to turn an activity into points."""

    __slots__ = ()

    @property
    @abstractmethod
    def facts(self) -> tuple[str, ...]:
        """The codes of the facts that it reads: they are kept with every evaluation, in this order explained."""

    @property
    def counted(self) -> tuple[str, ...]:
        """Those of its facts that are numbers with which the points grow; empty where it gives the same each time."""
        return ()

    @property
    def is_table(self) -> bool:
        """Whether its sentence lists several rates: to whom they go is then said before them."""
        return False

    @property
    def lines(self) -> int:
        """How many rates a reader of its sentence meets; 0 where it is no table."""
        return 0

    @abstractmethod
    def exact(self, values: Values) -> Decimal:
        """Return the points before rounding, from 0 to MAX_POINTS; 0 where a fact that it needs is not known."""

    def give(self, values: Values) -> int:
        """Return whole points, from 0 to MAX_POINTS."""
        return int(self.exact(values))

    @property
    def campaigns(self) -> "tuple[Campaign, ...]":
        """The campaigns that multiply it."""
        return ()

    def campaign_on(self, day: date) -> "Campaign | None":
        """Return the campaign that is on."""
        return next((campaign for campaign in self.campaigns if campaign.holds_on(day)), None)

    def give_without_campaign(self, values: Values) -> int:
        """Return whole points as if no campaign was on; never more than `give`."""
        return self.give(values)

    @abstractmethod
    def sentence(self, catalogue: Catalogue, translate: Translator) -> str:
        """Return what it gives in plain words, such as "2 points for each full 10 GBP of amount"."""

    def terms(self, catalogue: Catalogue, translate: Translator) -> list[str]:
        """Return what else holds of it, each in plain words, such as "at least 5 points each time"."""
        return []

    def findings(self, values: Values, catalogue: Catalogue, translate: Translator) -> list[str]:
        """Return what it met, each in plain words, such as "amount was 105.50 GBP"."""
        return [found(catalogue[code], values, translate) for code in self.facts]


class _Nothing(Formula):
    """What a rule gives in points that gives something else."""

    __slots__ = ()

    @property
    def facts(self) -> tuple[str, ...]:
        return ()

    def exact(self, values: Values) -> Decimal:
        return Decimal(0)

    def sentence(self, catalogue: Catalogue, translate: Translator) -> str:
        return ""


NOTHING: Formula = _Nothing()
"""The formula of a rule that gives no points."""


class Kind(Formula):
    """A formula of the menu; each is a module of its own. `docs/extending.md` leads through adding one."""

    __slots__ = ()

    kind: ClassVar[str]
    """What the document calls it."""
    keys: ClassVar[frozenset[str]]
    """The keys that its document has beside `kind` and the modifiers that every kind takes."""
    optional: ClassVar[frozenset[str]] = frozenset()
    """Those that may be left out."""
    example: ClassVar[Mapping[str, object]]
    """A whole document of the kind, over facts that every activity has."""
    title: ClassVar[str]
    """What the menu calls it."""
    asks: ClassVar["tuple[Ask, ...]"]
    """What a form asks for: each of its keys, in the order in which they are filled in."""

    @classmethod
    @abstractmethod
    def read(cls, part: "Part") -> Self:
        """Return the formula that the document describes, whose keys are known to be the right ones.

        Raises FormulaError, best by the methods of `part`, which name the place.
        """


def found(fact: Fact, values: Values, translate: Translator) -> str:
    """Return what a fact was, such as "amount was 105.50 GBP"."""
    value = values.get(fact.code)
    if value is None:
        return unknown_sentence(fact, translate)
    template = N_("{fact}: {value}") if fact.type is FactType.SET else N_("{fact} was {value}")
    return translate(template).format(fact=fact.label, value=value_in_words(value, fact, translate))


def with_unit(number: Decimal, fact: Fact, translate: Translator) -> str:
    """Return a number with the unit of what it counts, such as "10 GBP"."""
    return number_with_unit(number, str(fact.unit), translate)
