"""Backups of the demo: written, drilled, restored, and refused with nothing changed."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import Company
from loyalty.site import embedded_postgres
from tests.database import HAS_OWN_SERVER
from tests.factories.world import a_member, a_program, a_purchase, a_rule_set, record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not HAS_OWN_SERVER, reason="backups of this kind are those of the embedded PostgreSQL"),
]


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"{connection.settings_dict['NAME']}_"]
        )
        for (name,) in cursor.fetchall():
            embedded_postgres.client("dropdb", "--force", name)


def said(*words: str, **options: Any) -> str:
    out = io.StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def test_a_backup_brings_back_what_was_there_and_keeps_what_came_since(tmp_path: Path) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    record(a_purchase(member.company, 80))
    file = tmp_path / "one.backup"
    assert said("backup", str(file)).startswith(f"{file.resolve()}: ")
    Company.objects.create(name="Came since")

    drilled = said("restore", str(file), drill=True)
    assert drilled.startswith("1 companies, 1 activities, 1 postings; all ")
    assert drilled.endswith("A drill: nothing has changed.\n")
    assert Company.objects.count() == 2
    restored = said("restore", str(file))

    assert list(Company.objects.values_list("pk", flat=True)) == [member.company_id]
    assert "Restored. What was there before is the database " in restored
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(CommandError, match="is there already"):
        said("backup", str(file))


def test_a_file_that_is_no_backup_changes_nothing(tmp_path: Path) -> None:
    Company.objects.create(name="Stays")
    wrong = tmp_path / "wrong.backup"
    wrong.write_bytes(b"not a backup")

    with pytest.raises(CommandError, match="cannot be restored, and nothing has changed"):
        said("restore", str(wrong))
    with pytest.raises(CommandError, match="There is no file"):
        said("restore", str(tmp_path / "none"))

    assert Company.objects.get().name == "Stays"


def test_a_running_demo_is_not_replaced_under_its_users(tmp_path: Path) -> None:
    file = tmp_path / "one.backup"
    said("backup", str(file))
    other = connection.copy()
    other.ensure_connection()
    try:
        with pytest.raises(CommandError, match="The demo runs: stop it"):
            said("restore", str(file))
    finally:
        other.close()

    assert Company.objects.count() == 0
