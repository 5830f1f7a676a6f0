"""Persons who asked to be forgotten."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.employees import Employee
from accounts.scope import Actor, ScopedQuerySet


class ErasureQuerySet(ScopedQuerySet["Erasure"]):
    """Requests to be forgotten; a person sees the own."""

    company_lookup = "employee__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(employee_id=actor.employee_id)


class Erasure(models.Model):
    """A request that all that leads back to a person is erased, on a day that leaves time to think again."""

    class State(models.TextChoices):
        WAITING = "WAITING", _("waits")
        DONE = "DONE", _("done")
        WITHDRAWN = "WITHDRAWN", _("withdrawn")

    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, related_name="erasures", verbose_name=_("person"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by")
    )
    asked_at = models.DateTimeField(_("asked"))
    due_at = models.DateTimeField(_("due"))
    ended_at = models.DateTimeField(_("ended"), null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        indexes = [models.Index(fields=["due_at"], name="erasure_waiting", condition=Q(state="WAITING"))]
        constraints = [
            # Two requests at once: one is withdrawn, the other erases all the same.
            models.UniqueConstraint(
                fields=["employee"],
                condition=Q(state="WAITING"),
                name="erasure_one_at_a_time",
                violation_error_message=_("This person has asked already."),
            ),
            # Erased before there was time to think again.
            models.CheckConstraint(condition=Q(due_at__gte=F("asked_at")), name="erasure_due_after_it_was_asked"),
            # A person who is told that all is erased, and no day says since when.
            models.CheckConstraint(
                condition=Q(state="WAITING", ended_at__isnull=True) | (~Q(state="WAITING") & Q(ended_at__isnull=False)),
                name="erasure_ended_has_a_moment",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.employee}, {self.get_state_display()}"
