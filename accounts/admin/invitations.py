"""Invitations: whom the vendor and the companies' admins asked in, and what became of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models.fields.related import RelatedField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import invitations
from accounts.actors import Actor, actor_of
from accounts.admin.links import AskedFilter, LinkedRowFilter, row_link
from accounts.admin.refusals import RefusingAdmin
from accounts.admin.scoped import NeverDeleted
from accounts.admin.steps import Step, SteppedAdmin
from accounts.middleware import actor_behind
from accounts.models import Employee, Invitation, User


def _again(row: Invitation, by: User, now: datetime, _asked: Mapping[str, Any]) -> Invitation:
    try:
        return invitations.invite(
            actor=actor_of(by, now=now),
            employee_id=row.employee_id,
            address=row.address,
            language=row.language,
            now=now,
        )
    except invitations.InvitationError as error:
        raise invitations.InvitationError(_why_not(error)) from error


def _revoke(row: Invitation, by: User, now: datetime, _asked: Mapping[str, Any]) -> Invitation:
    try:
        return invitations.revoke(actor=actor_of(by, now=now), invitation_id=row.pk, now=now)
    except invitations.InvitationError as error:
        raise invitations.InvitationError(_("It was accepted or taken back before; nothing has changed.")) from error


def _why_not(error: Exception) -> str:
    """Why nothing was sent, and what to do."""
    if isinstance(error, invitations.TooManyInvitationsError):
        return _("Nothing was sent: there were many invitations just now. Wait for a while, then try again.")
    if isinstance(error, invitations.AddressOfAnotherError):
        return _("Nothing was sent: a colleague signs in with this address, or is known by it. Invite that colleague.")
    return _("Nothing was sent: the person signs in already, or no longer takes part.")


class StateFilter(AskedFilter):
    """Cuts the list down to what is still to be answered, or the like."""

    title = gettext_lazy("state")
    parameter_name = "state"
    choices_of = dict(Invitation.State.choices)

    def cut(self, rows: Any, asked: str, actor: Actor) -> Any:
        """Return the invitations in that state."""
        match asked:
            case Invitation.State.ACCEPTED:
                return rows.filter(accepted_at__isnull=False)
            case Invitation.State.REVOKED:
                return rows.filter(revoked_at__isnull=False)
            case Invitation.State.EXPIRED:
                return rows.open().filter(expires_at__lte=actor.at)
        return rows.open().filter(expires_at__gt=actor.at)


class InvitationForm(forms.ModelForm[Invitation]):
    """Whom to ask in, where, in which language."""

    class Meta:
        model = Invitation
        fields = ("employee", "address", "language")


@admin.register(Invitation)
class InvitationAdmin(NeverDeleted[Invitation], RefusingAdmin[Invitation], SteppedAdmin[Invitation]):
    """Invitations: sent, sent again, taken back; never edited."""

    refusals: ClassVar[tuple[type[Exception], ...]] = (invitations.InvitationError,)
    refusal = invitations.InvitationError
    form = InvitationForm
    list_display = ("invited_at", "employee", "company", "address", "becomes", "expires_at", "invited_by")
    list_filter = (StateFilter, ("employee", LinkedRowFilter))
    list_select_related = ("employee__company", "invited_by")
    search_fields = ("address", "employee__name", "employee__company__name")
    ordering = ("-pk",)
    autocomplete_fields = ("employee",)
    actions = None
    steps: ClassVar[Mapping[str, Step]] = {
        "again": Step(
            gettext_lazy("Send again"),
            gettext_lazy("A new link goes to the same address and works for 14 days; the one before opens nothing."),
            gettext_lazy("The invitation is sent again."),
            _again,
            makes_new_row=True,
        ),
        "revoke": Step(
            gettext_lazy("Take back"),
            gettext_lazy("The link opens nothing any more. The person can be invited again."),
            gettext_lazy("The invitation is taken back."),
            _revoke,
            makes_new_row=True,
            is_danger=True,
        ),
    }

    def offered(self, row: Invitation) -> list[str]:
        """Nothing more for one that was accepted."""
        match row.state(timezone.now()):
            case Invitation.State.ACCEPTED:
                return []
            case Invitation.State.REVOKED:
                return ["again"]
        return ["again", "revoke"]

    def get_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        """Ask whom and where; then show what became of it."""
        asked = ("employee", "address", "language")
        shown = ("becomes", ("invited_by", "invited_at"), ("expires_at", "accepted_at", "revoked_at"))
        return (*asked, *shown) if obj else asked

    def get_readonly_fields(self, request: HttpRequest, obj: Invitation | None = None) -> Any:
        """What was sent stays as it was sent."""
        return ("becomes",)

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        """Nobody edits."""
        return False

    def get_field_queryset(self, db: str | None, db_field: RelatedField[Any, Any], request: HttpRequest) -> Any:
        """Offer people who work there and have no login."""
        rows = super().get_field_queryset(db, db_field, request)
        if db_field.remote_field.model is Employee:
            return rows.filter(is_active=True, user__isnull=True)
        return rows

    def save_model(self, request: HttpRequest, obj: Invitation, form: Any, change: bool) -> None:
        """Send it."""
        sent = invitations.invite(
            actor=actor_behind(request),
            employee_id=obj.employee_id,
            address=obj.address,
            language=obj.language,
            now=timezone.now(),
        )
        obj.pk, obj._state.adding = sent.pk, False

    def said(self, error: Exception) -> str:
        """Return why, and what to do."""
        return _why_not(error)

    @admin.display(description=gettext_lazy("company"))
    def company(self, invitation: Invitation) -> str:
        """Whose employee."""
        return row_link(invitation.employee.company)

    @admin.display(description=gettext_lazy("state"))
    def becomes(self, invitation: Invitation) -> str:
        """What has become of it."""
        return str(invitation.state(timezone.now()).label)
