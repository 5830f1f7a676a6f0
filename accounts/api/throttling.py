"""How often a client may ask: so many times a minute, counted in the cache, told in headers with every answer."""

import logging
import time

from django.core.cache import caches
from django.utils.connection import ConnectionProxy
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.api.authentication import Credentials

MINUTE = 60

cache = ConnectionProxy(caches, "requests")

_log = logging.getLogger(__name__)


class PerClient(BaseThrottle):
    """Counts requests a client and minute; no row is written."""

    def __init__(self) -> None:
        self.wait_seconds = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count this request; what is left stands in `request.rate_limit` for the headers."""
        if not isinstance(request.auth, Credentials):
            return True
        client = request.auth.client
        minute, second = divmod(int(time.time()), MINUTE)
        count = count_in_minute(f"api:{client.pk}", minute)
        self.wait_seconds = MINUTE - second
        request.rate_limit = {  # type: ignore[attr-defined]
            "RateLimit-Limit": str(client.requests_a_minute),
            "RateLimit-Remaining": str(max(0, client.requests_a_minute - count)),
            "RateLimit-Reset": str(self.wait_seconds),
        }
        return count <= client.requests_a_minute

    def wait(self) -> float:
        """How many seconds until the next minute begins."""
        return self.wait_seconds


def count_in_minute(what: str, minute: int) -> int:
    """Count one more of `what` in this minute and return how many there were; 0 where the cache does not answer.

    A limit protects us from haste, not from intruders: a cache that is down must not keep orders out.
    """
    try:
        return _counted(f"{what}:{minute}")
    except Exception:
        _log.exception("The cache does not answer: requests are not counted.")
        return 0


def _counted(key: str) -> int:
    try:
        return int(cache.incr(key))
    except ValueError:  # the first of the minute, unless another came just before
        return 1 if cache.add(key, 1, 2 * MINUTE) else int(cache.incr(key))
