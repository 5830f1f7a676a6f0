"""Returns find what they undo: the latest strictly earlier purchase that alone has enough left."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from loyalty.models import Activity, ActivityReturn, MetricBucket
from tests.importing.files import (
    a_file,
    a_profile,
    a_row,
    a_wholesale_program,
    import_file,
    imported,
    points,
    reasons,
    returns_of,
)

pytestmark = pytest.mark.django_db

BATCH_SIZES = pytest.mark.parametrize("batch_size", [1, 2, 1000])


def at(hour: int) -> str:
    """An hour of a day."""
    return f"2010-01-15 {hour:02}:00:00"


@BATCH_SIZES
def test_return_undoes_the_latest_earlier_purchase_of_the_same_customer_and_code(
    tmp_path: Path, batch_size: int
) -> None:
    a_wholesale_program()
    rows = [
        a_row("1", "A", 10, at(1)),
        a_row("2", "A", 10, at(2)),
        a_row("3", "B", 10, at(3)),
        a_row("4", "A", 10, at(3), customer="C2"),
        a_row("C5", "A", -4, at(4)),
    ]

    result, rejections = import_file(a_file(tmp_path, *rows), a_profile(tmp_path), batch_size=batch_size)

    assert (result.recorded, result.returned, rejections) == (4, 1, [])
    assert returns_of() == {"C5/A/1": ("2/A/1", Decimal(4), Decimal(10))}
    assert points() == 90
    assert sum(MetricBucket.objects.values_list("value", flat=True)) == 90


@BATCH_SIZES
def test_purchase_at_the_same_moment_is_not_earlier(tmp_path: Path, batch_size: int) -> None:
    a_wholesale_program()
    rows = [a_row("1", at=at(1)), a_row("2", at=at(2)), a_row("C3", quantity=-1, at=at(2))]

    import_file(a_file(tmp_path, *rows), a_profile(tmp_path), batch_size=batch_size)

    assert returns_of()["C3/A/1"][0] == "1/A/1"


@BATCH_SIZES
def test_purchase_must_have_enough_left_alone(tmp_path: Path, batch_size: int) -> None:
    a_wholesale_program()
    rows = [
        a_row("1", quantity=10, at=at(1)),
        a_row("2", quantity=3, at=at(2)),
        a_row("C3", quantity=-4, at=at(3)),
        a_row("C4", quantity=-2, at=at(3)),
        a_row("C5", quantity=-2, at=at(4)),
        a_row("C6", quantity=-5, at=at(5)),
    ]

    result, rejections = import_file(a_file(tmp_path, *rows), a_profile(tmp_path), batch_size=batch_size)

    assert {id_: original for id_, (original, *_) in returns_of().items()} == {
        "C3/A/1": "1/A/1",
        "C4/A/1": "2/A/1",
        "C5/A/1": "1/A/1",
    }
    assert (result.returned, reasons(rejections)) == (3, [(7, "no_original")])


@BATCH_SIZES
def test_of_purchases_at_one_moment_the_last_to_arrive_is_undone(tmp_path: Path, batch_size: int) -> None:
    a_wholesale_program()
    rows = [*(a_row("1", quantity=1, at=at(1)) for _ in range(11)), a_row("C2", quantity=-1, at=at(2))]

    import_file(a_file(tmp_path, *rows), a_profile(tmp_path), batch_size=batch_size)

    assert returns_of()["C2/A/1"][0] == "1/A/11"


@BATCH_SIZES
def test_last_return_takes_the_remainder(tmp_path: Path, batch_size: int) -> None:
    a_wholesale_program()
    rows = [
        a_row("1", quantity=3, price="0.333333", at=at(1)),
        a_row("C2", quantity=-1, at=at(2), price="9"),
        a_row("C3", quantity=-1, at=at(3), price="9"),
        a_row("C4", quantity=-1, at=at(4), price="9"),
        a_row("C5", quantity=-1, at=at(5), price="9"),
    ]

    _result, rejections = import_file(a_file(tmp_path, *rows), a_profile(tmp_path), batch_size=batch_size)

    assert Activity.objects.get(external_id="1/A/1").amount == Decimal("1")
    assert [returns_of()[f"C{n}/A/1"][2] for n in (2, 3, 4)] == [
        Decimal("0.3333"),
        Decimal("0.3333"),
        Decimal("0.3334"),
    ]
    assert reasons(rejections) == [(6, "no_original")]
    counter = ActivityReturn.objects.get()
    assert (counter.quantity, counter.amount, counter.is_whole) == (Decimal(3), Decimal(1), True)
    assert points() == 0


@BATCH_SIZES
def test_shares_rounded_up_never_return_more_than_was_paid(tmp_path: Path, batch_size: int) -> None:
    a_wholesale_program()
    rows = [a_row("1", quantity=7, price="0.00007", at=at(1))]
    rows += [a_row(f"C{n}", quantity=-1, at=at(n)) for n in range(2, 9)]

    result, _rejections = import_file(a_file(tmp_path, *rows), a_profile(tmp_path), batch_size=batch_size)

    assert (result.returned, result.rejected) == (5, {"no_original": 2})
    assert [amount for _original, _quantity, amount in returns_of().values()] == [Decimal("0.0001")] * 5


def test_part_of_the_money_is_rounded_half_up(tmp_path: Path) -> None:
    a_wholesale_program()

    imported(tmp_path, a_row("1", quantity=8, price="0.0005", at=at(1)), a_row("C2", quantity=-5, at=at(2)))

    assert returns_of()["C2/A/1"][2] == Decimal("0.0025")

    imported(tmp_path, a_row("3", quantity=8, price="0.00005", at=at(3)), a_row("C4", quantity=-1, at=at(4)))

    assert returns_of()["C4/A/1"][2] == Decimal("0.0001")


def test_return_takes_points_out_of_the_month_of_its_purchase(tmp_path: Path) -> None:
    a_wholesale_program()

    imported(
        tmp_path,
        a_row("1", quantity=400, at="2010-01-15 10:00:00"),
        a_row("C2", quantity=-100, at="2010-03-15 10:00:00"),
    )

    buckets = dict(MetricBucket.objects.values_list("month", "value"))
    assert buckets == {datetime(2010, 1, 1, tzinfo=UTC).date(): Decimal(750)}
    assert points() == 750


def test_rejected_purchase_is_no_original(tmp_path: Path) -> None:
    a_wholesale_program()

    _result, rejections = imported(
        tmp_path, a_row("1", price="0", at=at(1)), a_row("2", at=at(0)), a_row("C3", quantity=-1, at=at(2))
    )

    assert reasons(rejections) == [(2, "no_positive_price"), (3, "out_of_order"), (4, "no_original")]


def test_file_that_names_originals_needs_no_matching(tmp_path: Path) -> None:
    a_wholesale_program()
    header = ("Id", "Kind", "Undoes", "Customer ID", "At", "Quantity", "Amount")
    path = a_file(
        tmp_path,
        ("a", "sale", "", "C1", "2010-01-02", "10", "30.00"),
        ("b", "sale", "", "C1", "2010-01-03", "10", "30.00"),
        ("c", "credit", "a", "C1", "2010-01-04", "1", "12.00"),
        ("d", "credit", "", "C1", "2010-01-04", "1", "12.00"),
        ("e", "credit", "x", "C1", "2010-01-04", "1", "12.00"),
        ("f", "credit", "a", "C2", "2010-01-04", "1", "12.00"),
        ("g", "credit", "a", "C1", "2010-01-04", "1", "19.00"),
        header=header,
    )
    profile = a_profile(
        tmp_path,
        in_time_order=False,
        date_format="%Y-%m-%d",
        columns={"company": "Customer ID", "occurred_at": "At", "quantity": "Quantity", "amount": "Amount"},
        id={"columns": ["Id"]},
        returns={
            "when": {"fact": "Kind", "op": "eq", "value": "credit"},
            "quantity": "positive",
            "original_column": "Undoes",
        },
        companies={"unknown": "create", "name": "Customer {Customer ID}"},
    )

    result, rejections = import_file(path, profile)

    assert (result.recorded, result.returned, result.waiting) == (2, 1, 1)
    assert returns_of() == {"c": ("a", Decimal(1), Decimal(12)), "e": ("x", Decimal(1), Decimal(12))}
    assert reasons(rejections) == [(5, "no_original"), (7, "no_original"), (8, "return_exceeds_original")]
    assert points() == 48

    later = a_file(tmp_path, ("x", "sale", "", "C1", "2010-01-01", "10", "30.00"), header=header)
    import_file(later, profile)

    assert points() == 48 + 30 - 12
