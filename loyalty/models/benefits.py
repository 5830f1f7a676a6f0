"""Benefits by tier and stakeholder role: the matrix in its versions, what is granted by hand, and what was used."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.history import history
from accounts.models import Employee, FollowUp, Segment, StakeholderRole
from accounts.models.dated import Dated, ends_after_start
from accounts.scope import Actor, DatedQuerySet, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models import versions
from loyalty.models.effects import EffectAward
from loyalty.models.programs import Membership, Program
from loyalty.models.rules import RuleCap
from loyalty.models.standing import OfProgramQuerySet, Tier
from loyalty.models.versions import ProgramVersion


class BenefitQuerySet(OfProgramQuerySet["Benefit"]):
    """Benefits; a client reads those of its programs."""

    def seen_by_employee(self, actor: Actor) -> Self:
        return super().seen_by_employee(actor).filter(is_active=True)


class Benefit(models.Model):
    """Something that belongs to standing and costs no points; its kind says what it needs and what using it does."""

    class Kind(models.TextChoices):
        INFORMATION = "INFORMATION", _("something to read or watch")
        CONTACT = "CONTACT", _("a direct line")
        OFFER = "OFFER", _("an offer with a code")
        SERVICE = "SERVICE", _("a service that we render")
        GOODS = "GOODS", _("something that we send")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="benefits")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=150, validators=[validate_plain_text])
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    description = models.TextField(_("what it is"), blank=True, validators=[validate_plain_text])
    how_to_use = models.TextField(_("how to use it"), blank=True, validators=[validate_plain_text])
    value = models.DecimalField(
        _("value (money)"),
        max_digits=12,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("What one use is worth, in the program's currency; empty: it has no price."),
    )
    address = models.URLField(_("address"), blank=True, help_text=_("For something to read or watch: where it is."))
    contact = models.CharField(
        _("contact"),
        max_length=200,
        blank=True,
        validators=[validate_plain_text],
        help_text=_("For a direct line: the number or the address."),
    )
    offer_code = models.CharField(
        _("offer code"),
        max_length=100,
        blank=True,
        validators=[validate_plain_text],
        help_text=_("For an offer: what the partner asks for. Shown once it is used."),
    )
    lead_days = models.PositiveSmallIntegerField(
        _("days until it is done"),
        null=True,
        blank=True,
        help_text=_("For a service or something sent: the account manager owes it within these days."),
    )
    is_active = models.BooleanField(_("offered"), default=True)

    objects = BenefitQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("benefit")
        verbose_name_plural = _("benefits")
        constraints = [
            # Two benefits under one code: whoever refers to it means either.
            models.UniqueConstraint(fields=["program", "code"], name="benefit_code_unique"),
            # A benefit that nobody could use: a link without an address, an offer without its code.
            models.CheckConstraint(
                condition=(~Q(kind="INFORMATION") | ~Q(address=""))
                & (~Q(kind="CONTACT") | ~Q(contact=""))
                & (~Q(kind="OFFER") | ~Q(offer_code=""))
                & (~Q(kind__in=["SERVICE", "GOODS"]) | Q(lead_days__isnull=False)),
                name="benefit_has_what_its_kind_needs",
                violation_error_message=_(
                    "Fill in what this kind needs: an address to read, a contact to call, a code to show, or the days "
                    "until it is done."
                ),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class BenefitMatrixQuerySet(ScopedQuerySet["BenefitMatrix"]):
    """Versions of the matrix; a client reads those that are or were in force in its programs."""

    company_lookup = "program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(program__in=Program.objects.visible_to(actor)).exclude(status=BenefitMatrix.Status.DRAFT)

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(program__in=Program.objects.visible_to(actor)).exclude(status=BenefitMatrix.Status.DRAFT)


class BenefitMatrix(ProgramVersion):
    """One version of who gets what in a program: tiers down, stakeholder roles across, segments on top."""

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="benefit_matrices")

    objects = BenefitMatrixQuerySet.as_manager()

    class Meta:
        verbose_name = _("benefit matrix")
        verbose_name_plural = _("benefit matrices")
        constraints = [
            versions.version_unique("benefit_matrix"),
            # Benefits in force from no known day: nobody could say whether somebody had them.
            models.CheckConstraint(
                condition=Q(status="DRAFT") | Q(starts_at__isnull=False), name="benefit_matrix_in_force_has_start"
            ),
            versions.ends_after_start("benefit_matrix"),
            # Two drafts: two managers would each believe theirs to be the next version.
            models.UniqueConstraint(
                fields=["program"],
                condition=Q(status="DRAFT"),
                name="benefit_matrix_one_draft",
                violation_error_message=_("This program has a draft already: go on with that one."),
            ),
            versions.one_in_force("benefit_matrix"),
        ]
        triggers = [versions.in_force_is_immutable("benefit_matrix")]


class BenefitCellQuerySet(ScopedQuerySet["BenefitCell"]):
    """Cells; visible with their matrix."""

    company_lookup = "matrix__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(matrix__in=BenefitMatrix.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(matrix__in=BenefitMatrix.objects.visible_to(actor))


class BenefitCell(models.Model):
    """One benefit in one cell: for a tier, a stakeholder role (none: the company as a whole), a segment (none: all).

    A segment's cell adds to the general ones. `quota` counts uses a period, by each person of the role or by the
    company; none: as often as wanted.
    """

    matrix = models.ForeignKey(BenefitMatrix, on_delete=models.CASCADE, related_name="cells")
    tier = models.ForeignKey(Tier, on_delete=models.PROTECT, related_name="+")
    role = models.ForeignKey(StakeholderRole, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    segment = models.ForeignKey(Segment, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    benefit = models.ForeignKey(Benefit, on_delete=models.PROTECT, related_name="cells")
    quota = models.PositiveIntegerField(_("times"), null=True, blank=True, validators=[MinValueValidator(1)])
    period = models.CharField(_("per"), max_length=10, choices=RuleCap.Per, default=RuleCap.Per.YEAR)

    objects = BenefitCellQuerySet.as_manager()

    class Meta:
        verbose_name = _("benefit in a cell")
        verbose_name_plural = _("benefits in cells")
        constraints = [
            # The same benefit twice in one cell: which quota holds?
            models.UniqueConstraint(
                fields=["matrix", "tier", "role", "segment", "benefit"],
                nulls_distinct=False,
                name="benefit_cell_unique",
                violation_error_message=_("This benefit stands in the cell already."),
            ),
            # A quota of 0: a benefit that is shown and can never be used.
            models.CheckConstraint(
                condition=Q(quota__isnull=True) | Q(quota__gte=1), name="benefit_cell_quota_positive"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="in_force_is_immutable",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                func="""
                    IF EXISTS (
                        SELECT FROM loyalty_benefitmatrix
                        WHERE status <> 'DRAFT'
                          AND id IN (CASE WHEN TG_OP <> 'INSERT' THEN OLD.matrix_id END,
                                     CASE WHEN TG_OP <> 'DELETE' THEN NEW.matrix_id END)
                    ) THEN
                        RAISE EXCEPTION 'these benefits are in force: make a new version'
                        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'benefit_matrix_in_force_is_immutable';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return gettext("%(benefit)s for %(who)s at %(tier)s") % {
            "benefit": self.benefit,
            "who": self.role or gettext("the company"),
            "tier": self.tier,
        }


