"""The points ledger: what the database itself keeps true about wallets, postings, lots and awards."""

from __future__ import annotations

from datetime import date
from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.db.models.functions import Coalesce, Least
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.models import Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from loyalty.models.activities import Activity
from loyalty.models.agreements import Agreement
from loyalty.models.programs import Membership, Program
from loyalty.models.rules import Rule, RuleCap, RuleSet


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
        return f"Evaluation {self.pk}"


_REFUSE_BALANCE = """
    RAISE EXCEPTION 'a balance moves by postings alone'
    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'wallet_balance_moves_by_postings';
"""


class WalletQuerySet(ScopedQuerySet["Wallet"]):
    """Wallets; the company's are for those who may see the company, and for all of one that has one wallet."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(company_id=actor.company_id)
        if actor.is_company_admin:
            return own
        mine = Q(employee_id=actor.employee_id)
        if actor.sees_company:
            return own.filter(mine | Q(employee__isnull=True))
        one = Membership.objects.in_force(actor.at).filter(
            company=OuterRef("company"), program=OuterRef("program"), has_one_wallet=True
        )
        return own.filter(mine | Q(Exists(one), employee__isnull=True))


class Wallet(models.Model):
    """Points of one kind that one owner holds in one program; its balance moves by postings alone.

    The owner is an employee, or the company itself where `employee` is empty. Issued, spent and expired stand once a
    company and program, so that a posting never leaves the company: points come out of issued (which falls below 0),
    and a company's wallets always sum to 0.
    """

    class Kind(models.TextChoices):
        AVAILABLE = "AVAILABLE", _("available")
        PENDING = "PENDING", _("pending")
        DEBT = "DEBT", _("debt")
        ISSUED = "ISSUED", _("issued")
        SPENT = "SPENT", _("spent")
        EXPIRED = "EXPIRED", _("expired")

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="wallets")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="wallets")
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, null=True, related_name="wallets")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    balance = models.BigIntegerField(_("balance"), default=0)
    expires_on = models.DateField(
        _("last day"),
        null=True,
        blank=True,
        help_text=_("Where the program ends wallets that nothing comes to or goes from; anything that does moves it."),
    )

    received_at = models.DateTimeField(
        _("points last came"), null=True, blank=True, editable=False, help_text=_("The latest moment they count from.")
    )

    objects = WalletQuerySet.as_manager()

    class Meta:
        verbose_name = _("wallet")
        verbose_name_plural = _("wallets")
        # No balance in it: an index that balances stand in makes each of their moves dearer.
        indexes = [models.Index(fields=["expires_on"], condition=Q(expires_on__isnull=False), name="wallet_last_day")]
        constraints = [
            # Two wallets of one kind and owner: each would show half of the points.
            models.UniqueConstraint(
                fields=["company", "program", "employee", "kind"], nulls_distinct=False, name="wallet_unique"
            ),
            # Points spent that nobody had (law L2).
            models.CheckConstraint(
                condition=~Q(kind__in=["AVAILABLE", "PENDING", "SPENT", "EXPIRED"]) | Q(balance__gte=0),
                name="wallet_never_overdrawn",
            ),
            # A debt that turned into points of its own, with no lot behind them.
            models.CheckConstraint(
                condition=~Q(kind__in=["DEBT", "ISSUED"]) | Q(balance__lte=0), name="wallet_debt_never_positive"
            ),
            # Issued, spent and expired per person would part what sums to 0 only per company.
            models.CheckConstraint(
                condition=~Q(kind__in=["ISSUED", "SPENT", "EXPIRED"]) | Q(employee__isnull=True),
                name="wallet_flows_stand_per_company",
            ),
        ]
        triggers = [
            # Whether it fires is asked in the conditions: these cost nothing where a posting moves many balances.
            pgtrigger.Trigger(
                name="balance_moves_by_postings",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    """((NEW.company_id, NEW.program_id, NEW.employee_id, NEW.kind)
                        IS DISTINCT FROM (OLD.company_id, OLD.program_id, OLD.employee_id, OLD.kind)
                        OR (NEW.balance <> OLD.balance AND pg_trigger_depth() = 0))"""
                ),
                func=_REFUSE_BALANCE,
            ),
            pgtrigger.Trigger(
                name="begins_empty",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.balance <> 0"),
                func=_REFUSE_BALANCE,
            ),
            pgtrigger.Trigger(
                name="never_deleted",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Delete,
                func="""
                    RAISE EXCEPTION 'a wallet is never deleted'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'wallet_balance_moves_by_postings';
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.employee or self.company}"


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
    raw = models.BigIntegerField()
    granted = models.BigIntegerField()
    cap_left_before = models.BigIntegerField(null=True)
    instead_of = models.ForeignKey(
        Employee,
        on_delete=models.PROTECT,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
        verbose_name=_("instead of"),
    )
    from_campaign = models.BigIntegerField(db_default=0)

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
        return f"{self.rule_code}: {self.granted}"


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
        return f"Reversal of award {self.award_id}"


