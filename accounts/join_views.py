"""Accepting an invitation: the one page that makes a login, for whoever has the word from the e-mail."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.translation import activate, get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.forms import JoinForm
from accounts.invitations import AddressTakenError, NoSuchInvitationError, OnlyByCompanyError, accept, find, only_way_in


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a name and a password, and be let in; a word that opens nothing is told nothing."""
    now = timezone.now()
    try:
        invitation = find(token, now=now)
    except NoSuchInvitationError:
        return _no_such_invitation(request)
    context: dict[str, object] = {"invitation": invitation, "company": invitation.employee.company}
    if request.user.is_authenticated:
        status = 409 if request.method == "POST" else 200
        return render(request, "accounts/join.html", {**context, "is_somebody_else": True}, status=status)
    if sign_on := only_way_in(invitation):
        status = 409 if request.method == "POST" else 200
        return render(request, "accounts/join.html", {**context, "sign_on": sign_on}, status=status)
    said = {
        "name": invitation.employee.name,
        "language": get_language(),
        "time_zone": invitation.invited_by.time_zone,
    }
    form = JoinForm(request.POST or None, initial=said, address=invitation.address)
    context["form"] = form
    if not form.is_valid():
        return render(request, "accounts/join.html", context, status=422 if form.is_bound else 200)
    try:
        user = accept(token=token, arrival=form.arrival, now=now)
    except (NoSuchInvitationError, OnlyByCompanyError):  # it has just become so: the link says more when opened again
        return _no_such_invitation(request)
    except AddressTakenError:
        return render(request, "accounts/join.html", {**context, "is_taken": True}, status=409)
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    activate(user.language)
    messages.success(request, _("Welcome! This is where you see what you have and what comes next."))
    return HttpResponseRedirect(resolve_url(settings.LOGIN_REDIRECT_URL))


def _no_such_invitation(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/join_over.html", status=404)
