"""Who is acting, in which language and time zone: set once a request. Whoever sees as a client changes nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import ResolverMatch, reverse
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from accounts import impersonation, second_factors, sessions
from accounts.actors import Actor, actor_of
from accounts.impersonation import Look, LookOverError, TimeIsUpError
from accounts.models import User
from accounts.second_factors import SecondFactor

LOOK_KEY = "look"
"""Where a session keeps a look."""

READING = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
SIGN_OUT = frozenset({"account_logout", "admin:logout"})
ALWAYS_OPEN = SIGN_OUT | {"see-as-stop", "set_language"}
"""Where somebody who sees as a client may still send something: each concerns the one who looks, nobody else."""

OWN_PAGES = ALWAYS_OPEN | {"see-as"}
"""Where, as in the admin, one is oneself while one looks."""

OF_THE_LOGIN = ("account_", "mfa_", "openid_connect_", "login-")
"""How the names of pages begin on which one signs in and keeps the own ways to do so."""

OPEN_WITHOUT_SECOND_FACTOR = SIGN_OUT | {"me", "set_language"}
"""Where whoever owes a second factor may go besides the pages of the login: there one is set up and shown."""


class ActorMiddleware:
    """Puts `request.actor` in place, found when first asked for, and the user's language and time zone in force.

    Whoever must show a second factor and has not is led to do so wherever they turn, and acts for nobody until then.

    While a look lasts it is `request.look`, and the actor is the employee. Everything but reading is refused here,
    before any view: a page that nobody thought of cannot change anything either.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request as the user behind it."""
        user = request.user if request.user.is_authenticated else None
        request.actor = SimpleLazyObject(lambda: _actor_of_login(request, user))  # type: ignore[attr-defined]
        if user is None:
            timezone.deactivate()
        else:
            timezone.activate(ZoneInfo(user.time_zone))
            translation.activate(user.language)
            request.LANGUAGE_CODE = user.language
            sessions.note_visit(request, now=timezone.now())
            if LOOK_KEY in request.session:
                _resume_look(request, user)
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """See as the client whom the request's user looks as, or refuse; nothing where nobody looks."""
        match = request.resolver_match
        assert match is not None  # noqa: S101 (tells the type checker: a view was found)
        if request.user.is_authenticated and _needs_second_factor(request, match):
            return HttpResponseRedirect(way_to_second_factor(request.get_full_path()))
        over: LookOverError | None = getattr(request, "look_over", None)
        if over is not None:
            return _fall_back(request, match, over)
        look = look_behind(request)
        if look is None:
            return None
        if not _is_own_page(match):
            request.actor = look.actor  # type: ignore[attr-defined]
        if match.view_name in SIGN_OUT and request.method == "POST":
            impersonation.stop(look, now=timezone.now())
        if match.view_name in ALWAYS_OPEN:
            return None
        if request.method not in READING or _belongs_to_the_login(match):
            return render(request, "accounts/looking.html", {"is_refused": True}, status=403)
        return None


def actor_behind(request: HttpRequest) -> Actor:
    """Return who is acting in this request."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def second_factor_of(request: HttpRequest) -> SecondFactor:
    """Return how it stands with the second factor of this request's session."""
    if not request.user.is_authenticated:
        return SecondFactor.NOT_NEEDED
    actor_behind(request).is_known  # noqa: B018 (whoever finds the actor finds this, too)
    state: SecondFactor = request.second_factor  # type: ignore[attr-defined]
    return state


def way_to_second_factor(wanted: str) -> str:
    """Return the page that asks for a second factor and then leads to `wanted`."""
    return f"{reverse('login-second-factor')}?{urlencode({'next': wanted})}"


def look_behind(request: HttpRequest) -> Look | None:
    """Return the look that lasts in this request, if one does; errors may come before it is known."""
    return getattr(request, "look", None)


def _actor_of_login(request: HttpRequest, user: User | None) -> Actor:
    actor = actor_of(user, now=timezone.now())
    state = second_factors.state_of(request, actor)
    request.second_factor = state  # type: ignore[attr-defined]
    return replace(actor, is_manager=False, is_account_manager=False) if state == SecondFactor.MISSING else actor


def _needs_second_factor(request: HttpRequest, match: ResolverMatch) -> bool:
    if match.view_name in OPEN_WITHOUT_SECOND_FACTOR or _belongs_to_the_login(match):
        return False
    return second_factor_of(request) == SecondFactor.MISSING


def _resume_look(request: HttpRequest, user: User) -> None:
    try:
        request.look = impersonation.resume(  # type: ignore[attr-defined]
            request.session[LOOK_KEY], user=user, own=actor_behind(request), now=timezone.now()
        )
    except LookOverError as over:
        request.look_over = over  # type: ignore[attr-defined]


def _fall_back(request: HttpRequest, match: ResolverMatch, over: LookOverError) -> HttpResponse | None:
    """End a look that is over. What was asked for as the client is not answered as somebody else: one starts afresh."""
    came_from = request.session.pop(LOOK_KEY)["came_from"]
    if match.view_name in SIGN_OUT:
        return None
    messages.warning(request, _ending(over))
    if _is_own_page(match):
        return None
    return HttpResponseRedirect(
        came_from if isinstance(over, TimeIsUpError) else resolve_url(settings.LOGIN_REDIRECT_URL)
    )


def _ending(over: LookOverError) -> str:
    """What happened, why, and what to do next."""
    if isinstance(over, TimeIsUpError):
        return _("The time for seeing as somebody else is over. You act as yourself again; start anew to go on.")
    return _(
        "You act as yourself again: the person you saw as has been switched off, or is no longer yours to look after."
    )


def _is_own_page(match: ResolverMatch) -> bool:
    return "admin" in match.app_names or match.view_name in OWN_PAGES


def _belongs_to_the_login(match: ResolverMatch) -> bool:
    """Whether the page is one of the login: passwords, second factors and sign-in are nobody's but the user's own."""
    return match.func.__module__.startswith("allauth.") or match.view_name.startswith(OF_THE_LOGIN)
