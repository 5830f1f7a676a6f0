"""Backups of the demo's database: written whole or not at all, and restored beside the old one before it is replaced.

An installation backs up with tools of PostgreSQL (docs/operations.md); what is here does the same, drilled on the demo.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection, connections

from accounts import laws
from loyalty.site import embedded_postgres

SUFFIX = ".backup"


class BackupError(Exception):
    """A backup that cannot be written or restored; `str()` says why, and what is there now."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a backup holds: rows of the tables that matter most, and how many laws hold over them."""

    companies: int
    activities: int
    postings: int
    laws: int


def write(path: Path) -> int:
    """Write all of the demo's database to `path`, compressed; return its size in bytes. Raises BackupError."""
    if path.exists():
        raise BackupError(f"{path} is there already, and a backup is never written over another.")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.part")
    try:
        embedded_postgres.client("pg_dump", "--format=custom", "--no-owner", "--file", draft, "--dbname", _name())
        draft.chmod(0o600)
        draft.rename(path)
    except (embedded_postgres.EmbeddedPostgresError, OSError) as error:
        raise BackupError(f"No backup was written: {error}") from error
    finally:
        draft.unlink(missing_ok=True)
    return path.stat().st_size


def drill(path: Path) -> Restored:
    """Restore `path` into a database of its own, check every law over it, and drop it. Raises BackupError."""
    with _restored_beside(path, f"{_name()}_drill") as found:
        return found


def restore(path: Path, *, now: datetime) -> tuple[Restored, str]:
    """Put what `path` holds in the place of the demo's database, once every law holds over it.

    The old database is kept under the name that is given back. Raises BackupError; then nothing has changed.
    """
    name = _name()
    kept, restored = f"{name}_before_{now:%Y%m%d_%H%M%S}", f"{name}_restored"
    with _restored_beside(path, restored) as found:
        connections.close_all()
        with _at("postgres"), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", [name])
            if cursor.fetchone()[0]:
                raise BackupError("The demo runs: stop it, restore, and start it again. Nothing has changed.")
            cursor.execute(f'ALTER DATABASE "{name}" RENAME TO "{kept}"')
            cursor.execute(f'ALTER DATABASE "{restored}" RENAME TO "{name}"')
    return found, kept


@contextmanager
def _restored_beside(path: Path, name: str) -> Iterator[Restored]:
    """A database `name` that holds the backup, checked; dropped at the end unless it was renamed."""
    if not path.is_file():
        raise BackupError(f"There is no file {path}.")
    _drop(name)
    try:
        embedded_postgres.client("createdb", "--template=template0", name)
        embedded_postgres.client("pg_restore", "--exit-on-error", "--no-owner", "--dbname", name, path)
        with _at(name):
            found = _look()
        yield found
    except embedded_postgres.EmbeddedPostgresError as error:
        raise BackupError(f"{path} cannot be restored, and nothing has changed: {error}") from error
    finally:
        _drop(name)


def _look() -> Restored:
    """Count what is there and check every law. Raises BackupError where one is broken."""
    broken, held = [], 0
    for finding in laws.verify():
        held += not finding.count
        broken += [finding.law.code] if finding.count else []
    if broken:
        raise BackupError(f"Laws are broken in this backup, and nothing has changed: {', '.join(broken)}.")
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT (SELECT count(*) FROM accounts_company), (SELECT count(*) FROM loyalty_activity),
                      (SELECT count(*) FROM loyalty_posting)"""
        )
        companies, activities, postings = cursor.fetchone()
    return Restored(companies, activities, postings, held)


def _name() -> str:
    return str(connection.settings_dict["NAME"])


@contextmanager
def _at(name: str) -> Iterator[None]:
    """Let the default connection lead to another database for a while."""
    usual = _name()
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _drop(name: str) -> None:
    embedded_postgres.client("dropdb", "--if-exists", "--force", name)
