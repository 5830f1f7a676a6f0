"""E-mails about what waits for a second person at the vendor's: to those who may decide, and of the decision."""

from collections.abc import Mapping
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import mail, naming
from accounts.groups import approvers, may_approve
from accounts.mail import MailKind, NothingToSendError, Prepared
from accounts.models import Approval, Mail, User

Facts = Mapping[str, str | int]
"""What an e-mail says, by the places in its sentences."""


def _what(letter: Mail, now: datetime) -> Prepared:
    """Say what kind of thing is asked, in the reader's language."""
    return {"what": naming.REQUESTS.of(str(letter.facts["kind"]))}


def while_it_waits(letter: Mail) -> None:
    """Refuse to send once nobody is asked any more, or to who may not decide. Raises NothingToSendError."""
    request = Approval.objects.filter(pk=letter.facts["approval"], state=Approval.State.WAITING)
    if not request.exists():
        raise NothingToSendError(_("The request was decided or withdrawn meanwhile."))
    if letter.user is None or not may_approve(letter.user):
        raise NothingToSendError(_("The reader decides on requests no longer."))


def _while_it_waits(letter: Mail, now: datetime) -> Prepared:
    while_it_waits(letter)
    return _what(letter, now)


ASKED = MailKind(
    "request-asked",
    gettext_lazy("{what}, {about}: a request waits for your approval"),
    (
        gettext_lazy("{person} asks for approval. What: {what}. Of: {about}."),
        gettext_lazy("Why: {reason}"),
        gettext_lazy("One of those who may decide does; whoever asked does not."),
    ),
    gettext_lazy("You get this because you decide on what colleagues ask for; such e-mails cannot be switched off."),
    button=gettext_lazy("Read and decide"),
    prepare=_while_it_waits,
)
APPROVED = MailKind(
    "request-approved",
    gettext_lazy("{what}, {about}: your request is approved"),
    (gettext_lazy("{person} approved what you asked for. What: {what}. Of: {about}."),),
    gettext_lazy("You get this because you asked for it; such e-mails cannot be switched off."),
    button=gettext_lazy("Open the request"),
    prepare=_what,
)
REJECTED = MailKind(
    "request-rejected",
    gettext_lazy("{what}, {about}: your request is rejected"),
    (
        gettext_lazy("{person} rejected what you asked for. What: {what}. Of: {about}."),
        gettext_lazy("Why: {reason}"),
    ),
    gettext_lazy("You get this because you asked for it; such e-mails cannot be switched off."),
    button=gettext_lazy("Open the request"),
    prepare=_what,
)


def register() -> None:
    """Make the e-mails known."""
    mail.register(ASKED, APPROVED, REJECTED)


def tell_approvers(request: Approval, *, about: str, now: datetime) -> int:
    """Write to everybody who may decide on a request but the one who asked; returns to how many.

    `about` names what it is about. Call it where the request is made, in its transaction: it is told of once.
    """
    return write_to_approvers(ASKED, request, _facts(request, about), now=now)


def write_to_approvers(kind: MailKind, request: Approval, facts: Facts, *, now: datetime) -> int:
    """Send an e-mail of a kind, with its own facts and who asks and why, to everybody who may decide but the asker."""
    readers = list(approvers().exclude(pk=request.asked_by_id).order_by("pk"))
    said = {**facts, "approval": request.pk, "person": request.asked_by.name, "reason": request.note}
    for reader in readers:
        mail.send(kind, user=reader, facts=said, now=now)
    return len(readers)


def tell_asker(request: Approval, *, about: str, by: User, now: datetime) -> None:
    """Write to whoever asked what was decided, by whom and why; in the transaction of the decision."""
    kind = APPROVED if request.state == Approval.State.APPROVED else REJECTED
    facts = {**_facts(request, about), "person": by.name, "reason": request.reason}
    mail.send(kind, user=request.asked_by, facts=facts, now=now)


def _facts(request: Approval, about: str) -> dict[str, str | int]:
    link = reverse("admin:accounts_approval_change", args=[request.pk])
    return {"kind": request.kind, "about": about, "link": link}
