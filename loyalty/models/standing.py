"""Where a company stands: metrics in monthly buckets, and tiers."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.history import history
from accounts.models import Employee, Segment
from accounts.models.dated import Dated, ends_after_start, one_at_a_time
from accounts.scope import Actor, DatedQuerySet, M, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.activities import ActivityType
from loyalty.models.programs import Membership, Program, validate_currency


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
        SUM = "SUM", _("an attribute that is a number")
        PEOPLE = "PEOPLE", _("people who did something")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="metrics")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    measure = models.CharField(_("adds up"), max_length=10, choices=Measure)
    attribute = models.SlugField(
        _("attribute"),
        max_length=50,
        blank=True,
        help_text=_("Code of the attribute that is added up, such as a margin; it may be below 0."),
    )
    activity_type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, related_name="+")
    condition = models.JSONField(_("only if"), default=dict, blank=True)

    objects = MetricQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("metric")
        verbose_name_plural = _("metrics")
        constraints = [
            models.UniqueConstraint(fields=["program", "code"], name="metric_code_unique"),
            # A sum of nothing, or an attribute that nobody adds up.
            models.CheckConstraint(
                condition=(Q(measure="SUM") & ~Q(attribute="")) | (~Q(measure="SUM") & Q(attribute="")),
                name="metric_attribute",
                violation_error_message=_("Name the attribute where one is added up; leave it empty elsewhere."),
            ),
        ]

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
    is_signed = models.BooleanField(_("may be below 0"), default=False, db_default=False)

    objects = MetricBucketQuerySet.as_manager()

    class Meta:
        verbose_name = _("monthly value")
        verbose_name_plural = _("monthly values")
        constraints = [
            # Two values for one month: half of what was bought would count for the tier.
            models.UniqueConstraint(fields=["membership", "metric", "month"], name="metric_bucket_unique"),
            # More came back than was ever bought; only what an attribute says (a margin) may be a loss.
            models.CheckConstraint(condition=Q(value__gte=0) | Q(is_signed=True), name="metric_bucket_never_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.month:%Y-%m}: {self.value}"


class MetricPersonQuerySet(ScopedQuerySet["MetricPerson"]):
    """Who counted in a month; the company's management sees it, a person the own."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(membership__company_id=actor.company_id)
        return own if actor.sees_company else own.filter(employee_id=actor.employee_id)


