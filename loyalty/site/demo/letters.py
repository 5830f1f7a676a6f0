"""The demo's e-mail: one that is still to be sent. Those of its half year have arrived long ago."""

from datetime import datetime

from accounts.actors import actor_of
from accounts.invitations import invite
from accounts.models import Employee
from loyalty.site.demo.settling import Staff


def invite_somebody(staff: Staff, now: datetime) -> None:
    """Ask one of those in who have no login: the link is in the mailbox."""
    guest = Employee.objects.filter(user__isnull=True, is_active=True).order_by("pk").first()
    if guest is not None:
        address = f"{guest.name.split()[0].lower()}@invited.example"
        actor = actor_of(staff.manager, now=now)
        invite(actor=actor, employee_id=guest.pk, address=address, language="en", now=now)
