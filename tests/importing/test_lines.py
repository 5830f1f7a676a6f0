"""What becomes of a line: an activity with its id, or a rejection with its reason."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.models import Company
from loyalty.models import Activity, ActivityAttribute, Membership, Source
from tests.factories.world import a_company, a_member, a_purchase_type, an_employee
from tests.importing.files import (
    DOCUMENT,
    HEADER,
    a_file,
    a_profile,
    a_row,
    a_wholesale_program,
    import_file,
    imported,
    points,
    reasons,
    rows_there,
)

pytestmark = pytest.mark.django_db

_COLUMNS = DOCUMENT["columns"]


def test_sales_line_becomes_a_purchase_of_the_customer(tmp_path: Path) -> None:
    a_wholesale_program()

    result, rejections = imported(tmp_path, a_row("489434", "85048", 12, "2010-07-01 07:45:00", "6.95", "13085"))

    assert (result.lines, result.recorded, rejections) == (1, 1, [])
    activity = Activity.objects.get()
    assert (activity.external_id, activity.source.code, activity.type.code) == (
        "489434/85048/1",
        "invoices",
        "purchase",
    )
    assert (activity.object, activity.quantity, activity.amount, activity.currency) == (
        "85048",
        Decimal(12),
        Decimal("83.4"),
        "GBP",
    )
    assert activity.occurred_at == datetime(2010, 7, 1, 6, 45, tzinfo=UTC)
    assert Source.objects.get(code="invoices").kind == Source.Kind.IMPORT
    company = Company.objects.get()
    assert (company.name, company.external_id, company.country) == ("Customer 13085", "13085", "United Kingdom")
    assert points() == 83


def test_equal_pairs_are_numbered_over_the_whole_file_rejected_lines_counted(tmp_path: Path) -> None:
    a_wholesale_program()
    rows = [a_row("1"), a_row("1", customer=""), a_row("1", "B"), a_row("1"), a_row("2"), a_row("1")]

    result, rejections = import_file(a_file(tmp_path, *rows), a_profile(tmp_path), batch_size=2)

    assert (result.recorded, reasons(rejections)) == (5, [(3, "no_customer")])
    ids = set(Activity.objects.values_list("external_id", flat=True))
    assert ids == {"1/A/1", "1/B/1", "1/A/3", "2/A/1", "1/A/4"}


def test_ids_of_columns_that_hold_the_separator_do_not_collide(tmp_path: Path) -> None:
    a_wholesale_program()

    result, _rejections = imported(tmp_path, a_row("1", "A/1"), a_row("1/A", "1"), a_row("1", "A"))

    assert result.recorded == 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (a_row(customer=""), "no_customer"),
        (a_row(customer=" "), "no_customer"),
        (a_row(customer="1" * 101), "bad_id"),
        (a_row(invoice=""), "no_id"),
        (a_row(invoice="1" * 200), "bad_id"),
        (a_row(stock_code="1" * 190 + "é" * 11, invoice="x"), "bad_id"),
        (a_row(price="0"), "no_positive_price"),
        (a_row(price="-1"), "no_positive_price"),
        (a_row(price="1,5"), "bad_price"),
        (a_row(price="NaN"), "bad_price"),
        (a_row(price="Infinity"), "bad_price"),
        (a_row(price="1e3"), "bad_price"),
        (a_row(price="1_0"), "bad_price"),
        (a_row(price="٣"), "bad_price"),
        (a_row(price=""), "bad_price"),
        (a_row(quantity=0), "wrong_sign"),
        (a_row(quantity=-3), "wrong_sign"),
        (a_row("C1", quantity=3), "wrong_sign"),
        (a_row("C1", quantity=0), "wrong_sign"),
        (a_row(quantity="1,5"), "bad_quantity"),
        (a_row(quantity="NaN"), "bad_quantity"),
        (a_row(quantity="0.00001"), "bad_quantity"),
        (a_row(quantity="999999999999", price="999999999999"), "bad_amount"),
        (a_row("C1", quantity=-3), "no_original"),
        (a_row(at="2010-02-30 10:00:00"), "bad_time"),
        (a_row(at="2010-02-03"), "bad_time"),
        (a_row(at=""), "bad_time"),
        (a_row(at="0001-01-01 00:00:00"), "bad_time"),
        (a_row(at="1969-01-01 00:00:00"), "bad_time"),
        (a_row(at="2010-03-28 01:30:00"), "skipped_time"),
        (a_row(at="2011-06-01 01:30:00"), "future_time"),
        (a_row(country="x" * 101), "bad_company"),
        (a_row(customer="C\u202e1"), "bad_company"),
    ],
)
def test_unsound_line_is_rejected_with_its_reason(tmp_path: Path, row: tuple[str, ...], reason: str) -> None:
    a_wholesale_program()
    before = rows_there()

    result, rejections = imported(tmp_path, row)

    assert reasons(rejections) == [(2, reason)]
    assert result.rejected == {reason: 1}
    assert rejections[0].sentence
    assert rows_there() == {**before, "Source": 1}


def test_line_with_several_faults_fails_for_the_first_of_them(tmp_path: Path) -> None:
    a_wholesale_program()

    _result, rejections = imported(
        tmp_path,
        a_row(at="2010-02-01 00:00:00"),
        a_row(customer="", at="2009-02-30 10:00:00", price="0", quantity=-1),
        a_row(at="2009-02-30 10:00:00", price="0", quantity=-1),
        a_row(at="2009-02-03 10:00:00", price="0", quantity=-1),
        a_row(at="2009-02-03 10:00:00", quantity=-1),
        a_row(at="2009-02-03 10:00:00"),
    )

    assert [reason for _line, reason in reasons(rejections)] == [
        "no_customer",
        "bad_time",
        "no_positive_price",
        "wrong_sign",
        "out_of_order",
    ]


def test_line_earlier_than_the_latest_before_it_is_rejected(tmp_path: Path) -> None:
    a_wholesale_program()

    result, rejections = imported(
        tmp_path,
        a_row("1", at="2010-01-02 10:00:00"),
        a_row("2", at="2010-01-02 10:00:00"),
        a_row("3", at="2010-01-02 09:59:59"),
        a_row("4", at="2010-01-02 09:59:59"),
        a_row("5", at="2010-01-03 00:00:00", customer=""),
        a_row("6", at="2010-01-02 12:00:00"),
        a_row("7", at="2030-01-01 00:00:00"),
        a_row("8", at="2010-01-03 00:00:00"),
    )

    assert result.recorded == 3
    assert reasons(rejections) == [
        (4, "out_of_order"),
        (5, "out_of_order"),
        (6, "no_customer"),
        (7, "out_of_order"),
        (8, "future_time"),
    ]


def test_time_that_came_twice_is_its_first(tmp_path: Path) -> None:
    a_wholesale_program()

    imported(tmp_path, a_row(at="2010-10-31 01:30:00"))

    assert Activity.objects.get().occurred_at == datetime(2010, 10, 31, 0, 30, tzinfo=UTC)


def test_membership_starts_on_the_first_of_the_month_of_the_first_activity(tmp_path: Path) -> None:
    a_wholesale_program()

    imported(
        tmp_path,
        a_row("1", at="2010-05-20 10:00:00", customer="A", price="0"),
        a_row("2", at="2010-06-30 23:30:00", customer="A"),
        a_row("3", at="2010-07-01 00:30:00", customer="B"),
        a_row("4", at="2010-08-01 00:30:00", customer="A"),
    )

    starts = dict(Membership.objects.values_list("company__external_id", "starts_at"))
    assert starts == {"A": datetime(2010, 5, 31, 23, tzinfo=UTC), "B": datetime(2010, 6, 30, 23, tzinfo=UTC)}
    assert points() == 75


def test_unordered_file_starts_memberships_at_the_earliest_line(tmp_path: Path) -> None:
    a_wholesale_program()
    rows = [
        a_row("1", at="2010-05-20 10:00:00"),
        a_row("2", at="2010-03-02 10:00:00"),
        a_row("3", at="2010-01-02 10:00:00", price="0"),
    ]

    result, _rejections = import_file(
        a_file(tmp_path, *rows), a_profile(tmp_path, in_time_order=False, returns=None), batch_size=1
    )

    assert result.recorded == 2
    assert Membership.objects.get().starts_at == datetime(2010, 3, 1, tzinfo=UTC)
    assert points() == 50


def test_known_company_keeps_its_name_and_membership(tmp_path: Path) -> None:
    program = a_wholesale_program()
    member = a_member(
        program, a_company(external_id="C1", name="Old friend"), starts_at=datetime(2009, 1, 1, tzinfo=UTC)
    )

    result, _rejections = imported(tmp_path, a_row())

    assert result.recorded == 1
    assert Company.objects.get().name == "Old friend"
    assert Membership.objects.get() == member


def test_unknown_customer_is_refused_where_the_profile_says_so(tmp_path: Path) -> None:
    a_wholesale_program()
    a_company(external_id="C2")

    result, rejections = imported(
        tmp_path, a_row("1", customer="C1"), a_row("2", customer="C2"), companies={"unknown": "refuse"}
    )

    assert (result.recorded, reasons(rejections)) == (1, [(2, "unknown_customer")])
    assert Company.objects.get().memberships.count() == 1


def test_filter_leaves_lines_out_and_counts_them(tmp_path: Path) -> None:
    a_wholesale_program()

    result, rejections = imported(
        tmp_path,
        a_row("1", "POST"),
        a_row("1", "A"),
        a_row("1", "POST", customer=""),
        filter={"fact": "StockCode", "op": "ne", "value": "POST"},
    )

    assert (result.recorded, result.left_out, rejections) == (1, 2, [])


def test_other_columns_formats_and_numbers_need_only_another_profile(tmp_path: Path) -> None:
    program = a_wholesale_program()
    a_purchase_type()
    kind = ActivityAttribute.Type
    for code, type_ in (
        ("weight", kind.NUMBER),
        ("organic", kind.BOOLEAN),
        ("best-before", kind.DATE),
        ("shelf", kind.TEXT),
    ):
        ActivityAttribute.objects.create(activity_type=a_purchase_type(), code=code, name=code, type=type_)
    member = a_member(program, a_company(external_id="K1"), starts_at=datetime(2009, 1, 1, tzinfo=UTC))
    person = an_employee(member.company, external_id="P1")
    header = ("Beleg", "Kunde", "Wer", "Tag", "Betrag", "Gewicht", "Bio", "Haltbar", "Regal")
    path = tmp_path / "lines.csv"
    path.write_bytes(
        "\n".join(
            [
                ";".join(header),
                "R1;K1;P1;31.12.2010;1234,565;1,5;yes;01.02.2011;Süd",
                "R2;K1;P2;31.12.2010;10;;;;",
                "R3;K1;;31.12.2010;1.5;;;;",
                "R4;K1;;31.12.2010;1;x;;;",
                "R5;K1;;31.12.2010;1;;perhaps;;",
                "R6;K1;;31.12.2010;1;;;soon;",
            ]
        ).encode("cp1252")
    )
    profile = a_profile(
        tmp_path,
        date_format="%d.%m.%Y",
        file={"encoding": "cp1252", "delimiter": ";", "decimal_comma": True},
        columns={"company": "Kunde", "occurred_at": "Tag", "amount": "Betrag", "employee": "Wer"},
        attributes={"weight": "Gewicht", "organic": "Bio", "best-before": "Haltbar", "shelf": "Regal"},
        id={"columns": ["Beleg"]},
        returns=None,
        companies=None,
    )

    result, rejections = import_file(path, profile)

    assert result.recorded == 1
    assert reasons(rejections) == [
        (3, "unknown_employee"),
        (4, "bad_amount"),
        (5, "bad_attribute"),
        (6, "bad_attribute"),
        (7, "bad_attribute"),
    ]
    activity = Activity.objects.get()
    assert (activity.external_id, activity.amount, activity.employee_id) == ("R1", Decimal("1234.565"), person.pk)
    assert activity.occurred_at == datetime(2010, 12, 31, tzinfo=UTC)
    assert activity.attributes == {"weight": "1.5", "organic": True, "best-before": "2011-02-01", "shelf": "Süd"}


def test_what_recording_refuses_is_counted_by_its_code(tmp_path: Path) -> None:
    a_wholesale_program()

    result, rejections = imported(tmp_path, a_row("1"), a_row("2"), defaults={"type": "purchase", "currency": "EUR"})

    assert (result.recorded, result.rejected) == (0, {"no_rate": 2})
    assert reasons(rejections) == [(2, "no_rate"), (3, "no_rate")]


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    a_wholesale_program()
    path = a_file(tmp_path, ("1", "A", "two\nlines", "1", "2010-01-01 00:00:00", "1", "C1", ""), header=HEADER)
    path.write_text(path.read_text() + "\n2,A,,1,2010-01-01 00:00:00,1,,\n")

    _result, rejections = import_file(path, a_profile(tmp_path))

    assert reasons(rejections) == [(5, "no_customer")]
