"""Databases of a benchmark: each world has one of its own, so that sizes do not mix.

They are copies of one that is migrated once, and kept on the server for the next run of the same migrations.
"""

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader

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
    template = _TEMPLATE + _fingerprint()
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


def _fingerprint() -> str:
    """What a migrated database follows from: the migrations of all apps, and the libraries that carry them out."""
    found = hashlib.sha256()
    for app in sorted(config.label for config in apps.get_app_configs()):
        module = MigrationLoader.migrations_module(app)[0]
        spec = importlib.util.find_spec(module) if module else None
        for folder in (spec and spec.submodule_search_locations) or ():
            for path in sorted(Path(folder).glob("*.py")):
                found.update(f"{app} {path.name}\0".encode() + path.read_bytes() + b"\0")
    for name, version in sorted((library.name, library.version) for library in importlib.metadata.distributions()):
        found.update(f"{name} {version}\0".encode())
    return found.hexdigest()[:16]


def _on_the_server(statement: str) -> list[tuple[str, ...]]:
    with connection.creation._nodb_cursor() as cursor:  # type: ignore[attr-defined]  # as the stubs leave it out
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []
