"""Confirmations: somebody's word that what an activity earned need not wait any longer."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.models import Company
from accounts.scope import ScopedQuerySet
from loyalty.models.activities import Activity
from loyalty.models.ledger import Transaction
from loyalty.models.programs import Program


class ConfirmationQuerySet(ScopedQuerySet["Confirmation"]):
    """Confirmations; the vendor's own records."""


class Confirmation(models.Model):
    """What an activity earned in one program was confirmed: the days that its points have from then on."""

    id = models.BigAutoField(primary_key=True)
    activity = models.ForeignKey(
        Activity, on_delete=models.PROTECT, db_constraint=False, db_index=False, verbose_name=_("activity")
    )
    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_index=False, verbose_name=_("company"))
    program = models.ForeignKey(Program, on_delete=models.PROTECT, db_index=False, verbose_name=_("program"))
    transaction = models.OneToOneField(
        Transaction, on_delete=models.PROTECT, related_name="confirmation", verbose_name=_("transaction")
    )
    available_on = models.DateField(_("available from"))
    expires_on = models.DateField(_("last day"), null=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("confirmed by")
    )
    confirmed_at = models.DateTimeField(_("when"))

    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        verbose_name = _("confirmation")
        verbose_name_plural = _("confirmations")
        constraints = [
            # Points of one activity that are released twice would be another activity's.
            models.UniqueConstraint(fields=["activity", "program"], name="confirmation_once_a_program"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return gettext("Confirmation of activity %(number)s") % {"number": self.activity_id}
