"""Points that a person passed on to the company, or the company to one of its people, and why."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Employee
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.ledger import Transaction
from loyalty.models.programs import Membership


class TransferQuerySet(ScopedQuerySet["Transfer"]):
    """Points passed on; the company's management sees all of the company's, a person the own."""

    company_lookup = "membership__company"
    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(membership__company_id=actor.company_id)
        return own if actor.is_company_admin else own.filter(employee_id=actor.employee_id)


class Transfer(models.Model):
    """Points passed on between a company's wallet and that of one of its people."""

    class Reason(models.TextChoices):
        PASSED_ON = "PASSED_ON", _("somebody passed them on")
        ONE_WALLET = "ONE_WALLET", _("the company has one wallet")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="transfers")
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, related_name="transfers", verbose_name=_("person"))
    is_to_company = models.BooleanField(_("to the company"))
    points = models.BigIntegerField(_("points"))
    reason_code = models.CharField(
        _("reason"), max_length=12, choices=Reason, default=Reason.PASSED_ON, db_default=Reason.PASSED_ON
    )
    reason = models.CharField(_("in words"), max_length=300, validators=[validate_plain_text])
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="transfer")
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("by")
    )
    made_at = models.DateTimeField(_("when"))

    objects = TransferQuerySet.as_manager()

    class Meta:
        verbose_name = _("points passed on")
        verbose_name_plural = _("points passed on")
        indexes = [models.Index(fields=["membership", "-made_at"], name="transfer_latest")]
        constraints = [
            # Points passed on the other way, or none: a line about nothing.
            models.CheckConstraint(condition=Q(points__gt=0), name="transfer_moves_points"),
            # Points that nobody passed on; where a company has one wallet, the clock moves what comes late.
            models.CheckConstraint(
                condition=Q(made_by__isnull=False) | Q(reason_code="ONE_WALLET"), name="transfer_made_by_somebody"
            ),
            # Points passed on that nobody can explain.
            models.CheckConstraint(condition=~Q(reason=""), name="transfer_with_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.points}, {self.reason}"
