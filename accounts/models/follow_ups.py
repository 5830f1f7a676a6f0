"""What an account manager has promised or planned, with the day it is due; and earlier versions of notes."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models.companies import Company
from accounts.models.notes import ServiceNote
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text


class FollowUpQuerySet(ScopedQuerySet["FollowUp"]):
    """Follow-ups; a client reads the promises that were shared with it."""

    def seen_by_employee(self, actor: Actor) -> Self:
        if not actor.sees_company:
            return self.none()
        return self.filter(company_id=actor.company_id, visibility=ServiceNote.Visibility.SHARED)


class FollowUp(models.Model):
    """A promise, a gesture, a renewal or an offer that is due; whoever looks after the company keeps it."""

    class Kind(models.TextChoices):
        PROMISE = "PROMISE", _("promise")
        GESTURE = "GESTURE", _("gesture")
        RENEWAL = "RENEWAL", _("renewal")
        OFFER = "OFFER", _("offer")

    class State(models.TextChoices):
        OPEN = "OPEN", _("open")
        DONE = "DONE", _("done")
        DROPPED = "DROPPED", _("dropped")

    company = models.ForeignKey(Company, on_delete=models.PROTECT, related_name="follow_ups")
    note = models.ForeignKey(ServiceNote, on_delete=models.PROTECT, null=True, related_name="follow_ups")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.PROMISE)
    text = models.CharField(_("what"), max_length=300, validators=[validate_plain_text])
    visibility = models.CharField(
        _("visibility"), max_length=10, choices=ServiceNote.Visibility, default=ServiceNote.Visibility.INTERNAL
    )
    due_on = models.DateField(_("due"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(_("written"))
    closed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(pgettext_lazy("date", "closed"), null=True)
    outcome = models.CharField(_("what came of it"), max_length=300, blank=True, validators=[validate_plain_text])

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = _("follow-up")
        verbose_name_plural = _("follow-ups")
        indexes = [
            models.Index(fields=["company", "due_on"], condition=Q(state="OPEN"), name="follow_up_owed"),
        ]
        constraints = [
            # A promise that is done at no time by nobody was forgotten, not kept.
            models.CheckConstraint(
                condition=Q(state="OPEN", closed_by__isnull=True, closed_at__isnull=True)
                | (~Q(state="OPEN") & Q(closed_by__isnull=False, closed_at__isnull=False)),
                name="follow_up_closed_by_somebody",
            ),
            # A promise dropped in silence.
            models.CheckConstraint(
                condition=~Q(state="DROPPED") | ~Q(outcome=""), name="follow_up_dropped_with_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.due_on:%Y-%m-%d}: {self.text[:60]}"


class FollowUpMoveQuerySet(ScopedQuerySet["FollowUpMove"]):
    """Days that were moved: the vendor's own."""

    company_lookup = "follow_up__company"


class FollowUpMove(models.Model):
    """A due day that was moved, and why."""

    follow_up = models.ForeignKey(FollowUp, on_delete=models.PROTECT, related_name="moves")
    from_on = models.DateField(pgettext_lazy("change", "from"))
    to_on = models.DateField(pgettext_lazy("change", "to"))
    reason = models.CharField(_("reason"), max_length=300, validators=[validate_plain_text])
    moved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    moved_at = models.DateTimeField(pgettext_lazy("date", "moved"))

    objects = FollowUpMoveQuerySet.as_manager()

    class Meta:
        verbose_name = _("moved follow-up")
        verbose_name_plural = _("moved follow-ups")
        constraints = [
            # A day moved without a word: the next one could not tell what to say to the client.
            models.CheckConstraint(condition=~Q(reason=""), name="follow_up_moved_with_reason"),
            # A move to the day it was due on anyway: a history that says something happened when nothing did.
            models.CheckConstraint(condition=~Q(from_on=F("to_on")), name="follow_up_moved_to_another_day"),
        ]

    def __str__(self) -> str:
        return f"{self.from_on:%Y-%m-%d} to {self.to_on:%Y-%m-%d}"


class ServiceNoteVersionQuerySet(ScopedQuerySet["ServiceNoteVersion"]):
    """Earlier versions of notes: the vendor's own, whatever the note's visibility is now (law N1)."""

    company_lookup = "note__company"


class ServiceNoteVersion(models.Model):
    """How a note read before it was edited; erasable, as it may name people."""

    note = models.ForeignKey(ServiceNote, on_delete=models.PROTECT, related_name="versions")
    text = models.TextField(_("text"))
    kind = models.CharField(_("kind"), max_length=10, choices=ServiceNote.Kind)
    visibility = models.CharField(_("visibility"), max_length=10, choices=ServiceNote.Visibility)
    happened_at = models.DateTimeField(_("when"))
    replaced_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("edited by")
    )
    replaced_at = models.DateTimeField(_("edited"))

    objects = ServiceNoteVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("earlier version of a note")
        verbose_name_plural = _("earlier versions of notes")
        indexes = [models.Index(fields=["note", "-replaced_at"], name="service_note_version_latest")]

    def __str__(self) -> str:
        return self.text[:60]
