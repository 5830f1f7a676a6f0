"""The catalogue: rewards with a price in points, and how many there are."""

from __future__ import annotations

from typing import Self

import pgtrigger
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.history import history
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models import Program


class RewardQuerySet(ScopedQuerySet["Reward"]):
    """Rewards; a client sees the published ones of its programs."""

    company_lookup = "program__memberships__company"
    is_in_api = True

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(program__in=Program.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(program__in=Program.objects.visible_to(actor), is_published=True)

    def seen_by_service(self, actor: Actor) -> Self:
        return self.seen_by_employee(actor)


class Reward(models.Model):
    """Something that points buy."""

    class Category(models.TextChoices):
        BUSINESS = "BUSINESS", _("for the business")
        LEARNING = "LEARNING", _("learning")
        TEAM = "TEAM", _("for the team")
        EXPERIENCE = "EXPERIENCE", _("experiences")
        GOODS = "GOODS", _("goods")
        CAUSE = "CAUSE", _("good causes")

    class PaidFrom(models.TextChoices):
        ANY = "ANY", _("either wallet, or both")
        COMPANY = "COMPANY", _("the company's points")
        EMPLOYEE = "EMPLOYEE", _("one's own points")

    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="rewards")
    code = models.SlugField(_("code"), max_length=50)
    name = models.CharField(_("name"), max_length=150, validators=[validate_plain_text])
    description = models.TextField(_("description"), blank=True, validators=[validate_plain_text])
    category = models.CharField(_("category"), max_length=12, choices=Category, default=Category.BUSINESS)
    price = models.PositiveBigIntegerField(_("price (points)"), validators=[MinValueValidator(1)])
    paid_from = models.CharField(_("paid from"), max_length=10, choices=PaidFrom, default=PaidFrom.ANY)
    is_published = models.BooleanField(_("published"), default=False)

    objects = RewardQuerySet.as_manager()
    history = history()

    class Meta:
        verbose_name = _("reward")
        verbose_name_plural = _("rewards")
        constraints = [
            # Two rewards under one code: an order from outside would get either.
            models.UniqueConstraint(fields=["program", "code"], name="reward_code_unique"),
            # A reward for 0 points would be redeemed without a posting to show for it.
            models.CheckConstraint(condition=Q(price__gte=1), name="reward_has_price"),
        ]

    def __str__(self) -> str:
        return self.name


class RewardStockQuerySet(ScopedQuerySet["RewardStock"]):
    """Stock; visible with the reward."""

    company_lookup = "reward__program__memberships__company"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(reward__in=Reward.objects.visible_to(actor))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(reward__in=Reward.objects.visible_to(actor))


class RewardStock(models.Model):
    """How many pieces of a reward there ever were, and how many were taken; its row is the lock of the last piece."""

    reward = models.OneToOneField(Reward, on_delete=models.PROTECT, primary_key=True, related_name="stock")
    total = models.PositiveIntegerField(_("pieces in all"), default=0)
    taken = models.PositiveIntegerField(_("taken"), default=0)

    objects = RewardStockQuerySet.as_manager()

    class Meta:
        verbose_name = _("stock")
        verbose_name_plural = _("stocks")
        constraints = [
            # The last piece promised to two people (law R1).
            models.CheckConstraint(
                condition=Q(taken__gte=0) & Q(taken__lte=F("total")), name="reward_stock_taken_within_total"
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="total_changes_by_movements",
                level=pgtrigger.Row,
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF (TG_OP = 'INSERT' AND NEW.total = 0 AND NEW.taken = 0)
                       OR (TG_OP = 'UPDATE' AND (NEW.total = OLD.total OR pg_trigger_depth() > 1))
                    THEN
                        RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'stock changes by stock movements alone'
                    USING ERRCODE = 'restrict_violation', CONSTRAINT = 'reward_stock_total_changes_by_movements';
                """,
            )
        ]

    def __str__(self) -> str:
        return gettext("%(left)s of %(reward)s") % {"left": self.left, "reward": self.reward}

    @property
    def left(self) -> int:
        """Pieces that can still be redeemed."""
        return self.total - self.taken


class StockMovementQuerySet(ScopedQuerySet["StockMovement"]):
    """Stock movements: the vendor's own book-keeping."""

    company_lookup = ""


class StockMovement(models.Model):
    """Pieces that came in (positive) or were written off (negative)."""

    stock = models.ForeignKey(RewardStock, on_delete=models.PROTECT, related_name="movements")
    pieces = models.IntegerField(_("pieces"))
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    objects = StockMovementQuerySet.as_manager()

    class Meta:
        verbose_name = _("stock movement")
        verbose_name_plural = _("stock movements")
        constraints = [models.CheckConstraint(condition=~Q(pieces=0), name="stock_movement_moves_pieces")]
        triggers = [
            append_only(),
            pgtrigger.Trigger(
                name="apply_to_total",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_movements"),  # type: ignore[no-untyped-call]
                func="""
                    UPDATE rewards_rewardstock s SET total = s.total + moved.pieces
                    FROM (SELECT stock_id, sum(pieces) AS pieces FROM new_movements GROUP BY stock_id) AS moved
                    WHERE s.reward_id = moved.stock_id;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pieces:+d}"