class TransactionQuerySet(ScopedQuerySet["Transaction"]):
    """Acts on the ledger; a person sees those that moved points of a wallet in sight."""

    is_in_api = True

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(pk__in=Posting.objects.visible_to(actor).values("transaction"))


class Transaction(models.Model):
    """One act that moved points: what kind of act, for which activity, by whom."""

    class Kind(models.TextChoices):
        EARN = "EARN", _("earned")
        RETURN = "RETURN", _("taken back after a return")
        REDEEM = "REDEEM", _("redeemed")
        CANCEL = "CANCEL", _("redemption cancelled")
        EXPIRE = "EXPIRE", _("expired")
        RELEASE = "RELEASE", _("became available")
        TRANSFER = "TRANSFER", _("passed on")
        ADJUST = "ADJUST", _("given or taken by hand")
        END = "END", _("expired as the program ended")
        HAND_OVER = "HAND_OVER", _("handed over as the program ended")

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    program = models.ForeignKey(Program, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    activity = models.ForeignKey(Activity, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True
    )
    created_at = models.DateTimeField(_("when"))

    objects = TransactionQuerySet.as_manager()

    class Meta:
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
        constraints = [
            # An activity whose points are moved twice.
            models.UniqueConstraint(
                fields=["activity", "program"],
                condition=Q(activity__isnull=False),
                name="transaction_once_an_activity",
            ),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"T{self.pk}"


def _ends_on() -> Least:
    """A lot's last day, or its wallet's or its program's where that comes sooner."""
    idle = Case(When(wallet__program__expiry=Program.Expiry.INACTIVITY, then="wallet__expires_on"))
    own = Coalesce("extended_to", "expires_on")
    return Least(own, idle, "wallet__program__last_spend_on", output_field=models.DateField())


class LotQuerySet(ScopedQuerySet["Lot"]):
    """Lots; visible with their wallet."""

    company_lookup = "wallet__company"

    def ending(self, first: date, last: date) -> Self:
        """Those whose points end on one of the days, both counted in: by themselves, their wallet or their program."""
        return self.alias(ends_on=_ends_on()).filter(ends_on__range=(first, last))

    def endless(self) -> Self:
        """Those whose points have no last day."""
        return self.alias(ends_on=_ends_on()).filter(ends_on__isnull=True)

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(wallet__in=Wallet.objects.visible_to(actor))


class Lot(models.Model):
    """Points of one wallet that become available on one day and expire on one day, the whole day counted in.

    In a pending wallet the day may still be open: then they wait to be confirmed.
    """

    id = models.BigAutoField(primary_key=True)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    available_on = models.DateField(_("available from"), null=True)
    expires_on = models.DateField(_("last day"), null=True)
    extended_to = models.DateField(
        _("last day, extended"), null=True, help_text=_("Given by hand; the lot is told from others by its first days.")
    )
    earned = models.BigIntegerField(_("earned"))
    remaining = models.BigIntegerField(_("left"))
    expired = models.BigIntegerField(_("expired"), default=0)
    is_open = models.GeneratedField(
        expression=Q(remaining__gt=0),  # type: ignore[arg-type]  # as the stubs leave it out
        output_field=models.BooleanField(_("holds points")),
        db_persist=True,
    )

    objects = LotQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot")
        verbose_name_plural = _("lots")
        # They ask whether a lot is open, not how much is left: or else every change of that would be written to them.
        indexes = [
            models.Index(
                "wallet",
                Coalesce("extended_to", "expires_on"),
                "available_on",
                condition=Q(is_open=True),
                name="lot_open_in_order",
            ),
            models.Index(Coalesce("extended_to", "expires_on"), condition=Q(is_open=True), name="lot_open_by_last_day"),
            models.Index(fields=["wallet"], condition=Q(extended_to__isnull=False), name="lot_extended"),
        ]
        constraints = [
            # Two buckets of the same days: points of one day would expire half.
            models.UniqueConstraint(
                fields=["wallet", "available_on", "expires_on"], nulls_distinct=False, name="lot_unique"
            ),
            # A lot that gives more than it holds (law L4).
            models.CheckConstraint(
                condition=Q(remaining__gte=0) & Q(expired__gte=0) & Q(remaining__lte=F("earned") - F("expired")),
                name="lot_never_gives_more_than_it_holds",
            ),
            # More time that takes some away, or a last day for points that had none.
            models.CheckConstraint(
                condition=Q(extended_to__isnull=True) | Q(expires_on__isnull=False, extended_to__gt=F("expires_on")),
                name="lot_extended_to_a_later_day",
            ),
        ]

    def __str__(self) -> str:
        return f"Lot {self.pk}"

    @property
    def last_day(self) -> date | None:
        """The last day on which its points can be used."""
        return self.extended_to or self.expires_on


class PostingQuerySet(ScopedQuerySet["Posting"]):
    """Postings; visible with either wallet that holds points: every colleague's points pass the company's issued,
    spent and expired, so those show nothing."""

    def seen_by_employee(self, actor: Actor) -> Self:
        holdings = (Wallet.Kind.AVAILABLE, Wallet.Kind.PENDING, Wallet.Kind.DEBT)
        wallets = Wallet.objects.visible_to(actor).filter(kind__in=holdings).values("pk")
        return self.filter(Q(debit_wallet__in=wallets) | Q(credit_wallet__in=wallets))


class Posting(models.Model):
    """Points out of one wallet and into another of the same company and program; balanced by construction.

    `lot` is the lot that was filled (points issued), or that had lost by expiry what is now taken back.
    """

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, db_constraint=False)
    award = models.ForeignKey(Award, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True)
    debit_wallet = models.ForeignKey(
        Wallet, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="debits"
    )
    credit_wallet = models.ForeignKey(
        Wallet, on_delete=models.PROTECT, db_constraint=False, db_index=False, related_name="credits"
    )
    points = models.BigIntegerField(_("points"))
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True)
    reverses = models.ForeignKey("self", on_delete=models.PROTECT, db_constraint=False, db_index=False, null=True)
    effective_at = models.DateTimeField(_("counts from"))
    created_at = models.DateTimeField(_("posted"))

    objects = PostingQuerySet.as_manager()

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        indexes = [
            # With the points: a company's months are added up from these alone, wherever its postings lie.
            models.Index(
                fields=["debit_wallet", "effective_at", "id"], include=["points"], name="posting_out_of_wallet"
            ),
            models.Index(
                fields=["credit_wallet", "effective_at", "id"], include=["points"], name="posting_into_wallet"
            ),
            models.Index(fields=["award"], condition=Q(award__isnull=False), name="posting_of_award"),
            # Books close by the day on which postings were made, and those come in order: a few pages, no dear index.
            BrinIndex(fields=["created_at"], autosummarize=True, name="posting_by_moment"),
        ]
        constraints = [
            # A posting of 0 or of negative points moves nothing, or moves it the other way.
            models.CheckConstraint(condition=Q(points__gt=0), name="posting_moves_points"),
            # Points moved from a wallet into itself: a line in a statement that means nothing.
            models.CheckConstraint(condition=~Q(debit_wallet=F("credit_wallet")), name="posting_between_two_wallets"),
        ]
        triggers = [
            append_only(),
            pgtrigger.Trigger(
                name="apply_balances",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_postings"),  # type: ignore[no-untyped-call]
                func="""
                    IF EXISTS (
                        SELECT FROM new_postings p
                        LEFT JOIN loyalty_wallet d ON d.id = p.debit_wallet_id
                        LEFT JOIN loyalty_wallet c ON c.id = p.credit_wallet_id
                        LEFT JOIN loyalty_transaction t ON t.id = p.transaction_id
                        WHERE (d.company_id = p.company_id AND c.company_id = p.company_id
                               AND t.company_id = p.company_id AND d.program_id = c.program_id
                               AND t.program_id = d.program_id) IS NOT TRUE
                    ) THEN
                        RAISE EXCEPTION 'a posting stays inside one company and program, between wallets that exist'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'posting_stays_in_company';
                    END IF;
                    UPDATE loyalty_wallet w
                    SET balance = w.balance + moved.points, received_at = greatest(w.received_at, moved.received_at)
                    FROM (
                        SELECT wallet_id, sum(points)::bigint AS points, max(received_at) AS received_at
                        FROM (
                            SELECT debit_wallet_id AS wallet_id, -points AS points, NULL AS received_at
                            FROM new_postings
                            UNION ALL SELECT credit_wallet_id, points, effective_at FROM new_postings
                        ) AS legs
                        GROUP BY wallet_id
                    ) AS moved
                    WHERE w.id = moved.wallet_id;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"P{self.pk}: {self.points}"


class LotUseQuerySet(ScopedQuerySet["LotUse"]):
    """Which lots a posting took from."""

    company_lookup = "lot__wallet__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(lot__in=Lot.objects.visible_to(actor))


class LotUse(models.Model):
    """Points that a posting took from a lot, or, where negative, gave back to it."""

    id = models.BigAutoField(primary_key=True)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    posting = models.ForeignKey(Posting, on_delete=models.PROTECT, db_constraint=False, related_name="lot_uses")
    points = models.BigIntegerField()

    objects = LotUseQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot use")
        verbose_name_plural = _("lot uses")
        constraints = [models.CheckConstraint(condition=~Q(points=0), name="lot_use_moves_points")]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{self.points} of lot {self.lot_id}"


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
