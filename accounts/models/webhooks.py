"""What other systems are told: who wants to hear of what, what happened, and every delivery of it."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.history import history
from accounts.models.companies import Company
from accounts.scope import ScopedQuerySet
from accounts.text import validate_plain_text


class WebhookSubscriptionQuerySet(ScopedQuerySet["WebhookSubscription"]):
    """Subscriptions: for the vendor's program managers."""

    company_lookup = ""


class WebhookSubscription(models.Model):
    """A system that is told of some kinds of events: of all companies, or of those that are listed (law T1)."""

    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    url = models.CharField(
        _("address"),
        max_length=500,
        help_text=_("Where events are sent: https, and no address of an internal network."),
    )
    kinds = ArrayField(models.CharField(max_length=60), verbose_name=_("events"))
    is_for_all_companies = models.BooleanField(_("of all companies, those to come included"), default=False)
    companies = models.ManyToManyField(
        Company, blank=True, related_name="+", verbose_name=_("companies"), help_text=_("Of no others it hears a word.")
    )
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("What happens while it is not is never sent to it.")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = WebhookSubscriptionQuerySet.as_manager()
    history = history()

    fresh_secret = ""
    """A key that was made just now, on the way to the page that shows it once; it is not kept here."""

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            # A subscription to nothing: somebody waits for events that never come.
            models.CheckConstraint(condition=~Q(kinds=[]), name="webhook_subscription_hears_something"),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookSecretQuerySet(ScopedQuerySet["WebhookSecret"]):
    """Keys that deliveries are signed with; nobody looks at them."""

    company_lookup = ""


