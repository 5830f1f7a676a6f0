"""A connection that was used just now is looked at before a request, and only one that lay idle is asked.

Django asks each time (`CONN_HEALTH_CHECKS`), which costs a round trip. A server that restarts, or pgbouncer, closes its
connections, and that can be seen on this side: there is something to read where nothing was asked.
"""

import select
import time

from django.db.backends.postgresql import base

JUST_NOW = 1.0
"""Seconds after its last use for which looking at a connection is enough."""


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL, as Django has it."""

    health_check_enabled: bool
    health_check_done: bool
    used_at = float("-inf")
    """When a request, or a piece of work, that used the connection was over; in seconds of the monotonic clock."""

    def close_if_unusable_or_obsolete(self) -> None:
        """Take note that a request or a piece of work is over; at its beginning nothing was used yet."""
        if self.health_check_done:
            self.used_at = time.monotonic()
        super().close_if_unusable_or_obsolete()

    def close_if_health_check_failed(self) -> None:
        """Before the first statement: close a connection that does not work any more, so that a new one is made."""
        if self.connection is None or not self.health_check_enabled or self.health_check_done:
            return
        if time.monotonic() - self.used_at < JUST_NOW and self._is_silent():
            self.health_check_done = True
        else:
            super().close_if_health_check_failed()

    def _is_silent(self) -> bool:
        """Whether nothing came from the server, which says so when it ends, or closes the connection without a word."""
        poll = select.poll()
        poll.register(self.connection.pgconn.socket, select.POLLIN)
        return not poll.poll(0)
