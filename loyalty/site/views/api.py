"""The page at `/api/`: how the first call is made, and what holds for every other. It holds no data."""

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.api.paging import MOST, USUAL
from accounts.api.problems import KINDS
from accounts.api.reading import MOST_BYTES
from accounts.models import Scope
from loyalty.api.arriving import MOST_ITEMS
from loyalty.api.rejections import rejections
from loyalty.site import demo

SNIPPETS = Path(settings.BASE_DIR) / "templates" / "api" / "snippets"
ELSEWHERE = "https://twofold.example"


@require_safe
def api_page(request: HttpRequest) -> HttpResponse:
    """Explain the API, to everybody: nothing on the page is anybody's."""
    site = request.build_absolute_uri("/")[:-1]
    login = (demo.CLIENT_ID, demo.PASSWORD) if settings.IS_DEMO else None
    context = {
        "site": site,
        "curl": snippet("first_call.sh", site=site, login=login),
        "python": snippet("first_call.py", site=site, login=login),
        "scopes": Scope.choices,
        "kinds": KINDS.items(),
        "rejections": rejections().items(),
        "most_items": MOST_ITEMS,
        "most_megabytes": MOST_BYTES // 1_000_000,
        "usual_page": USUAL,
        "most_page": MOST,
        "is_demo": settings.IS_DEMO,
        "client_id": demo.CLIENT_ID,
        "client_secret": demo.PASSWORD,
    }
    return render(request, "api/page.html", context)


def snippet(name: str, *, site: str, login: tuple[str, str] | None = None) -> str:
    """Return a program that makes the first call, for this site; with `login` (the demo's) it runs as it stands."""
    text = (SNIPPETS / name).read_text().replace(ELSEWHERE, site)
    if login is not None:
        text = text.replace("your-client-id", login[0]).replace("your-client-secret", login[1])
    return text