class BenefitGrantQuerySet(DatedQuerySet["BenefitGrant"]):
    """Benefits given by hand; a person sees the own, who sees the company also the company's."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(membership__company_id=actor.company_id)
        if actor.is_company_admin:
            return own
        mine = Q(employee_id=actor.employee_id)
        return own.filter(mine | Q(employee__isnull=True)) if actor.sees_company else own.filter(mine)


class BenefitGrant(Dated):
    """A benefit given by hand, or by a rule, to a company or to one of its people, for a time and with a reason.

    Where a rule gave it, `award` says for what, and the reason is the rule's name.
    """

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="benefit_grants")
    employee = models.ForeignKey(
        Employee, on_delete=models.PROTECT, null=True, blank=True, related_name="benefit_grants"
    )
    benefit = models.ForeignKey(Benefit, on_delete=models.PROTECT, related_name="grants")
    quota = models.PositiveIntegerField(_("times"), null=True, blank=True, validators=[MinValueValidator(1)])
    period = models.CharField(_("per"), max_length=10, choices=RuleCap.Per, default=RuleCap.Per.EVER)
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    award = models.OneToOneField(
        EffectAward,
        on_delete=models.PROTECT,
        db_constraint=False,
        null=True,
        editable=False,
        related_name="benefit_grant",
        verbose_name=_("given by a rule"),
    )
    granted_at = models.DateTimeField(_("granted"))
    reason = models.CharField(_("reason"), max_length=300, validators=[validate_plain_text])

    objects = BenefitGrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("benefit given by hand")
        verbose_name_plural = _("benefits given by hand")
        constraints = [
            ends_after_start("benefit_grant_ends_after_start"),
            # Something that nobody gave, or that a rule gave in somebody's name.
            models.CheckConstraint(
                condition=Q(granted_by__isnull=True, award__isnull=False)
                | Q(granted_by__isnull=False, award__isnull=True),
                name="benefit_grant_by_hand_or_rule",
            ),
            # Something given for no reason: the next client asks why not we.
            models.CheckConstraint(condition=~Q(reason=""), name="benefit_grant_with_reason"),
            # Something given that can never be used.
            models.CheckConstraint(
                condition=Q(quota__isnull=True) | Q(quota__gte=1), name="benefit_grant_quota_positive"
            ),
        ]

    @property
    def giver(self) -> str:
        """Who gave it: a name, or that a rule did."""
        return self.granted_by.name if self.granted_by else str(_("a rule"))

    def __str__(self) -> str:
        return gettext("%(first)s for %(second)s") % {
            "first": self.benefit,
            "second": self.employee or self.membership.company,
        }


class BenefitQuotaQuerySet(ScopedQuerySet["BenefitQuota"]):
    """Counters of quotas: the vendor's own."""

    company_lookup = ""


