"""Exchange rates: what money of another currency counts for in a program's, from a day on."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.history import history
from accounts.scope import ScopedQuerySet
from loyalty.models.programs import validate_currency


class ExchangeRateQuerySet(ScopedQuerySet["ExchangeRate"]):
    """Exchange rates: the vendor's own."""

    company_lookup = ""


class ExchangeRate(models.Model):
    """One `currency` is worth `rate` of `into`, from `starts_on` (inclusive) until the next rate of the two begins.

    Activities were counted by a rate that has begun, so such a one is never changed: the next one takes its place, and
    begins today or later. Before the first one that is known nothing was counted, so an earlier first one may be added.
    """

    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    into = models.CharField(_("counts in"), max_length=3, validators=[validate_currency])
    rate = models.DecimalField(
        _("rate"), max_digits=20, decimal_places=10, help_text=_("What 1 of the currency is worth in the other.")
    )
    starts_on = models.DateField(_("from"))

    objects = ExchangeRateQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("exchange rate")
        verbose_name_plural = _("exchange rates")
        constraints = [
            # Two rates from one day: chance would decide by which an order counts.
            models.UniqueConstraint(
                fields=["currency", "into", "starts_on"],
                name="exchange_rate_unique",
                violation_error_message=_("There is a rate of these two currencies from this day."),
            ),
            # Money of another currency that counts for nothing, or takes points away.
            models.CheckConstraint(
                condition=Q(rate__gt=0),
                name="exchange_rate_positive",
                violation_error_message=_("A rate is more than 0."),
            ),
            # Pounds that are worth more than pounds.
            models.CheckConstraint(
                condition=~Q(currency=F("into")),
                name="exchange_rate_of_two_currencies",
                violation_error_message=_("A rate is of two different currencies."),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="begun_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF OLD.starts_on <= CURRENT_DATE THEN
                        RAISE EXCEPTION 'activities were counted by this rate: enter a new one'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'exchange_rate_begun_is_immutable';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            ),
            # A rate that slips in between would count anew what was bought since then, and its return would take
            # another sum. The lock lets the second of two entries of the same pair see the first.
            pgtrigger.Trigger(
                name="begins_ahead",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    PERFORM pg_advisory_xact_lock(
                        hashtextextended('exchange_rate:' || NEW.currency || ':' || NEW."into", 0));
                    IF NEW.starts_on < CURRENT_DATE AND EXISTS (
                        SELECT 1 FROM loyalty_exchangerate
                        WHERE currency = NEW.currency AND "into" = NEW."into" AND starts_on < NEW.starts_on
                    ) THEN
                        RAISE EXCEPTION 'activities since % were counted by the rate before: begin today or later',
                            NEW.starts_on
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'exchange_rate_begins_ahead';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"1 {self.currency} = {self.rate.normalize():f} {self.into}"
