"""Requests that a second person decides, and who decides while somebody is away."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import naming
from accounts.models.companies import Company
from accounts.models.dated import Dated, ends_after_start, one_at_a_time
from accounts.models.employees import Employee
from accounts.scope import Actor, DatedQuerySet, ScopedQuerySet
from accounts.text import validate_plain_text


class ApprovalQuerySet(ScopedQuerySet["Approval"]):
    """Requests; a client sees what its own side decides: who asked, the own ones, who sees the company, all."""

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(company_id=actor.company_id, audience=Approval.Audience.CLIENT)
        if actor.sees_company:
            return own
        deputising = Delegation.objects.in_force(actor.at).filter(delegate_id=actor.employee_id)
        return own.filter(Q(asked_by_id=actor.user_id) | Q(company_id__in=deputising.values("company")))

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return super().seen_by_account_manager(actor).filter(audience=Approval.Audience.CLIENT)


class Approval(models.Model):
    """One request for a decision: asked by one person, decided by another (law A1).

    `kind` says what is asked and, with `subject_id`, about which row; the floor that asks registers what follows.
    """

    class Audience(models.TextChoices):
        CLIENT = "CLIENT", _("the client's own people")
        VENDOR = "VENDOR", _("the vendor's program managers")

    class State(models.TextChoices):
        WAITING = "WAITING", _("waiting")
        APPROVED = "APPROVED", _("approved")
        REJECTED = "REJECTED", _("rejected")
        WITHDRAWN = "WITHDRAWN", _("withdrawn")

    kind = models.SlugField(_("what is asked"), max_length=60)
    subject_id = models.BigIntegerField(_("about"))
    audience = models.CharField(_("who decides"), max_length=10, choices=Audience)
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True, related_name="approvals")
    points = models.BigIntegerField(_("points"), null=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"))
    note = models.TextField(_("why it is asked"), blank=True, max_length=2_000, validators=[validate_plain_text])
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    reason = models.TextField(_("reason"), blank=True, max_length=2_000, validators=[validate_plain_text])

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval")
        verbose_name_plural = _("approvals")
        indexes = [models.Index(fields=["audience", "state", "asked_at"], name="approval_queue")]
        constraints = [
            # Somebody who approves the own request: the second pair of eyes would be the first (law A1).
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | Q(state="WITHDRAWN") | ~Q(asked_by=F("decided_by")),
                name="approval_asker_never_decides",
            ),
            # A decision without a time or a decider: nobody could be asked about it.
            models.CheckConstraint(
                condition=Q(state="WAITING", decided_by__isnull=True, decided_at__isnull=True)
                | (~Q(state="WAITING") & Q(decided_at__isnull=False, decided_by__isnull=False)),
                name="approval_decided_by_somebody",
            ),
            # A no without a reason: the one who asked could only guess.
            models.CheckConstraint(
                condition=~Q(state="REJECTED") | ~Q(reason=""), name="approval_rejected_with_reason"
            ),
            # One thing asked twice at once could be both approved and rejected.
            models.UniqueConstraint(
                fields=["kind", "subject_id"], condition=Q(state="WAITING"), name="approval_asked_once_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        asked = date_format(timezone.localtime(self.asked_at), "DATE_FORMAT")
        return f"{naming.REQUESTS.of(self.kind)}, {asked}: {self.get_state_display()}"


class DelegationQuerySet(DatedQuerySet["Delegation"]):
    """Who stands in for whom."""

    def seen_by_employee(self, actor: Actor) -> Self:
        own = self.filter(company_id=actor.company_id)
        if actor.sees_company:
            return own
        return own.filter(Q(delegate_id=actor.employee_id) | Q(employee_id=actor.employee_id))


class Delegation(Dated):
    """A colleague who decides in the place of an approver, for a time."""

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="delegations")
    employee = models.ForeignKey(
        Employee, on_delete=models.PROTECT, related_name="delegations", verbose_name=_("who is away")
    )
    delegate = models.ForeignKey(
        Employee, on_delete=models.PROTECT, related_name="stands_in", verbose_name=_("who stands in")
    )

    objects = DelegationQuerySet.as_manager()

    class Meta:
        verbose_name = _("delegation")
        verbose_name_plural = _("delegations")
        constraints = [
            ends_after_start("delegation_ends_after_start"),
            # A stand-in for oneself decides nothing while nobody else can.
            models.CheckConstraint(
                condition=~Q(employee=F("delegate")),
                name="delegation_to_somebody_else",
                violation_error_message=_("Choose a colleague: nobody stands in for themselves."),
            ),
            # Two stand-ins at once would each leave it to the other.
            one_at_a_time(
                "delegation_one_at_a_time", "employee", message=_("Somebody stands in already in this time.")
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(first)s for %(second)s") % {"first": self.delegate, "second": self.employee}
