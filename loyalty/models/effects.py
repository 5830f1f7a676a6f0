"""What rules give beside points: the record of each, and badges with who holds them."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.history import history
from accounts.models import Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.activities import Activity
from loyalty.models.awards import Evaluation
from loyalty.models.programs import Membership, Program
from loyalty.models.rules import Rule
from loyalty.models.standing import OfProgramQuerySet


class EffectAwardQuerySet(ScopedQuerySet["EffectAward"]):
    """What rules gave beside points; a person sees what the own company and the own self were given."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(company_id=actor.company_id)
        return own if actor.sees_company else own.filter(Q(employee__isnull=True) | Q(employee_id=actor.employee_id))


class EffectAward(models.Model):
    """What a rule gave, beside points, for an activity: to a person, or (no `employee`) to the company.

    Not `is_given`: a limit let nothing through, or it was held already. `effect` is the kind, `subject` which of it;
    `followed_id` is the activity that followed from giving it, if one did.
    """

    id = models.BigAutoField(primary_key=True)
    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    activity = models.ForeignKey(Activity, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_constraint=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    rule_code = models.CharField(_("rule"), max_length=50)
    effect = models.CharField(_("what"), max_length=40)
    subject = models.CharField(_("which"), max_length=50)
    is_given = models.BooleanField(_("given"))
    followed_id = models.BigIntegerField(null=True)

    objects = EffectAwardQuerySet.as_manager()

    class Meta:
        verbose_name = _("given by a rule")
        verbose_name_plural = _("given by rules")
        constraints = [
            # A rule that gives twice for one activity (law I1).
            models.UniqueConstraint(
                fields=["activity", "program", "rule_code", "employee"],
                nulls_distinct=False,
                name="effect_award_once_a_rule",
            ),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.rule_code}: {self.effect} {self.subject}"


class BadgeQuerySet(OfProgramQuerySet["Badge"]):
    """Badges."""


class Badge(models.Model):
    """A mark of something achieved, which rules give to companies and people."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="badges")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    description = models.CharField(_("what it is for"), max_length=300, blank=True, validators=[validate_plain_text])

    objects = BadgeQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("badge")
        verbose_name_plural = _("badges")
        constraints = [
            # Two badges under one code: a rule would give either.
            models.UniqueConstraint(
                fields=["program", "code"],
                name="badge_code_unique",
                violation_error_message=_("Another badge of this program has this code."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BadgeHoldingQuerySet(ScopedQuerySet["BadgeHolding"]):
    """Who holds which badge."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(membership__company_id=actor.company_id)
        return own if actor.sees_company else own.filter(Q(employee__isnull=True) | Q(employee_id=actor.employee_id))

    def held(self) -> Self:
        """Those that were not taken back."""
        return self.filter(ended_at__isnull=True)


class BadgeHolding(models.Model):
    """A badge that a company (no `employee`) or one of its people holds, and the activity that brought it."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="badges")
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, null=True, related_name="badges")
    badge = models.ForeignKey(Badge, on_delete=models.PROTECT, related_name="holdings")
    award = models.OneToOneField(
        EffectAward, on_delete=models.PROTECT, db_constraint=False, related_name="badge_holding"
    )
    given_at = models.DateTimeField(_("since"))
    ended_at = models.DateTimeField(_("until"), null=True)

    objects = BadgeHoldingQuerySet.as_manager()

    class Meta:
        verbose_name = _("badge of a company or person")
        verbose_name_plural = _("badges of companies and people")
        constraints = [
            # One badge twice: a leaderboard would count its holder double.
            models.UniqueConstraint(
                fields=["membership", "badge", "employee"],
                condition=Q(ended_at__isnull=True),
                nulls_distinct=False,
                name="badge_held_once",
            ),
            # A badge that was taken back before it was given.
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("given_at")), name="badge_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.badge} ({self.membership})"
