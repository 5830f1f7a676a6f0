"""What a kind of effect is: how a rule names it, how it says itself, and how it is given and taken back."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Self

from accounts.wording import Translator
from loyalty.earning import Ask, Part


@dataclass(slots=True)
class Given:
    """One effect for one recipient: a person, or (no `employee_id`) the company. `award_id` is known once written."""

    effect: "Effect"
    membership_id: int
    program_id: int
    company_id: int
    employee_id: int | None
    activity_id: int
    occurred_at: datetime
    rule_name: str
    award_id: int = 0


class EffectBook(ABC):
    """What one kind of effect holds of some memberships, under their locks: open, give and take back, then write once.

    It takes no lock of its own: whatever it changes belongs to the memberships.
    """

    @abstractmethod
    def open(self, membership_ids: Collection[int]) -> None:
        """Read what is held."""

    @abstractmethod
    def is_open_for(self, given: Given) -> bool:
        """Whether there is such a thing, and it is not held already."""

    @abstractmethod
    def give(self, given: Given) -> None:
        """Give it, where it `is_open_for` that."""

    @abstractmethod
    def take_back(self, given: Given, *, at: datetime) -> None:
        """Take back what an activity brought that was undone as a whole."""

    @abstractmethod
    def write(self, *, now: datetime) -> None:
        """Write what changed, and tell who is concerned."""


class Effect(ABC):
    """What a rule names: a kind, and which of it. A frozen dataclass in a module of its own; `docs/extending.md`."""

    __slots__ = ()

    kind: ClassVar[str]
    """What the document calls it; no kind of formula is called so."""
    keys: ClassVar[frozenset[str]]
    """The keys that its document has beside `kind`."""
    optional: ClassVar[frozenset[str]] = frozenset()
    """Those that may be left out."""
    example: ClassVar[Mapping[str, object]]
    """A whole document of the kind."""
    title: ClassVar[str]
    """What the menu calls it."""
    asks: ClassVar[tuple[Ask, ...]]
    """What a form asks for: each of its keys, in the order in which they are filled in."""
    choices: ClassVar[str]
    """SQL for what there is to give: program id, code, name."""
    book: ClassVar[type[EffectBook]]
    """How it is given."""
    is_for_people: ClassVar[bool] = True
    """Whether people can be given it; if not, a rule gives it to the company alone."""
    derives: ClassVar[str] = ""
    """The code of the activity that giving it is (see `loyalty.activities.deriving`); empty: of none."""

    @classmethod
    @abstractmethod
    def read(cls, part: Part) -> Self:
        """Return what the document describes, whose keys are known to be the right ones; FormulaError."""

    @property
    @abstractmethod
    def subject(self) -> str:
        """The code of what is given, one of `choices`."""

    @abstractmethod
    def named(self, name: str) -> Self:
        """Return the same, which calls its subject by the name that it has now."""

    @abstractmethod
    def sentence(self, translate: Translator) -> str:
        """Return it in plain words, such as "the badge “First order”"."""
