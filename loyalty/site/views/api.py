"""The page at `/api/`: how the first call is made, and what holds for every other. It holds no data."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.api.problems import KINDS


@require_safe
def api_page(request: HttpRequest) -> HttpResponse:
    """Explain the API, to everybody."""
    return render(request, "api/page.html", {"kinds": KINDS.items(), "site": request.build_absolute_uri("/")[:-1]})
