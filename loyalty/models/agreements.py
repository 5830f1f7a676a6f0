"""Agreements: terms negotiated with one company, in versions, laid over the rules of its program."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Approval
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.programs import Membership
from loyalty.models.rules import Limited


class AgreementQuerySet(ScopedQuerySet["Agreement"]):
    """Agreements; a company reads its own, once a second person has approved them."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(membership__company_id=actor.company_id, status__in=Agreement.APPROVED)


class Agreement(models.Model):
    """One version of what was agreed with a company, in force from `starts_at` until `ends_at`.

    `until` is the end that was agreed on; the next version or a manager may end it before.

    Until it is asked for it is a draft; while it waits for a second person, and from then on, its terms never change:
    what was approved is what counts. `factor` multiplies what rules give that have no rate of their own here. The steps
    are in `loyalty.agreements`.
    """

    class Status(models.TextChoices):
        DRAFT = "DRAFT", _("draft")
        WAITING = "WAITING", _("waits for a second person")
        ACTIVE = "ACTIVE", pgettext_lazy("version", "active")
        ENDED = "ENDED", _("ended")

    APPROVED = ("ACTIVE", "ENDED")
    """The statuses of those that hold, or did."""

    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="agreements", verbose_name=_("company in a program")
    )
    version = models.PositiveIntegerField(_("version"))
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.DRAFT)
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    until = models.DateTimeField(
        _("agreed until"), null=True, blank=True, help_text=_("Empty: until further notice, or the next agreement.")
    )
    factor = models.DecimalField(
        _("factor"),
        max_digits=7,
        decimal_places=4,
        default=Decimal(1),
        help_text=_("Multiplies what the program's rules give, but no rates of this agreement. 1: as they give it."),
    )
    reason = models.CharField(
        _("why"),
        max_length=300,
        validators=[validate_plain_text],
        help_text=_("Whoever approves reads this; the client does not."),
    )
    drafted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("drafted by")
    )
    approval = models.OneToOneField(
        Approval, on_delete=models.PROTECT, null=True, related_name="agreement", verbose_name=_("approval")
    )

    objects = AgreementQuerySet.as_manager()

    class Meta:
        verbose_name = _("agreement")
        verbose_name_plural = _("agreements")
        constraints = [
            # Two versions under one number: a record that names the number would name neither.
            models.UniqueConstraint(fields=["membership", "version"], name="agreement_version_unique"),
            # Terms in force from no known day, or that nobody was asked about (law A1).
            models.CheckConstraint(
                condition=Q(status="DRAFT") | Q(starts_at__isnull=False, approval__isnull=False),
                name="agreement_has_start_and_approval",
            ),
            # Terms that hold at no moment, yet look as if they had.
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="agreement_ends_after_start",
                violation_error_message=_("The end lies before the start."),
            ),
            # Two questions at once: the answer to one would decide what the other means.
            models.UniqueConstraint(
                fields=["membership"], condition=Q(status="WAITING"), name="agreement_asked_one_at_a_time"
            ),
            # A factor that takes everything, or a slip of the key.
            models.CheckConstraint(
                condition=Q(factor__gte=Decimal("0.01")) & Q(factor__lte=100),
                name="agreement_factor_range",
                violation_error_message=_("The factor is from 0.01 to 100."),
            ),
            # Terms that nobody can explain (law A1).
            models.CheckConstraint(condition=~Q(reason=""), name="agreement_with_reason"),
            # Two agreements at once would pay by whichever was read first.
            ExclusionConstraint(
                name="agreement_one_in_force",
                expressions=[
                    (
                        Func(F("starts_at"), F("ends_at"), function="tstzrange", output_field=DateTimeRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                    ("membership", RangeOperators.EQUAL),
                ],
                condition=Q(status__in=["ACTIVE", "ENDED"]),
                violation_error_message=_("Another agreement with the company is in force in this time."),
            ),
        ]
        triggers = [
            # What was approved is what counts: from the question on, only its state and its end change.
            pgtrigger.Trigger(
                name="asked_for_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF OLD.status = 'DRAFT' THEN
                        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                        RETURN NEW;
                    END IF;
                    IF TG_OP = 'DELETE'
                       OR (NEW.membership_id, NEW.version, NEW.factor, NEW.until)
                          IS DISTINCT FROM (OLD.membership_id, OLD.version, OLD.factor, OLD.until)
                       OR (OLD.status IN ('ACTIVE', 'ENDED') AND (
                           NEW.status NOT IN ('ACTIVE', 'ENDED')
                           OR (NEW.starts_at, NEW.approval_id) IS DISTINCT FROM (OLD.starts_at, OLD.approval_id)))
                    THEN
                        RAISE EXCEPTION 'agreement % was asked for: make a new version', OLD.id
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'agreement_asked_for_is_immutable';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.membership} v{self.version}"


def _immutable_with_agreement() -> pgtrigger.Trigger:
    """The trigger that lets lines change only while their agreement is a draft."""
    return pgtrigger.Trigger(
        name="asked_for_is_immutable",
        level=pgtrigger.Row,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func="""
            IF EXISTS (
                SELECT 1 FROM loyalty_agreement
                WHERE status <> 'DRAFT' AND (
                    (TG_OP <> 'INSERT' AND id = OLD.agreement_id) OR (TG_OP <> 'DELETE' AND id = NEW.agreement_id))
            ) THEN
                RAISE EXCEPTION 'this agreement was asked for: make a new version'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'agreement_asked_for_is_immutable';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
        """,
    )


class AgreementRateQuerySet(ScopedQuerySet["AgreementRate"]):
    """Agreed rates; visible with their agreement."""

    company_lookup = "agreement__membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(actor))


class AgreementRate(models.Model):
    """What the rule of a code gives this company instead: its own formula, of the same menu."""

    agreement = models.ForeignKey(
        Agreement, on_delete=models.CASCADE, related_name="rates", verbose_name=_("agreement")
    )
    rule_code = models.SlugField(
        _("rule"), max_length=50, help_text=_("The code of a rule; it stays the same in new versions of the rules.")
    )
    formula = models.JSONField(_("give"))

    objects = AgreementRateQuerySet.as_manager()

    class Meta:
        verbose_name = _("agreed rate")
        verbose_name_plural = _("agreed rates")
        constraints = [
            # Two rates for one rule: the company would get whichever was read first.
            models.UniqueConstraint(
                fields=["agreement", "rule_code"],
                name="agreement_rate_unique",
                violation_error_message=_("The agreement has a rate for this rule already."),
            ),
        ]
        triggers = [_immutable_with_agreement()]

    def __str__(self) -> str:
        return self.rule_code


class AgreementLimitQuerySet(ScopedQuerySet["AgreementLimit"]):
    """Agreed limits; visible with their agreement."""

    company_lookup = "agreement__membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(agreement__in=Agreement.objects.visible_to(actor))


class AgreementLimit(Limited):
    """A limit for this company: of one rule, of several or all together, or of a limit that the program's rules share.

    One of a rule or of a shared limit stands in the place of the program's of the same kind, on the same counter. One
    of several or all rules stands beside the program's and counts from the agreement's start; the next agreement goes
    on counting where it has the same `shared_as`.
    """

    class Scope(models.TextChoices):
        RULE = "RULE", _("one rule")
        SHARED = "SHARED", _("a limit that the program's rules share")
        RULES = "RULES", _("several rules together")
        ALL = "ALL", _("all rules together")

    agreement = models.ForeignKey(
        Agreement, on_delete=models.CASCADE, related_name="limits", verbose_name=_("agreement")
    )
    scope = models.CharField(_("limits"), max_length=10, choices=Scope, default=Scope.RULE)
    rule_code = models.SlugField(
        _("rule"),
        max_length=50,
        blank=True,
        help_text=_("The code of a rule; it stays the same in new versions of the rules."),
    )
    shared_as = models.SlugField(_("shared limit"), max_length=50, blank=True)
    rule_codes = ArrayField(models.SlugField(max_length=50), verbose_name=_("rules"), blank=True, default=list)
    name = models.CharField(
        _("name"),
        max_length=100,
        blank=True,
        validators=[validate_plain_text],
        help_text=_("The client reads it: at most so many points from all rules for “…” together."),
    )
    is_per_object = models.BooleanField(_("for each product code alone"), default=False)
    is_lower = models.BooleanField(
        _("never more than the program's"),
        default=False,
        help_text=_(
            "Off: it stands in the place of the program's limit of the same kind, be that higher or lower. On: "
            "whichever of the two is lower counts, now and in new versions of the rules."
        ),
    )

    objects = AgreementLimitQuerySet.as_manager()

    class Meta:
        verbose_name = _("agreed limit")
        verbose_name_plural = _("agreed limits")
        constraints = [
            # Two limits of one kind: the manager would believe in the higher one.
            models.UniqueConstraint(
                fields=[
                    "agreement",
                    "scope",
                    "rule_code",
                    "shared_as",
                    "subject",
                    "period",
                    "counts",
                    "is_per_object",
                ],
                name="agreement_limit_unique",
                violation_error_message=_("The agreement has such a limit already."),
            ),
            # Two limits under one code would count together, each by its own number.
            models.UniqueConstraint(
                fields=["agreement", "shared_as"],
                condition=~Q(shared_as=""),
                name="agreement_limit_code_unique",
                violation_error_message=_("The agreement has a limit of this name already."),
            ),
            # A limit of nothing, or one of which two parts of the product believe two things.
            models.CheckConstraint(
                condition=(Q(scope="RULE") & ~Q(rule_code="") & Q(shared_as="", rule_codes=[], name=""))
                | (Q(scope="SHARED", rule_code="", rule_codes=[], name="", is_per_object=False) & ~Q(shared_as=""))
                | (
                    Q(scope="RULES", rule_code="", rule_codes__len__gte=2, is_lower=False)
                    & ~Q(shared_as="")
                    & ~Q(name="")
                )
                | Q(scope="ALL", rule_code="", shared_as="", rule_codes=[], name="", is_lower=False),
                name="agreement_limit_of_something",
                violation_error_message=_("Say what the limit counts: one rule, or two at least and their name."),
            ),
            # One company's terms would change what all companies together may earn.
            models.CheckConstraint(
                condition=~Q(subject="PROGRAM"),
                name="agreement_limit_of_the_company",
                violation_error_message=_("An agreement limits a person or the company, not the whole program."),
            ),
        ]
        triggers = [_immutable_with_agreement()]
