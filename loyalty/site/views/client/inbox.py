"""The inbox: messages by day; opening one marks it as read and leads to what it speaks of."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.inbox import NoSuchMessageError, inbox_of, mark_all_read, open_message
from accounts.messages import address_of, title_of
from accounts.middleware import actor_behind
from accounts.models import Message

MESSAGES_A_PAGE = 30


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """A message as the page shows it; `url` is where it leads, "" where nowhere."""

    pk: int
    title: str
    at: datetime
    is_unread: bool
    url: str

    @property
    def day(self) -> date:
        """The day it came, where the reader is."""
        return timezone.localtime(self.at).date()


@require_safe
@employees_only
def inbox(request: HttpRequest) -> HttpResponse:
    """The reader's messages, latest first."""
    actor = actor_behind(request)
    page = Paginator(inbox_of(actor), MESSAGES_A_PAGE).get_page(request.GET.get("page"))
    shown = [_shown(message) for message in page]
    context = {
        "days": [(day, list(group)) for day, group in groupby(shown, key=lambda message: message.day)],
        "page": page,
        "unread": _unread(actor),
        "latest": shown[0].pk if shown and page.number == 1 else None,
        "may_open": not actor.seen_by_user_id,
    }
    return render(request, "client/inbox.html", context)


@require_POST
@employees_only
def open_one(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a message as read and go where it leads."""
    try:
        message = open_message(actor=actor_behind(request), message_id=pk, now=timezone.now())
    except NoSuchMessageError:
        raise Http404 from None
    return HttpResponseRedirect(address_of(message) or reverse("inbox"))


@require_POST
@employees_only
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read that the reader had in front of them."""
    up_to = request.POST.get("up_to", "")
    if up_to.isdecimal():
        count = mark_all_read(actor=actor_behind(request), up_to=int(up_to[:18]), now=timezone.now())
        sentence = ngettext("%(count)s message is marked as read.", "%(count)s messages are marked as read.", count)
        messages.success(request, sentence % {"count": count})
    else:
        messages.warning(request, _("Nothing was marked: open the inbox and try again."))
    return HttpResponseRedirect(reverse("inbox"))


def _unread(actor: Actor) -> int:
    """How many are unread: an employee's own actor knows, one whom somebody looks through is asked for it."""
    return inbox_of(actor).filter(read_at__isnull=True).count() if actor.seen_by_user_id else actor.unread_messages


def _shown(message: Message) -> ShownMessage:
    return ShownMessage(message.pk, title_of(message), message.created_at, message.read_at is None, address_of(message))
