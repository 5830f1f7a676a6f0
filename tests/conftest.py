"""What every test rests on: a PostgreSQL of its own, fast settings, and one clear line for what could not run.

pytest-django has loaded the settings before this file is read but not connected yet: here the database is redirected.
"""

import fcntl
import gc
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import transaction
from django.db.backends.postgresql.creation import DatabaseCreation
from django.db.backends.postgresql.operations import DatabaseOperations

from loyalty.site import embedded_postgres

IS_XDIST_WORKER = "PYTEST_XDIST_WORKER" in os.environ
HAS_OWN_SERVER = not os.environ.get("DATABASE_URL")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SERVICE_PORTS = {"postgresql": 5432, "redis": 6379, "rabbitmq": 5672}
NO_CHROMIUM = "browser tests were skipped: Chromium is not installed (on Debian: apt install chromium)"

# Generated cases are the same in every run, so that a red test stays red; a slow machine does not make one.
hypothesis.settings.register_profile("same-every-run", derandomize=True, deadline=None)
hypothesis.settings.load_profile("same-every-run")

MADE_BY_MIGRATE = {"django_content_type", "auth_permission"}
"""Tables that a flush would only have to fill again."""

LOCKS = pytest.StashKey[tuple[int, int]]()

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
settings.STORAGES = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True  # serves what was not collected


def drop_whoever_is_connected(self: DatabaseCreation, test_database_name: str, verbosity: int) -> None:
    """Drop a test database, also where a browser that has gone left a request behind."""
    with self._nodb_cursor() as cursor:  # type: ignore[attr-defined]  # as the stubs leave it out
        cursor.execute(f'DROP DATABASE "{test_database_name}" WITH (FORCE)')


setattr(DatabaseCreation, "_destroy_test_db", drop_whoever_is_connected)  # noqa: B010 (no name of ours to assign to)

gc.set_threshold(100_000, 20, 50)  # a run makes rows and pages all the time and keeps next to none of them

if HAS_OWN_SERVER:
    if not IS_XDIST_WORKER:
        os.environ["TWOFOLD_HOME"] = str(embedded_postgres.home() / "test")
    settings.DATABASES["default"].update(embedded_postgres.database_settings())
    options = settings.DATABASES["default"].setdefault("OPTIONS", {})
    options["options"] = (
        f"{options.get('options', '')} -c synchronous_commit=off".strip()
    )  # no test outlives a power cut


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked `long`")


def pytest_configure(config: pytest.Config) -> None:
    """Start the server that all workers share, and take a number, so that several runs do not share databases."""
    if not HAS_OWN_SERVER:
        return
    if not IS_XDIST_WORKER:
        embedded_postgres.ensure_running()
        config.stash[LOCKS] = _join_the_runs(embedded_postgres.home())
        embedded_postgres.ensure_running()  # again: a run that ended just now may have stopped it
    test_settings = settings.DATABASES["default"].setdefault("TEST", {})
    test_settings["NAME"] = f"test_{os.environ['TWOFOLD_TEST_RUN']}_twofold"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server unless another run uses it."""
    if LOCKS not in config.stash:
        return
    everyone, number = config.stash[LOCKS]
    os.close(number)
    if _try_lock(everyone):
        embedded_postgres.stop()
    os.close(everyone)


def _join_the_runs(home: Path) -> tuple[int, int]:
    """Hold a share of a lock that everyone has, and the lock of our number; the kernel frees what a killed run held."""
    everyone = os.open(home / "runs.lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(everyone, fcntl.LOCK_SH)
    for number in range(1000):
        ours = os.open(home / f"run-{number}.lock", os.O_CREAT | os.O_RDWR)
        if _try_lock(ours):
            os.environ["TWOFOLD_TEST_RUN"] = str(number)
            return everyone, ours
        os.close(ours)
    raise RuntimeError(f"A thousand test runs hold locks in {home}.")


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what was not asked for, and skip what this machine cannot run."""
    if not config.getoption("--long"):
        long = [item for item in items if item.get_closest_marker("long")]
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]
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
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": arguments}


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_append_only_triggers() -> Iterator[None]:
    """Let TransactionTestCase empty the tables whose triggers refuse DELETE and TRUNCATE to everybody else.

    A few rows are deleted in no time; truncating a hundred tables takes a second, after each such test.
    """

    def execute_sql_flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        tables = [table for table in self.connection.introspection.django_table_names() if table not in MADE_BY_MIGRATE]
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(";".join(f'DELETE FROM "{table}"' for table in tables))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_sql_flush)
        yield
