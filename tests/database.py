"""The PostgreSQL that tests run on: one server a checkout, a database for each worker of each run, emptied quickly.

Migrations take ten seconds. On our own server they run once for each version of theirs, into a template that stays;
what a worker gets is a copy, in a fraction of a second. Elsewhere (DATABASE_URL) nothing stays behind: there Django
migrates for every worker. `conftest.py` calls `redirect` before anything has connected.
"""

import fcntl
import os
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.db.backends.postgresql.creation import DatabaseCreation
from django.db.backends.utils import CursorWrapper
from django.test import TransactionTestCase

from loyalty.site import embedded_postgres
from loyalty.site.migrated import migrated_from

IS_XDIST_WORKER = "PYTEST_XDIST_WORKER" in os.environ
HAS_OWN_SERVER = not os.environ.get("DATABASE_URL")

MADE_BY_MIGRATE = {"django_content_type", "auth_permission"}
"""Tables that a flush would only have to fill again."""

TEMPLATE = "migrated_"
"""How the names of templates begin; what their migrations were follows."""

ONE_AT_A_TIME = 7_303_014
"""The advisory lock of whoever makes a template or copies one."""

Locks = tuple[int, int]


def redirect() -> None:
    """Let the settings name the tests' own server, and where it is ours, copy databases instead of migrating them."""
    setattr(DatabaseCreation, "_destroy_test_db", _drop)  # noqa: B010 (no name of ours to assign to)
    setattr(TransactionTestCase, "_fixture_teardown", lambda _case: empty_the_tables())  # noqa: B010
    settings.DATABASES["default"]["CONN_MAX_AGE"] = 0  # a thread of the live server keeps no session between requests
    if not HAS_OWN_SERVER:
        return
    setattr(DatabaseCreation, "create_test_db", _copy_the_template)  # noqa: B010
    if not IS_XDIST_WORKER:
        os.environ["TWOFOLD_HOME"] = str(embedded_postgres.home() / "test")
    engine = settings.DATABASES["default"]["ENGINE"]
    settings.DATABASES["default"].update({**embedded_postgres.database_settings(), "ENGINE": engine})
    options = settings.DATABASES["default"].setdefault("OPTIONS", {})
    options["options"] = (
        f"{options.get('options', '')} -c synchronous_commit=off".strip()
    )  # no test outlives a power cut


def join() -> Locks | None:
    """Start the server that all workers share, and take a number, so that several runs do not share databases."""
    if not HAS_OWN_SERVER:
        return None
    locks = None
    if not IS_XDIST_WORKER:
        embedded_postgres.ensure_running()
        locks = _join_the_runs(embedded_postgres.home())
        embedded_postgres.ensure_running()  # again: a run that ended just now may have stopped it
    test_settings = settings.DATABASES["default"].setdefault("TEST", {})
    test_settings["NAME"] = f"test_{os.environ['TWOFOLD_TEST_RUN']}_twofold"
    return locks


def leave(locks: Locks) -> None:
    """Stop the server unless another run uses it."""
    everyone, number = locks
    os.close(number)
    if _try_lock(everyone):
        embedded_postgres.stop()
    os.close(everyone)


def _join_the_runs(home: Path) -> Locks:
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


def _copy_the_template(
    self: DatabaseCreation,
    verbosity: int = 1,
    autoclobber: bool = False,
    serialize: bool = True,
    keepdb: bool = False,
) -> str:
    """Make the test database, connect to it and return its name; one that is kept is used if it is of this template."""
    name: str = self._get_test_db_name()  # type: ignore[attr-defined]  # as the stubs leave it out
    template = TEMPLATE + migrated_from()
    with self._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])  # until the cursor's connection is closed
        if template not in _databases(cursor):
            _migrate(self, cursor, template, verbosity)
        if not keepdb or _databases(cursor).get(name) != template:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
            cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS '{template}'")
    settings.DATABASES[self.connection.alias]["NAME"] = self.connection.settings_dict["NAME"] = name
    if serialize:
        self.connection._test_serialized_contents = self.serialize_db_to_string()  # type: ignore[attr-defined]
    self.connection.ensure_connection()
    return name


def _databases(cursor: CursorWrapper) -> dict[str, str]:
    """The databases of the server, and of which template each is."""
    cursor.execute("SELECT datname, coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database")
    return dict(cursor.fetchall())


def _migrate(creation: DatabaseCreation, cursor: CursorWrapper, template: str, verbosity: int) -> None:
    """Make the template in place of those of other migrations: under another name until it is whole."""
    for stale in _databases(cursor):
        if stale.startswith(TEMPLATE):
            cursor.execute(f'DROP DATABASE "{stale}" WITH (FORCE)')
    test_settings, draft = creation.connection.settings_dict["TEST"], f"{TEMPLATE}draft"
    name, test_settings["NAME"] = test_settings["NAME"], draft
    try:
        _MIGRATE_INTO_A_DATABASE(creation, verbosity, autoclobber=True, serialize=False)
    finally:
        test_settings["NAME"] = name
        creation.connection.close()
    cursor.execute(f'ALTER DATABASE "{draft}" RENAME TO "{template}"')


def _drop(self: DatabaseCreation, test_database_name: str, verbosity: int) -> None:
    """Drop a test database, also while a request of a browser that has gone is still being answered."""
    with self._nodb_cursor() as cursor:  # type: ignore[attr-defined]  # as the stubs leave it out
        cursor.execute(f'DROP DATABASE "{test_database_name}" WITH (FORCE)')


_MIGRATE_INTO_A_DATABASE = DatabaseCreation.create_test_db


@cache
def tables_of_tests() -> list[str]:
    """The tables that tests write to."""
    return [table for table in connection.introspection.django_table_names() if table not in MADE_BY_MIGRATE]


def empty_the_tables() -> None:
    """What ends a test with transactions of its own: its rows go, also where triggers refuse that to others.

    A few rows are deleted in no time; truncating a hundred tables takes a second. What `migrate` has made stays, so
    that nothing has to make it again (Django would look for every permission).
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(";".join(f'DELETE FROM "{table}"' for table in tables_of_tests()))
