"""Whether somebody has shown just now that it is them; if not, they are asked, and then go on with what they sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal.httpkit import deserialize_request, serialize_request
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _

from accounts import attachments, uploads
from accounts.models import Attachment

FILES_WAIT = timedelta(hours=1)
"""So long files that were sent are kept while somebody shows who they are."""

_DOWNLOAD = "download"
"""Where a session keeps what was asked for as a file, from showing who one is until the file is fetched."""


def is_fresh(request: HttpRequest, *, now: datetime) -> bool:
    """Whether the user signed in, or was asked again, within the last minutes that `settings` name."""
    if not request.user.is_authenticated:
        return False
    records = get_authentication_records(request, request.user)
    return bool(records) and now.timestamp() - records[-1]["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def ask_again(request: HttpRequest, *, page: str = "") -> HttpResponse:
    """Ask the user to show who they are, by any way that they sign in by, and then answer `request` after all.

    What was sent waits in the session, and files beside it in the database for FILES_WAIT. Somebody who has no such way
    any more signs out and in. Where the answer is a file, `page` is the one to go back to: it then fetches the file.
    """
    ways = get_adapter().get_reauthentication_methods(request.user)
    back = request.get_full_path()
    _let_go(request)
    if ways and request.method == "POST":
        waiting = {**_kept(request), "page": page}
        request.session[STATE_SESSION_KEY] = {"callback": f"{__name__}.{go_on.__name__}", "state": waiting}
        back = request.path  # it is compared to the path alone; the query waits with what was sent
    way = ways[0]["url"] if ways else reverse("account_logout")
    return HttpResponseRedirect(f"{way}?{urlencode({'next': back})}")


def go_on(request: HttpRequest, waiting: Mapping[str, Any]) -> HttpResponse:
    """Answer what waited in the session, once allauth was shown who it is, if that page is the one to go back to."""
    wanted = get_next_redirect_url(request) or resolve_url(settings.LOGIN_REDIRECT_URL)
    return _answer(request, waiting, wanted)


def resume(request: HttpRequest, *, wanted: str) -> HttpResponse:
    """Go to the page `wanted` after showing who one is: with what was sent to it, if that waits in the session."""
    state = request.session.pop(STATE_SESSION_KEY, None) or {}
    return _answer(request, state.get("state", state), wanted)


def _answer(request: HttpRequest, waiting: Mapping[str, Any], wanted: str) -> HttpResponse:
    is_wanted = "request" in waiting and json.loads(waiting["request"])["path"] == wanted
    if is_wanted and waiting.get("page"):
        request.session[_DOWNLOAD] = waiting
        messages.success(request, _("Thank you. The file comes by itself; if it does not, ask for it once more."))
        return HttpResponseRedirect(waiting["page"])
    files = _files_of(request, waiting) if is_wanted else None
    _forget(waiting)
    if not is_wanted:
        return HttpResponseRedirect(wanted)
    if files is None:
        messages.warning(request, _("The files that you sent could not be kept until now. Fill the form in once more."))
        return HttpResponseRedirect(wanted)
    return _answer_kept(request, waiting, files)


class DownloadMiddleware:
    """Lets the page to which one came back after showing who one is fetch the file that was asked for there.

    A browser that is sent on to a file stays on its page, without any script.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, and send the browser on to the file, once."""
        response = self.get_response(request)
        waiting = request.session.get(_DOWNLOAD, {})
        if waiting.get("page") == request.get_full_path() and not waiting.get("is_fetched"):
            request.session[_DOWNLOAD] = {**waiting, "is_fetched": True}
            response.headers["Refresh"] = f"0; url={reverse('download')}"
        return response


def fetch(request: HttpRequest) -> HttpResponse:
    """Answer what was asked for as a file before one showed who one is; once, and only to whoever is still fresh."""
    waiting = request.session.pop(_DOWNLOAD, None)
    if waiting is None or not is_fresh(request, now=timezone.now()):
        return HttpResponseRedirect(waiting["page"] if waiting else resolve_url(settings.LOGIN_REDIRECT_URL))
    return _answer_kept(request, waiting, MultiValueDict())


def _answer_kept(
    request: HttpRequest, waiting: Mapping[str, Any], files: MultiValueDict[str, UploadedFile[Any]]
) -> HttpResponse:
    asked = deserialize_request(waiting["request"], request)
    asked._files = files  # Django would look for them in the request by which one showed who one is
    if waiting.get("had_too_large"):
        uploads.mark_too_large(asked)
    found = resolve(asked.path_info)
    answer: HttpResponse = found.func(asked, *found.args, **found.kwargs)
    return answer


def _kept(request: HttpRequest) -> dict[str, Any]:
    """Return what is needed to answer `request` later. Files that are too many to be kept are named without a row."""
    sent = [(field, file) for field, files in request.FILES.lists() for file in files]
    are_few = sum(file.size or 0 for _field, file in sent) <= uploads.MOST_BYTES
    return {
        "request": serialize_request(request),
        "files": [(field, _keep(request, file) if are_few else 0, file.content_type) for field, file in sent],
        "had_too_large": uploads.was_too_large(request),
    }


def _keep(request: HttpRequest, file: UploadedFile[Any]) -> int:
    row = attachments.store(
        file.chunks(),
        name=file.name or "",
        content_type=Attachment.ContentType.OTHER,
        created_by_id=request.user.pk,
        now=timezone.now(),
        kept=FILES_WAIT,
    )
    return row.pk


def _files_of(request: HttpRequest, waiting: Mapping[str, Any]) -> MultiValueDict[str, UploadedFile[Any]] | None:
    """Return the files that waited; None where one of them is gone."""
    sent = waiting.get("files", ())
    rows = Attachment.objects.filter(created_by_id=request.user.pk, expires_at__gt=timezone.now())
    found = rows.in_bulk([pk for _field, pk, _content_type in sent])
    if not all(pk in found for _field, pk, _content_type in sent):
        return None
    files: MultiValueDict[str, UploadedFile[Any]] = MultiValueDict()
    for field, pk, content_type in sent:
        file = TemporaryUploadedFile(found[pk].name, content_type, found[pk].size, None)
        for piece in attachments.stream(found[pk]):
            file.write(piece)
        file.seek(0)
        files.appendlist(field, file)
    return files


def _let_go(request: HttpRequest) -> None:
    """Forget what waited before: whoever is asked again about something else did not go on with it."""
    state = request.session.pop(STATE_SESSION_KEY, None) or {}
    _forget(state.get("state") or {})


def _forget(waiting: Mapping[str, Any]) -> None:
    pks = [pk for _field, pk, _content_type in waiting.get("files", ())]
    Attachment.objects.filter(pk__in=pks).delete()
