"""Invitations: how somebody of a company comes to a login."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.employees import Employee
from accounts.scope import Actor, ScopedQuerySet


class InvitationQuerySet(ScopedQuerySet["Invitation"]):
    """Invitations; the admins of a company see those of its people."""

    company_lookup = "employee__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(employee__company_id=actor.company_id) if actor.is_company_admin else self.none()

    def open(self) -> Self:
        """Those that were neither accepted nor taken back; they may have expired."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True)


class Invitation(models.Model):
    """An employee asked by e-mail to come and choose a password; `accounts.invitations` alone moves it on.

    The word that opens the door is made when the e-mail is sent, and only its hash is kept: until then there is none.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("waits for an answer")
        ACCEPTED = "ACCEPTED", _("accepted")
        EXPIRED = "EXPIRED", pgettext_lazy("invitation", "expired")
        REVOKED = "REVOKED", _("taken back")

    employee = models.ForeignKey(
        Employee, on_delete=models.PROTECT, related_name="invitations", verbose_name=_("employee")
    )
    address = models.EmailField(_("e-mail address"))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    token_hash = models.BinaryField(_("hash of the word"), null=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("invited by")
    )
    invited_at = models.DateTimeField(pgettext_lazy("date", "invited"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(pgettext_lazy("date", "accepted"), null=True)
    revoked_at = models.DateTimeField(_("taken back"), null=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        indexes = [models.Index(fields=["employee", "-invited_at"], name="invitation_of_employee")]
        constraints = [
            # Two open ones: the link of the older e-mail would still open the door after a newer one was sent.
            models.UniqueConstraint(
                fields=["employee"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="invitation_one_open_a_person",
            ),
            # Two people who accept for one employee: the second would see the first one's points.
            models.UniqueConstraint(
                fields=["employee"], condition=Q(accepted_at__isnull=False), name="invitation_accepted_once_a_person"
            ),
            # One word that opens two doors.
            models.UniqueConstraint(fields=["token_hash"], name="invitation_word_unique"),
            # Taken back and yet accepted: nobody could say who let the person in.
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(revoked_at__isnull=True), name="invitation_ended_one_way"
            ),
            # One that has expired before it is sent.
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("invited_at")), name="invitation_expires_after_it_was_sent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.employee} ({self.address})"

    def state(self, at: datetime) -> Invitation.State:
        """Return what has become of it at `at`."""
        if self.accepted_at is not None:
            return self.State.ACCEPTED
        if self.revoked_at is not None:
            return self.State.REVOKED
        return self.State.WAITING if at < self.expires_at else self.State.EXPIRED
