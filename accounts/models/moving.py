"""Tables that are moved in: an uploaded file, what its columns mean, what a dry run found and what became of it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.approvals import Approval
from accounts.models.attachments import Attachment
from accounts.models.jobs import Job
from accounts.scope import ScopedQuerySet
from accounts.text import validate_plain_text


class ImportQuerySet(ScopedQuerySet["Import"]):
    """Imports: the program managers' own."""

    company_lookup = ""


class Import(models.Model):
    """One file that is moved in; `accounts.moving` alone writes it.

    `terms` say how the file is read and what its columns mean; `checked` is what the dry run found, `done` what became
    of the rows, both with counts, the first refusals and the first differences. They go when the file goes.
    """

    kind = models.SlugField(_("what"), max_length=60)
    name = models.CharField(_("file"), max_length=200, validators=[validate_plain_text])
    file = models.ForeignKey(Attachment, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("file"))
    terms = models.JSONField(_("how it is read"), default=dict)
    checked = models.JSONField(_("found by the dry run"), default=dict)
    checked_digest = models.BinaryField(_("what the dry run was of"), max_length=32, default=b"")
    done = models.JSONField(_("done"), default=dict)
    refused_file = models.ForeignKey(
        Attachment, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("rows that were refused")
    )
    check_job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    go_job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    approval = models.ForeignKey(Approval, on_delete=models.PROTECT, null=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("uploaded by")
    )
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)

    objects = ImportQuerySet.as_manager()

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        indexes = [models.Index(fields=["created_at"], name="import_by_age")]

    def __str__(self) -> str:
        return self.name

    @property
    def columns(self) -> dict[str, str]:
        """Which column of the file each field is read from."""
        columns: dict[str, str] = self.terms.get("columns", {})
        return columns

    @property
    def open_job(self) -> Job | None:
        """The job that waits or runs."""
        return next((job for job in (self.go_job, self.check_job) if job is not None and job.is_open), None)

    def counts(self) -> dict[str, Any]:
        """What the latest of dry run and import counted."""
        latest: dict[str, Any] = self.done or self.checked
        return latest


class ImportMappingQuerySet(ScopedQuerySet["ImportMapping"]):
    """Saved mappings: the program managers' own."""

    company_lookup = ""


class ImportMapping(models.Model):
    """What the columns of another system's files mean, under a name, for the next file from there."""

    kind = models.SlugField(_("what"), max_length=60)
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    terms = models.JSONField(_("how files are read"), default=dict)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("saved by")
    )
    created_at = models.DateTimeField(_("saved"), default=timezone.now)

    objects = ImportMappingQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved mapping")
        verbose_name_plural = _("saved mappings")
        constraints = [
            # Two mappings of one name: whoever chooses one could not know which.
            models.UniqueConstraint(
                fields=["kind", "name"],
                name="import_mapping_name_unique",
                violation_error_message=_("There is a mapping of this name."),
            ),
        ]

    def __str__(self) -> str:
        return self.name
