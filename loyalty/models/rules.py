"""Rule sets, their rules and limits; what is in force never changes, a new version takes its place."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.history import history
from accounts.models import Approval
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.earning import Beneficiary, CapSubject, Combining, Counts, Period
from loyalty.models import versions
from loyalty.models.activities import ActivityType
from loyalty.models.programs import Membership, Program
from loyalty.models.versions import ProgramVersion


class RuleSetQuerySet(ScopedQuerySet["RuleSet"]):
    """Rule sets; a client reads those in force in its programs."""

    company_lookup = "program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(program__in=Program.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        own = Membership.objects.filter(company_id=actor.company_id).values("program")
        return self.filter(program__in=own).exclude(status=RuleSet.Status.DRAFT)


ACTIVATION = "rule-set"
"""The kind of `Approval` with which people put a version in force."""


def _by_another_person() -> pgtrigger.Trigger:
    """The trigger that lets what people asked for go into force by another person's approval alone (law A1).

    Somebody who approves the own draft would be both pairs of eyes; a draft that is thrown away while it waits would
    leave a request about nothing.
    """
    return pgtrigger.Trigger(
        name="by_another_person",
        level=pgtrigger.Row,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=f"""
            IF TG_OP <> 'INSERT' AND OLD.status = 'DRAFT' AND OLD.approval_id IS NOT NULL THEN
                IF TG_OP = 'DELETE' THEN
                    RAISE EXCEPTION 'rule set % waits for approval: withdraw the request first', OLD.id
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_asked_for_stays';
                END IF;
                IF NEW.status <> 'DRAFT' AND NEW.approval_id IS DISTINCT FROM OLD.approval_id THEN
                    RAISE EXCEPTION 'rule set % waits for approval, and goes into force by that alone', OLD.id
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_by_another_person';
                END IF;
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            IF NEW.status <> 'DRAFT' AND NEW.approval_id IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM accounts_approval a
                WHERE a.id = NEW.approval_id AND a.kind = '{ACTIVATION}' AND a.subject_id = NEW.id
                  AND a.state = 'APPROVED' AND a.asked_by_id <> a.decided_by_id
            ) THEN
                RAISE EXCEPTION 'rule set % was not approved by another person than asked for it', NEW.id
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_by_another_person';
            END IF;
            RETURN NEW;
        """,  # noqa: S608 (the kind is a constant)
    )


class RuleSet(ProgramVersion):
    """One version of a program's rules, in force from `starts_at` until `ends_at`.

    A draft with an `approval` waits for a second person's, to begin at `wanted_start_at` (None: once it is approved),
    as it stood by `asked_fingerprint`; the steps are in `loyalty.activation`. A version in force keeps its approval;
    one without was put in force by `rulesets.activate`.
    """

    class Combine(models.TextChoices):
        MULTIPLY = Combining.MULTIPLY.value, _("are multiplied with each other")
        HIGHEST = Combining.HIGHEST.value, _("count by the highest of them alone")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="rule_sets")
    combining = models.CharField(
        _("several factors at once"),
        max_length=10,
        choices=Combine,
        default=Combine.MULTIPLY,
        help_text=_("Those of a tier and of a campaign, wherever both count for a rule of this version."),
    )
    approval = models.ForeignKey(
        Approval, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("approval")
    )
    wanted_start_at = models.DateTimeField(_("asked to begin"), null=True)
    asked_fingerprint = models.CharField(max_length=32, blank=True)

    objects = RuleSetQuerySet.as_manager()

    class Meta:
        verbose_name = _("rule set")
        verbose_name_plural = _("rule sets")
        constraints = [
            versions.version_unique("rule_set"),
            # Rules in force from no known day: nobody could say whether they held for an activity.
            models.CheckConstraint(
                condition=Q(status="DRAFT") | Q(starts_at__isnull=False),
                name="rule_set_in_force_has_start",
                violation_error_message=_("Rules in force need the moment from which they hold."),
            ),
            versions.ends_after_start("rule_set"),
            versions.one_in_force("rule_set"),
            # A request for who knows which state of the draft: what is approved would not be what was asked for.
            models.CheckConstraint(
                condition=Q(approval__isnull=True, asked_fingerprint="", wanted_start_at__isnull=True)
                | (Q(approval__isnull=False) & ~Q(asked_fingerprint="")),
                name="rule_set_asked_for_as_it_stood",
            ),
            # One approval for two versions: one of them would be in force by a yes to the other.
            models.UniqueConstraint(fields=["approval"], name="rule_set_approval_unique"),
            # Two drafts that both wait: each was compared with what the other is about to replace.
            models.UniqueConstraint(
                fields=["program"],
                condition=Q(status="DRAFT", approval__isnull=False),
                name="rule_set_asked_for_one_at_a_time",
                violation_error_message=_("Another draft of this program waits for approval."),
            ),
        ]
        triggers = [
            versions.in_force_is_immutable(
                "rule_set", "combining", "approval_id", "wanted_start_at", "asked_fingerprint"
            ),
            _by_another_person(),
        ]


def _immutable_with(rule_set_of_row: str) -> pgtrigger.Trigger:
    """The trigger that lets rows change only while their rule set is a draft; `rule_set_of_row` is SQL over `line`.

    It shares the lock of the rule set: an edit that is under way when the draft is judged is waited for, and one that
    comes later finds it in force.
    """
    return pgtrigger.Trigger(
        name="in_force_is_immutable",
        level=pgtrigger.Row,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        declare=[("line", "RECORD"), ("state", "TEXT")],
        func=f"""
            IF TG_OP <> 'INSERT' THEN
                line := OLD;
                SELECT status INTO state FROM loyalty_ruleset WHERE id = {rule_set_of_row} FOR SHARE;
                IF state <> 'DRAFT' THEN
                    RAISE EXCEPTION 'these rules are in force: make a new version'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_in_force_is_immutable';
                END IF;
                IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            END IF;
            line := NEW;
            SELECT status INTO state FROM loyalty_ruleset WHERE id = {rule_set_of_row} FOR SHARE;
            IF state <> 'DRAFT' THEN
                RAISE EXCEPTION 'these rules are in force: make a new version'
                USING ERRCODE = 'restrict_violation', CONSTRAINT = 'rule_set_in_force_is_immutable';
            END IF;
            RETURN NEW;
        """,  # noqa: S608 (the two callers below give constants)
    )


MOST_PRODUCTS = 10_000
"""On one list: what a rule set needs is kept in memory."""


class ProductListQuerySet(ScopedQuerySet["ProductList"]):
    """Lists of products; visible with their rule set."""

    company_lookup = "rule_set__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(rule_set__in=RuleSet.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(rule_set__in=RuleSet.objects.visible_to(actor))


class ProductList(models.Model):
    """Products (the objects of activities) under a name that the rules of a version ask for.

    A list belongs to its version, so what a rule in force counts never changes either.
    """

    rule_set = models.ForeignKey(
        RuleSet, on_delete=models.CASCADE, related_name="product_lists", verbose_name=_("rule set")
    )
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    products = ArrayField(models.CharField(max_length=200), verbose_name=_("product codes"))

    objects = ProductListQuerySet.as_manager()

    class Meta:
        verbose_name = _("list of products")
        verbose_name_plural = _("lists of products")
        constraints = [
            # Two lists under one code: a rule would count by whichever was read first.
            models.UniqueConstraint(
                fields=["rule_set", "code"],
                name="product_list_code_unique",
                violation_error_message=_("Another list of this version has this code."),
            ),
            # A rule for a list of nothing looks as if it gave something.
            models.CheckConstraint(
                condition=Q(products__len__gte=1) & Q(products__len__lte=MOST_PRODUCTS),
                name="product_list_has_products",
                violation_error_message=_("A list has from 1 to 10,000 products."),
            ),
        ]
        triggers = [_immutable_with("line.rule_set_id")]

    def __str__(self) -> str:
        return self.name


class CampaignQuerySet(ScopedQuerySet["Campaign"]):
    """Campaigns; visible with their rule set."""

    company_lookup = "rule_set__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(rule_set__in=RuleSet.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(rule_set__in=RuleSet.objects.visible_to(actor))


class Campaign(models.Model):
    """Days on which the rules that name it give more, within a budget of points for all of them together.

    `code` is its lineage: a new version of the rules keeps it, so its budget goes on counting. The budget counts what
    the campaign adds, and is a limit like any other: a counter of `CapUsage`.
    """

    rule_set = models.ForeignKey(
        RuleSet, on_delete=models.CASCADE, related_name="campaigns", verbose_name=_("rule set")
    )
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    factor = models.DecimalField(_("factor"), max_digits=7, decimal_places=4)
    budget = models.PositiveBigIntegerField(
        _("budget (points)"), null=True, blank=True, help_text=_("What it may add in all. Empty: without a limit.")
    )

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = _("campaign")
        verbose_name_plural = _("campaigns")
        constraints = [
            # Two campaigns under one code: they would share a budget, and rules would name both.
            models.UniqueConstraint(
                fields=["rule_set", "code"],
                name="campaign_code_unique",
                violation_error_message=_("Another campaign of this version has this code."),
            ),
            # A campaign that is on at no day looks as if it gave something.
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="campaign_ends_after_start",
                violation_error_message=_("The last day is before the first."),
            ),
            # Points that a campaign takes away cannot be counted against what it may add.
            models.CheckConstraint(
                condition=Q(factor__gt=1) & Q(factor__lte=100),
                name="campaign_factor_adds",
                violation_error_message=_("The factor of a campaign is more than 1, and 100 at most."),
            ),
            # A campaign with nothing to give is announced, and gives nothing.
            models.CheckConstraint(
                condition=Q(budget__isnull=True) | Q(budget__gte=1),
                name="campaign_budget_positive",
                violation_error_message=_("A budget has at least 1 point."),
            ),
        ]
        triggers = [_immutable_with("line.rule_set_id")]

    def __str__(self) -> str:
        return self.name


class RuleQuerySet(ScopedQuerySet["Rule"]):
    """Rules; visible with their rule set."""

    company_lookup = "rule_set__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(rule_set__in=RuleSet.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(rule_set__in=RuleSet.objects.visible_to(actor))


class Rule(models.Model):
    """When something happens, only if a condition holds, give points to somebody, within limits.

    `code` is the rule's lineage: a new version of the rule set keeps it, so limits go on counting. `condition` and
    `formula` are documents of `accounts.conditions` and `loyalty.earning`, checked by `loyalty.rulebook` when saved.
    """

    class To(models.TextChoices):
        COMPANY = Beneficiary.COMPANY.value, _("the company")
        EMPLOYEE = Beneficiary.EMPLOYEE.value, _("the employee")
        BOTH = Beneficiary.BOTH.value, _("the company and the employee, the whole to each")
        SPLIT = Beneficiary.SPLIT.value, _("the company and the employee, shared")
        ROLE = Beneficiary.ROLE.value, _("everybody in a role who took part")

    rule_set = models.ForeignKey(RuleSet, on_delete=models.CASCADE, related_name="rules")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    position = models.PositiveSmallIntegerField(_("order"), default=0)
    activity_type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, related_name="+", verbose_name=_("when"))
    condition = models.JSONField(_("only if"), default=dict, blank=True)
    formula = models.JSONField(_("give"))
    beneficiary = models.CharField(
        pgettext_lazy("who gets points", "to"), max_length=10, choices=To, default=To.COMPANY
    )
    person_share = models.PositiveSmallIntegerField(
        _("the employee's share (%)"),
        default=0,
        validators=[MaxValueValidator(99)],
        help_text=_("Where company and employee share: from 1 to 99; parts of a point go to the company."),
    )
    role = models.SlugField(
        _("role"), max_length=50, blank=True, help_text=_("Code of the stakeholder role that gets it, if one does.")
    )
    is_divided = models.BooleanField(
        _("divided equally"),
        default=False,
        help_text=_("Where a role gets it: all of the role share it. Else each of them gets the whole."),
    )
    shared_limits = ArrayField(
        models.SlugField(max_length=50),
        verbose_name=_("shared limits"),
        blank=True,
        default=list,
        help_text=_("Codes of limits of this version that count several rules together."),
    )

    objects = RuleQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        constraints = [
            # Two rules under one code would share limits and hide each other's awards.
            models.UniqueConstraint(
                fields=["rule_set", "code"],
                name="rule_code_unique",
                violation_error_message=_("Another rule of this version has this code."),
            ),
            # A share of nobody's, a share of everything, or one that nothing reads.
            models.CheckConstraint(
                condition=(Q(beneficiary="SPLIT") & Q(person_share__range=(1, 99)))
                | (~Q(beneficiary="SPLIT") & Q(person_share=0)),
                name="rule_person_share",
                violation_error_message=_(
                    "Where company and employee share, the employee's part is 1 to 99 in a hundred; say 0 elsewhere."
                ),
            ),
            # Points to a role that nobody named, or a role that the rule does not give to.
            models.CheckConstraint(
                condition=(Q(beneficiary="ROLE") & ~Q(role=""))
                | (~Q(beneficiary="ROLE") & Q(role="", is_divided=False)),
                name="rule_role",
                violation_error_message=_(
                    "Name the role where everybody in a role gets it; leave role and “divided equally” empty elsewhere."
                ),
            ),
        ]
        triggers = [_immutable_with("line.rule_set_id")]

    def __str__(self) -> str:
        return self.name


class RuleCapQuerySet(ScopedQuerySet["RuleCap"]):
    """Limits; visible with their rule."""

    company_lookup = "rule__rule_set__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(rule__in=Rule.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(rule__in=Rule.objects.visible_to(actor))


class Limited(models.Model):
    """At most `limit` points, or times, for one subject, in one period."""

    class Subject(models.TextChoices):
        EMPLOYEE = CapSubject.EMPLOYEE.value, _("a person")
        COMPANY = CapSubject.COMPANY.value, _("a company")
        PROGRAM = CapSubject.PROGRAM.value, _("the whole program")

    class Per(models.TextChoices):
        DAY = Period.DAY.value, pgettext_lazy("period", "day")
        WEEK = Period.WEEK.value, _("week")
        MONTH = Period.MONTH.value, _("month")
        QUARTER = Period.QUARTER.value, _("quarter")
        YEAR = Period.YEAR.value, _("year")
        EVER = Period.EVER.value, _("ever")

    class Counting(models.TextChoices):
        POINTS = Counts.POINTS.value, _("points")
        TIMES = Counts.TIMES.value, _("times")

    limit = models.PositiveBigIntegerField(_("at most"))
    counts = models.CharField(_("of"), max_length=10, choices=Counting, default=Counting.POINTS)
    subject = models.CharField(_("for"), max_length=10, choices=Subject)
    period = models.CharField(_("per"), max_length=10, choices=Per)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        counted = self.get_counts_display()
        return f"{self.limit} {counted} / {self.get_subject_display()} / {self.get_period_display()}"


class RuleCap(Limited):
    """A limit of one rule."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="caps")
    is_per_object = models.BooleanField(
        _("for each product code alone"),
        default=False,
        help_text=_("1 time ever, for each product code alone: the rule gives once per object."),
    )

    objects = RuleCapQuerySet.as_manager()

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        constraints = [
            # Two limits of one kind: the manager would believe in the higher one.
            models.UniqueConstraint(
                fields=["rule", "subject", "period", "counts", "is_per_object"],
                name="rule_cap_unique",
                violation_error_message=_("The rule has such a limit already."),
            ),
        ]
        triggers = [_immutable_with("(SELECT rule_set_id FROM loyalty_rule WHERE id = line.rule_id)")]


class SharedLimitQuerySet(ScopedQuerySet["SharedLimit"]):
    """Shared limits; visible with their rule set."""

    company_lookup = "rule_set__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(rule_set__in=RuleSet.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(rule_set__in=RuleSet.objects.visible_to(actor))


class SharedLimit(Limited):
    """A limit of all rules of a version that name its `code`, together; a new version keeps the code and the count."""

    rule_set = models.ForeignKey(
        RuleSet, on_delete=models.CASCADE, related_name="shared_limits", verbose_name=_("rule set")
    )
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])

    objects = SharedLimitQuerySet.as_manager()

    class Meta:
        verbose_name = _("shared limit")
        verbose_name_plural = _("shared limits")
        constraints = [
            # Two limits under one code would count together, each by its own number.
            models.UniqueConstraint(
                fields=["rule_set", "code"],
                name="shared_limit_code_unique",
                violation_error_message=_("Another shared limit of this version has this code."),
            ),
        ]
        triggers = [_immutable_with("line.rule_set_id")]
