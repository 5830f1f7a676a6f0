"""The demo's e-mails: those of the past have arrived, those of today are still to be sent."""

from datetime import datetime, timedelta

from django.db.models import F

from accounts.actors import actor_of
from accounts.invitations import invite
from accounts.models import Employee, Mail
from loyalty.site.demo.settling import Staff

_STILL_TO_COME = timedelta(days=2)


def deliver_what_is_old(now: datetime) -> None:
    """Leave the worker only what was written in the last two days: half a year would flood the mailbox."""
    old = Mail.objects.filter(state=Mail.State.WAITING, created_at__lt=now - _STILL_TO_COME)
    old.update(state=Mail.State.SENT, ended_at=F("created_at"), tries=1)


def invite_somebody(staff: Staff, now: datetime) -> None:
    """Ask one of those in who have no login: the link is in the mailbox."""
    guest = Employee.objects.filter(user__isnull=True, is_active=True).order_by("pk").first()
    if guest is not None:
        address = f"{guest.name.split()[0].lower()}@invited.example"
        actor = actor_of(staff.manager, now=now)
        invite(actor=actor, employee_id=guest.pk, address=address, language="en", now=now)
