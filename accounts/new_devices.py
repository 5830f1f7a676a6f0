"""Whoever signs in with a device that they have not used before is told by mail: it may have been somebody else."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts import devices, mail
from accounts.mail import MailKind
from accounts.models import User

NEW_DEVICE = MailKind(
    "new-device",
    _("Somebody signed in as you with a new device"),
    (
        _("On {moment} ({zone}) somebody signed in with your login: with {device}, from the address {address}."),
        _("That device had not been used for your login before. Was it you? Then there is nothing to do."),
        _(
            "If it was not you: choose a new password, by “Forgotten the password?” where you sign in. It ends every "
            "session. Then look where you are signed in, and at your second steps."
        ),
    ),
    _("You get this because it is about the safety of your login; such e-mails cannot be switched off."),
    button=_("Where I am signed in"),
)


def register() -> None:
    """Make the e-mail known."""
    mail.register(NEW_DEVICE)


def tell_of_new_device(user: User, *, user_agent: str, address: str, now: datetime) -> None:
    """Write to `user` when, with what and from where somebody has signed in, and what to do if it was not them."""
    with translation.override(user.language):
        facts = {
            "moment": date_format(timezone.localtime(now, ZoneInfo(user.time_zone)), "DATETIME_FORMAT"),
            "zone": user.time_zone,
            "device": devices.in_words(user_agent),
            "address": address,
            "link": reverse("login-sessions"),
        }
    mail.send(NEW_DEVICE, user=user, facts=facts, now=now)
