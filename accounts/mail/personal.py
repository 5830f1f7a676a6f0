"""What e-mails hold of a person: to which address something was sent, what became of it, and what came back."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import subjects
from accounts.models import Employee, Invitation, Mail, MailReport, SuppressedAddress, User
from accounts.subjects import Part, Row


def register() -> None:
    """Make the part known."""
    subjects.register(
        Part("e-mails", _("E-mails to you"), _rows, _erase),
        Part("invitations", _("Invitations to you"), _invitations, _erase_invitations),
    )


def _rows(employee: Employee) -> Iterable[Row]:
    for mail in _mails_of(employee).order_by("pk"):
        yield {
            "written_at": mail.created_at,
            "address": mail.address,
            "about": mail.kind,
            "state": mail.get_state_display(),
            "ended_at": mail.ended_at,
        }


def _erase(employee: Employee) -> None:
    mails = _mails_of(employee)
    addresses = {address.lower() for address in mails.values_list("address", flat=True)}
    addresses |= {email.lower() for email in User.objects.filter(pk=employee.user_id).values_list("email", flat=True)}
    of_address = Q(pk__in=[])
    for address in addresses:
        of_address |= Q(address__iexact=address)
    MailReport.objects.filter(of_address).delete()
    SuppressedAddress.objects.filter(of_address).delete()
    mails.delete()


def _mails_of(employee: Employee) -> QuerySet[Mail]:
    invitations = Invitation.objects.filter(employee=employee).values_list("pk", flat=True)
    own = Q(message__employee=employee) | Q(user__isnull=True, facts__invitation__in=list(invitations))
    return Mail.objects.filter(own if employee.user_id is None else own | Q(user=employee.user_id))


def _invitations(employee: Employee) -> Iterable[Row]:
    for invitation in Invitation.objects.filter(employee=employee).order_by("pk"):
        yield {
            "invited_at": invitation.invited_at,
            "address": invitation.address,
            "accepted_at": invitation.accepted_at,
            "taken_back_at": invitation.revoked_at,
        }


def _erase_invitations(employee: Employee) -> None:
    """Their e-mails, too: afterwards nothing leads from one to the person any more."""
    _erase(employee)
    Invitation.objects.filter(employee=employee).delete()
