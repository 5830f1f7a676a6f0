"""Whether somebody has shown just now that it is them; if not, they are asked, and then go on with what they sent."""

import json
from datetime import datetime
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from allauth.core.internal.httpkit import deserialize_request, serialize_request
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import resolve, reverse


def is_fresh(request: HttpRequest, *, now: datetime) -> bool:
    """Whether the user signed in, or was asked again, within the last minutes that `settings` name."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    return bool(records) and now.timestamp() - records[-1]["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def ask_again(request: HttpRequest) -> HttpResponse:
    """Ask the user to show who they are, by any way that they sign in by, and then answer `request` after all.

    What was sent waits in the session, files excepted: a page that takes files asks before it shows its form. Somebody
    who has no such way any more signs out and in.
    """
    ways = get_adapter().get_reauthentication_methods(request.user)
    back = request.get_full_path()
    request.session.pop(STATE_SESSION_KEY, None)
    if ways and request.method == "POST":
        request.session[STATE_SESSION_KEY] = {"request": serialize_request(request)}
        back = request.path  # allauth compares it to the path alone; the query waits with what was sent
    way = ways[0]["url"] if ways else reverse("account_logout")
    return HttpResponseRedirect(f"{way}?{urlencode({'next': back})}")


def resume(request: HttpRequest, *, wanted: str) -> HttpResponse:
    """Go to the page `wanted` after showing who one is: with what was sent to it, if that waits in the session."""
    state = request.session.pop(STATE_SESSION_KEY, None) or {}
    if "request" not in state or json.loads(state["request"])["path"] != wanted:
        return HttpResponseRedirect(wanted)
    asked = deserialize_request(state["request"], request)
    found = resolve(asked.path_info)
    answer: HttpResponse = found.func(asked, *found.args, **found.kwargs)
    return answer
