"""What a company wants to approve before its people's orders go out."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Company
from accounts.scope import Actor, ScopedQuerySet


class SpendingPolicyQuerySet(ScopedQuerySet["SpendingPolicy"]):
    """Policies; everybody of the company may know which orders wait for approval."""

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(company_id=actor.company_id)


class SpendingPolicy(models.Model):
    """Which redemptions of a company's people its own management approves first; without a row, none."""

    class Mode(models.TextChoices):
        NEVER = "NEVER", _("never")
        ABOVE = "ABOVE", _("above a value")
        ALWAYS = "ALWAYS", _("always")

    company = models.OneToOneField(Company, on_delete=models.PROTECT, primary_key=True, related_name="spending_policy")
    mode = models.CharField(_("orders are approved"), max_length=10, choices=Mode, default=Mode.NEVER)
    above = models.PositiveBigIntegerField(_("above (points)"), null=True, blank=True)

    objects = SpendingPolicyQuerySet.as_manager()

    class Meta:
        verbose_name = _("spending policy")
        verbose_name_plural = _("spending policies")
        constraints = [
            # "Above a value" without the value would mean whatever the code makes of nothing.
            models.CheckConstraint(
                condition=Q(mode="ABOVE", above__isnull=False) | (~Q(mode="ABOVE") & Q(above__isnull=True)),
                name="spending_policy_above_a_value",
                violation_error_message=_("Say above how many points an order needs approval."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.company}: {self.get_mode_display()}"

    def asks_for(self, points: int) -> bool:
        """Whether an order of so many points is approved by the company first."""
        return self.mode == self.Mode.ALWAYS or (self.above is not None and points > self.above)
