"""Webhooks out: events for other systems, written with what they speak of, signed, and delivered until they arrive.

A floor registers the kinds of events it knows in `AppConfig.ready()` and announces them in its use cases; who listens
is a program manager's choice. `docs/webhooks.md` is what the developer of a receiver reads.
"""

from accounts.webhooks.announcing import QUEUE, News, announce, announce_all, as_text, heard_sql, is_heard_sql
from accounts.webhooks.delivering import due, queue
from accounts.webhooks.kinds import PING, EventKind, known_kinds, register
from accounts.webhooks.replaying import NotOverError, replay, replay_span, set_aside
from accounts.webhooks.subscriptions import SubscriptionError, ping, rotate_secret, save_subscription
from accounts.webhooks.tidying import tidy

__all__ = [
    "PING",
    "QUEUE",
    "EventKind",
    "News",
    "NotOverError",
    "SubscriptionError",
    "announce",
    "announce_all",
    "as_text",
    "due",
    "heard_sql",
    "is_heard_sql",
    "known_kinds",
    "ping",
    "queue",
    "register",
    "replay",
    "replay_span",
    "rotate_secret",
    "save_subscription",
    "set_aside",
    "tidy",
]
