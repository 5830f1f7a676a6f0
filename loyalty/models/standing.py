"""Where a company stands: metrics in monthly buckets, and tiers."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.history import history
from accounts.models.dated import Dated, ends_after_start, one_at_a_time
from accounts.scope import Actor, DatedQuerySet, M, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.activities import ActivityType
from loyalty.models.programs import Membership, Program


class OfProgramQuerySet(ScopedQuerySet[M]):
    """Configuration of a program; visible with it."""

    company_lookup = "program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(program__in=Program.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(program__in=Program.objects.visible_to(actor))


class MetricQuerySet(OfProgramQuerySet["Metric"]):
    """Metrics."""


class Metric(models.Model):
    """A number that is kept per membership and month: what activities of a type add up to."""

    class Measure(models.TextChoices):
        AMOUNT = "AMOUNT", _("money")
        QUANTITY = "QUANTITY", _("pieces")
        COUNT = "COUNT", _("number of activities")
        POINTS = "POINTS", _("points given")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="metrics")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    measure = models.CharField(_("adds up"), max_length=10, choices=Measure)
    activity_type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, related_name="+")
    condition = models.JSONField(_("only if"), default=dict, blank=True)

    objects = MetricQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("metric")
        verbose_name_plural = _("metrics")
        constraints = [models.UniqueConstraint(fields=["program", "code"], name="metric_code_unique")]

    def __str__(self) -> str:
        return self.name


class MetricBucketQuerySet(ScopedQuerySet["MetricBucket"]):
    """Monthly values."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(membership__company_id=actor.company_id)


class MetricBucket(models.Model):
    """The value of one metric of one membership in one month of the program's time zone."""

    id = models.BigAutoField(primary_key=True)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    metric = models.CharField(_("metric"), max_length=50)
    month = models.DateField(_("month"))
    value = models.DecimalField(_("value"), max_digits=20, decimal_places=4)

    objects = MetricBucketQuerySet.as_manager()

    class Meta:
        verbose_name = _("monthly value")
        verbose_name_plural = _("monthly values")
        constraints = [
            # Two values for one month: half of what was bought would count for the tier.
            models.UniqueConstraint(fields=["membership", "metric", "month"], name="metric_bucket_unique"),
            # More came back than was ever bought.
            models.CheckConstraint(condition=Q(value__gte=0), name="metric_bucket_never_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.month:%Y-%m}: {self.value}"


class TierQuerySet(OfProgramQuerySet["Tier"]):
    """Tiers."""


class Tier(models.Model):
    """A level of a program, reached when the tier metric comes to `threshold` within the window."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="tiers")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    rank = models.PositiveSmallIntegerField(_("rank"), help_text=_("1 is the lowest."))
    threshold = models.DecimalField(_("from"), max_digits=18, decimal_places=2)

    objects = TierQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("tier")
        verbose_name_plural = _("tiers")
        constraints = [
            # Two tiers under one code or one rank: a rule that names the tier would mean either.
            models.UniqueConstraint(fields=["program", "code"], name="tier_code_unique"),
            models.UniqueConstraint(fields=["program", "rank"], name="tier_rank_unique"),
            # Two tiers for the same spend: chance would decide which one a client gets.
            models.UniqueConstraint(fields=["program", "threshold"], name="tier_threshold_unique"),
            # A tier below the first: nobody could fall into it, or stand under it.
            models.CheckConstraint(condition=Q(threshold__gte=0), name="tier_threshold_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name


class TierAssignmentQuerySet(DatedQuerySet["TierAssignment"]):
    """Which tier a membership held when."""

    company_lookup = "membership__company"
    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(membership__company_id=actor.company_id)


class TierAssignment(Dated):
    """A membership in a tier, for a time, and the evidence that put it there (ids, codes and numbers)."""

    class Source(models.TextChoices):
        EARNED = "EARNED", _("earned")
        CHOSEN = "CHOSEN", _("chosen")
        INVITED = "INVITED", _("invited")
        PAID = "PAID", _("paid")
        NEGOTIATED = "NEGOTIATED", _("negotiated")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="tiers")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(_("source"), max_length=12, choices=Source, default=Source.EARNED)
    evidence = models.JSONField(_("evidence"), default=dict)

    objects = TierAssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("tier of a company")
        verbose_name_plural = _("tiers of companies")
        constraints = [
            ends_after_start("tier_assignment_ends_after_start"),
            # Two tiers at once would pay by the one that was read first.
            one_at_a_time(
                "tier_assignment_one_at_a_time", "membership", message=_("The company holds a tier in this time.")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tier} from {self.starts_at:%Y-%m-%d}"
