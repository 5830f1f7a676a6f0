"""How activities were judged: evaluations, what rules gave, what was taken back of it, and what limits let through."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.models import Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from loyalty.models.activities import Activity
from loyalty.models.agreements import Agreement
from loyalty.models.programs import Program
from loyalty.models.rules import Rule, RuleCap, RuleSet
from loyalty.models.wallets import Wallet


class EvaluationQuerySet(ScopedQuerySet["Evaluation"]):
    """Judgements of activities; visible with their activity."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(activity__in=Activity.objects.visible_to(actor))


class Evaluation(models.Model):
    """One activity judged in one program: by which rules and agreement, on which facts, and what it added.

    Ids are drawn under the membership lock in item order: they are the order of arrival. `facts` holds what the rules
    read, so that why and why-not can be computed again; `metrics` maps metric codes to what the activity added.
    """

    id = models.BigAutoField(primary_key=True)
    activity = models.ForeignKey(Activity, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    rule_set = models.ForeignKey(RuleSet, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True)
    agreement = models.ForeignKey(Agreement, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True)
    facts = models.JSONField(default=dict)
    metrics = models.JSONField(default=dict)

    objects = EvaluationQuerySet.as_manager()

    class Meta:
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        constraints = [
            # An activity judged twice in one program would be paid twice.
            models.UniqueConstraint(fields=["activity", "program"], name="evaluation_once_a_program"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return gettext("Evaluation %(number)s") % {"number": self.pk}


class AwardQuerySet(ScopedQuerySet["Award"]):
    """Awards; visible with their wallet."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(wallet__in=Wallet.objects.visible_to(actor))


class Award(models.Model):
    """What one rule gave one wallet for one activity: `raw` before limits, `granted` after them, 0 included.

    `from_campaign` of those granted are there only because a campaign was on. `instead_of` is the person whose points
    the company got, as that person may not have them.
    """

    id = models.BigAutoField(primary_key=True)
    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    activity = models.ForeignKey(Activity, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    rule_code = models.CharField(max_length=50)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    raw = models.BigIntegerField(_("by the formula"))
    granted = models.BigIntegerField(_("granted"))
    cap_left_before = models.BigIntegerField(_("left of the limit before"), null=True)
    instead_of = models.ForeignKey(
        Employee,
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=_("instead of"),
    )
    from_campaign = models.BigIntegerField(_("of it by a campaign"), db_default=0)

    objects = AwardQuerySet.as_manager()

    class Meta:
        verbose_name = _("award")
        verbose_name_plural = _("awards")
        constraints = [
            # A rule that pays the same activity twice (law I1).
            models.UniqueConstraint(
                fields=["activity", "rule_code", "wallet", "instead_of"],
                nulls_distinct=False,
                name="award_once_a_rule",
            ),
            # More than the rule's formula gives, or points taken under the name of an award.
            models.CheckConstraint(
                condition=Q(granted__gte=0) & Q(granted__lte=F("raw")), name="award_granted_within_raw"
            ),
            # A campaign whose budget pays more than it brought, or gets back more than it paid.
            models.CheckConstraint(
                condition=Q(from_campaign__gte=0) & Q(from_campaign__lte=F("granted")),
                name="award_from_campaign_within_granted",
            ),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.rule.name}: {self.granted}"


class AwardReversalQuerySet(ScopedQuerySet["AwardReversal"]):
    """What was taken back of awards."""

    company_lookup = "award__company"


class AwardReversal(models.Model):
    """How much of an award was taken back so far; the mutable row beside the immutable one."""

    award = models.OneToOneField(
        Award, on_delete=models.PROTECT, db_constraint=False, primary_key=True, related_name="reversal"
    )
    granted = models.BigIntegerField()
    reversed = models.BigIntegerField()

    objects = AwardReversalQuerySet.as_manager()

    class Meta:
        verbose_name = _("reversed award")
        verbose_name_plural = _("reversed awards")
        constraints = [
            # More taken back than was ever given (law L5).
            models.CheckConstraint(
                condition=Q(reversed__gte=0) & Q(reversed__lte=F("granted")), name="award_reversal_within_granted"
            ),
        ]

    def __str__(self) -> str:
        return gettext("Reversal of award %(number)s") % {"number": self.award_id}


class CapUsageQuerySet(ScopedQuerySet["CapUsage"]):
    """What limits have let through; the vendor's counters."""

    company_lookup = ""


class CapUsage(models.Model):
    """How many points, or times, one limit has let through for one subject in one period, of one object if it says."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    rule_code = models.CharField(max_length=70)
    subject = models.CharField(max_length=10, choices=RuleCap.Subject)
    subject_id = models.BigIntegerField()
    period = models.CharField(max_length=10, choices=RuleCap.Per)
    period_start = models.DateField()
    object = models.CharField(max_length=200, db_default="")
    used = models.BigIntegerField(default=0)
    limit = models.BigIntegerField()

    objects = CapUsageQuerySet.as_manager()

    class Meta:
        verbose_name = _("use of a limit")
        verbose_name_plural = _("uses of limits")
        constraints = [
            # Two counters of one limit: each would let through the whole of it.
            models.UniqueConstraint(
                fields=["program", "rule_code", "subject", "subject_id", "period", "period_start", "object"],
                name="cap_usage_unique",
            ),
            # A limit that lets more through than it says (law C1).
            models.CheckConstraint(condition=Q(used__gte=0) & Q(used__lte=F("limit")), name="cap_usage_within_limit"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_code}: {self.used}/{self.limit}"
