"""A program's figures and books at the end of each day, kept so that no page adds up history."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

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
    taken_at = models.DateTimeField(pgettext_lazy("date", "taken"))

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


class BookDayQuerySet(ScopedQuerySet["BookDay"]):
    """Closed books: the vendor's own."""

    company_lookup = ""


class BookDay(models.Model):
    """What the postings of one day did to the points that companies and people hold or owe, and how the day closed.

    A day is the program's, and a posting belongs to the day on which it was made, whatever moment it counts from: so
    a late arrival never changes a closed day. `loyalty/books.py` writes it from postings and can do so again.
    """

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="book_days")
    day = models.DateField(_("day"))
    opening = models.BigIntegerField(_("at the beginning"))
    earned = models.BigIntegerField(_("earned"), default=0)
    returned = models.BigIntegerField(_("taken back after returns"), default=0)
    spent = models.BigIntegerField(_("spent"), default=0)
    given_back = models.BigIntegerField(_("given back by cancelled orders"), default=0)
    expired = models.BigIntegerField(_("expired"), default=0)
    by_hand = models.BigIntegerField(_("by hand"), default=0)
    handed_over = models.BigIntegerField(_("handed over"), default=0)
    available = models.BigIntegerField(_("available"))
    waiting = models.BigIntegerField(_("waiting"))
    debt = models.BigIntegerField(_("debt"))

    objects = BookDayQuerySet.as_manager()

    class Meta:
        verbose_name = _("day in the books")
        verbose_name_plural = _("days in the books")
        constraints = [
            # A day that is closed twice, with two balances.
            models.UniqueConstraint(fields=["program", "day"], name="book_day_unique"),
            # A closing balance that its own day's movements do not explain.
            models.CheckConstraint(
                condition=Q(
                    available=F("opening")
                    + F("earned")
                    - F("returned")
                    - F("spent")
                    + F("given_back")
                    - F("expired")
                    + F("by_hand")
                    - F("handed_over")
                    - F("waiting")
                    - F("debt")
                ),
                name="book_day_adds_up",
            ),
            # Points that nobody holds, or a debt that is owed to somebody.
            models.CheckConstraint(
                condition=Q(available__gte=0, waiting__gte=0, debt__lte=0), name="book_day_balances_have_a_side"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program}, {self.day:%Y-%m-%d}"

    @property
    def outstanding(self) -> int:
        """Points that may still be spent: available now or later."""
        return self.available + self.waiting

    @property
    def closing(self) -> int:
        """What is held less what is owed: the opening of the next day."""
        return self.available + self.waiting + self.debt


class CohortMonthQuerySet(ScopedQuerySet["CohortMonth"]):
    """How points of a month went: the vendor's own."""

    company_lookup = ""


class CohortMonth(models.Model):
    """What became in one month of the points that can be spent since another: used (spent, taken), or expired.

    Points that were only passed on within a company count where they end. A row with `expired_in` says of points that
    had expired in that month that a return took them back in this one: `expired` is below 0. From these rows a forecast
    is drawn of what will expire; `loyalty/books.py` writes them.
    """

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="cohort_months")
    cohort = models.DateField(_("month from which they could be spent"))
    month = models.DateField(_("month"))
    used = models.BigIntegerField(_("used"))
    expired = models.BigIntegerField(_("expired"))
    expired_in = models.DateField(_("taken back of what expired in"), null=True)

    objects = CohortMonthQuerySet.as_manager()

    class Meta:
        verbose_name = _("how points of a month went")
        verbose_name_plural = _("how points of a month went")
        constraints = [
            # A month that counts twice would double what is said to expire.
            models.UniqueConstraint(
                fields=["program", "cohort", "month", "expired_in"], nulls_distinct=False, name="cohort_month_unique"
            ),
            # Points taken back that add to what expired, or that were used by that.
            models.CheckConstraint(
                condition=Q(expired_in__isnull=True, expired__gte=0)
                | Q(expired_in__isnull=False, expired__lt=0, used=0),
                name="cohort_month_takes_back",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.program}, {self.cohort:%Y-%m} in {self.month:%Y-%m}"
