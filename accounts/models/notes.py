"""What an account manager keeps of a relationship."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.companies import Company
from accounts.models.employees import Employee
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text


class ServiceNoteQuerySet(ScopedQuerySet["ServiceNote"]):
    """Service notes; an internal one never reaches a client (law N1)."""

    def seen_by_employee(self, actor: Actor) -> Self:
        if not actor.sees_company:
            return self.none()
        return self.filter(company_id=actor.company_id, visibility=ServiceNote.Visibility.SHARED)


class ServiceNote(models.Model):
    """A call, a meeting, a wish, a problem: written once, by the account manager."""

    class Kind(models.TextChoices):
        CALL = "CALL", _("call")
        MEETING = "MEETING", _("meeting")
        MAIL = "MAIL", _("mail")
        WISH = "WISH", _("wish")
        PROBLEM = "PROBLEM", _("problem")

    class Visibility(models.TextChoices):
        INTERNAL = "INTERNAL", _("internal")
        SHARED = "SHARED", _("shared with the client")

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="service_notes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.CALL)
    text = models.TextField(_("text"), max_length=10_000, validators=[validate_plain_text])
    visibility = models.CharField(_("visibility"), max_length=10, choices=Visibility, default=Visibility.INTERNAL)
    people = models.ManyToManyField(Employee, blank=True, related_name="service_notes", verbose_name=_("people"))
    happened_at = models.DateTimeField(_("when"))
    created_at = models.DateTimeField(_("written"), auto_now_add=True)

    objects = ServiceNoteQuerySet.as_manager()

    class Meta:
        verbose_name = _("service note")
        verbose_name_plural = _("service notes")
        indexes = [models.Index(fields=["company", "-happened_at"], name="service_note_timeline")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.happened_at:%Y-%m-%d}: {self.text[:60]}"
