"""Pages that an e-mail leads to without a login, and the door at which its carrier reports what came back."""

from django.conf import settings
from django.contrib import messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseForbidden,
    HttpResponseRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import signed_in
from accounts.mail import mending, reports, unsubscribing
from accounts.middleware import actor_behind
from accounts.models import NotificationPreference, User

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


@require_POST
@signed_in
def try_again(request: HttpRequest) -> HttpResponse:
    """Take e-mails to the own address up again."""
    user = User.objects.get(pk=actor_behind(request).user_id)
    if mending.try_again(address=user.email, by_user_id=user.pk, now=timezone.now()):
        messages.success(request, _("E-mails go to your address again. If one comes back, they stop again."))
    return HttpResponseRedirect(reverse("me"))


@csrf_exempt  # signed by whoever knows our secret: there is no browser in between
@require_POST
def take_report(request: HttpRequest) -> HttpResponse:
    """Take what whoever carries our e-mails reports; 403 where the signature is wrong, 400 where it says nothing."""
    now, body = timezone.now(), request.body
    try:
        header = request.headers.get("Twofold-Signature", "")
        reports.check_signature(header, body, secret=settings.MAIL_HOOK_SECRET, now=now)
        report = reports.report_of(body, now=now)
    except reports.BadSignatureError:
        return HttpResponseForbidden()
    except reports.MalformedReportError as error:
        return JsonResponse({"code": "malformed", "field": str(error)}, status=400)
    return JsonResponse({"is_news": reports.take_report(report, now=now)})
