"""What a benchmark finds: one number with its floor and goal."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from accounts import laws


class LawBrokenError(Exception):
    """The measured run left unlawful data: its speed counts for nothing."""


class Target(NamedTuple):
    """What a figure is counted in, what it must reach, what is aimed at, and which way is up."""

    unit: str
    floor: float
    goal: float
    better: Literal["higher", "lower"] = "higher"


TARGETS: Mapping[str, Target] = {
    "real_file": Target("x COPY", 25, 8, "lower"),
    "single_event": Target("xT", 0.5, 0.85),
    "api_event": Target("xT", 0.25, 0.5),
    "batch_full": Target("x by hand", 0.45, 0.7),
    "batch_xt": Target("xT", 2, 4),
    "replay_duplicates": Target("x new", 4, 8),
    "hot_wallet": Target("xT", 0.4, 0.65),
    "flat_spend": Target("x small", 1.3, 1.1, "lower"),
    "flat_spend_bloat": Target("x small", 2, 1.5, "lower"),
    "flat_pages": Target("x small", 1.5, 1.2, "lower"),
    "expiry": Target("x UPDATE", 0.3, 0.6),
    "tiers": Target("x sum", 4, 2, "lower"),
    "history_replay": Target("x reading", 0.15, 0.3),
}
"""Every figure, in the order in which it is shown."""


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


def figure(name: str, value: float, detail: str) -> Figure:
    """Return the value with its target."""
    target = TARGETS[name]
    return Figure(name, round(value, 3), target.unit, target.floor, target.goal, target.better, detail)


def check_laws() -> None:
    """Check every law over all data of the database; raises LawBrokenError."""
    broken = [finding.law.code for finding in laws.verify() if finding.count]
    if broken:
        raise LawBrokenError(f"Broken laws: {', '.join(broken)}.")
