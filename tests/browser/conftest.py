"""Chromium in front of a live server: people arrive signed in, and what their browser complains of is written down.

Playwright keeps an event loop in the thread of the tests, to the end of the run. Django would therefore refuse to talk
to the database in this process; the tests are synchronous all the same, so it is told not to mind.
"""

import os
from collections.abc import Iterator
from typing import Protocol

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Playwright
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from tests.browser.scenery import World, a_world
from tests.browser.watching import Watched
from tests.worlds import Keep, Kept

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

PHONE = (390, 844)
DESKTOP = (1280, 900)

_ALSO = pytest.mark.long
"""Each screen is seen on every run by the tours of test_pages.py; what is done on both is done on one of them there."""

ON_PHONES = pytest.mark.parametrize(
    "screen", [pytest.param(PHONE, id="phone"), pytest.param(DESKTOP, id="desktop", marks=_ALSO)]
)
"""Where most work on phones."""

AT_DESKS = pytest.mark.parametrize(
    "screen", [pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone", marks=_ALSO)]
)
"""Where most work at a desk."""

EVERYWHERE = pytest.mark.parametrize(
    ("screen", "scripts"),
    [
        pytest.param(PHONE, True, id="phone"),
        pytest.param(PHONE, False, id="phone-without-javascript"),
        pytest.param(DESKTOP, True, id="desktop", marks=_ALSO),
    ],
)
"""On phones, with and without scripts."""


@pytest.fixture(scope="session", autouse=True)
def _no_session_is_left(django_db_setup: None, playwright: Playwright) -> Iterator[None]:
    """Where an event loop runs, Django opens a session of its own: it is closed before the loop is."""
    yield
    connections.close_all()


class Opener(Protocol):
    """Opens a browser of its own for somebody."""

    def __call__(
        self,
        user: User | None = None,
        *,
        screen: tuple[int, int] = DESKTOP,
        language: str = "en",
        theme: str = "light",
        scripts: bool = True,
    ) -> Watched: ...


@pytest.fixture(scope="module")
def kept_world(keep: Keep) -> Kept[World]:
    """What the pages show."""
    return keep(a_world)


@pytest.fixture
def world(transactional_db: None, kept_world: Kept[World]) -> World:
    """What the pages show; nobody in it has used a code or tried a door yet."""
    cache.clear()
    return kept_world.put_back()


@pytest.fixture
def opened(browser: Browser, live_server: LiveServer) -> Iterator[Opener]:
    """Give a function that opens a browser: for `user`, signed in, or for somebody unknown."""
    contexts: list[BrowserContext] = []

    def open_browser(
        user: User | None = None,
        *,
        screen: tuple[int, int] = DESKTOP,
        language: str = "en",
        theme: str = "light",
        scripts: bool = True,
    ) -> Watched:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": screen[0], "height": screen[1]},
            locale=language,
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            java_script_enabled=scripts,
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        if user is not None:
            User.objects.filter(pk=user.pk).update(language=language)
            context.add_cookies(
                [{"name": settings.SESSION_COOKIE_NAME, "value": _session_of(user), "url": live_server.url}]
            )
        return Watched(context)

    yield open_browser
    for context in contexts:
        context.close()


def _session_of(user: User) -> str:
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value
