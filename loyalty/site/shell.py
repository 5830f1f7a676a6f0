"""The frame around every page: which doors a person has, and which one is open."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor


@dataclass(frozen=True, slots=True)
class Door:
    """A page of the navigation; `paths` are the further addresses that lie behind it."""

    code: str
    label: str | Promise
    url_name: str
    icon: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tab:
    """A door as the page shows it."""

    code: str
    label: str | Promise
    url: str
    icon: str
    is_current: bool


CLIENT_DOORS = (
    Door("home", _("Home"), "home", "home"),
    Door("points", _("Points"), "statement", "points"),
    Door("rewards", _("Rewards"), "rewards", "rewards", ("/orders/",)),
    Door("rules", _("Rules"), "rules", "rules"),
)
ACCOUNT_MANAGER_DOORS = (Door("companies", _("Companies"), "am-companies", "companies"),)
MANAGER_DOORS = (Door("office", _("Administration"), "admin:index", "office"),)
PERSONAL_DOORS = (Door("me", _("Me"), "me", "me"),)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame needs: `navigation` and `company_name`.

    Adds no query of its own: all it reads is the actor. Error pages may come before there is one.
    """
    actor: Actor | None = getattr(request, "actor", None)
    return {
        "navigation": [_tab(door, request.path) for door in _doors_of(actor)],
        "company_name": getattr(actor, "company_name", ""),
    }


def _doors_of(actor: Actor | None) -> tuple[Door, ...]:
    if actor is None or not actor.user_id:
        return ()
    work: tuple[Door, ...] = CLIENT_DOORS if actor.is_employee else ()
    if actor.is_account_manager:
        work += ACCOUNT_MANAGER_DOORS
    if actor.is_manager:
        work += MANAGER_DOORS
    return work + PERSONAL_DOORS


def _tab(door: Door, path: str) -> Tab:
    url = reverse(door.url_name)
    is_current = path == url if url == "/" else path.startswith((url, *door.paths))
    return Tab(code=door.code, label=door.label, url=url, icon=door.icon, is_current=is_current)
