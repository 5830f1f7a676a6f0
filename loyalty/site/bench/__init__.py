"""How fast the engine is, measured side by side with what the machine can do at most."""

from loyalty.site.bench.club import a_club
from loyalty.site.bench.events import CLIENTS, QUICK, WHOLE, api_event, single_event
from loyalty.site.bench.figures import Figure
from loyalty.site.bench.real_file import real_file
from loyalty.site.bench.tiers import tiers
from loyalty.site.bench.tpcb import yardstick

__all__ = [
    "CLIENTS",
    "QUICK",
    "WHOLE",
    "Figure",
    "a_club",
    "api_event",
    "real_file",
    "single_event",
    "tiers",
    "yardstick",
]
