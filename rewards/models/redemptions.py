"""Redemptions: points turned into a reward, and back where it is cancelled."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Approval, Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models import Transaction, Wallet
from rewards.models.catalogue import Reward


class RedemptionQuerySet(ScopedQuerySet["Redemption"]):
    """Redemptions; a person sees the own, who sees the company also the company's."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(company_id=actor.company_id)
        if actor.is_company_admin:
            return own
        mine = Q(employee_id=actor.employee_id)
        if not actor.sees_company:
            return own.filter(mine)
        return own.filter(mine | Q(wallet__employee__isnull=True) | Q(company_wallet__isnull=False))


class Redemption(models.Model):
    """One reward, redeemed once; the price is the price of that moment."""

    class State(models.TextChoices):
        REQUESTED = "REQUESTED", _("requested")
        CLIENT_APPROVED = "CLIENT_APPROVED", _("approved by the company")
        APPROVED = "APPROVED", _("approved")
        ORDERED = "ORDERED", _("ordered")
        DELIVERED = "DELIVERED", _("delivered")
        REJECTED = "REJECTED", _("rejected")
        CANCELLED = "CANCELLED", _("cancelled")

    reward = models.ForeignKey(Reward, on_delete=models.PROTECT, related_name="redemptions")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="redemptions")
    employee = models.ForeignKey(
        Employee, on_delete=models.PROTECT, related_name="redemptions", verbose_name=_("redeemed by")
    )
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+", verbose_name=_("paid from"))
    company_wallet = models.ForeignKey(
        Wallet,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("and from"),
        help_text=_("The company's wallet, where it paid the rest of what somebody's own points began."),
    )
    points = models.PositiveBigIntegerField(_("points"))
    company_points = models.PositiveBigIntegerField(_("of these from the company"), default=0)
    approval = models.OneToOneField(
        Approval, on_delete=models.PROTECT, null=True, related_name="redemption", verbose_name=_("approval")
    )
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.REQUESTED)
    placed_at = models.DateTimeField(_("placed"))
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    refunded_at = models.DateTimeField(_("points given back"), null=True)
    debit = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="redemption")
    credit = models.OneToOneField(Transaction, on_delete=models.PROTECT, null=True, related_name="cancelled_redemption")

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        indexes = [
            models.Index(fields=["company", "-placed_at"], name="redemption_of_company"),
            models.Index(
                fields=["state", "placed_at"],
                condition=Q(state__in=["REQUESTED", "CLIENT_APPROVED", "APPROVED", "ORDERED"]),
                name="redemption_queue",
            ),
        ]
        constraints = [
            # An order that ended without its points coming back, or points back for one that goes on (law R3).
            models.CheckConstraint(
                condition=Q(state__in=["CANCELLED", "REJECTED"], credit__isnull=False, refunded_at__isnull=False)
                | (~Q(state__in=["CANCELLED", "REJECTED"]) & Q(credit__isnull=True, refunded_at__isnull=True)),
                name="redemption_ended_has_credit",
            ),
            # An order "approved by the company" that nobody there was asked about.
            models.CheckConstraint(
                condition=~Q(state="CLIENT_APPROVED") | Q(approval__isnull=False),
                name="redemption_approved_by_the_company_has_approval",
            ),
            # A share of the company without a wallet that paid it, or larger than the price.
            models.CheckConstraint(
                condition=Q(company_wallet__isnull=True, company_points=0)
                | Q(company_wallet__isnull=False, company_points__gt=0, company_points__lt=F("points")),
                name="redemption_company_share_within_price",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """The number that people copy and call about."""
        return f"R-{self.pk:06d}"


class RedemptionStepQuerySet(ScopedQuerySet["RedemptionStep"]):
    """Steps; visible with their redemption."""

    company_lookup = "redemption__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(redemption__in=Redemption.objects.visible_to(actor))


class RedemptionStep(models.Model):
    """One step of a redemption: the state that it came to, when, by whom and, where it was refused, why."""

    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, related_name="steps")
    state = models.CharField(_("state"), max_length=16, choices=Redemption.State)
    at = models.DateTimeField(_("when"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("who"))
    reason = models.TextField(_("reason"), blank=True, max_length=2_000, validators=[validate_plain_text])

    objects = RedemptionStepQuerySet.as_manager()

    class Meta:
        verbose_name = _("step of a redemption")
        verbose_name_plural = _("steps of redemptions")
        constraints = [
            # A state that is reached twice: an order would be delivered again.
            models.UniqueConstraint(fields=["redemption", "state"], name="redemption_step_once"),
            # A no without a reason.
            models.CheckConstraint(
                condition=~Q(state="REJECTED") | ~Q(reason=""), name="redemption_step_rejected_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.redemption}: {self.get_state_display()}"
