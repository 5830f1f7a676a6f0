"""Personal promotions: more points for a time, for one company or one of its people, and what each of them added."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.models import Approval, Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.awards import Award
from loyalty.models.programs import Membership

MOST_RULES = 20
"""Named by one promotion; one for more of them names none, and is for all."""


class PersonalPromotionQuerySet(ScopedQuerySet["PersonalPromotion"]):
    """Promotions; of those that were approved, a company's people read the company's, and each person the own."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        mine = Q(employee__isnull=True) | Q(employee_id=actor.employee_id)
        return self.filter(mine, membership__company_id=actor.company_id, state=PersonalPromotion.State.APPROVED)


class PersonalPromotion(models.Model):
    """A factor on what rules give one company, or one of its people, from a first day through a last.

    It holds from `starts_at` until `ends_at`: its days where the program is, but not before it was approved, and no
    longer than somebody let it. The steps are in `loyalty.promotions`; a budget is a counter of `CapUsage`.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("waits for approval")
        APPROVED = "APPROVED", _("approved")
        REJECTED = "REJECTED", _("rejected")
        WITHDRAWN = "WITHDRAWN", _("withdrawn")

    membership = models.ForeignKey(
        Membership, on_delete=models.PROTECT, related_name="promotions", verbose_name=_("company in a program")
    )
    employee = models.ForeignKey(
        Employee,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="promotions",
        verbose_name=_("person"),
        help_text=_("Empty: the company, and with it all of its people."),
    )
    rule_codes = ArrayField(
        models.SlugField(max_length=50),
        verbose_name=_("rules"),
        blank=True,
        default=list,
        help_text=_("Codes of rules, with commas between them. Empty: all rules that give points."),
    )
    factor = models.DecimalField(
        _("factor"), max_digits=7, decimal_places=4, help_text=_("What the points are multiplied with: more than 1.")
    )
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    budget = models.PositiveBigIntegerField(
        _("budget (points)"), null=True, blank=True, help_text=_("What it may add in all. Empty: without a limit.")
    )
    reason = models.CharField(
        _("why"),
        max_length=300,
        validators=[validate_plain_text],
        help_text=_("Whoever approves reads this; the client does not."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State)
    starts_at = models.DateTimeField(_("from"), null=True)
    ends_at = models.DateTimeField(_("until"), null=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"))
    approval = models.OneToOneField(
        Approval, on_delete=models.PROTECT, related_name="promotion", verbose_name=_("approval")
    )

    objects = PersonalPromotionQuerySet.as_manager()

    class Meta:
        verbose_name = _("personal promotion")
        verbose_name_plural = _("personal promotions")
        indexes = [models.Index(fields=["membership", "-asked_at"], name="promotion_latest")]
        constraints = [
            # A promotion that is on at no day looks as if it gave something.
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="promotion_ends_after_start",
                violation_error_message=_("The last day is before the first."),
            ),
            # Points that a promotion takes away, or a slip of the key.
            models.CheckConstraint(
                condition=Q(factor__gt=1) & Q(factor__lte=100),
                name="promotion_factor_adds",
                violation_error_message=_("The factor of a promotion is more than 1, and 100 at most."),
            ),
            # A promotion with nothing to give is announced, and gives nothing.
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gte=1),
                name="promotion_budget_positive",
                violation_error_message=_("A budget has at least 1 point."),
            ),
            # More points for somebody that nobody can explain (law A1).
            models.CheckConstraint(condition=~Q(reason=""), name="promotion_with_reason"),
            # A promotion that holds from no known moment, or before it was approved.
            models.CheckConstraint(
                condition=(Q(state="APPROVED") & Q(starts_at__isnull=False, ends_at__gte=F("starts_at")))
                | (~Q(state="APPROVED") & Q(starts_at__isnull=True, ends_at__isnull=True)),
                name="promotion_approved_has_span",
            ),
        ]
        triggers = [
            # What was asked for is what was approved; an approved one only ends sooner, and never before it began.
            pgtrigger.Trigger(
                name="asked_for_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF TG_OP = 'DELETE'
                       OR (NEW.membership_id, NEW.employee_id, NEW.rule_codes, NEW.factor, NEW.starts_on, NEW.ends_on,
                           NEW.budget, NEW.asked_by_id, NEW.asked_at, NEW.approval_id)
                          IS DISTINCT FROM
                          (OLD.membership_id, OLD.employee_id, OLD.rule_codes, OLD.factor, OLD.starts_on, OLD.ends_on,
                           OLD.budget, OLD.asked_by_id, OLD.asked_at, OLD.approval_id)
                       OR (OLD.state <> 'WAITING'
                           AND (NEW.state, NEW.starts_at) IS DISTINCT FROM (OLD.state, OLD.starts_at))
                       OR NEW.ends_at > OLD.ends_at
                    THEN
                        RAISE EXCEPTION 'promotion % was asked for: end it, and ask for another', OLD.id
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'promotion_asked_for_is_immutable';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # Two promotions for the same points: nobody could say whose budget they are taken from.
            pgtrigger.Trigger(
                name="one_for_the_same_points",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF NEW.state <> 'APPROVED' THEN RETURN NEW; END IF;
                    PERFORM 1 FROM loyalty_membership WHERE id = NEW.membership_id FOR NO KEY UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM loyalty_personalpromotion
                        WHERE membership_id = NEW.membership_id AND id <> NEW.id AND state = 'APPROVED'
                          AND tstzrange(starts_at, ends_at) && tstzrange(NEW.starts_at, NEW.ends_at)
                          AND (employee_id = NEW.employee_id) IS NOT FALSE
                          AND (cardinality(rule_codes) = 0 OR cardinality(NEW.rule_codes) = 0
                               OR rule_codes && NEW.rule_codes)
                    ) THEN
                        RAISE EXCEPTION 'another promotion is for the same points'
                        USING ERRCODE = 'exclusion_violation', CONSTRAINT = 'promotion_one_for_the_same_points';
                    END IF;
                    RETURN NEW;
                """,
            ),
            # A promotion of somebody who works elsewhere: points would follow a stranger (law T1).
            pgtrigger.Trigger(
                name="person_of_the_company",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__employee__isnull=False),
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM accounts_employee e JOIN loyalty_membership m ON m.company_id = e.company_id
                        WHERE e.id = NEW.employee_id AND m.id = NEW.membership_id
                    ) THEN
                        RAISE EXCEPTION 'the person does not work for this company'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'promotion_person_of_the_company';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.employee or self.membership.company} × {self.factor.normalize():f}"


class PromotedAwardQuerySet(ScopedQuerySet["PromotedAward"]):
    """What promotions added; visible with the award."""

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(award__in=Award.objects.visible_to(actor))


class PromotedAward(models.Model):
    """An award that a promotion added points to: `points` of those granted, at the time it was given."""

    award = models.OneToOneField(
        Award, on_delete=models.PROTECT, db_constraint=False, primary_key=True, related_name="promoted"
    )
    company = models.ForeignKey(
        Company, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="+"
    )
    promotion = models.ForeignKey(
        PersonalPromotion, on_delete=models.PROTECT, related_name="awards", verbose_name=_("personal promotion")
    )
    points = models.BigIntegerField(_("points"))

    objects = PromotedAwardQuerySet.as_manager()

    class Meta:
        verbose_name = _("points by a promotion")
        verbose_name_plural = _("points by promotions")
        constraints = [
            # A row about nothing, or points that a promotion took away.
            models.CheckConstraint(condition=Q(points__gt=0), name="promoted_award_adds"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return gettext("%(points)s of award %(number)s") % {"points": self.points, "number": self.award_id}
