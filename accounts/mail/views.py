"""Pages that an e-mail leads to without a login, and the door at which its carrier reports what came back."""

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.mail import unsubscribing
from accounts.models import NotificationPreference

ONE_CLICK = ("List-Unsubscribe", "One-Click")
"""What RFC 8058 has a mail program send when its reader presses its button; ours sends the same."""


@never_cache
@csrf_exempt  # the signed link is the permission: mail programs have no token of ours
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """End the e-mails about one topic, once somebody says so: whoever only looks at links changes nothing."""
    try:
        ending = unsubscribing.ending_of(token)
    except unsubscribing.NoSuchLinkError:
        raise Http404 from None
    topic = NotificationPreference.Topic(ending.topic).label
    if request.method != "POST":
        return render(request, "accounts/unsubscribe.html", {"topic": topic, "one_click": ONE_CLICK})
    name, value = ONE_CLICK
    if request.POST.get(name) != value:
        return HttpResponseBadRequest()
    unsubscribing.unsubscribe(ending)
    return render(request, "accounts/unsubscribe.html", {"topic": topic, "is_done": True})
