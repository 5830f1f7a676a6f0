"""Wallets and lots: whose points, of which kind, and from when to when they count."""

from __future__ import annotations

from datetime import date
from typing import Self

import pgtrigger
from django.db import models
from django.db.models import Case, Exists, F, OuterRef, Q, When
from django.db.models.functions import Coalesce, Least
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Company, Employee
from accounts.scope import Actor, ScopedQuerySet
from loyalty.models.programs import Membership, Program

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
        return gettext("%(kind)s of %(owner)s") % {
            "kind": self.get_kind_display(),
            "owner": self.employee or self.company,
        }


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
        return gettext("Lot %(number)s") % {"number": self.pk}

    @property
    def last_day(self) -> date | None:
        """The last day on which its points can be used."""
        return self.extended_to or self.expires_on
