"""Who is acting, in which language and time zone: set once a request."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from accounts.actors import Actor, actor_of


class ActorMiddleware:
    """Puts `request.actor` in place, found when first asked for, and the user's language and time zone in force."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request as the user behind it."""
        user = request.user if request.user.is_authenticated else None
        request.actor = SimpleLazyObject(lambda: actor_of(user, now=timezone.now()))  # type: ignore[attr-defined]
        if user is None:
            timezone.deactivate()
        else:
            timezone.activate(ZoneInfo(user.time_zone))
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
        return self.get_response(request)


def actor_behind(request: HttpRequest) -> Actor:
    """Return who is acting in this request."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor
