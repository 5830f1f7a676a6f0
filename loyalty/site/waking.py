"""Wake-ups on their way to the broker, sent by a thread of their own: no page waits for a broker, or fails with it.

At most one wake-up a queue goes out every INTERVAL; those in between become one, sent when it is over, so that the last
is never lost. A broker that does not answer is left alone for PAUSE.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable

INTERVAL = 0.1
PAUSE = 5.0
LAST_WORDS = 1.0
"""Seconds that a process which ends waits for its last wake-ups to go out."""

log = logging.getLogger(__name__)


class Waker:
    """Sends wake-ups; call it with a queue's code from any thread."""

    def __init__(self, send: Callable[[str], None], *, interval: float = INTERVAL, pause: float = PAUSE) -> None:
        self._send = send
        self._interval = interval
        self._pause = pause
        self._begin()
        os.register_at_fork(after_in_child=self._begin)  # a child inherits neither the thread nor what it has to send

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._waiting: set[str] = set()
        self._is_sending = False
        self._is_broker_silent = False
        self._thread: threading.Thread | None = None

    def __call__(self, queue_code: str) -> None:
        """Have a worker woken soon; costs microseconds."""
        with self._changed:
            self._waiting.add(queue_code)
            self._changed.notify_all()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="waker", daemon=True)
                self._thread.start()
                atexit.register(self.flush, LAST_WORDS)

    def flush(self, seconds: float) -> bool:
        """Wait until everything is on its way, `seconds` at most; return whether it is. A silent broker is given up."""

        def is_over() -> bool:
            return self._is_broker_silent or not (self._waiting or self._is_sending)

        with self._changed:
            self._changed.wait_for(is_over, seconds)
            return not (self._waiting or self._is_sending or self._is_broker_silent)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                codes, self._waiting, self._is_sending = sorted(self._waiting), set(), True
            is_silent = not self._sent(codes)
            with self._changed:
                self._is_sending, self._is_broker_silent = False, is_silent
                self._changed.notify_all()
            time.sleep(self._pause if is_silent else self._interval)

    def _sent(self, codes: list[str]) -> bool:
        try:
            for code in codes:
                self._send(code)
        except Exception as error:  # whatever a broker's library raises
            # Workers look again by themselves.
            log.warning("wake_up_lost", extra={"queues": codes, "error": f"{type(error).__name__}: {error}"})
            return False
        return True


def _send(queue_code: str) -> None:
    from loyalty.site.celery import send  # a page that wakes nobody does not load Celery

    send(queue_code)


waker = Waker(_send)
