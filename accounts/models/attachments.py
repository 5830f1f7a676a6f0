"""Files that were uploaded or made here, kept in the database: web and worker need not run on one machine."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Func, IntegerField, Q
from django.db.models.lookups import LessThanOrEqual
from django.utils.translation import gettext_lazy as _

from accounts.scope import Actor, M, ScopedQuerySet
from accounts.text import validate_plain_text

PART_BYTES = 512 * 1024
"""The most bytes that one part holds: a file is never held whole."""


class OwnedQuerySet(ScopedQuerySet[M]):
    """Files; program managers see all, everybody else what they made themselves, and nobody through others' eyes."""

    company_lookup = ""
    owner_lookup = "created_by_id"

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self.filter(**{self.owner_lookup: actor.user_id})

    def seen_by_employee(self, actor: Actor) -> Self:
        if not actor.user_id or actor.seen_by_user_id:
            return self.none()
        return self.filter(**{self.owner_lookup: actor.user_id})


class AttachmentQuerySet(OwnedQuerySet["Attachment"]):
    """Files."""


class Attachment(models.Model):
    """A file, until the day it is deleted; `accounts.attachments` writes and reads its content."""

    class ContentType(models.TextChoices):
        CSV = "text/csv", _("CSV")
        XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", _("Excel workbook")
        GZIP = "application/gzip", _("compressed CSV")
        JSON = "application/json", _("JSON")
        ZIP = "application/zip", _("archive")
        OTHER = "application/octet-stream", _("file")

    name = models.CharField(_("name"), max_length=200, validators=[validate_plain_text])
    content_type = models.CharField(_("kind"), max_length=100, choices=ContentType)
    size = models.PositiveBigIntegerField(_("size in bytes"))
    sha256 = models.BinaryField(_("SHA-256"), max_length=32)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("made"))
    expires_at = models.DateTimeField(_("deleted after"))

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        indexes = [models.Index(fields=["expires_at"], name="attachment_expiring")]
        constraints = [
            # A file that is deleted before anybody could fetch it.
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="attachment_kept_for_a_time"),
        ]

    def __str__(self) -> str:
        return self.name


class AttachmentPartQuerySet(OwnedQuerySet["AttachmentPart"]):
    """The content of files, visible with them."""

    owner_lookup = "attachment__created_by_id"


class AttachmentPart(models.Model):
    """A piece of a file's content; the pieces follow each other by number, from 0."""

    attachment = models.ForeignKey(Attachment, on_delete=models.CASCADE, related_name="parts", db_index=False)
    number = models.PositiveIntegerField(_("number"))
    content = models.BinaryField(_("content"))

    objects = AttachmentPartQuerySet.as_manager()

    class Meta:
        verbose_name = _("part of a file")
        verbose_name_plural = _("parts of files")
        constraints = [
            # A piece twice: the file would be longer than what was uploaded, and wrong.
            models.UniqueConstraint(fields=["attachment", "number"], name="attachment_part_once"),
            # A piece so large that reading it would take the memory of a worker.
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    Func(F("content"), function="octet_length", output_field=IntegerField()), PART_BYTES
                ),
                name="attachment_part_small",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attachment_id}, part {self.number}"
