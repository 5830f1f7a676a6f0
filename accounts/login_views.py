"""Where one is signed in, and how one ends that."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import sessions
from accounts.access import signed_in
from accounts.middleware import actor_behind
from accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def open_sessions(request: HttpRequest) -> HttpResponse:
    """Every session of one's own with its device; sent, it ends all the others."""
    user, current = User.objects.get(pk=actor_behind(request).user_id), request.session.session_key
    if request.method == "POST":
        count = sessions.end_other_sessions(user_id=user.pk, current_key=current)
        text = ngettext("%(count)s other session has ended.", "%(count)s other sessions have ended.", count)
        messages.success(request, text % {"count": count})
        return HttpResponseRedirect(reverse("login-sessions"))
    found = sessions.sessions_of(user, current_key=current, now=timezone.now())
    return render(request, "accounts/sessions.html", {"sessions": found})


@require_POST
@signed_in
def end_session(request: HttpRequest, pk: int) -> HttpResponse:
    """End one session of one's own."""
    if not sessions.end_session(user_id=actor_behind(request).user_id, session_id=pk):
        raise Http404
    messages.success(request, _("The session has ended."))
    return HttpResponseRedirect(reverse("login-sessions"))
