"""Subscriptions and events for tests; nothing here asks a name server."""

from collections.abc import Sequence
from typing import Any

from accounts import webhooks
from accounts.models import Company, User, WebhookSubscription
from accounts.outside import Reach
from accounts.webhooks import News, announce_all, known_kinds, save_subscription
from tests.factories.world import EPOCH, NOW, a_manager

ADDRESS = "https://receiver.example/hook"


def to_the_internet(host: str, port: int) -> Sequence[str]:
    """A name server by which every name is known."""
    return ["192.0.2.1" if host.endswith(".invalid") else "8.8.8.8"]


LOOPBACK = Reach(inside=frozenset({"127.0.0.1"}), resolve=to_the_internet)
"""How tests reach receivers of their own."""


def every_kind() -> list[str]:
    """The codes of all events."""
    return [kind.code for kind in known_kinds()]


def a_subscription(
    *companies: Company, url: str = ADDRESS, by: User | None = None, **fields: Any
) -> tuple[WebhookSubscription, str]:
    """A subscription to `companies` (none: to all), and its key."""
    subscription = WebhookSubscription(
        **{"name": "Warehouse", "url": url, "kinds": every_kind(), "is_for_all_companies": not companies, **fields}
    )
    secret = save_subscription(subscription, by=by or a_manager(), reach=LOOPBACK, now=EPOCH)
    subscription.companies.set(companies)
    return subscription, secret


def happen(company: Company, *subjects: str, kind: str = "tier.changed", **facts: object) -> None:
    """Announce one event for each of `subjects`."""
    [known] = [one for one in known_kinds() if one.code == kind]
    told = [News(known, company.pk, subject, {"subject": subject, **facts}) for subject in subjects]
    announce_all([known], lambda: told, now=NOW)


def take(now: Any = NOW, reach: Reach = LOOPBACK) -> int:
    """One portion of deliveries."""
    return webhooks.queue(lambda: reach).take(now)
