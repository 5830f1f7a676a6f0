"""Subscriptions: who hears of what, the keys that deliveries are signed with, and the test of an endpoint."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit, queues
from accounts.models import User, WebhookDelivery, WebhookEvent, WebhookHealth, WebhookSecret, WebhookSubscription
from accounts.outside import Reach, check_address
from accounts.secrets_at_rest import seal
from accounts.webhooks.announcing import KEPT_TRYING, QUEUE
from accounts.webhooks.kinds import PING, known_kinds
from accounts.webhooks.signing import new_secret

CHANGING_OVER = timedelta(days=1)
"""How long the old key still signs, too, once there is a new one."""


class SubscriptionError(Exception):
    """Something that cannot be done to a subscription; `str()` says why, in the language in force."""


def save_subscription(subscription: WebhookSubscription, *, by: User, reach: Reach, now: datetime) -> str:
    """Keep a new subscription or a changed one; returns the key of a new one, which is shown once, else "".

    Its companies are set afterwards. Raises UnsafeAddressError, or SubscriptionError for an event that nobody knows;
    then nothing has changed.
    """
    check_address(subscription.url, reach)
    if not set(subscription.kinds) <= {kind.code for kind in known_kinds()}:
        raise SubscriptionError(_("One of these events does not exist."))
    is_new = subscription.pk is None
    secret = ""
    with transaction.atomic():
        if is_new:
            subscription.created_by, subscription.created_at = by, now
        subscription.save()
        if is_new:
            WebhookHealth.objects.create(subscription=subscription)
            secret = _add_key(subscription, now)
        else:
            # Whoever changed something wants to see whether it helps.
            WebhookHealth.objects.filter(subscription=subscription).update(failures=0, paused_until=None)
        action = "webhook-added" if is_new else "webhook-changed"
        audit.record(action, subscription, actor_id=by.pk, now=now, is_active=int(subscription.is_active))
    return secret


def rotate_secret(*, subscription: WebhookSubscription, is_leaked: bool, by: User, now: datetime) -> str:
    """Give a subscription a new key and return it, once; the old ones go on signing beside it for CHANGING_OVER.

    Where the old key `is_leaked`, it signs no more at once.
    """
    with transaction.atomic():
        WebhookSubscription.objects.select_for_update(no_key=True).get(pk=subscription.pk)
        ends_at = now if is_leaked else now + CHANGING_OVER
        longer = Q(ends_at__isnull=True) | Q(ends_at__gt=ends_at)
        WebhookSecret.objects.filter(longer, subscription=subscription).update(ends_at=ends_at)
        secret = _add_key(subscription, now)
        audit.record("webhook-key-changed", subscription, actor_id=by.pk, now=now, is_leaked=int(is_leaked))
    return secret


def ping(*, subscription: WebhookSubscription, by: User, now: datetime) -> WebhookDelivery:
    """Send a test to an endpoint, as everything is sent: through the queue. Raises SubscriptionError."""
    if not subscription.is_active:
        raise SubscriptionError(_("It is not active, so nothing is sent to it. Switch it on first."))
    with transaction.atomic():
        facts = {"subscription": subscription.pk}
        event = WebhookEvent.objects.create(
            kind=PING.code, object_key=f"{PING.about}:{subscription.pk}", facts=facts, occurred_at=now
        )
        delivery = WebhookDelivery.objects.create(
            event=event,
            subscription=subscription,
            object_key=event.object_key,
            due_at=now,
            give_up_at=now + KEPT_TRYING,
        )
        audit.record("webhook-tested", subscription, actor_id=by.pk, now=now)
        queues.wake(QUEUE)
    return delivery


def _add_key(subscription: WebhookSubscription, now: datetime) -> str:
    secret = new_secret()
    WebhookSecret.objects.create(subscription=subscription, sealed=seal(secret), created_at=now)
    return secret
