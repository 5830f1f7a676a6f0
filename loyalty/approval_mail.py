"""E-mails about rules that wait for a second person: to those who may decide, and of the decision to whoever asked."""

from datetime import datetime

from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import mail
from accounts.mail import MailKind, Prepared
from accounts.models import Approval, Mail, User
from accounts.request_mail import while_it_waits, write_to_approvers
from loyalty.models import RuleSet


def _while_it_waits(letter: Mail, now: datetime) -> Prepared:
    """Say when the rules would begin; nothing is sent once nobody is asked any more, or to who may not decide."""
    while_it_waits(letter)
    at = RuleSet.objects.get(pk=letter.facts["rule_set"]).wanted_start_at
    return {"begins": _("as soon as it is approved") if at is None or at <= now else _moment(at)}


def _as_it_begins(letter: Mail, now: datetime) -> Prepared:
    """Say when the rules begin, or began."""
    at = RuleSet.objects.get(pk=letter.facts["rule_set"]).starts_at
    return {"begins": "–" if at is None else _moment(at)}


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "DATETIME_FORMAT")


RULES_ASKED = MailKind(
    "rules-asked",
    gettext_lazy("“{program}”: version {version} of the rules waits for your approval"),
    (
        gettext_lazy("{person} asks for version {version} of the rules of “{program}” to be put in force: {begins}."),
        gettext_lazy("Why: {reason}"),
        gettext_lazy(
            "What changes, how examples and replay came out, and what is worth a second look stands on one page. One "
            "of those who may decide does; whoever asked does not."
        ),
    ),
    gettext_lazy("You get this because you decide on what colleagues ask for; such e-mails cannot be switched off."),
    button=gettext_lazy("Read and decide"),
    prepare=_while_it_waits,
)
RULES_APPROVED = MailKind(
    "rules-approved",
    gettext_lazy("“{program}”: version {version} of the rules is approved"),
    (gettext_lazy("{person} approved what you asked for. The version holds from: {begins}."),),
    gettext_lazy("You get this because you asked for it; such e-mails cannot be switched off."),
    button=gettext_lazy("Open the version"),
    prepare=_as_it_begins,
)
RULES_REJECTED = MailKind(
    "rules-rejected",
    gettext_lazy("“{program}”: version {version} of the rules is rejected"),
    (
        gettext_lazy("{person} rejected what you asked for: {reason}"),
        gettext_lazy("The version is a draft as before: change it, and ask again."),
    ),
    gettext_lazy("You get this because you asked for it; such e-mails cannot be switched off."),
    button=gettext_lazy("Open the version"),
)


def register() -> None:
    """Make the e-mails known."""
    mail.register(RULES_ASKED, RULES_APPROVED, RULES_REJECTED)


def tell_approvers(draft: RuleSet, request: Approval, *, now: datetime) -> int:
    """Write to everybody who may decide on a request but the one who asked; returns to how many.

    Call it where the request is made, in its transaction: a request is told of once.
    """
    facts: dict[str, str | int] = {
        "program": draft.program.name,
        "version": draft.version,
        "rule_set": draft.pk,
        "link": reverse("admin:accounts_approval_change", args=[request.pk]),
    }
    return write_to_approvers(RULES_ASKED, request, facts, now=now)


def tell_asker(rule_set: RuleSet, request: Approval, *, by: User, now: datetime) -> None:
    """Write to whoever asked what was decided, by whom and why; in the transaction of the decision."""
    is_approved = request.state == Approval.State.APPROVED
    facts: dict[str, str | int] = {
        "program": rule_set.program.name,
        "version": rule_set.version,
        "person": by.name,
        "reason": request.reason,
        "rule_set": rule_set.pk,
        "link": reverse("admin:loyalty_ruleset_change", args=[rule_set.pk]),
    }
    mail.send(RULES_APPROVED if is_approved else RULES_REJECTED, user=request.asked_by, facts=facts, now=now)
