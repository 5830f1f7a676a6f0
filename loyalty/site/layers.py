"""Layers of middleware: one past which the API need not go, and one whose policy is not written anew each time."""

from collections.abc import Callable
from functools import cached_property

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse
from django.urls import resolve
from django.utils import timezone

from loyalty.site.errors import API


class ApiMiddleware:
    """Answers requests of the API; those of people go on to the layers that are for them.

    What stands below it in `settings.MIDDLEWARE` is sessions and what rests on these: no session opens the API, and no
    form, message or look concerns it. All that holds for every answer stands above.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request."""
        return _answer_of_the_api(request) if request.path_info.startswith(API) else self.get_response(request)


def _answer_of_the_api(request: HttpRequest) -> HttpResponseBase:
    """What the view of the address says; Django would ask it the same way below the last layer."""
    timezone.deactivate()  # whoever was served by this thread before may have had one
    match = request.resolver_match = resolve(request.path_info)
    answer: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return answer.render() if isinstance(answer, SimpleTemplateResponse) else answer


class PolicyMiddleware(CSPMiddleware):
    """Says with every answer what a browser may load for it: written once, but for views with a policy of theirs."""

    @cached_property
    def _policy(self) -> str:
        return build_policy()

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Put the policy of the settings in place, or that of the view."""
        if any(name.startswith("_csp") for name in vars(response)):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, self._policy)
        return response
