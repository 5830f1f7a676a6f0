"""What a benchmark finds: one number with its floor and goal."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


class LawBrokenError(Exception):
    """The measured run left unlawful data: its speed counts for nothing."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value; `floor` must be reached, `goal` is aimed at, `better` says which way is up."""

    name: str
    value: float
    unit: str
    floor: float
    goal: float
    better: Literal["higher", "lower"]
    detail: str = ""

    @property
    def reaches_floor(self) -> bool:
        """Whether the value is on the good side of the floor."""
        return self.value >= self.floor if self.better == "higher" else self.value <= self.floor

    def as_json(self) -> dict[str, Any]:
        """The figure as `build/bench.json` keeps it."""
        return {key: value for key, value in asdict(self).items() if key != "detail"}
