"""The points ledger: acts, the postings that moved points between wallets, and the lots these were taken from."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.models import Company
from accounts.scope import Actor, ScopedQuerySet
from loyalty.models.activities import Activity
from loyalty.models.awards import Award
from loyalty.models.programs import Program
from loyalty.models.wallets import Lot, Wallet


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
    created_at = models.DateTimeField(pgettext_lazy("date", "posted"))

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
        return gettext("%(points)s of lot %(number)s") % {"points": self.points, "number": self.lot_id}
