"""Companies, what we know of them, who looks after them, and the segments they stand in."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.history import history
from accounts.models.dated import Dated, ends_after_start, one_at_a_time
from accounts.scope import Actor, DatedQuerySet, ScopedQuerySet
from accounts.text import validate_plain_text


class CompanyQuerySet(ScopedQuerySet["Company"]):
    """Companies."""

    company_lookup = "pk"
    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(pk=actor.company_id)


class Company(models.Model):
    """A firm that takes part: an end client or a channel partner."""

    class Kind(models.TextChoices):
        CLIENT = "CLIENT", _("client")
        DISTRIBUTOR = "DISTRIBUTOR", _("distributor")
        DEALER = "DEALER", _("dealer")
        AGENT = "AGENT", _("agent")
        INCUBATOR = "INCUBATOR", _("incubator")
        ASSOCIATION = "ASSOCIATION", _("association")

    name = models.CharField(_("name"), max_length=200, validators=[validate_plain_text])
    kind = models.CharField(_("kind"), max_length=20, choices=Kind, default=Kind.CLIENT)
    external_id = models.CharField(
        _("customer number"), max_length=100, blank=True, help_text=_("What other systems call this company.")
    )
    country = models.CharField(_("country"), max_length=100, blank=True, validators=[validate_plain_text])
    served_by = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="serves",
        verbose_name=_("served by"),
        help_text=_("The partner that brought this company in or serves it. It sees nothing of it."),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = CompanyQuerySet.as_manager()

    class Meta:
        verbose_name = _("company")
        verbose_name_plural = _("companies")
        constraints = [
            # Two companies under one customer number would each get half of the other's points.
            models.UniqueConstraint(
                fields=["external_id"],
                condition=~Q(external_id=""),
                name="company_external_id_unique",
                violation_error_message=_("Another company has this customer number."),
            ),
            # A company that serves itself would make every walk along the channel endless.
            models.CheckConstraint(
                condition=Q(served_by__isnull=True) | ~Q(served_by=F("id")),
                name="company_not_served_by_itself",
                violation_error_message=_("A company cannot be served by itself."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CompanyProfileQuerySet(ScopedQuerySet["CompanyProfile"]):
    """Profiles: the vendor's knowledge, never shown to a client."""


class CompanyProfile(models.Model):
    """What we know of a company as an entity; the vendor's own view of it."""

    company = models.OneToOneField(Company, on_delete=models.CASCADE, primary_key=True, related_name="profile")
    goals = models.TextField(_("goals"), blank=True)
    values = models.TextField(_("values and ethics"), blank=True)
    decision_process = models.TextField(_("how it decides"), blank=True)
    processes = models.TextField(_("processes and bottlenecks"), blank=True)
    problems = models.TextField(_("problems beyond our product"), blank=True)

    objects = CompanyProfileQuerySet.as_manager()

    class Meta:
        verbose_name = _("company profile")
        verbose_name_plural = _("company profiles")

    def __str__(self) -> str:
        return gettext("Profile of company %(number)s") % {"number": self.company_id}


class AccountManagerAssignmentQuerySet(DatedQuerySet["AccountManagerAssignment"]):
    """Who looks after whom."""

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(company_id=actor.company_id)


class AccountManagerAssignment(Dated):
    """A company's one contact window, for a time."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="account_managers")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="portfolio",
        verbose_name=_("account manager"),
    )

    objects = AccountManagerAssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("account manager of a company")
        verbose_name_plural = _("account managers of companies")
        indexes = [models.Index(fields=["user", "company"], name="account_manager_portfolio")]
        constraints = [
            ends_after_start("account_manager_ends_after_start"),
            # Two account managers at once: the client would not know whom to call, and promises would fall between.
            one_at_a_time(
                "account_manager_one_at_a_time",
                "company",
                message=_("The company already has an account manager in this time."),
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(first)s for %(second)s") % {"first": self.user, "second": self.company}


class SegmentQuerySet(ScopedQuerySet["Segment"]):
    """Segments: the vendor's own sorting of its clients."""

    company_lookup = ""

    def by_condition(self) -> Self:
        """Those whose companies a condition tells."""
        return self.exclude(condition={})


class Segment(models.Model):
    """A group of companies that a program treats alike: listed by hand, or told by a `condition`."""

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])

    condition = models.JSONField(
        _("companies for which"),
        default=dict,
        blank=True,
        help_text=_("Empty: companies are listed by hand. Once there is a condition, it alone says who is in."),
    )

    objects = SegmentQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")

    def __str__(self) -> str:
        return self.name

    @property
    def is_by_condition(self) -> bool:
        """Whether a condition says who is in."""
        return bool(self.condition != {})


class SegmentMembershipQuerySet(DatedQuerySet["SegmentMembership"]):
    """Which company stands in which segment."""


class SegmentMembership(Dated):
    """A company in a segment, for a time; `source` says whether somebody listed it or the condition held."""

    class Source(models.TextChoices):
        LISTED = "LISTED", _("listed by hand")
        CONDITION = "CONDITION", _("by condition")

    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, related_name="memberships")
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="segments")
    source = models.CharField(
        _("how"), max_length=10, choices=Source, default=Source.LISTED, db_default=Source.LISTED, editable=False
    )

    objects = SegmentMembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("company in a segment")
        verbose_name_plural = _("companies in segments")
        constraints = [
            ends_after_start("segment_membership_ends_after_start"),
            # Listed twice at once, ending one row would silently leave the company in.
            one_at_a_time(
                "segment_membership_one_at_a_time",
                "segment",
                "company",
                message=_("The company already stands in this segment in this time."),
            ),
        ]
        triggers = [
            # Somebody put by hand into a segment that its condition tells: nobody could say why the company is in. What
            # was listed before there was a condition may end, and no more.
            pgtrigger.Trigger(
                name="as_the_segment_says",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF TG_OP = 'UPDATE' AND NEW.ends_at <= coalesce(OLD.ends_at, 'infinity')
                       AND (NEW.segment_id, NEW.company_id, NEW.starts_at, NEW.source)
                           = (OLD.segment_id, OLD.company_id, OLD.starts_at, OLD.source) THEN
                        RETURN NEW;
                    END IF;
                    IF (NEW.source = 'CONDITION') IS DISTINCT FROM
                       (SELECT condition <> '{}'::jsonb FROM accounts_segment WHERE id = NEW.segment_id) THEN
                        RAISE EXCEPTION 'a segment is either listed by hand or told by its condition'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'segment_membership_as_the_segment_says';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return gettext("%(company)s in %(place)s") % {"company": self.company, "place": self.segment}
