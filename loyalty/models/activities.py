"""Activities, immutable facts with a time, and where they come from."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.conditions import FactType
from accounts.history import history
from accounts.models import Company, Employee, ServiceClient
from accounts.models.employees import VocabularyQuerySet
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text


class SourceQuerySet(ScopedQuerySet["Source"]):
    """Sources: the vendor's own systems. A client of the API knows those that it may send as."""

    company_lookup = ""
    is_in_api = True

    def seen_by_service(self, actor: Actor) -> Self:
        return self.filter(service_clients=actor.service_client_id)


class Source(models.Model):
    """An API client or import profile that owns the external ids of what it sends."""

    class Kind(models.TextChoices):
        IMPORT = "IMPORT", _("import")
        API = "API", _("API")
        INTERNAL = "INTERNAL", _("this installation")

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    service_clients = models.ManyToManyField(
        ServiceClient,
        blank=True,
        related_name="sources",
        verbose_name=_("API clients"),
        help_text=_("Who may send activities as this source."),
    )

    objects = SourceQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")

    def __str__(self) -> str:
        return self.name


class ActivityTypeQuerySet(VocabularyQuerySet["ActivityType"]):
    """Activity types."""

    is_in_api = True


class ActivityType(models.Model):
    """A kind of thing that companies and people do; declares the attributes it carries."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])

    objects = ActivityTypeQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("activity type")
        verbose_name_plural = _("activity types")

    def __str__(self) -> str:
        return self.name


class ActivityAttributeQuerySet(VocabularyQuerySet["ActivityAttribute"]):
    """Declared attributes."""

    is_in_api = True


class ActivityAttribute(models.Model):
    """An attribute that activities of a type may carry; undeclared ones are refused."""

    class Type(models.TextChoices):
        NUMBER = FactType.NUMBER.value, _("number")
        TEXT = FactType.TEXT.value, _("code")
        BOOLEAN = FactType.BOOLEAN.value, _("yes or no")
        DATE = FactType.DATE.value, _("day")

    activity_type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, related_name="attributes")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    type = models.CharField(_("type"), max_length=10, choices=Type)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    is_required = models.BooleanField(_("required"), default=False)

    objects = ActivityAttributeQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("attribute")
        verbose_name_plural = _("attributes")
        constraints = [
            # One code with two meanings: a rule could not say which one it reads.
            models.UniqueConstraint(fields=["activity_type", "code"], name="activity_attribute_code_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class ActivityQuerySet(ScopedQuerySet["Activity"]):
    """Activities; a person sees the own ones, who sees the company also its whole."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(company_id=actor.company_id)
        if actor.sees_company:
            return own
        return own.filter(Q(employee_id=actor.employee_id) | Q(participants__contains=[actor.employee_id]))


