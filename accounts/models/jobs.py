"""Work that takes longer than a page may: asked for by somebody, done by a worker, looked at while it runs."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import naming
from accounts.scope import Actor, ScopedQuerySet


class JobQuerySet(ScopedQuerySet["Job"]):
    """Jobs; who asked for one may look at it, and program managers at all."""

    company_lookup = ""

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(asked_by_id=actor.user_id)

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(asked_by_id=actor.user_id) if actor.user_id else self.none()


class Job(models.Model):
    """A piece of work for a worker; `accounts.jobs` alone moves it on.

    `parameters` and `result` are ids, codes and numbers. `done` of `total` steps are behind it; `total` is 0 where that
    is not known.
    """

    class State(models.TextChoices):
        QUEUED = "QUEUED", _("waits")
        RUNNING = "RUNNING", _("runs")
        DONE = "DONE", _("done")
        FAILED = "FAILED", _("failed")
        CANCELLED = "CANCELLED", _("cancelled")

    kind = models.SlugField(_("kind"), max_length=60)
    parameters = models.JSONField(_("parameters"), default=dict)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("asked by")
    )
    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    done = models.PositiveBigIntegerField(_("steps done"), default=0)
    total = models.PositiveBigIntegerField(_("steps in all"), default=0)
    is_cancel_asked = models.BooleanField(_("to be cancelled"), default=False)
    result = models.JSONField(_("result"), default=dict)
    failure = models.TextField(_("why it failed"), blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        indexes = [
            models.Index(fields=["due_at", "id"], name="job_open", condition=Q(state__in=("QUEUED", "RUNNING"))),
        ]
        constraints = [
            # A job that ended without a moment would look as if it still ran, and be run again.
            models.CheckConstraint(
                condition=Q(state__in=("QUEUED", "RUNNING"), ended_at__isnull=True)
                | Q(state__in=("DONE", "FAILED", "CANCELLED"), ended_at__isnull=False),
                name="job_ended_has_a_moment",
            ),
            # A failure nobody can read is one that nobody can mend.
            models.CheckConstraint(condition=~Q(state="FAILED") | ~Q(failure=""), name="job_failed_says_why"),
            # A bar that runs past its end.
            models.CheckConstraint(condition=Q(total=0) | Q(done__lte=F("total")), name="job_done_within_total"),
        ]

    def __str__(self) -> str:
        return f"{naming.JOBS.of(self.kind)} {self.pk}"

    @property
    def is_open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in (self.State.QUEUED, self.State.RUNNING)


class PulseQuerySet(ScopedQuerySet["Pulse"]):
    """Signs of life."""

    company_lookup = ""


class Pulse(models.Model):
    """When something last showed that it lives; written to see that the database takes writes."""

    code = models.SlugField(_("code"), max_length=60, primary_key=True)
    at = models.DateTimeField(_("last sign of life"))

    objects = PulseQuerySet.as_manager()

    class Meta:
        verbose_name = _("sign of life")
        verbose_name_plural = _("signs of life")

    def __str__(self) -> str:
        return self.code
