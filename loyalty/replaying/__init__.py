"""Replay: what a draft of rules would have given for what really happened; nothing is written."""

from loyalty.replaying.judging import Kept
from loyalty.replaying.run import Side, Supposition, replay, suppose

__all__ = ["Kept", "Side", "Supposition", "replay", "suppose"]
