"""Keeping what is typed, and letting go of it."""

from datetime import datetime

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import drafts
from accounts.access import signed_in
from accounts.middleware import actor_behind

_SETTLED_KEY = "draft_settled"
"""Where a session keeps which page's form was saved last, and when."""


@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep what stands in a form while somebody types; the form's own word says whose it is, session or not."""
    token = request.POST.get(drafts.TOKEN_FIELD, "")
    now = timezone.now()
    user_id = actor_behind(request).user_id
    try:
        word = drafts.word_of(token)
        if user_id and word.user_id != user_id:
            raise drafts.NotOursError
        is_late = _was_saved_since(request, word)
        is_kept = not is_late and drafts.keep(token=token, typed=dict(request.POST.lists()), now=now)
    except drafts.NotOursError:
        return HttpResponseBadRequest()
    return render(request, "includes/draft_kept.html", {"kept_at": now if is_kept else None})


@require_POST
@signed_in
def discard(request: HttpRequest) -> HttpResponse:
    """Forget what was typed and not saved, and go back to its page."""
    try:
        word = drafts.word_of(request.POST.get(drafts.TOKEN_FIELD, ""))
        if word.user_id != actor_behind(request).user_id:
            raise drafts.NotOursError
    except drafts.NotOursError:
        messages.warning(request, _("That page was open for too long. Open it again to discard the draft."))
        return HttpResponseRedirect(resolve_url("home"))
    let_go(request, user_id=word.user_id, address=word.address)
    messages.success(request, _("The draft is discarded."))
    return HttpResponseRedirect(word.address)


def let_go(request: HttpRequest, *, user_id: int, address: str) -> None:
    """Forget the draft of a page whose form was saved or given up.

    A browser may still be about to keep what was typed there: the session remembers that it comes too late.
    """
    drafts.discard(user_id=user_id, address=address)
    request.session[_SETTLED_KEY] = [address, timezone.now().isoformat()]


def _was_saved_since(request: HttpRequest, word: drafts.Word) -> bool:
    address, at = request.session.get(_SETTLED_KEY) or ("", "")
    return address == word.address and word.given_at <= datetime.fromisoformat(at)
