"""The main use case: activities come in, rules turn them into points, points and spend into standing."""

from loyalty.activities.confirming import Confirmed, confirm_activities, waiting_points
from loyalty.activities.items import MOST_PARTICIPANTS, ActivityItem, ItemError, Outcome, Status
from loyalty.activities.record import follow_moves, record_activities

__all__ = [
    "MOST_PARTICIPANTS",
    "ActivityItem",
    "Confirmed",
    "ItemError",
    "Outcome",
    "Status",
    "confirm_activities",
    "follow_moves",
    "record_activities",
    "waiting_points",
]
