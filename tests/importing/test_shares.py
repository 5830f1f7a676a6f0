"""An import in several processes ends where one in a single process ends, and stops as a whole."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from loyalty.importing import ImportStoppedError, run
from loyalty.models import Activity
from loyalty.shares import Share, most_processes
from tests.factories.world import a_program, a_rule_set
from tests.importing.files import Row, a_file, a_profile, a_wholesale_program, import_file, outcome
from tests.importing.test_running_again import busy_weeks

pytestmark = pytest.mark.django_db(transaction=True)


def many_customers(seed: int) -> list[Row]:
    """Busy weeks in which ten customers take part."""
    return [(*row[:6], row[6] and f"{row[6]}{place % 10}", row[7]) for place, row in enumerate(busy_weeks(seed))]


@pytest.mark.parametrize("processes", [2, 3])
def test_shares_come_to_what_the_whole_comes_to(tmp_path: Path, processes: int) -> None:
    a_wholesale_program()
    path, profile = a_file(tmp_path, *many_customers(processes)), a_profile(tmp_path)
    with transaction.atomic():
        expected = (*import_file(path, profile, batch_size=40), outcome())
        transaction.set_rollback(True)
    heard: list[tuple[int, int]] = []

    told = import_file(path, profile, batch_size=20, processes=processes, on_progress=lambda *done: heard.append(done))

    assert (*told, outcome()) == expected
    assert heard == [(min(done, 300), 300) for done in range(20 * processes, 300 + 20 * processes, 20 * processes)]
    assert import_file(path, profile, processes=processes)[0].already_there == told[0].recorded + told[0].returned


def at_the_second_batch_of_the_second_share(happens: Callable[[], None]) -> Callable[..., Any]:
    """What takes the place of reading: it reads, and lets something happen."""
    read, batches = run._sound, 0

    def sound(reader: Any, rows: Sequence[Any], share: Share, tally: Any) -> Any:
        nonlocal batches
        batches += 1
        if share.number == 1 and batches == 2:
            happens()
        return read(reader, rows, share, tally)

    return sound


def test_process_that_is_killed_stops_the_import_and_the_next_run_completes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_wholesale_program()
    path, profile = a_file(tmp_path, *many_customers(4)), a_profile(tmp_path)
    with transaction.atomic():
        import_file(path, profile)
        expected = outcome()
        transaction.set_rollback(True)

    with monkeypatch.context() as patch:
        dies = at_the_second_batch_of_the_second_share(lambda: os.kill(os.getpid(), signal.SIGKILL))
        patch.setattr(run, "_sound", dies)
        with pytest.raises(ImportStoppedError):
            import_file(path, profile, batch_size=20, processes=2)
    there = Activity.objects.count()
    import_file(path, profile, batch_size=20, processes=2)

    assert 0 < there < Activity.objects.count()
    assert outcome() == expected


def test_error_of_a_share_is_the_import_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_wholesale_program()
    path, profile = a_file(tmp_path, *many_customers(5)), a_profile(tmp_path)

    def fail() -> None:
        raise ZeroDivisionError("by a share")

    monkeypatch.setattr(run, "_sound", at_the_second_batch_of_the_second_share(fail))

    with pytest.raises(ZeroDivisionError, match="by a share"):
        import_file(path, profile, batch_size=20, processes=2)


@pytest.mark.parametrize(
    ("version", "processes"),
    [
        ({"rules": [{"caps": [("COMPANY", "DAY", 7), ("EMPLOYEE", "DAY", 7)]}]}, 4),
        ({"rules": [{"caps": [("PROGRAM", "EVER", 9)]}]}, 1),
        ({"campaigns": [{}]}, 4),
        ({"campaigns": [{"budget": 100}]}, 1),
        ({"rules": [{"caps": [("PROGRAM", "EVER", 9)]}], "campaigns": [{"budget": 1}], "status": "DRAFT"}, 4),
    ],
)
def test_what_companies_have_in_common_is_counted_by_one_process(version: dict[str, Any], processes: int) -> None:
    a_rule_set(a_program(), **version)

    assert most_processes(4) == processes
    with transaction.atomic():
        assert most_processes(4) == 1


def test_every_customer_is_in_one_share_and_every_import_meets_every_other() -> None:
    shares = {of: [Share(number, of) for number in range(of)] for of in (1, 2, 3, 16)}

    for each in shares.values():
        assert all(sum(share.holds(f"C{number}") for share in each) == 1 for number in range(200))
        for number in range(0, 2000, 200):  # those of every other id, as of a sequence that counts in twos
            evens = [share.holds(str(company_id)) for company_id in range(number, number + 200, 2) for share in each]
            assert sum(any(evens[place :: len(each)]) for place in range(len(each))) == len(each)
        keys = [key for share in each for key in share.locks("shop")]
        assert sorted(keys) == shares[1][0].locks("shop")
