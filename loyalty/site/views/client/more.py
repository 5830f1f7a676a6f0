"""Everything that has no door of its own, in one plain list."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.delegations import decides_for_company
from accounts.middleware import actor_behind


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the list, and what one finds there."""

    label: str
    line: str
    url: str
    icon: str
    mark: str = ""


@require_safe
@employees_only
def more(request: HttpRequest) -> HttpResponse:
    """The list."""
    return render(request, "client/more.html", {"entries": _entries(actor_behind(request))})


def _entries(actor: Actor) -> list[Entry]:
    unread = actor.unread_messages
    mark = ngettext("%(count)s unread", "%(count)s unread", unread) % {"count": unread} if unread else ""
    entries = [
        Entry(_("Inbox"), _("What we have written to you."), reverse("inbox"), "inbox", mark),
        Entry(_("Points"), _("Every point that came or went, with its reason."), reverse("statement"), "points"),
        Entry(_("Tier"), _("Where your company stands, and what comes next."), reverse("tier"), "tier"),
        Entry(_("Benefits"), _("What you and your company may use now."), reverse("benefits"), "benefits"),
        Entry(_("Orders"), _("What you redeemed, and where it is."), reverse("orders"), "orders"),
        Entry(_("Surveys"), _("What we would like to hear from you."), reverse("surveys"), "surveys"),
        Entry(_("Rules"), _("Every rule in plain words."), reverse("rules"), "rules"),
        Entry(_("Me"), _("Your profile, your interests, and what we may tell you."), reverse("me"), "me"),
    ]
    if not actor.sees_company and decides_for_company(actor):
        stands_in = Entry(_("Approvals"), _("You stand in for a colleague."), reverse("company-approvals"), "approvals")
        entries.insert(1, stands_in)
    return entries
