"""The commands: what people type, and what they are told."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Employee, User
from loyalty.models import Program, RuleSet, Tier
from rewards.models import Reward
from tests.factories.world import a_company
from tests.importing.files import DOCUMENT, a_file, a_profile_file, a_row, points, rows_there

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str, **options: Any) -> str:
    """What a command says."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def import_lines(path: Path, *arguments: str) -> str:
    """Import a file by the shipped profile."""
    return run("import_activities", str(path), "--profile", "online_retail", "--quiet", *arguments)


def test_import_says_what_became_of_the_lines_and_lists_the_rejected(tmp_path: Path) -> None:
    run("create_wholesale")
    rows = [
        a_row("1"),
        a_row("1", "B", customer=""),
        a_row("=1", customer=""),
        a_row("C2", quantity=-1, at="2010-02-01 00:00:00"),
    ]
    path = a_file(tmp_path, *rows)

    said = import_lines(path)

    words = [line.split() for line in said.splitlines()]
    assert [line[:2] for line in words][1:] == [
        ["1", "recorded"],
        ["1", "returned"],
        ["0", "already"],
        ["2", "rejected,"],
        ["2", "no_customer"],
    ]
    errors = tmp_path / "lines.csv.errors.csv"
    with errors.open(newline="") as file:
        listed = list(csv.reader(file))
    sentence = "The line names no customer."
    assert listed == [
        ["line", "id", "reason", "sentence"],
        ["3", "1/B/1", "no_customer", sentence],
        ["4", "'=1/A/1", "no_customer", sentence],
    ]
    assert sorted(found.name for found in tmp_path.iterdir()) == ["lines.csv", "lines.csv.errors.csv"]


def test_errors_go_where_they_are_asked_for(tmp_path: Path) -> None:
    run("create_wholesale")
    path = a_file(tmp_path, a_row(customer=""))

    import_lines(path, "--errors", str(tmp_path / "elsewhere.csv"))

    assert (tmp_path / "elsewhere.csv").read_text().count("no_customer") == 1
    with pytest.raises(CommandError, match="cannot be written"):
        import_lines(path, "--errors", str(tmp_path / "no" / "folder.csv"))


def test_errors_go_to_the_current_folder_where_the_file_s_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("create_wholesale")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = a_file(tmp_path, a_row(customer=""))
    (tmp_path / "lines.csv.errors.csv.part").mkdir()

    import_lines(path)

    assert (tmp_path / "here" / "lines.csv.errors.csv").exists()


def test_broken_file_is_answered_and_leaves_nothing(tmp_path: Path) -> None:
    run("create_wholesale")
    path = tmp_path / "lines.csv"
    path.write_text("a,b\n1,2\n")
    before = rows_there()

    with pytest.raises(CommandError, match="the header lacks"):
        import_lines(path)

    assert rows_there() == before
    assert [found.name for found in tmp_path.iterdir()] == ["lines.csv"]


def test_missing_program_names_the_command_that_creates_it(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="create_wholesale"):
        import_lines(a_file(tmp_path, a_row()))

    path = str(a_file(tmp_path, a_row()))
    profile = str(a_profile_file(tmp_path, {**DOCUMENT, "program": "other"}))
    with pytest.raises(CommandError, match="correct the profile"):
        run("import_activities", path, "--profile", profile, "--quiet")


def test_unknown_profile_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"there are .*online_retail"):
        run("import_activities", "x.csv", "--profile", "online_wholesale")


def test_progress_is_told_by_tenths_where_no_terminal_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("create_wholesale")

    run("import_activities", str(a_file(tmp_path, a_row())), "--profile", "online_retail")

    assert capsys.readouterr().err == "100 % of 1 lines\n"


def test_wholesale_is_created_once(tmp_path: Path) -> None:
    run("create_wholesale")
    before = rows_there(), Reward.objects.count(), User.objects.count()

    said = run("create_wholesale")

    assert "exists" in said
    assert (rows_there(), Reward.objects.count(), User.objects.count()) == before
    program = Program.objects.get()
    assert (program.currency, program.time_zone, program.expiry_months) == ("GBP", "Europe/London", None)
    assert list(Tier.objects.order_by("rank").values_list("code", flat=True)) == ["bronze", "silver", "gold"]
    rule_set = RuleSet.objects.get()
    assert rule_set.status == RuleSet.Status.ACTIVE
    assert rule_set.rules.filter(caps__isnull=False).count() == 1
    assert [reward.stock.left > 0 for reward in Reward.objects.filter(is_published=True)] == [True, True]


def test_wholesale_pays_for_goods_and_not_for_postage(tmp_path: Path) -> None:
    run("create_wholesale")

    import_lines(
        a_file(
            tmp_path,
            a_row("1", "85048", 10, price="2.55"),
            a_row("1", "POST", 1, price="18"),
            a_row("1", "gift_0001_30", 1, price="30"),
            a_row("2", "85048", 100, price="0.10", customer="C2"),
            a_row("3", "85048", 10, price="10", customer="C3", country="France"),
        )
    )

    assert points() == 25 + (10 + 50) + (100 + 10)


def test_login_of_a_customer_is_a_company_admin_who_can_sign_in(tmp_path: Path) -> None:
    run("create_wholesale")
    import_lines(a_file(tmp_path, a_row(customer="13085")))

    said = run("create_wholesale", login="13085")
    again = run("create_wholesale", login="13085")

    email, password = "admin@customer-13085.example", said.split()[-1]
    assert email in said
    assert "not changed" in again
    assert authenticate(email=email, password=password) is not None
    employee = Employee.objects.get()
    assert (employee.company.external_id, employee.access, employee.buying_role) == ("13085", "ADMIN", "DECIDES")


def test_login_with_a_chosen_password_is_checked() -> None:
    run("create_wholesale")
    a_company(external_id="7")

    with pytest.raises(CommandError, match="too short"):
        run("create_wholesale", login="7", password="short")
    assert User.objects.count() == 0

    run("create_wholesale", login="7", password="correct horse battery")

    assert authenticate(email="admin@customer-7.example", password="correct horse battery") is not None


def test_login_of_an_unknown_customer_is_refused() -> None:
    with pytest.raises(CommandError, match="no company with the customer number “9”"):
        run("create_wholesale", login="9")