class MetricPerson(models.Model):
    """How many of a person's activities stand in a metric that counts people, in one month."""

    id = models.BigAutoField(primary_key=True)
    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    metric = models.SlugField(_("metric"), max_length=50, db_index=False)
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, db_constraint=False, verbose_name=_("person"))
    month = models.DateField(_("month"))
    count = models.IntegerField(_("activities"))

    objects = MetricPersonQuerySet.as_manager()

    class Meta:
        verbose_name = _("person who counted")
        verbose_name_plural = _("people who counted")
        constraints = [
            # One person twice in a month: two people would count where there is one.
            models.UniqueConstraint(fields=["membership", "metric", "month", "employee"], name="metric_person_unique"),
            # More came back of a person's activities than there were.
            models.CheckConstraint(condition=Q(count__gte=0), name="metric_person_never_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.month:%Y-%m}: {self.count}"


class TierQuerySet(OfProgramQuerySet["Tier"]):
    """Tiers."""


class Tier(models.Model):
    """A level of a program, reached when the tier metric comes to `threshold` within the window, or by other ways."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="tiers")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    rank = models.PositiveSmallIntegerField(_("rank"), help_text=_("1 is the lowest."))
    is_earned = models.BooleanField(_("is earned"), default=True)
    threshold = models.DecimalField(
        pgettext_lazy("threshold", "from"),
        max_digits=18,
        decimal_places=2,
        default=0,
        help_text=_("Counts where the tier is earned."),
    )
    is_chosen = models.BooleanField(
        _("can be chosen"), default=False, help_text=_("The company's admin picks it, without a fee.")
    )
    is_invited = models.BooleanField(_("by invitation"), default=False)
    is_paid = models.BooleanField(_("for a fee"), default=False)
    condition = models.JSONField(
        _("open only if"), default=dict, blank=True, help_text=_("For those who choose it or pay for it.")
    )
    fee = models.DecimalField(
        _("fee"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
    )
    fee_currency = models.CharField(_("currency"), max_length=3, blank=True, validators=[validate_currency])
    fee_months = models.PositiveSmallIntegerField(
        _("months that it pays for"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    fee_grace_days = models.PositiveSmallIntegerField(
        _("days to pay"),
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(180)],
        help_text=_("So long the tier stays while the fee of a new period has not come."),
    )

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
            models.UniqueConstraint(
                fields=["program", "threshold"], condition=Q(is_earned=True), name="tier_threshold_unique"
            ),
            # A fee that is half said: nobody would know what is owed, or for how long it pays.
            models.CheckConstraint(
                condition=(
                    Q(is_paid=True, fee__isnull=False, fee__gt=0, fee_months__isnull=False, fee_months__gte=1)
                    & ~Q(fee_currency="")
                )
                | Q(is_paid=False, fee__isnull=True, fee_months__isnull=True, fee_currency=""),
                name="tier_fee_whole",
                violation_error_message=_(
                    "Give the fee, its currency and for how many months it pays where the tier has a fee; leave them "
                    "empty elsewhere."
                ),
            ),
            # No day to pay: whoever takes the tier would lose it the same moment.
            models.CheckConstraint(condition=Q(fee_grace_days__gte=1), name="tier_fee_days_to_pay"),
            # A tier below the first: nobody could fall into it, or stand under it.
            models.CheckConstraint(condition=Q(threshold__gte=0), name="tier_threshold_not_negative"),
        ]

    def __str__(self) -> str:
        return self.name


class TierThresholdQuerySet(ScopedQuerySet["TierThreshold"]):
    """What a tier asks of a segment."""

    company_lookup = "tier__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(tier__in=Tier.objects.visible_to(actor))


class TierThreshold(models.Model):
    """What a tier asks of the companies of a segment; of several, and of the tier's own, the lowest counts."""

    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="thresholds", verbose_name=_("tier"))
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="+", verbose_name=_("segment"))
    threshold = models.DecimalField(pgettext_lazy("threshold", "from"), max_digits=18, decimal_places=2)

    objects = TierThresholdQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("threshold of a segment")
        verbose_name_plural = _("thresholds of segments")
        constraints = [
            # Two for one segment: nobody could say which one counts.
            models.UniqueConstraint(fields=["tier", "segment"], name="tier_threshold_once_a_segment"),
            # Less than nothing.
            models.CheckConstraint(condition=Q(threshold__gte=0), name="tier_threshold_of_segment_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.tier}, {self.segment}: {self.threshold}"


class TierAssignmentQuerySet(DatedQuerySet["TierAssignment"]):
    """Which tier a membership held when."""

    company_lookup = "membership__company"
    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(membership__company_id=actor.company_id)


class TierAssignment(Dated):
    """A membership in a tier, for a time, and the evidence that put it there (ids, codes and numbers)."""

    class Source(models.TextChoices):
        EARNED = "EARNED", pgettext_lazy("tier", "earned")
        CHOSEN = "CHOSEN", _("chosen")
        INVITED = "INVITED", _("invited")
        PAID = "PAID", _("paid")
        NEGOTIATED = "NEGOTIATED", _("negotiated")
        FLOOR = "FLOOR", _("kept by hand")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="tiers")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(_("source"), max_length=12, choices=Source, default=Source.EARNED)
    evidence = models.JSONField(_("evidence"), default=dict)
    title = models.ForeignKey(
        "TierTitle",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="assignments",
        verbose_name=_("title"),
    )
    beneath = models.ForeignKey(
        Tier, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("earned beneath")
    )
    beneath_since = models.DateTimeField(_("earned beneath since"), null=True, blank=True)

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
            # An earned tier with a title or another one beneath: it would end with what it does not rest on.
            models.CheckConstraint(
                condition=~Q(source="EARNED") | Q(title__isnull=True, beneath__isnull=True),
                name="tier_assignment_earned_rests_on_itself",
            ),
            # A tier beneath without a day: a fall by one step could not be counted from anything.
            models.CheckConstraint(
                condition=Q(beneath__isnull=True, beneath_since__isnull=True)
                | Q(beneath__isnull=False, beneath_since__isnull=False),
                name="tier_assignment_beneath_since",
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(tier)s from %(day)s") % {"tier": self.tier, "day": f"{self.starts_at:%Y-%m-%d}"}