class Activity(models.Model):
    """Something that happened; append-only, written by `loyalty.activities` alone.

    `quantity` counts pieces, `amount` is money in `currency`; both are never negative: a return is an activity of its
    own that names in `reverses_external_id` the activity of the same source that it undoes. `participants` are ids of
    the company's people who had a part in it beside `employee`.
    """

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+")
    external_id = models.CharField(_("number at the source"), max_length=200)
    payload_hash = models.BinaryField(max_length=16)
    type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True)
    participants = models.JSONField(_("also took part"), default=list, db_default=[])
    object = models.CharField(_("object"), max_length=200, blank=True)
    quantity = models.DecimalField(_("quantity"), max_digits=18, decimal_places=4, null=True)
    amount = models.DecimalField(_("amount"), max_digits=18, decimal_places=4, null=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    attributes = models.JSONField(_("attributes"), default=dict)
    occurred_at = models.DateTimeField(_("when"))
    recorded_at = models.DateTimeField(_("recorded"))
    reverses_external_id = models.CharField(_("undoes"), max_length=200, blank=True)

    objects = ActivityQuerySet.as_manager()

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        indexes = [models.Index(fields=["company", "type", "object"], name="activity_object_of_company")]
        constraints = [
            # A system that sends the same thing twice must not be paid twice (law I1).
            models.UniqueConstraint(fields=["source", "external_id"], name="activity_external_id_unique"),
            # A negative sale would take points without a return to explain them.
            models.CheckConstraint(
                condition=(Q(amount__isnull=True) | Q(amount__gte=0)) & (Q(quantity__isnull=True) | Q(quantity__gte=0)),
                name="activity_never_negative",
            ),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return self.external_id


class ActivityReturnQuerySet(ScopedQuerySet["ActivityReturn"]):
    """What came back of activities."""

    company_lookup = "activity__company"


class ActivityReturn(models.Model):
    """How much of an activity was returned so far; the mutable row beside the immutable one."""

    activity = models.OneToOneField(
        Activity, on_delete=models.PROTECT, db_constraint=False, primary_key=True, related_name="returned"
    )
    original_amount = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    original_quantity = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    amount = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    quantity = models.DecimalField(max_digits=18, decimal_places=4, default=0)
    is_whole = models.BooleanField(default=False)

    objects = ActivityReturnQuerySet.as_manager()

    class Meta:
        verbose_name = _("returned so far")
        verbose_name_plural = _("returned so far")
        constraints = [
            # More money back than was paid.
            models.CheckConstraint(
                condition=Q(amount__gte=0) & (Q(original_amount__isnull=True) | Q(amount__lte=F("original_amount"))),
                name="activity_return_amount_within_original",
            ),
            # More pieces back than were bought.
            models.CheckConstraint(
                condition=Q(quantity__gte=0)
                & (Q(original_quantity__isnull=True) | Q(quantity__lte=F("original_quantity"))),
                name="activity_return_quantity_within_original",
            ),
        ]

    def __str__(self) -> str:
        return gettext("Returned of activity %(number)s") % {"number": self.activity_id}


class ReturnRefusal(models.TextChoices):
    """Why a return that waited did not fit its original; in lower case, the code that its source is told."""

    RETURN_OF_RETURN = "RETURN_OF_RETURN", _("a return of a return")
    RETURN_OF_OTHER_TYPE = "RETURN_OF_OTHER_TYPE", _("of another type")
    RETURN_IN_OTHER_CURRENCY = "RETURN_IN_OTHER_CURRENCY", _("in another currency")
    RETURN_BEFORE_ORIGINAL = "RETURN_BEFORE_ORIGINAL", _("earlier than what it undoes")
    RETURN_NEEDS_AMOUNT = "RETURN_NEEDS_AMOUNT", _("without an amount")
    RETURN_EXCEEDS_ORIGINAL = "RETURN_EXCEEDS_ORIGINAL", _("more than was left")
    NOTHING_RETURNED = "NOTHING_RETURNED", _("nothing returned")


class ReturnLinkQuerySet(ScopedQuerySet["ReturnLink"]):
    """Which return undoes which activity."""

    company_lookup = "activity__company"

    def waiting(self) -> Self:
        """Those whose original has not arrived."""
        return self.filter(awaited_source__isnull=False)


class ReturnLink(models.Model):
    """A return and what became of it: it undid its original, waits for it to arrive, or was refused when it came."""

    activity = models.OneToOneField(
        Activity, on_delete=models.PROTECT, db_constraint=False, primary_key=True, related_name="return_link"
    )
    original = models.ForeignKey(
        Activity, on_delete=models.PROTECT, db_constraint=False, null=True, related_name="return_links"
    )
    applied_at = models.DateTimeField(_("applied"), null=True)
    awaited_source = models.ForeignKey(
        Source, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True, related_name="+"
    )
    awaited_external_id = models.CharField(_("waits for"), max_length=200, blank=True)
    refusal = models.CharField(_("refused as"), max_length=30, choices=ReturnRefusal, blank=True)

    objects = ReturnLinkQuerySet.as_manager()

    class Meta:
        verbose_name = _("return")
        verbose_name_plural = _("returns")
        indexes = [
            # Every arrival asks whether anything waits for it: the index holds nothing but what waits.
            models.Index(
                fields=["awaited_source", "awaited_external_id"],
                condition=Q(awaited_source__isnull=False),
                name="return_link_waiting",
            ),
        ]
        constraints = [
            # A return that took points back and waits to take them once more; one that was refused and took them
            # all the same; points taken back for an activity that nobody can name.
            models.CheckConstraint(
                condition=Q(
                    applied_at__isnull=False,
                    original__isnull=False,
                    awaited_source__isnull=True,
                    awaited_external_id="",
                    refusal="",
                )
                | (
                    Q(applied_at__isnull=True, original__isnull=True)
                    & (
                        (Q(awaited_source__isnull=False, refusal="") & ~Q(awaited_external_id=""))
                        | (Q(awaited_source__isnull=True, awaited_external_id="") & ~Q(refusal=""))
                    )
                ),
                name="return_link_applied_waits_or_refused",
            ),
            # A reason that nobody can read.
            models.CheckConstraint(
                condition=Q(refusal__in=["", *ReturnRefusal.values]), name="return_link_refusal_known"
            ),
        ]

    def __str__(self) -> str:
        return gettext("Return %(number)s of %(original)s") % {
            "number": self.activity_id,
            "original": self.original_id or self.awaited_external_id or gettext("nothing"),
        }
