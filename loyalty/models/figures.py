"""A program's figures at the end of each day, kept so that no page adds up history."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.scope import ScopedQuerySet
from loyalty.models.programs import Program


class ProgramDayQuerySet(ScopedQuerySet["ProgramDay"]):
    """Daily figures: the vendor's own."""

    company_lookup = ""


class ProgramDay(models.Model):
    """How a program stood at the end of a day of its time zone; points since the program began, from its wallets."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="days")
    day = models.DateField(_("day"))
    issued = models.BigIntegerField(_("issued"))
    spent = models.BigIntegerField(_("spent"))
    expired = models.BigIntegerField(_("expired"))
    outstanding = models.BigIntegerField(_("outstanding"))
    members = models.PositiveIntegerField(_("companies"))
    active_companies = models.PositiveIntegerField(_("active companies"))
    taken_at = models.DateTimeField(_("taken"))

    objects = ProgramDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("figures of a day")
        verbose_name_plural = _("figures of days")
        constraints = [
            # A day that counts twice would show twice the points in every chart.
            models.UniqueConstraint(fields=["program", "day"], name="program_day_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.program}, {self.day:%Y-%m-%d}"
