"""E-mails as rows: what is to be sent, what became of it, and which addresses take none."""

from __future__ import annotations

from typing import Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import naming
from accounts.models.records import Message
from accounts.models.users import User
from accounts.scope import Actor, ScopedQuerySet, portfolio


class MailQuerySet(ScopedQuerySet["Mail"]):
    """E-mails; of a client's people for whoever looks after the company, the vendor's own for program managers."""

    company_lookup = "user__employee__company"


class Mail(models.Model):
    """An e-mail to one address; `accounts.mail` alone moves it on.

    It carries a message of the inbox to the same person, or speaks for itself: `facts` are then what its text is made
    of. A worker that takes it in hand writes down its `claim`; before the words go out it is SENDING, and committed.
    """

    class State(models.TextChoices):
        WAITING = "WAITING", _("waits")
        SENDING = "SENDING", _("is being sent")
        SENT = "SENT", _("sent")
        UNCERTAIN = "UNCERTAIN", _("uncertain whether it was sent")
        FAILED = "FAILED", _("failed")
        BOUNCED = "BOUNCED", _("came back")
        UNWANTED = "UNWANTED", _("not sent: not wanted")
        WRITTEN_OFF = "WRITTEN_OFF", _("written off")

    OPEN = ("WAITING", "SENDING")

    code = models.UUIDField(_("number in the e-mail's head"), default=uuid4, unique=True, editable=False)
    kind = models.SlugField(_("kind"), max_length=60)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="mails", verbose_name=_("to")
    )
    message = models.OneToOneField(
        Message, on_delete=models.CASCADE, null=True, related_name="mail", verbose_name=_("message")
    )
    address = models.EmailField(_("e-mail address"))
    language = models.CharField(_("language"), max_length=10, choices=settings.LANGUAGES, default="en")
    facts = models.JSONField(_("facts"), default=dict, help_text=_("What the text is made of."))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(_("written"), default=timezone.now)
    due_at = models.DateTimeField(_("due"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    claim = models.PositiveIntegerField(_("in the hands of"), null=True)
    why = models.TextField(_("why it was not sent"), blank=True)

    objects = MailQuerySet.as_manager()

    class Meta:
        verbose_name = _("e-mail")
        verbose_name_plural = _("e-mails")
        indexes = [
            models.Index(fields=["due_at", "id"], name="mail_due", condition=Q(state="WAITING", claim__isnull=True)),
            models.Index(fields=["claim"], name="mail_in_hand", condition=Q(claim__isnull=False)),
            models.Index(fields=["address"], name="mail_address"),
        ]
        constraints = [
            # An e-mail that ended without a moment would look as if it still waited, and be sent again.
            models.CheckConstraint(
                condition=Q(state__in=("WAITING", "SENDING"), ended_at__isnull=True)
                | (~Q(state__in=("WAITING", "SENDING")) & Q(ended_at__isnull=False, claim__isnull=True)),
                name="mail_ended_has_a_moment_and_no_holder",
            ),
            # One that is being sent by nobody: nobody would ever look whether its worker died.
            models.CheckConstraint(
                condition=~Q(state="SENDING") | Q(claim__isnull=False), name="mail_sent_by_somebody"
            ),
            # A failure that nobody can read is one that nobody can mend.
            models.CheckConstraint(
                condition=~Q(state__in=("FAILED", "UNWANTED")) | ~Q(why=""), name="mail_not_sent_says_why"
            ),
            # To nowhere.
            models.CheckConstraint(condition=~Q(address=""), name="mail_has_address"),
        ]

    def __str__(self) -> str:
        return f"{naming.LETTERS.of(self.kind)}: {self.address}"

    @property
    def is_open(self) -> bool:
        """Whether it is still to be sent, or just being."""
        return self.state in self.OPEN


class MailReportQuerySet(ScopedQuerySet["MailReport"]):
    """What came back; for program managers."""

    company_lookup = ""


class MailReport(models.Model):
    """What whoever carries our e-mails said of one: that it came back, or that somebody called it spam."""

    class Event(models.TextChoices):
        BOUNCE = "BOUNCE", _("came back")
        COMPLAINT = "COMPLAINT", _("complaint")

    class Kind(models.TextChoices):
        HARD = "HARD", _("for good")
        SOFT = "SOFT", _("for now")

    address = models.EmailField(_("e-mail address"))
    mail = models.ForeignKey(
        Mail, on_delete=models.CASCADE, null=True, related_name="reports", verbose_name=_("e-mail")
    )
    event = models.CharField(_("what happened"), max_length=10, choices=Event)
    kind = models.CharField(_("for good or for now"), max_length=4, choices=Kind)
    at = models.DateTimeField(_("when"))
    reported_at = models.DateTimeField(_("reported"), default=timezone.now)

    objects = MailReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("report on an e-mail")
        verbose_name_plural = _("reports on e-mails")
        constraints = [
            # A provider repeats what it was not thanked for: twice counted, a full mailbox would look abandoned.
            models.UniqueConstraint(fields=["address", "event", "kind", "at"], name="mail_report_told_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.address}"


class SuppressedAddressQuerySet(ScopedQuerySet["SuppressedAddress"]):
    """Addresses that take no e-mail: those of the logins that one may see."""

    def in_force(self) -> Self:
        """Those that nothing is sent to now."""
        return self.filter(lifted_at__isnull=True)

    def seen_by_account_manager(self, actor: Actor) -> Self:
        return self._of(User.objects.filter(employee__company__in=portfolio(actor)))

    def seen_by_employee(self, actor: Actor) -> Self:
        return self._of(User.objects.filter(pk=actor.user_id)) if actor.user_id else self.none()

    def _of(self, users: models.QuerySet[User]) -> Self:
        return self.filter(address__in=users.values_list(Lower("email")))


class SuppressedAddress(models.Model):
    """An address that we send nothing to any more, until somebody says that it can be tried again."""

    class Reason(models.TextChoices):
        BOUNCE = "BOUNCE", _("e-mails came back")
        COMPLAINT = "COMPLAINT", _("somebody reported an e-mail as spam")

    address = models.EmailField(_("e-mail address"), unique=True, help_text=_("In small letters."))
    reason = models.CharField(_("why"), max_length=10, choices=Reason)
    since = models.DateTimeField(_("since"), default=timezone.now)
    lifted_at = models.DateTimeField(_("tried again"), null=True)

    objects = SuppressedAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("address without e-mail")
        verbose_name_plural = _("addresses without e-mail")
        constraints = [
            # In capitals nobody would find it, and the e-mails would go on.
            models.CheckConstraint(condition=Q(address=Lower("address")), name="suppressed_address_in_small_letters"),
        ]

    def __str__(self) -> str:
        return self.address
