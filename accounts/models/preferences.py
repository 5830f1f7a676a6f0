"""What people keep for themselves: what they want to be told, what they have typed, lists they come back to."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.employees import Employee
from accounts.scope import Actor, ScopedQuerySet
from accounts.text import validate_plain_text


class NotificationPreferenceQuerySet(ScopedQuerySet["NotificationPreference"]):
    """Preferences; a person's own."""

    company_lookup = "employee__company"

    def seen_by_employee(self, actor: Actor) -> Self:
        return self.filter(employee_id=actor.employee_id)


class NotificationPreference(models.Model):
    """Whether somebody wants to hear of a topic on a channel; without a row the topic's own default holds."""

    class Topic(models.TextChoices):
        ORDERS = "ORDERS", _("orders")
        STANDING = "STANDING", _("tier and benefits")
        POINTS = "POINTS", _("points that expire")
        SURVEYS = "SURVEYS", _("surveys")
        NEWS = "NEWS", _("news of the program")

    class Channel(models.TextChoices):
        INBOX = "INBOX", _("inbox on this site")
        EMAIL = "EMAIL", _("e-mail")

    employee = models.ForeignKey(Employee, on_delete=models.CASCADE, related_name="notification_preferences")
    topic = models.CharField(_("topic"), max_length=10, choices=Topic)
    channel = models.CharField(_("channel"), max_length=10, choices=Channel)
    is_wanted = models.BooleanField(_("wanted"))

    objects = NotificationPreferenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("notification preference")
        verbose_name_plural = _("notification preferences")
        constraints = [
            # Both yes and no: chance would decide.
            models.UniqueConstraint(fields=["employee", "topic", "channel"], name="notification_preference_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} by {self.channel}: {self.is_wanted}"


class DraftQuerySet(ScopedQuerySet["Draft"]):
    """Drafts; nobody but their author reads them, and only through `accounts.drafts`."""

    company_lookup = ""


class Draft(models.Model):
    """What somebody had typed into a form of a page when the session ended or the line broke."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    address = models.CharField(_("page"), max_length=200)
    fields = models.JSONField(_("typed"), default=dict)
    saved_at = models.DateTimeField(_("kept"))

    objects = DraftQuerySet.as_manager()

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [
            # Two drafts of one page: the older one could come back over the newer.
            models.UniqueConstraint(fields=["user", "address"], name="draft_one_a_page"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id}: {self.address}"


class SavedFilterQuerySet(ScopedQuerySet["SavedFilter"]):
    """Saved lists of the admin: program managers share one desk."""

    company_lookup = ""


class SavedFilter(models.Model):
    """A list of the admin, cut down and sorted the way somebody wants to see it again."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters")
    screen = models.CharField(_("list"), max_length=100, help_text=_("Label of the model, such as rewards.Redemption."))
    name = models.CharField(_("name"), max_length=100, validators=[validate_plain_text])
    query = models.CharField(_("filter"), max_length=2_000, blank=True)
    is_shared = models.BooleanField(_("shared with all program managers"), default=False)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints = [
            # Two filters under one name: whoever chooses one gets the other.
            models.UniqueConstraint(
                fields=["owner", "screen", "name"],
                name="saved_filter_name_unique",
                violation_error_message=_("You already have a filter of this name."),
            ),
            # A filter without a name: a link that nobody sees.
            models.CheckConstraint(condition=~Q(name=""), name="saved_filter_has_name"),
        ]

    def __str__(self) -> str:
        return self.name
