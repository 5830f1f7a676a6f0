"""What a kind of formula or effect asks for, so that a form can be made of it that nobody has to write."""

from dataclasses import dataclass
from enum import StrEnum

from accounts.wording import N_


class Asks(StrEnum):
    """What belongs under a key."""

    POINTS = "points"
    """A whole number."""
    NUMBER = "number"
    """A number, kept as text."""
    NUMBER_FACT = "number fact"
    """The code of a fact that is a number."""
    NAMED_FACT = "named fact"
    """The code of a fact that has one of several names."""
    KEYS = "keys"
    """One or several of what the fact under `of` can be."""
    WORD = "word"
    """One of `words`."""
    SUBJECT = "subject"
    """The code of something that the program has to give."""
    ROWS = "rows"
    """A list of objects with `parts`."""
    PART = "part"
    """One object with `parts`."""
    TIER_FACTORS = "tier factors"
    """An object: codes of tiers with a number each."""
    CAMPAIGNS = "campaigns"
    """Codes of campaigns."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One key of a document: what a form calls it, and what belongs there."""

    key: str
    label: str
    type: Asks
    is_optional: bool = False
    words: tuple[tuple[str, str], ...] = ()
    parts: "tuple[Ask, ...]" = ()
    of: str = ""
    suggested: str = ""
    """What a blank form shows."""


RATE = (
    Ask("points", N_("points"), Asks.POINTS, is_optional=True),
    Ask("step", N_("for each full"), Asks.NUMBER, is_optional=True),
    Ask("percent", N_("or percent"), Asks.NUMBER, is_optional=True),
    Ask("of", N_("of another number"), Asks.NUMBER_FACT, is_optional=True),
)
"""A rate: points, points for each full step, or percent."""
