"""The time zones that there are."""

import zoneinfo
from functools import cache


@cache
def time_zones() -> frozenset[str]:
    """Return the names of the IANA database; kept, as Python opens its six hundred files to tell them."""
    return frozenset(zoneinfo.available_timezones())
