"""The demo's mailbox, for whoever sits at the demo. These addresses do not exist in an installation."""

from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from loyalty.site.mailbox import KeptMail, NoSuchMailError, kept_mail, kept_mails

MOST_SHOWN = 100

NOTHING_BUT_ITS_LOOKS: dict[str, Any] = {
    "default-src": [NONE],
    "style-src": ["'unsafe-inline'"],
    "frame-ancestors": [SELF],
    "base-uri": [NONE],
    "form-action": [NONE],
    "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
}
"""What an e-mail may do in its frame: show its own styles, and open a link in a window of its own."""


@require_safe
@never_cache
def mails(request: HttpRequest) -> HttpResponse:
    """The latest e-mails to everybody."""
    return render(request, "demo/mails.html", {"mails": kept_mails(most=MOST_SHOWN), "most": MOST_SHOWN})


@require_safe
@never_cache
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """One e-mail, as its HTML in a frame that nothing gets out of, and as plain text."""
    return render(request, "demo/mail.html", {"mail": _mail(name)})


@require_safe
@never_cache
@xframe_options_sameorigin
@csp(NOTHING_BUT_ITS_LOOKS)  # type: ignore[arg-type]  # it takes views with arguments, too
def html(request: HttpRequest, name: str) -> HttpResponse:
    """What stands in the frame."""
    return HttpResponse(_mail(name).html)


def _mail(name: str) -> KeptMail:
    try:
        return kept_mail(name)
    except NoSuchMailError:
        raise Http404 from None
