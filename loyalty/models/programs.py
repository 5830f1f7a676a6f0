"""Programs, the companies that take part, and what their management agreed to."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Self
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.currencies import is_currency
from accounts.history import history
from accounts.models import Company, Employee
from accounts.models.dated import Dated, ends_after_start, one_at_a_time
from accounts.models.users import validate_time_zone
from accounts.scope import Actor, DatedQuerySet, ScopedQuerySet, portfolio
from accounts.text import validate_plain_text

MOST_GRACE = 11
"""Months; a year of grace would be the next period itself."""


def validate_currency(code: str) -> None:
    """Refuse what is not the code of a currency that there is."""
    if not is_currency(code):
        sentence = _("“%(code)s” is not a currency. Write the code of one, such as EUR, GBP or JPY.")
        raise ValidationError(sentence, code="no_currency", params={"code": code[:10]})


class ProgramQuerySet(ScopedQuerySet["Program"]):
    """Programs; a client sees those that its company takes part in."""

    company_lookup = "memberships__company"
    is_in_api = True

    def seen_by_service(self, actor: Actor) -> Self:
        if actor.serves_all_companies:
            return self.all()
        return self.filter(pk__in=Membership.objects.visible_to(actor).values("program"))

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(pk__in=Membership.objects.filter(company__in=portfolio(actor)).values("program"))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(pk__in=Membership.objects.filter(company_id=actor.company_id).values("program"))


class Program(models.Model):
    """One loyalty program: its currency, its time zone, how long its points last."""

    class Window(models.TextChoices):
        ROLLING = "ROLLING", _("rolling months")
        CALENDAR_YEAR = "CALENDAR_YEAR", _("calendar year")
        MEMBERSHIP_YEAR = "MEMBERSHIP_YEAR", _("year of membership")
        FOR_EVER = "FOR_EVER", _("for ever")

    class Fall(models.TextChoices):
        TO_EARNED = "TO_EARNED", _("to what is earned")
        ONE_STEP = "ONE_STEP", _("by one step")

    class Release(models.TextChoices):
        AT_ONCE = "AT_ONCE", _("at once")
        AFTER_DAYS = "AFTER_DAYS", _("so many days later")
        CONFIRMED = "CONFIRMED", _("once they are confirmed")

    class Expiry(models.TextChoices):
        NEVER = "NEVER", _("never")
        MONTHS = "MONTHS", _("so many months after they can be spent")
        FIXED_DAY = "FIXED_DAY", _("on a fixed day of the year")
        YEAR_END = "YEAR_END", _("at the end of a calendar year")
        INACTIVITY = "INACTIVITY", _("all at once, so many months after points last came or were spent")

    class Transfers(models.TextChoices):
        NONE = "NONE", _("not at all")
        TO_COMPANY = "TO_COMPANY", _("people to their company")
        TO_PEOPLE = "TO_PEOPLE", _("a company to its people")
        BOTH = "BOTH", _("either way")

    class Rest(models.TextChoices):
        EXPIRE = "EXPIRE", _("expire")
        HAND_OVER = "HAND_OVER", _("are handed over as a list, to be paid out in money")

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    time_zone = models.CharField(_("time zone"), max_length=64, validators=[validate_time_zone])
    release = models.CharField(
        _("points can be spent"),
        max_length=20,
        choices=Release,
        default=Release.AT_ONCE,
        help_text=_("Until then they wait where people see them; a return takes them from there."),
    )
    release_days = models.PositiveSmallIntegerField(
        _("days until then"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("Counted from the day of the activity. Whoever confirms it earlier releases its points earlier."),
    )
    expiry = models.CharField(
        _("points expire"),
        max_length=20,
        choices=Expiry,
        default=Expiry.NEVER,
        help_text=_("What was given before a change keeps its day."),
    )
    expiry_months = models.PositiveSmallIntegerField(
        _("months"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
        help_text=_("Where points expire so many months later; the same day of that month is the last."),
    )
    expiry_month = models.PositiveSmallIntegerField(
        _("month of the fixed day"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )
    expiry_day = models.PositiveSmallIntegerField(
        _("fixed day in that month"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(31)],
        help_text=_("The last day on which points can be used; 29 February is the 28th in most years."),
    )
    expiry_years = models.PositiveSmallIntegerField(
        _("years more"),
        default=0,
        validators=[MaxValueValidator(20)],
        help_text=_("For a fixed day or the end of a year: 0 is the next one to come, 1 the one after it."),
    )
    tier_metric = models.SlugField(
        _("tier metric"), max_length=50, blank=True, help_text=_("Code of the metric that raises and lowers tiers.")
    )
    tier_window = models.CharField(_("tier window"), max_length=20, choices=Window, default=Window.ROLLING)
    tier_months = models.PositiveSmallIntegerField(
        _("months in the window"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(120)],
        help_text=_("For a rolling window: the current month and the whole months before it."),
    )
    tier_fall = models.CharField(
        _("tiers fall"),
        max_length=20,
        choices=Fall,
        default=Fall.TO_EARNED,
        help_text=_("At the end of a period that did not bring the tier again. Upgrades come at once."),
    )
    tier_grace_months = models.PositiveSmallIntegerField(
        _("months of grace"),
        default=0,
        validators=[MaxValueValidator(MOST_GRACE)],
        help_text=_("So long a tier stays after such a period; what is counted meanwhile can still keep it."),
    )
    point_value = models.DecimalField(
        _("cost of a point"),
        max_digits=10,
        decimal_places=5,
        default=Decimal("0.01"),
        validators=[MinValueValidator(0)],
        help_text=_("What a point that is spent costs us, in the program's currency: outstanding points are owed."),
    )
    adjustment_limit = models.PositiveBigIntegerField(
        _("points by hand without a second person"),
        default=0,
        help_text=_("More than this, given or taken by hand at once, waits for somebody else's approval."),
    )
    one_wallet_up_to = models.PositiveSmallIntegerField(
        _("one wallet for companies of up to"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_000)],
        help_text=_("People, when it comes in: it and its people have one wallet then. Empty: none by itself."),
    )
    transfers = models.CharField(
        _("points are passed on"),
        max_length=20,
        choices=Transfers,
        default=Transfers.NONE,
        help_text=_("Within a company, with a reason; each point keeps the day on which it expires."),
    )
    is_active = models.BooleanField(_("running"), default=True)
    last_earn_on = models.DateField(
        _("last day to earn"),
        null=True,
        blank=True,
        help_text=_("Where the program ends: what is done later brings no points. Its people are told at once."),
    )
    last_spend_on = models.DateField(
        _("last day to spend"),
        null=True,
        blank=True,
        help_text=_("Where the program ends: what is left then goes the way that is chosen here, once and for all."),
    )
    rest = models.CharField(
        _("points that are left then"),
        max_length=20,
        choices=Rest,
        default=Rest.EXPIRE,
        help_text=_("Points that still wait go the same way once their day has come."),
    )

    objects = ProgramQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("program")
        verbose_name_plural = _("programs")
        constraints = [
            # Points that last 0 months would expire before anybody could see them; months that nothing counts would
            # promise a day that never comes.
            models.CheckConstraint(
                condition=Q(
                    expiry__in=["MONTHS", "INACTIVITY"], expiry_months__isnull=False, expiry_months__range=(1, 240)
                )
                | (~Q(expiry__in=["MONTHS", "INACTIVITY"]) & Q(expiry_months__isnull=True)),
                name="program_expiry_months",
                violation_error_message=_(
                    "Say how many months (1 to 240) where points expire so many months later; leave it empty elsewhere."
                ),
            ),
            # Half a fixed day, or 31 June: a day in no year.
            models.CheckConstraint(
                condition=(
                    Q(expiry="FIXED_DAY", expiry_month__isnull=False, expiry_day__isnull=False)
                    & Q(expiry_month__range=(1, 12), expiry_day__range=(1, 31))
                    & (~Q(expiry_month=2) | Q(expiry_day__lte=29))
                    & (~Q(expiry_month__in=[4, 6, 9, 11]) | Q(expiry_day__lte=30))
                )
                | (~Q(expiry="FIXED_DAY") & Q(expiry_month__isnull=True, expiry_day__isnull=True)),
                name="program_expiry_fixed_day",
                violation_error_message=_(
                    "Give a day that there is in the year where points expire on a fixed day; leave it empty elsewhere."
                ),
            ),
            # Years that nothing counts, or more than anybody plans for.
            models.CheckConstraint(
                condition=Q(expiry_years=0) | Q(expiry__in=["FIXED_DAY", "YEAR_END"], expiry_years__lte=20),
                name="program_expiry_years",
                violation_error_message=_(
                    "Years more (20 at most) belong to a fixed day or to the end of a year; say 0 elsewhere."
                ),
            ),
            # Points that wait for no day and no word would wait for ever.
            models.CheckConstraint(
                condition=Q(release="AFTER_DAYS", release_days__isnull=False, release_days__range=(1, 365))
                | (~Q(release="AFTER_DAYS") & Q(release_days__isnull=True)),
                name="program_release_after_days",
                violation_error_message=_(
                    "Say after how many days (1 to 365) where points wait for days; leave it empty where they do not."
                ),
            ),
            # A window of 0 months holds nothing: every company would fall to the lowest tier.
            models.CheckConstraint(condition=Q(tier_months__gte=1), name="program_tier_window_positive"),
            # A year of grace or more: the tier would outlast the next period, too, and then the one after it.
            models.CheckConstraint(
                condition=Q(tier_grace_months__range=(0, MOST_GRACE)),
                name="program_tier_grace",
                violation_error_message=_("Give 0 to 11 months of grace."),
            ),
            # A negative cost would make what is owed to clients look like a gain.
            models.CheckConstraint(condition=Q(point_value__gte=0), name="program_point_value_not_negative"),
            # A program that ends by halves: points that nobody could spend, or a day to spend that comes too early.
            models.CheckConstraint(
                condition=Q(last_earn_on__isnull=True, last_spend_on__isnull=True)
                | Q(
                    last_earn_on__isnull=False,
                    last_spend_on__isnull=False,
                    last_earn_on__lte=F("last_spend_on"),
                ),
                name="program_ends_in_order",
                violation_error_message=_(
                    "Say both days where the program ends, and no last day to spend before the last day to earn."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def spends_on(self, day: date) -> bool:
        """Whether points can be spent on a day."""
        return self.last_spend_on is None or day <= self.last_spend_on

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that the program's days, months and years are counted in."""
        return ZoneInfo(self.time_zone)


