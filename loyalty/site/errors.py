"""Answers to what went wrong. Name them in the URL configuration as `handler404`."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from accounts.middleware import look_behind


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404 the same way, byte for byte, for a foreign object and for one that does not exist.

    Neither the exception nor anything else that differs between the two (the address, a CSRF token) reaches the page.
    That somebody sees as a client does: it is the same for both.
    """
    return HttpResponse(render_to_string("404.html", {"look": look_behind(request)}), status=404)
