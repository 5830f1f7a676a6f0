"""Ending e-mails about a topic by the link in one of them: signed for the person and the topic, valid signed out."""

from dataclasses import dataclass

from django.core import signing
from django.urls import reverse

from accounts.models import Employee
from accounts.preferences import SWITCHES, Channel, Switch, switch_off

_SALT = "accounts.mail.unsubscribing"


class NoSuchLinkError(Exception):
    """A link that we have not given out, or whose reader is nobody any more."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Whose e-mails about which topic a link ends."""

    employee_id: int
    topic: str


def address_to_unsubscribe(employee_id: int, topic: str) -> str:
    """Return where a person ends the e-mails about a topic."""
    return reverse("unsubscribe", args=[signing.dumps([employee_id, topic], salt=_SALT)])


def ending_of(token: str) -> Ending:
    """Return what a link ends. Raises NoSuchLinkError."""
    try:
        employee_id, topic = signing.loads(token, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise NoSuchLinkError from None
    if Switch(topic, Channel.EMAIL) not in SWITCHES or not Employee.objects.filter(pk=employee_id).exists():
        raise NoSuchLinkError
    return Ending(employee_id, topic)


def unsubscribe(ending: Ending) -> None:
    """Send the person no e-mail about the topic any more; what waits is not sent either. Twice does nothing."""
    switch_off(employee_id=ending.employee_id, switch=Switch(ending.topic, Channel.EMAIL))