class MembershipQuerySet(DatedQuerySet["Membership"]):
    """Memberships."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(company_id=actor.company_id)


class Membership(Dated):
    """A company in a program, for a time. Its row is the lock under which the company's activities are judged."""

    class Origin(models.TextChoices):
        ENROLLED_BY_VENDOR = "ENROLLED_BY_VENDOR", _("enrolled by the vendor")
        JOINED = "JOINED", _("joined by the company")

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="memberships")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="memberships")
    origin = models.CharField(_("origin"), max_length=20, choices=Origin, default=Origin.ENROLLED_BY_VENDOR)
    has_one_wallet = models.BooleanField(
        _("one wallet"),
        default=False,
        db_default=False,
        help_text=_("The company gets what its people would get, and they see its points as theirs."),
    )

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            ends_after_start("membership_ends_after_start"),
            # A company that is in a program twice would earn every point twice.
            one_at_a_time(
                "membership_one_at_a_time",
                "company",
                "program",
                message=_("The company already takes part in this program in this time."),
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(company)s in %(place)s") % {"company": self.company, "place": self.program}


class ConsentQuerySet(DatedQuerySet["Consent"]):
    """What managements agreed to."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        if not actor.sees_company:
            return self.none()
        return self.filter(membership__company_id=actor.company_id)


class Consent(Dated):
    """The management's word that its people may take part: which roles may earn personally, and how much."""

    class Unearned(models.TextChoices):
        LAPSE = "LAPSE", _("are given to nobody")
        COMPANY = "COMPANY", _("go to the company")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="consents")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    roles = ArrayField(
        models.SlugField(max_length=50),
        verbose_name=_("roles that may earn"),
        blank=True,
        default=list,
        help_text=_("Codes of stakeholder roles; empty: every role."),
    )
    monthly_limit = models.PositiveBigIntegerField(
        _("points a person and month"), null=True, blank=True, help_text=_("Empty: no limit of the company's own.")
    )
    unearned = models.CharField(
        _("points that a person may not earn"),
        max_length=10,
        choices=Unearned,
        default=Unearned.LAPSE,
        help_text=_("Those of other roles, and those above the limit."),
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            ends_after_start("consent_ends_after_start"),
            # Two consents at once would leave open which roles may earn.
            one_at_a_time(
                "consent_one_at_a_time", "membership", message=_("Another consent is in force in this time.")
            ),
        ]

    def __str__(self) -> str:
        return gettext("Consent of %(membership)s") % {"membership": self.membership}


class ProgramCommentQuerySet(ScopedQuerySet["ProgramComment"]):
    """What managements say of a program; a company reads its own."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        if not actor.sees_company:
            return self.none()
        return self.filter(membership__company_id=actor.company_id)


class ProgramComment(models.Model):
    """What somebody of a company's management says of the program, to the vendor."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="comments")
    author = models.ForeignKey(Employee, on_delete=models.PROTECT, related_name="+", verbose_name=_("who"))
    text = models.TextField(_("comment"), max_length=2_000, validators=[validate_plain_text])
    created_at = models.DateTimeField(_("when"))

    objects = ProgramCommentQuerySet.as_manager()

    class Meta:
        verbose_name = _("comment on a program")
        verbose_name_plural = _("comments on programs")
        indexes = [models.Index(fields=["membership", "-created_at"], name="program_comment_latest")]

    def __str__(self) -> str:
        return self.text[:60]
