"""Databases of a benchmark: each world has one of its own, so that sizes do not mix.

They are copies of one that is migrated once, and kept on the server for the next run of the same migrations.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from loyalty.site.migrated import migrated_from

_TEMPLATE = "bench_migrated_"
"""How the names of migrated databases begin; what their migrations were follows."""


class Databases:
    """Fresh databases beside the usual one; `connection` is led to the one in use."""

    def __init__(self, template: str) -> None:
        self._template = template

    @contextmanager
    def fresh(self, name: str) -> Iterator[str]:
        """A database with empty tables, in use until another one is, dropped at the end; gives its whole name."""
        whole, before = f"bench_{name}", connection.settings_dict["NAME"]
        connection.close()
        _on_the_server(f'DROP DATABASE IF EXISTS "{whole}" WITH (FORCE)')
        _on_the_server(f'CREATE DATABASE "{whole}" TEMPLATE "{self._template}"')
        self.use(whole)
        try:
            yield whole
        finally:
            self.use(before)
            _on_the_server(f'DROP DATABASE "{whole}" WITH (FORCE)')

    def use(self, whole: str) -> None:
        """Let `connection`, and clients that start from now on, work in a database of that whole name."""
        connection.close()
        connection.settings_dict["NAME"] = whole


def databases() -> Databases:
    """Return what makes databases, each with the present tables."""
    template = _TEMPLATE + migrated_from()
    known = [name for (name,) in _on_the_server("SELECT datname FROM pg_database") if name.startswith(_TEMPLATE)]
    if template not in known:
        for stale in known:
            _on_the_server(f'DROP DATABASE "{stale}" WITH (FORCE)')
        _migrate(template)
    return Databases(template)


def _migrate(template: str) -> None:
    """Make the template, under another name until it is whole."""
    test_settings, usual = connection.settings_dict["TEST"], connection.settings_dict["NAME"]
    named, test_settings["NAME"] = test_settings["NAME"], "bench_draft"
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        connection.close()
        test_settings["NAME"], connection.settings_dict["NAME"] = named, usual
    _on_the_server(f'ALTER DATABASE bench_draft RENAME TO "{template}"')


def _on_the_server(statement: str) -> list[tuple[str, ...]]:
    with connection.creation._nodb_cursor() as cursor:  # type: ignore[attr-defined]  # as the stubs leave it out
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
