"""Rows that every floor writes: who did what, what is to be told to whom, and which request was already served."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import naming
from accounts.append_only import append_only
from accounts.models.companies import Company
from accounts.models.employees import Employee
from accounts.scope import Actor, ScopedQuerySet


class AuditEntryQuerySet(ScopedQuerySet["AuditEntry"]):
    """The audit trail: for the vendor's program managers."""

    company_lookup = ""


class AuditEntry(models.Model):
    """Who did what and when; ids, codes and numbers only (law G1). Why stands in AuditReason."""

    at = models.DateTimeField(_("when"), default=timezone.now)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("who")
    )
    action = models.SlugField(_("what"), max_length=60)
    subject_type = models.CharField(_("kind of row"), max_length=60)
    subject_id = models.BigIntegerField(_("row"))
    company = models.ForeignKey(Company, on_delete=models.PROTECT, null=True, related_name="+")
    numbers = models.JSONField(_("numbers"), default=dict)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [models.Index(fields=["subject_type", "subject_id"], name="audit_entry_subject")]
        triggers = [append_only()]

    def __str__(self) -> str:
        return f"{naming.ACTS.of(self.action)} ({self.subject_id})"


class AuditReasonQuerySet(ScopedQuerySet["AuditReason"]):
    """Reasons, beside the audit trail."""

    company_lookup = ""


class AuditReason(models.Model):
    """The reason somebody gave, in words; erasable, because words may name people."""

    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, primary_key=True, related_name="reason")
    text = models.TextField(_("reason"))

    objects = AuditReasonQuerySet.as_manager()

    class Meta:
        verbose_name = _("reason")
        verbose_name_plural = _("reasons")

    def __str__(self) -> str:
        return self.text[:60]


class MessageQuerySet(ScopedQuerySet["Message"]):
    """Messages; a person reads the own ones only."""

    company_lookup = "employee__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(employee_id=actor.employee_id)


class Message(models.Model):
    """Something a person is to be told: the outbox row, written with the business row it speaks of."""

    employee = models.ForeignKey(Employee, on_delete=models.PROTECT, related_name="messages", verbose_name=_("to"))
    kind = models.SlugField(_("kind"), max_length=60)
    subject_id = models.BigIntegerField(_("about"))
    facts = models.JSONField(_("facts"), default=dict, help_text=_("What the text is made of."))
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    read_at = models.DateTimeField(_("read"), null=True, blank=True)
    is_in_inbox = models.BooleanField(
        _("in the inbox"), default=True, help_text=_("Not for whoever wants to be told by e-mail alone.")
    )

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [models.Index(fields=["employee", "-id"], name="message_inbox")]
        constraints = [
            # A task that runs twice must not tell the same thing twice.
            models.UniqueConstraint(fields=["employee", "kind", "subject_id"], name="message_told_once"),
        ]

    def __str__(self) -> str:
        return naming.LETTERS.of(self.kind)


class IdempotencyKeyQuerySet(ScopedQuerySet["IdempotencyKey"]):
    """Keys of requests already served; nobody looks at them."""

    company_lookup = ""


class IdempotencyKey(models.Model):
    """A request that was served: the same key gives the same row again, with other content it is refused."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(_("key"), max_length=100)
    content_hash = models.BinaryField(_("hash of the content"))
    resource_id = models.BigIntegerField(_("row"), null=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    objects = IdempotencyKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("served request")
        verbose_name_plural = _("served requests")
        constraints = [
            # A double click or a repeated request must find the first one, however close together they come.
            models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.key}"
