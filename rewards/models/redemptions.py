"""Redemptions: points turned into a reward, and back where it is cancelled."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from loyalty.models import Transaction, Wallet
from rewards.models.catalogue import Reward


class RedemptionQuerySet(ScopedQuerySet["Redemption"]):
    """Redemptions; a person sees the own, who sees the company also the company's."""

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(company_id=actor.company_id)
        if actor.is_company_admin:
            return own
        mine = Q(employee_id=actor.employee_id)
        return own.filter(mine | Q(wallet__employee__isnull=True)) if actor.sees_company else own.filter(mine)


class Redemption(models.Model):
    """One reward, redeemed once; the price is the price of that moment."""

    class State(models.TextChoices):
        REQUESTED = "REQUESTED", _("requested")
        CANCELLED = "CANCELLED", _("cancelled")

    reward = models.ForeignKey(Reward, on_delete=models.PROTECT, related_name="redemptions")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="redemptions")
    employee = models.ForeignKey(
        Employee, on_delete=models.PROTECT, related_name="redemptions", verbose_name=_("redeemed by")
    )
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="+", verbose_name=_("paid from"))
    points = models.PositiveBigIntegerField(_("points"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.REQUESTED)
    placed_at = models.DateTimeField(_("placed"))
    placed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    cancelled_at = models.DateTimeField(_("cancelled"), null=True)
    debit = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="redemption")
    credit = models.OneToOneField(Transaction, on_delete=models.PROTECT, null=True, related_name="cancelled_redemption")

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        indexes = [models.Index(fields=["company", "-placed_at"], name="redemption_of_company")]
        constraints = [
            # A cancelled order whose points never came back, or points back for an order that goes on (law R3).
            models.CheckConstraint(
                condition=Q(state="CANCELLED", credit__isnull=False, cancelled_at__isnull=False)
                | (~Q(state="CANCELLED") & Q(credit__isnull=True, cancelled_at__isnull=True)),
                name="redemption_cancelled_has_credit",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def reference(self) -> str:
        """The number that people copy and call about."""
        return f"R-{self.pk:06d}"
