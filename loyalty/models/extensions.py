"""Points that were about to expire and were given more time by hand: who asked, who agreed, which lots."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.append_only import append_only
from accounts.models import Approval, Employee
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text
from loyalty.models.programs import Membership
from loyalty.models.wallets import Lot, Wallet


class ExtensionQuerySet(ScopedQuerySet["Extension"]):
    """More time for points; a client sees what holds for a wallet it sees."""

    company_lookup = "membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        posted = self.filter(membership__company_id=actor.company_id, state=Extension.State.POSTED)
        if actor.is_company_admin:
            return posted
        mine = Q(employee_id=actor.employee_id)
        return posted.filter(mine | Q(employee__isnull=True)) if actor.sees_company else posted.filter(mine)


class Extension(models.Model):
    """More time for points of a company's wallet, or of one of its people's, whose last day is `until` or sooner."""

    class State(models.TextChoices):
        WAITING = "WAITING", _("waits for approval")
        POSTED = "POSTED", _("holds")
        REJECTED = "REJECTED", _("rejected")

    membership = models.ForeignKey(Membership, on_delete=models.PROTECT, related_name="extensions")
    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, null=True, blank=True, related_name="extensions")
    until = models.DateField(_("points that expire up to"), help_text=_("From today to this day, counted in."))
    to = models.DateField(_("new last day"))
    points = models.BigIntegerField(_("points"))
    reason = models.CharField(
        _("in words"), max_length=300, validators=[validate_plain_text], help_text=_("The client reads this.")
    )
    state = models.CharField(_("state"), max_length=10, choices=State)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(_("asked"))
    approval = models.OneToOneField(Approval, on_delete=models.PROTECT, null=True, related_name="extension")

    objects = ExtensionQuerySet.as_manager()

    class Meta:
        verbose_name = _("more time for points")
        verbose_name_plural = _("more time for points")
        indexes = [models.Index(fields=["membership", "-asked_at"], name="extension_latest")]
        constraints = [
            # A new last day that takes time away.
            models.CheckConstraint(condition=Q(to__gt=F("until")), name="extension_gives_time"),
            # More time for nothing: a message to the client about no points.
            models.CheckConstraint(condition=Q(points__gt=0), name="extension_of_points"),
            # More time that nobody can explain (law A1).
            models.CheckConstraint(condition=~Q(reason=""), name="extension_with_reason"),
            # A request that waits for nobody would wait for ever.
            models.CheckConstraint(
                condition=Q(state="POSTED") | Q(approval__isnull=False), name="extension_waits_for_an_approval"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.points}, {self.until} → {self.to}"


class ExtendedLotQuerySet(ScopedQuerySet["ExtendedLot"]):
    """Which lots got more time."""

    company_lookup = "extension__membership__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(lot__in=Lot.objects.filter(wallet__in=Wallet.objects.visible_to(actor)))


class ExtendedLot(models.Model):
    """A lot that got more time, and how many points it held then."""

    id = models.BigAutoField(primary_key=True)
    extension = models.ForeignKey(Extension, on_delete=models.PROTECT, related_name="lots")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="extensions", verbose_name=_("lot"))
    points = models.BigIntegerField(_("points"))
    last_day_before = models.DateField(_("last day before"))
    last_day = models.DateField(_("last day"))

    objects = ExtendedLotQuerySet.as_manager()

    class Meta:
        verbose_name = _("lot with more time")
        verbose_name_plural = _("lots with more time")
        constraints = [
            # A lot that is extended and loses time, or holds nothing to extend.
            models.CheckConstraint(
                condition=Q(points__gt=0) & Q(last_day__gt=F("last_day_before")), name="extended_lot_gains_time"
            ),
            # One extension that counts a lot twice.
            models.UniqueConstraint(fields=["extension", "lot"], name="extended_lot_once"),
        ]
        triggers = [append_only()]

    def __str__(self) -> str:
        return gettext("Lot %(number)s to %(day)s") % {"number": self.lot_id, "day": self.last_day}
