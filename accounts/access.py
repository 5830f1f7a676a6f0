"""Which pages are whose: somebody unknown signs in first and comes back, somebody else is told so."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone

from accounts import drafts
from accounts.actors import Actor
from accounts.middleware import READING, actor_behind
from accounts.reauthentication import ask_again, is_fresh

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


class Guard(Protocol):
    """What opens a view to some and closes it to others."""

    def __call__(
        self, view: Callable[Concatenate[HttpRequest, P], R], /
    ) -> Callable[Concatenate[HttpRequest, P], R | HttpResponse]: ...


def for_actors(allows: Callable[[Actor], bool]) -> Guard:
    """Open a view to actors that `allows` lets in.

    Whose session ended in the middle of a form signs in again and finds there what was typed.
    """

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], R], /
    ) -> Callable[Concatenate[HttpRequest, P], R | HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
            actor = actor_behind(request)
            if not actor.is_known and not request.user.is_authenticated:
                _keep_what_was_typed(request)
                return redirect_to_login(request.get_full_path())
            if not actor.is_known or not allows(actor):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def _keep_what_was_typed(request: HttpRequest) -> None:
    token = request.POST.get(drafts.TOKEN_FIELD, "") if request.method == "POST" else ""
    if token:
        with suppress(drafts.NotOursError):
            drafts.keep(token=token, typed=dict(request.POST.lists()), now=timezone.now())


employees_only = for_actors(lambda actor: actor.is_employee)
account_managers_only = for_actors(lambda actor: actor.is_account_manager)
clients_and_account_managers = for_actors(lambda actor: actor.is_employee or actor.is_account_manager)
signed_in = for_actors(lambda actor: True)


def freshly_signed_in(
    view: Callable[Concatenate[HttpRequest, P], R], /
) -> Callable[Concatenate[HttpRequest, P], R | HttpResponse]:
    """Open a view only to whoever has shown within the last minutes who they are; others are asked and come back.

    It stands below the decorator that says whose page it is. See `ask_again` for what becomes of what was sent.
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        return view(request, *args, **kwargs) if is_fresh(request, now=timezone.now()) else ask_again(request)

    return guarded


def freshly_signed_in_to_send(
    view: Callable[Concatenate[HttpRequest, P], R], /
) -> Callable[Concatenate[HttpRequest, P], R | HttpResponse]:
    """Like `freshly_signed_in`, but reading is free: only what is sent asks for it."""
    asking = freshly_signed_in(view)

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> R | HttpResponse:
        return view(request, *args, **kwargs) if request.method in READING else asking(request, *args, **kwargs)

    return guarded
