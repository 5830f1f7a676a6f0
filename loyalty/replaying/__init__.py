"""Replay: what a draft of rules would have given for what really happened; nothing that was given changes."""

from loyalty.replaying.comparing import Comparison, as_it_stands, compare
from loyalty.replaying.foreseeing import Case, Foreseen, foresee
from loyalty.replaying.judging import Kept
from loyalty.replaying.replays import ask_for_replay, job_kinds, latest_replay
from loyalty.replaying.run import Side, Supposition, replay, suppose
from loyalty.replaying.whatif import WhatIf, scene_of, what_if

__all__ = [
    "Case",
    "Comparison",
    "Foreseen",
    "Kept",
    "Side",
    "Supposition",
    "WhatIf",
    "as_it_stands",
    "ask_for_replay",
    "compare",
    "foresee",
    "job_kinds",
    "latest_replay",
    "replay",
    "scene_of",
    "suppose",
    "what_if",
]
