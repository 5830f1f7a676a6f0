"""Programs that end: what was told about it, and points that are handed over to be paid out in money."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.models import Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from loyalty.models.ledger import Transaction
from loyalty.models.programs import Program, validate_currency


class EndNoticeQuerySet(ScopedQuerySet["EndNotice"]):
    """What was told about ends: the vendor's own record."""

    company_lookup = ""


class EndNotice(models.Model):
    """One thing that companies and their people were told about a program's end, once."""

    class About(models.TextChoices):
        END = "END", _("that the program ends")
        EARN = "EARN", _("that the last day to earn comes")
        SPEND = "SPEND", _("that the last day to spend comes")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="end_notices")
    about = models.CharField(_("about"), max_length=10, choices=About)
    last_earn_on = models.DateField(_("last day to earn"))
    last_spend_on = models.DateField(_("last day to spend"))
    told_at = models.DateTimeField(_("told"))

    objects = EndNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice of an end")
        verbose_name_plural = _("notices of an end")
        constraints = [
            # The same thing told twice about the same days.
            models.UniqueConstraint(
                fields=["program", "about", "last_earn_on", "last_spend_on"], name="end_notice_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program}: {self.get_about_display()}"


class HandedOverQuerySet(ScopedQuerySet["HandedOver"]):
    """Points handed over; a company's management sees the company's, a person the own."""

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(company_id=actor.company_id)
        if actor.is_company_admin:
            return own
        mine = Q(employee_id=actor.employee_id)
        return own.filter(mine | Q(employee__isnull=True)) if actor.sees_company else own.filter(mine)


class HandedOver(models.Model):
    """Points that one wallet held when its program ended, and the money that the vendor pays for them."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="handed_over")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="handed_over")
    employee = models.ForeignKey(
        Employee, on_delete=models.PROTECT, null=True, related_name="handed_over", verbose_name=_("person")
    )
    points = models.BigIntegerField(_("points"))
    amount = models.DecimalField(_("money"), max_digits=20, decimal_places=2)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, related_name="handed_over")
    made_at = models.DateTimeField(_("when"))

    objects = HandedOverQuerySet.as_manager()

    class Meta:
        verbose_name = _("points to be paid out")
        verbose_name_plural = _("points to be paid out")
        indexes = [models.Index(fields=["program", "id"], name="handed_over_of_program")]
        constraints = [
            # Nothing to pay out, or money that a client would owe for it.
            models.CheckConstraint(condition=Q(points__gt=0, amount__gte=0), name="handed_over_pays_for_points"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.points}, {self.amount} {self.currency}"
