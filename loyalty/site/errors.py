"""Answers to what went wrong. Named in the URL configuration as `handler404`, in settings as `CSRF_FAILURE_VIEW`."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views import csrf, defaults

from accounts import drafts
from accounts.api.problems import plain_response
from accounts.middleware import look_behind

API = "/api/v1/"


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 the same way, byte for byte, for a foreign object and for one that does not exist.

    Neither the exception nor anything else that differs between the two (the address, a CSRF token) reaches the page.
    That somebody sees as a client does: it is the same for both.
    """
    if request.path.startswith(API):
        return plain_response("not_found")
    return HttpResponse(render_to_string("404.html", {"look": look_behind(request)}), status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an error of ours in the way of whoever asked: a page for people, a problem for other systems."""
    return plain_response("server_error") if request.path.startswith(API) else defaults.server_error(request)


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is not the session's: nothing is done, but what somebody typed is not lost.

    Whoever signs in again in another tab has such forms open. One that carries the word of its own page, signed for the
    same user, leads back to that page with what was typed; any other gets the page that says so.
    """
    address = _keep_what_was_typed(request)
    if not address:
        return csrf.csrf_failure(request, reason)
    messages.warning(
        request,
        _(
            "You have signed in again since this page was opened, so nothing was saved. What you typed is here: "
            "save it once more."
        ),
    )
    return HttpResponseRedirect(address)


def _keep_what_was_typed(request: HttpRequest) -> str:
    """The address of the page whose draft was kept; "" where none was."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or look_behind(request) is not None:
        return ""
    token = request.POST.get(drafts.TOKEN_FIELD, "")
    try:
        word = drafts.word_of(token)
        is_own = (word.user_id, word.address) == (user.pk, request.path)
        is_kept = is_own and drafts.keep(token=token, typed=dict(request.POST.lists()), now=timezone.now())
    except drafts.NotOursError:
        return ""
    return word.address if is_kept else ""
