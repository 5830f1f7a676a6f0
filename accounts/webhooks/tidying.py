"""Tidying: deliveries that are over, and their events, are kept for a while and then deleted."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import WebhookAttempt, WebhookDelivery, WebhookEvent

BATCH = 1_000


def tidy(*, now: datetime, days: int) -> int:
    """Delete deliveries that ended more than `days` ago, then events of which none is left; returns how many events.

    A batch is a transaction of its own; safe to run twice, at once, or to kill.
    """
    before = now - timedelta(days=days)
    while _delete_deliveries(before):
        continue
    deleted = 0
    while events := _delete_events(before):
        deleted += events
    return deleted


def _delete_deliveries(before: datetime) -> int:
    with transaction.atomic():
        rows = WebhookDelivery.objects.select_for_update(skip_locked=True).filter(ended_at__lt=before)
        ids = list(rows.order_by("ended_at", "pk").values_list("pk", flat=True)[:BATCH])
        WebhookAttempt.objects.filter(delivery__in=ids).delete()
        return WebhookDelivery.objects.filter(pk__in=ids).delete()[0]


def _delete_events(before: datetime) -> int:
    told = WebhookDelivery.objects.filter(event=OuterRef("pk"))
    with transaction.atomic():
        rows = WebhookEvent.objects.select_for_update(skip_locked=True).filter(~Exists(told), occurred_at__lt=before)
        ids = list(rows.order_by("occurred_at", "pk").values_list("pk", flat=True)[:BATCH])
        return WebhookEvent.objects.filter(pk__in=ids).delete()[0]
