"""The frame around every page: which doors a person has, and which one is open."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.middleware import look_behind
from accounts.second_factors import SecondFactor


@dataclass(frozen=True, slots=True)
class Door:
    """A page of the navigation; `paths` are the further addresses that lie behind it."""

    code: str
    label: str | Promise
    url_name: str
    icon: str
    paths: tuple[str, ...] = ()
    is_exact: bool = False
    """Whether nothing but the page itself lies behind it: its address is the beginning of others' doors."""


@dataclass(frozen=True, slots=True)
class Tab:
    """A door as the page shows it."""

    code: str
    label: str | Promise
    url: str
    icon: str
    is_current: bool
    unread: int = 0


@dataclass(frozen=True, slots=True)
class Inbox:
    """The way to a client's messages, and how many are unread."""

    url: str
    unread: int


CLIENT_DOORS = (
    Door("home", _("Home"), "home", "home"),
    Door("earn", _("Earn"), "earn", "earn"),
    Door("rewards", _("Rewards"), "rewards", "rewards"),
)
COMPANY_DOORS = (Door("company", _("Company"), "company", "team"),)
BEHIND_MORE = (
    "/inbox/",
    "/points/",
    "/tier/",
    "/benefits/",
    "/orders/",
    "/surveys/",
    "/rules/",
    "/me/",
)
FURTHER_DOORS = (Door("more", _("More"), "more", "more", BEHIND_MORE),)
ACCOUNT_MANAGER_DOORS = (
    Door("today", _("Today"), "am-today", "today", is_exact=True),
    Door("companies", _("Companies"), "am-companies", "companies", ("/am/notes/", "/am/grants/", "/points/")),
    Door("follow-ups", _("Follow-ups"), "am-follow-ups", "follow-ups", ("/am/renewals/",)),
)
MANAGER_DOORS = (Door("office", _("Administration"), "admin:index", "office"),)
PERSONAL_DOORS = (Door("me", _("Me"), "me", "me"),)


def shell(request: HttpRequest) -> dict[str, Any]:
    """Return what the frame needs: `navigation`, `company_name`, a client's `inbox`, and the `look` of who sees as one;
    also whether this is one of the demo's logins that need no second factor, so that pages of the vendor's can say so.

    Adds no query of its own: all it reads is the actor. Error pages may come before there is one.
    """
    actor: Actor | None = getattr(request, "actor", None)
    return {
        "navigation": [_tab(door, request.path, actor) for door in _doors_of(actor)],
        "company_name": getattr(actor, "company_name", ""),
        "look": look_behind(request),
        "mailbox_url": reverse("demo-mails") if settings.IS_DEMO else "",
        "is_exempt_from_second_factor": actor is not None and _is_exempt(request, actor),
        "inbox": Inbox(reverse("inbox"), actor.unread_messages) if actor is not None and actor.is_employee else None,
    }


def _is_exempt(request: HttpRequest, actor: Actor) -> bool:
    works_for_us = actor.is_manager or actor.is_account_manager
    return works_for_us and getattr(request, "second_factor", None) == SecondFactor.EXEMPT


def _doors_of(actor: Actor | None) -> tuple[Door, ...]:
    if actor is None or not actor.is_known:
        return ()
    if actor.is_employee:
        return CLIENT_DOORS + (COMPANY_DOORS if actor.sees_company else ()) + FURTHER_DOORS
    work: tuple[Door, ...] = ACCOUNT_MANAGER_DOORS if actor.is_account_manager else ()
    if actor.is_manager:
        work += MANAGER_DOORS
    return work + PERSONAL_DOORS


def _tab(door: Door, path: str, actor: Actor | None) -> Tab:
    url = reverse(door.url_name)
    is_current = path == url if url == "/" or door.is_exact else path.startswith((url, *door.paths))
    unread = actor.unread_messages if actor is not None and door in FURTHER_DOORS else 0
    return Tab(code=door.code, label=door.label, url=url, icon=door.icon, is_current=is_current, unread=unread)