class BenefitQuota(models.Model):
    """How often one benefit was used in one period by one person or company; its row is the lock of the last use."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="+")
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, null=True, related_name="+")
    benefit = models.ForeignKey(Benefit, on_delete=models.PROTECT, related_name="+")
    grant = models.ForeignKey(BenefitGrant, on_delete=models.PROTECT, null=True, related_name="+")
    period_start = models.DateField(_("period from"))
    used = models.PositiveIntegerField(_("used"), default=0)
    limit = models.PositiveIntegerField(_("quota"))

    objects = BenefitQuotaQuerySet.as_manager()

    class Meta:
        verbose_name = _("used quota")
        verbose_name_plural = _("used quotas")
        constraints = [
            # Two counters of one quota: it could be used up twice.
            models.UniqueConstraint(
                fields=["membership", "employee", "benefit", "grant", "period_start"],
                nulls_distinct=False,
                name="benefit_quota_unique",
            ),
            # The last consulting hour promised to two people.
            models.CheckConstraint(
                condition=Q(used__gte=0) & Q(used__lte=F("limit")), name="benefit_quota_used_within_limit"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.used} of {self.limit}"


class BenefitUseQuerySet(ScopedQuerySet["BenefitUse"]):
    """Uses; a person sees the own, who sees the company also the company's."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(membership__company_id=actor.company_id)
        if actor.is_company_admin:
            return own
        mine = Q(employee_id=actor.employee_id)
        return own.filter(mine | Q(is_for_company=True)) if actor.sees_company else own.filter(mine)


class BenefitUse(models.Model):
    """One use of a benefit: by whom, when, and what the account manager owes for it."""

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="benefit_uses")
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, related_name="benefit_uses")
    benefit = models.ForeignKey(Benefit, on_delete=models.PROTECT, related_name="uses")
    grant = models.ForeignKey(BenefitGrant, on_delete=models.PROTECT, null=True, related_name="uses")
    is_for_company = models.BooleanField(_("for the company"), default=False)
    period_start = models.DateField(_("period from"), null=True)
    wish = models.CharField(_("wish"), max_length=300, blank=True, validators=[validate_plain_text])
    used_at = models.DateTimeField(pgettext_lazy("date", "used"))
    follow_up = models.OneToOneField(FollowUp, on_delete=models.PROTECT, null=True, related_name="benefit_use")

    objects = BenefitUseQuerySet.as_manager()

    class Meta:
        verbose_name = _("benefit use")
        verbose_name_plural = _("benefit uses")
        indexes = [models.Index(fields=["membership", "-used_at"], name="benefit_use_latest")]

    def __str__(self) -> str:
        return f"{self.benefit}, {self.used_at:%Y-%m-%d}"
