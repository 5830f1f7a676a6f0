"""Work that comes round: when each piece of it is due next, and the job that did it last."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts import naming
from accounts.models.jobs import Job
from accounts.scope import ScopedQuerySet


class PeriodicWorkQuerySet(ScopedQuerySet["PeriodicWork"]):
    """Work that comes round; program managers look at it."""

    company_lookup = ""


class PeriodicWork(models.Model):
    """A piece of work that comes round; `accounts.periodic` alone moves it on.

    `job` is the latest one; what made an earlier one fail stays here when it is tried again.
    """

    code = models.SlugField(_("work"), max_length=60)
    next_due_at = models.DateTimeField(_("next due"))
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("latest job"))
    failed_at = models.DateTimeField(_("last failed"), null=True)
    failure = models.TextField(_("why it failed"), blank=True)

    objects = PeriodicWorkQuerySet.as_manager()

    class Meta:
        verbose_name = _("periodic work")
        verbose_name_plural = _("periodic work")
        constraints = [
            # Two rows of the same work would have it done twice each time.
            models.UniqueConstraint(fields=["code"], name="periodic_work_once"),
        ]

    def __str__(self) -> str:
        return naming.JOBS.of(self.code)