class WebhookSecret(models.Model):
    """A key that a subscription's deliveries are signed with, sealed; two hold while the receiver changes over."""

    subscription = models.ForeignKey(WebhookSubscription, on_delete=models.CASCADE, related_name="secrets")
    sealed = models.TextField(_("sealed key"))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    ends_at = models.DateTimeField(_("holds until"), null=True)

    objects = WebhookSecretQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook key")
        verbose_name_plural = _("webhook keys")
        constraints = [
            # Two keys without an end: one that leaked would hold for ever beside the new one.
            models.UniqueConstraint(
                fields=["subscription"], condition=Q(ends_at__isnull=True), name="webhook_secret_one_stays"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id}: {self.created_at:%Y-%m-%d}"


class WebhookHealthQuerySet(ScopedQuerySet["WebhookHealth"]):
    """How endpoints do; program managers read it on the subscription's page."""

    company_lookup = ""


class WebhookHealth(models.Model):
    """How a subscription's endpoint does: one that keeps failing is left alone until `paused_until`."""

    subscription = models.OneToOneField(
        WebhookSubscription, on_delete=models.CASCADE, primary_key=True, related_name="health"
    )
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    paused_until = models.DateTimeField(_("left alone until"), null=True)
    tried_at = models.DateTimeField(_("last tried"), null=True)
    delivered_at = models.DateTimeField(_("last delivered"), null=True)

    objects = WebhookHealthQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook's health")
        verbose_name_plural = _("webhooks' health")

    def __str__(self) -> str:
        return f"{self.subscription_id}: {self.failures}"


class WebhookEventQuerySet(ScopedQuerySet["WebhookEvent"]):
    """Events: for the vendor's program managers."""

    company_lookup = ""


class WebhookEvent(models.Model):
    """Something that happened, as it is told: written with what it speaks of, and only if somebody listens.

    `facts` hold ids, external ids, codes and numbers. Ids ascend in the order in which things happened to one
    `object_key`: they are drawn under the lock of that object.
    """

    uid = models.UUIDField(_("id"), default=uuid.uuid4, editable=False)
    kind = models.CharField(_("event"), max_length=60)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True, related_name="+", db_constraint=False)
    company_number = models.CharField(_("customer number"), max_length=100, blank=True)
    object_key = models.CharField(_("object"), max_length=100)
    facts: models.JSONField[Any, Any] = models.JSONField(_("facts"), default=dict)
    occurred_at = models.DateTimeField(_("happened"))

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        indexes = [models.Index(fields=["occurred_at"], name="webhook_event_age")]
        constraints = [
            # Two events under one id: the receiver would take the second for a repeat, and drop it.
            models.UniqueConstraint(fields=["uid"], name="webhook_event_uid_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class WebhookDeliveryQuerySet(ScopedQuerySet["WebhookDelivery"]):
    """Deliveries: for the vendor's program managers."""

    company_lookup = ""


class WebhookDelivery(models.Model):
    """One event on its way to one subscription; `accounts.webhooks` alone moves it on.

    `claimed_until` is when a worker that took it may be taken for dead.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("waits")
        DELIVERED = "DELIVERED", pgettext_lazy("webhook", "delivered")
        DEAD = "DEAD", _("given up")
        SET_ASIDE = "SET_ASIDE", _("set aside")

    event = models.ForeignKey(
        WebhookEvent,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_constraint=False,
        db_index=False,
        verbose_name=_("event"),
    )
    subscription = models.ForeignKey(
        WebhookSubscription,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_constraint=False,
        verbose_name=_("webhook"),
    )
    object_key = models.CharField(_("object"), max_length=100)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    due_at = models.DateTimeField(_("due"))
    give_up_at = models.DateTimeField(_("given up at the latest"))
    claimed_until = models.DateTimeField(_("held by a worker until"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    last_attempt: WebhookAttempt | None = None
    """The last attempt, where a list has brought it."""

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        indexes = [
            models.Index(
                fields=["subscription", "due_at", "id"], name="webhook_delivery_due", condition=Q(state="WAITING")
            ),
            models.Index(
                fields=["subscription", "object_key", "event"],
                name="webhook_delivery_in_order",
                condition=Q(state="WAITING"),
            ),
            models.Index(fields=["give_up_at"], name="webhook_delivery_last_day", condition=Q(state="WAITING")),
            models.Index(fields=["ended_at"], name="webhook_delivery_age", condition=Q(ended_at__isnull=False)),
        ]
        constraints = [
            # An event told twice under two rows: nobody could say whether it has arrived.
            models.UniqueConstraint(fields=["event", "subscription"], name="webhook_delivery_once_each"),
            # A delivery that ended without a moment would never be cleared away.
            models.CheckConstraint(
                condition=Q(state="WAITING", ended_at__isnull=True)
                | (~Q(state="WAITING") & Q(ended_at__isnull=False, claimed_until__isnull=True)),
                name="webhook_delivery_ended_has_a_moment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.subscription}"


class WebhookAttemptQuerySet(ScopedQuerySet["WebhookAttempt"]):
    """Attempts: for the vendor's program managers."""

    company_lookup = ""


class WebhookAttempt(models.Model):
    """One attempt to deliver: what the endpoint answered, or why it could not be asked."""

    class Failure(models.TextChoices):
        NONE = "", _("none")
        STATUS = "STATUS", _("it answered with an error")
        REDIRECT = "REDIRECT", _("it answered with a redirect, which is not followed")
        GONE = "GONE", _("it answered that it is gone")
        ADDRESS = "ADDRESS", _("its address is not allowed, or leads to one that is not")
        NAME = "NAME", _("its name could not be resolved")
        CONNECTION = "CONNECTION", _("it could not be reached, or broke off")
        CERTIFICATE = "CERTIFICATE", _("its certificate is not valid for its name")
        TIMEOUT = "TIMEOUT", _("it took too long")
        KEY = "KEY", _("the key to sign with cannot be read: FIELD_KEYS lacks what it was sealed with")
        UNTRIED = "UNTRIED", _("in all that time the webhook was not active, or its endpoint was failing")
        COMPANY = "COMPANY", _("the webhook no longer hears of this company")

    delivery = models.ForeignKey(
        WebhookDelivery,
        on_delete=models.CASCADE,
        related_name="attempts",
        db_constraint=False,
        verbose_name=_("delivery"),
    )
    at = models.DateTimeField(_("when"))
    status = models.PositiveSmallIntegerField(_("status"), null=True)
    failure = models.CharField(_("failure"), max_length=12, choices=Failure, default=Failure.NONE, blank=True)
    milliseconds = models.PositiveIntegerField(_("milliseconds"), default=0)
    answer = models.TextField(pgettext_lazy("webhook", "answer"), blank=True, help_text=_("The first 500 characters."))

    objects = WebhookAttemptQuerySet.as_manager()

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")

    def __str__(self) -> str:
        return f"{self.status or self.failure}"
