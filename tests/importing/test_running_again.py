"""Run twice, killed, run beside another: an import ends in the same state."""

import random
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from loyalty.importing import Profile
from loyalty.models import Activity
from tests.importing.files import (
    Row,
    a_file,
    a_profile,
    a_row,
    a_wholesale_program,
    import_file,
    outcome,
    reasons,
    returns_of,
)

pytestmark = pytest.mark.django_db


class KilledError(Exception):
    """What stops an import in its middle."""


def kill_after(lines: int) -> Any:
    """A listener that ends the run once so many lines are done."""

    def on_progress(done: int, total: int) -> None:
        if total and done >= lines:
            raise KilledError

    return on_progress


def busy_weeks(seed: int, lines: int = 300) -> list[Row]:
    """Invoices and cancellations of few customers and products, some of them unsound."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for hour in range(lines):
        is_return = chance.random() < 0.3
        quantity = chance.randint(1, 30)
        rows.append(
            a_row(
                f"{'C' if is_return else ''}{hour // 3}",
                chance.choice("ABC"),
                -quantity if is_return else quantity,
                f"2010-{1 + hour // 100:02}-{1 + hour // 10 % 10:02} {chance.choice([hour % 10, 5]):02}:00:00",
                chance.choice(["1.25", "0.333", "3", "0"]),
                chance.choice(["C1", "C2", "C3", ""]),
            )
        )
    return rows


def straight(path: Path, profile: Profile, **options: Any) -> dict[str, Any]:
    """What one run comes to, rolled back."""
    with transaction.atomic():
        import_file(path, profile, **options)
        state = outcome()
        transaction.set_rollback(True)
    return state


def test_second_run_changes_nothing(tmp_path: Path) -> None:
    a_wholesale_program()
    path, profile = a_file(tmp_path, *busy_weeks(1)), a_profile(tmp_path)
    first, first_rejections = import_file(path, profile, batch_size=50)
    state = outcome()

    second, second_rejections = import_file(path, profile, batch_size=50)

    assert outcome() == state
    assert (second.recorded, second.returned) == (0, 0)
    assert second.already_there == first.recorded + first.returned
    assert second_rejections == first_rejections
    assert min(first.recorded, first.returned, first.rejected["no_original"]) >= 5


@pytest.mark.parametrize("lines", [50, 150, 250])
def test_killed_in_the_middle_and_run_again_it_completes(tmp_path: Path, lines: int) -> None:
    a_wholesale_program()
    path, profile = a_file(tmp_path, *busy_weeks(lines)), a_profile(tmp_path)
    expected = straight(path, profile)

    with pytest.raises(KilledError):
        import_file(path, profile, batch_size=50, on_progress=kill_after(lines))
    assert 0 < Activity.objects.count() < len(expected["activities"])
    result, _rejections = import_file(path, profile, batch_size=50)

    assert outcome() == expected
    assert result.already_there > 0


def test_any_batch_size_comes_to_the_same(tmp_path: Path) -> None:
    a_wholesale_program()
    path, profile = a_file(tmp_path, *busy_weeks(7, lines=120)), a_profile(tmp_path)

    states = [straight(path, profile, batch_size=size) for size in (1, 7, 1000)]

    assert states[0] == states[1] == states[2]


def test_return_of_a_second_file_finds_the_purchase_of_the_first(tmp_path: Path) -> None:
    a_wholesale_program()
    profile = a_profile(tmp_path)
    import_file(a_file(tmp_path, a_row("1")), profile)
    longer = a_file(tmp_path, a_row("1"), a_row("C2", quantity=-4, at="2010-02-01 00:00:00"), name="longer.csv")

    result, rejections = import_file(longer, profile)

    assert (result.already_there, result.returned, rejections) == (1, 1, [])
    assert returns_of()["C2/A/1"][0] == "1/A/1"


def test_id_that_stands_twice_is_already_there(tmp_path: Path) -> None:
    a_wholesale_program()
    path = a_file(tmp_path, a_row("1"), a_row("1"), a_row("C2", quantity=-10, at="2010-02-01 00:00:00"))

    result, rejections = import_file(path, a_profile(tmp_path, id={"columns": ["Invoice", "StockCode"]}))

    assert (result.recorded, result.already_there, result.returned) == (1, 1, 1)
    assert reasons(rejections) == []
