"""Points given or taken by hand: who asked, who agreed, and the act that followed."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Approval, Employee, Import
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.ledger import Transaction
from loyalty.models.programs import Membership


class AdjustmentQuerySet(ScopedQuerySet["Adjustment"]):
    """Points by hand; a client sees those that were posted to a wallet it sees, through the transaction."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        posted = self.filter(membership__company_id=actor.company_id, state=Adjustment.State.POSTED)
        if actor.is_company_admin:
            return posted
        mine = Q(employee_id=actor.employee_id)
        return posted.filter(mine | Q(employee__isnull=True)) if actor.sees_company else posted.filter(mine)


class Adjustment(models.Model):
    """Points given (positive) or taken (negative) by hand, to a company's wallet or to one of its people's."""

    class Reason(models.TextChoices):
        GOODWILL = "GOODWILL", _("goodwill")
        CORRECTION = "CORRECTION", _("correction")
        CAMPAIGN = "CAMPAIGN", _("campaign")
        OPENING = "OPENING", _("opening balance")

    class State(models.TextChoices):
        WAITING = "WAITING", _("waits for approval")
        POSTED = "POSTED", _("posted")
        REJECTED = "REJECTED", _("rejected")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="adjustments")
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, null=True, blank=True, related_name="adjustments")
    points = models.BigIntegerField(_("points"))
    reason_code = models.CharField(_("reason"), max_length=12, choices=Reason)
    reason = models.CharField(
        _("in words"), max_length=300, validators=[validate_plain_text], help_text=_("The client reads this.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked"))
    approval = models.OneToOneField(Approval, on_delete=models.PROTECT, null=True, related_name="adjustment")
    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, null=True, related_name="adjustment")
    opened_by = models.ForeignKey(
        Import, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("moved in by")
    )
    batch = models.ForeignKey(
        Import,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("batch"),
        help_text=_("The file or the list of a segment that it came with."),
    )
    said_last_day = models.CharField(
        _("last day, as it was moved in"), max_length=10, blank=True, help_text=_("A day, “never”, or what holds.")
    )

    objects = AdjustmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("points by hand")
        verbose_name_plural = _("points by hand")
        indexes = [models.Index(fields=["membership", "-asked_at"], name="adjustment_latest")]
        constraints = [
            # 0 points by hand: a message to the client about nothing.
            models.CheckConstraint(condition=~Q(points=0), name="adjustment_moves_points"),
            # Points by hand that nobody can explain (law A1).
            models.CheckConstraint(condition=~Q(reason=""), name="adjustment_with_reason"),
            # Points posted without an act, or an act for a request that was refused.
            models.CheckConstraint(
                condition=Q(state="POSTED", transaction__isnull=False)
                | (~Q(state="POSTED") & Q(transaction__isnull=True)),
                name="adjustment_posted_has_transaction",
            ),
            # A request that waits for nobody would wait for ever.
            models.CheckConstraint(
                condition=~Q(state__in=["WAITING", "REJECTED"]) | Q(approval__isnull=False),
                name="adjustment_waits_for_an_approval",
            ),
            # A file that is moved in twice, and every balance in it given twice.
            models.UniqueConstraint(
                fields=["membership", "employee", "said_last_day"],
                condition=Q(opened_by__isnull=False),
                nulls_distinct=False,
                name="adjustment_opened_once",
            ),
            # A batch that goes on after it was stopped, and gives a second time what is in already.
            models.UniqueConstraint(
                fields=["batch", "membership", "employee"],
                condition=Q(batch__isnull=False),
                nulls_distinct=False,
                name="adjustment_once_a_batch",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points:+d}, {self.get_reason_code_display()}"
