"""What a manager does to points by hand: gives and takes them, gives them more time; above a limit two decide.

`requests.py` is what they share: who may ask, what counts together, the second person, the record.
"""

from loyalty.by_hand.adjustments import Adjusted, adjust
from loyalty.by_hand.extensions import (
    Extended,
    ExtensionError,
    MorePointsError,
    NothingExpiresError,
    NoTimeGivenError,
    extend,
)
from loyalty.by_hand.requests import (
    MOST_POINTS,
    ByHandError,
    NoPointsError,
    NotAMemberError,
    ProgramClosedError,
)

__all__ = [
    "MOST_POINTS",
    "Adjusted",
    "ByHandError",
    "Extended",
    "ExtensionError",
    "MorePointsError",
    "NoPointsError",
    "NoTimeGivenError",
    "NotAMemberError",
    "NothingExpiresError",
    "ProgramClosedError",
    "adjust",
    "extend",
]
