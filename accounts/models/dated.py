"""Rows that hold for a time: `starts_at` inclusive, `ends_at` exclusive, none where it goes on."""

from datetime import datetime

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise


class Dated(models.Model):
    """A fact about somebody that is read as of a moment."""

    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)

    class Meta:
        abstract = True

    def holds_at(self, at: datetime) -> bool:
        """Whether the row holds at `at`."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


def ends_after_start(name: str) -> models.CheckConstraint:
    """A dated row never ends before it starts: it would hold at no moment, yet look as if it had."""
    return models.CheckConstraint(
        condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
        name=name,
        violation_error_message=_("The end lies before the start."),
    )


def one_at_a_time(name: str, *keys: str, message: StrOrPromise) -> ExclusionConstraint:
    """At any moment at most one row holds for the same `keys`: two would make "as of" ambiguous."""
    span = Func(F("starts_at"), F("ends_at"), function="tstzrange", output_field=DateTimeRangeField())
    return ExclusionConstraint(
        name=name,
        expressions=[(span, RangeOperators.OVERLAPS), *((key, RangeOperators.EQUAL) for key in keys)],
        violation_error_message=message,
    )
