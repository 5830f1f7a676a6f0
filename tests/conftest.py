"""What every test rests on: a PostgreSQL of its own, fast settings, and one clear line for what could not run.

pytest-django has loaded the settings before this file is read but not connected yet: here the database is redirected.
"""

import gc
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone, translation
from pytest_django import DjangoDbBlocker

from accounts import queues
from tests import database
from tests.factories.canaries import CanaryWorld, a_canary_world
from tests.factories.signing_in import sign_in_whole
from tests.worlds import Keep, Kept, World, kept

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SERVICE_PORTS = {"postgresql": 5432, "redis": 6379, "rabbitmq": 5672}
UNUSED_OF_CHROMIUM = (
    *("AimEnabled", "AvoidCorsURLLoaderRestartOnRedirect", "AvoidUnnecessaryBeforeUnloadCheckSync"),
    *("DestroyProfileOnBrowserClose", "HttpsFirstBalancedModeAutoEnable", "HttpsUpgrades", "LensOverlay"),
    *("MediaRouter", "NetworkTimeServiceQuerying", "OptimizationHints", "PaintHolding", "PreconnectToSearch"),
    *("TcpPortRandomizationWin", "ThirdPartyStoragePartitioning"),
    *("msEdgeUpdateLaunchServicesPreferredVersion", "msForceBrowserSignIn"),
    *("SpareRendererForSitePerProcess", "WebUIOmniboxAimPopup", "WebUIOmniboxPopup"),
)
"""What Chromium leaves out: what Playwright tells it to (it heeds the last such list alone), and what it makes for each
window and nobody uses: a page behind the address bar, dearer than most of ours, and a process for another site."""

NO_CHROMIUM = "browser tests were skipped: Chromium is not installed (on Debian: apt install chromium)"

# Generated cases are the same in every run, so that a red test stays red; a slow machine does not make one.
hypothesis.settings.register_profile("same-every-run", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same-every-run")
# `make mutants` asks whether a case fails, thousands of times, and not for the simplest one.
hypothesis.settings.register_profile(
    "first-failure", derandomize=True, deadline=None, phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate]
)

LOCKS = pytest.StashKey[database.Locks]()

settings.CACHES = {name: {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"} for name in settings.CACHES}
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.STORAGES = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True  # serves what was not collected

queues.use_waker(lambda code: None)  # tests take from queues themselves

gc.set_threshold(100_000, 20, 50)  # a run makes rows and pages all the time and keeps next to none of them

database.redirect()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked `long`")


def pytest_configure(config: pytest.Config) -> None:
    """Join the runs that use the tests' server."""
    if locks := database.join():
        config.stash[LOCKS] = locks


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave them."""
    if LOCKS in config.stash:
        database.leave(config.stash[LOCKS])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not asked for, and skip what this machine cannot run."""
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
    items.sort(key=lambda item: item.get_closest_marker("browser") is None)  # what takes longest is not left to the end
    for item in items:
        if item.get_closest_marker("browser") and not CHROMIUM:
            item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))
        if services := item.get_closest_marker("services"):
            silent = [name for name in services.args or SERVICE_PORTS if not _answers(SERVICE_PORTS[name])]
            if silent:
                item.add_marker(pytest.mark.skip(reason=f"not reachable: {', '.join(silent)}"))


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((os.environ.get("TWOFOLD_SERVICES_HOST", "127.0.0.1"), port)) == 0


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say in one line that browser tests were skipped, and why."""
    skipped = sum("browser" in report.keywords for report in terminalreporter.stats.get("skipped", []))
    if skipped and not CHROMIUM:
        terminalreporter.write_line(f"{skipped} {NO_CHROMIUM}", yellow=True)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Drive the system's Chromium; as root it has no sandbox."""
    arguments = [f"--disable-features={','.join(UNUSED_OF_CHROMIUM)}", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": arguments}


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    """Neither a language or time zone of whoever asked nor what was counted of them outlives a test."""
    yield
    translation.activate("en")
    timezone.deactivate()
    cache.clear()


@pytest.fixture(autouse=True, scope="session")
def force_login_is_a_whole_sign_in() -> Iterator[None]:
    """Let `force_login` leave what the door leaves: when and how one signed in, with a second factor where it is due.

    What a session without one may do is tested through the door itself.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "force_login", sign_in_whole)
        yield


@pytest.fixture(scope="module")
def keep(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Keep:
    """Give a function that has a world built, between tests, and keeps it for those that put it back."""

    def keep_it(build: Callable[[], World]) -> Kept[World]:
        with django_db_blocker.unblock():
            return kept(build)

    return keep_it


@pytest.fixture(scope="module")
def kept_canary_world(keep: Keep) -> Kept[CanaryWorld]:
    """Two companies with rows in every table."""
    return keep(a_canary_world)


@pytest.fixture
def canary_world(db: None, kept_canary_world: Kept[CanaryWorld]) -> CanaryWorld:
    """Two companies with rows in every table; ask for them before anything else that makes rows."""
    return kept_canary_world.put_back()
