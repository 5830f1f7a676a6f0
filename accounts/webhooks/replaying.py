"""Replaying: what was delivered, given up or set aside is sent again, under the id that it had."""

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit, queues
from accounts.models import User, WebhookDelivery, WebhookSubscription
from accounts.webhooks.announcing import KEPT_TRYING, QUEUE

State = WebhookDelivery.State


class NotOverError(Exception):
    """A delivery that still waits: it is neither replayed nor set aside, or not any more."""


def replay(*, delivery_ids: Collection[int], by: User, now: datetime) -> int:
    """Send deliveries again that are over, each as if for the first time; returns how many.

    The receiver tells a repeat by its id, and its place by its sequence: a replayed delivery comes after later ones.
    Raises NotOverError, and sends none, where one of them still waits.
    """
    with transaction.atomic():
        rows = _locked(delivery_ids)
        if any(row.state == State.WAITING for row in rows):
            raise NotOverError
        count = _send_again(WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]), now)
        for row in rows:
            audit.record("webhook-replayed", row, actor_id=by.pk, now=now)
    return count


def in_span(subscription: WebhookSubscription, *, since: datetime, until: datetime) -> QuerySet[WebhookDelivery]:
    """Return the deliveries of a subscription that are over, of events from `since` until before `until`."""
    rows = WebhookDelivery.objects.filter(subscription=subscription, ended_at__isnull=False)
    return rows.filter(event__occurred_at__gte=since, event__occurred_at__lt=until)


def replay_span(
    *, subscription: WebhookSubscription, since: datetime, until: datetime, count: int, by: User, now: datetime
) -> int:
    """Send again what `in_span` gives, if that is as many as `count`; returns how many it is, sent or not."""
    with transaction.atomic():
        ids = list(
            in_span(subscription, since=since, until=until)
            .order_by("pk")
            .select_for_update(of=("self",))
            .values_list("pk", flat=True)
        )
        if len(ids) == count:
            _send_again(WebhookDelivery.objects.filter(pk__in=ids), now)
            audit.record(
                "webhook-span-replayed",
                subscription,
                actor_id=by.pk,
                now=now,
                since=since.isoformat(),
                until=until.isoformat(),
                count=count,
            )
    return len(ids)


def set_aside(*, delivery_ids: Collection[int], by: User, now: datetime) -> int:
    """Say of deliveries that were given up that they need not arrive; returns how many.

    Raises NotOverError, and sets none aside, where one of them is not given up.
    """
    with transaction.atomic():
        rows = _locked(delivery_ids)
        if any(row.state != State.DEAD for row in rows):
            raise NotOverError
        for row in rows:
            audit.record("webhook-set-aside", row, actor_id=by.pk, now=now)
        return WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows]).update(state=State.SET_ASIDE)


def _locked(delivery_ids: Collection[int]) -> list[WebhookDelivery]:
    return list(WebhookDelivery.objects.select_for_update().filter(pk__in=delivery_ids).order_by("pk"))


def _send_again(rows: QuerySet[WebhookDelivery], now: datetime) -> int:
    queues.wake(QUEUE)
    return rows.update(
        state=State.WAITING, tries=0, due_at=now, give_up_at=now + KEPT_TRYING, ended_at=None, claimed_until=None
    )
