"""Statements that are sent together do what they do alone, in their order, and fail as a whole."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db import DataError, IntegrityError, connection, transaction

from accounts import arrays, together
from accounts.models import Company
from accounts.together import atomic_together
from loyalty.ledger import Book, Owner
from loyalty.models import Transaction
from tests.factories.world import NOW, a_member, a_program, a_purchase, a_rule_set, balance, record
from tests.loyalty.test_races import broken_laws

RENAME = "UPDATE accounts_company SET name = %s WHERE external_id = %s"
NAMES = "SELECT name FROM accounts_company ORDER BY external_id"


@pytest.fixture
def packets(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, bool]]:
    """How many statements went in each packet, and whether a commit went with them."""
    sent: list[tuple[int, bool]] = []
    exchange = together._exchange

    def noted(bare: psycopg.Connection[Any], statements: Any, *, and_commit: bool) -> None:
        sent.append((len(statements), and_commit))
        exchange(bare, statements, and_commit=and_commit)

    monkeypatch.setattr(together, "_exchange", noted)
    return sent


def two_companies() -> None:
    for number in ("C1", "C2"):
        Company.objects.create(name=f"Firm {number}", external_id=number)


@pytest.mark.django_db(transaction=True)
def test_statements_wait_for_the_next_that_is_asked_and_the_last_go_with_the_commit(
    packets: list[tuple[int, bool]],
) -> None:
    two_companies()

    with atomic_together():
        arrays.run(RENAME, "One", "C1")
        before = arrays.ask(NAMES)
        arrays.run(RENAME, "Two", "C2")
        assert packets == []
        assert arrays.fetch(NAMES) == [("One",), ("Two",)]
        arrays.run(RENAME, "Three", "C2")

    assert before.rows == [("One",), ("Firm C2",)]
    assert packets == [(4, False), (1, True)]
    connection.close()
    assert list(Company.objects.order_by("external_id").values_list("name", flat=True)) == ["One", "Three"]


@pytest.mark.django_db(transaction=True)
def test_spends_of_one_wallet_take_two_packets_however_many_they_are(packets: list[tuple[int, bool]]) -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    record(*(a_purchase(member.company, 10, occurred_at=NOW - timedelta(days=day)) for day in range(9)))
    owner = Owner(program.pk, member.company_id)
    taken = []
    for spends in ([5], [1, 15, 9], [26]):
        packets.clear()
        with atomic_together():
            book = Book(now=NOW, programs=[program])
            book.open([owner], spenders=[owner], spends=len(spends))
            for points in spends:
                book.spend(book.begin(Transaction.Kind.REDEEM, owner), owner, points, at=NOW)
            book.write()
        taken.append(list(packets))

    assert taken == [[(5, False), (4, True)]] * 3
    with atomic_together():
        book = Book(now=NOW, programs=[program])
        book.open([owner], spenders=[owner], spends=1)
        book.spend(
            book.begin(Transaction.Kind.REDEEM, owner), owner, 34, at=NOW
        )  # out of more lots than one mostly needs
        book.write()
    assert (balance(member), broken_laws()) == (0, set())


@pytest.mark.django_db
def test_orm_comes_after_what_waits_and_an_inner_block_leaves_nothing_waiting(packets: list[tuple[int, bool]]) -> None:
    two_companies()

    with atomic_together():
        arrays.run(RENAME, "One", "C1")
        assert Company.objects.get(external_id="C1").name == "One"
        with atomic_together():
            arrays.run(RENAME, "Two", "C2")
        assert [count for count, _commit in packets] == [1, 1]
        assert not any(commit for _count, commit in packets)  # the transaction is the test's


def _rename_and_insert() -> None:
    with atomic_together():
        arrays.run(RENAME, "One", "C1")
        arrays.run("INSERT INTO accounts_company (id) VALUES (%s)", 1)
        arrays.run(RENAME, "Two", "C2")


@pytest.mark.django_db(transaction=True)
def test_statement_that_fails_raises_what_django_raises_and_nothing_is_left_of_the_others() -> None:
    two_companies()

    with pytest.raises(IntegrityError) as refused:
        _rename_and_insert()

    assert isinstance(refused.value.__cause__, psycopg.errors.NotNullViolation)
    assert arrays.fetch(NAMES) == [("Firm C1",), ("Firm C2",)]


@pytest.mark.django_db(transaction=True)
def test_plans_outlive_a_rollback_and_new_connections_make_their_own() -> None:
    for _attempt in range(2):
        with transaction.atomic():
            assert arrays.fetch("SELECT %s::bigint + 1", 41) == [(42,)]
            transaction.set_rollback(True)
    connection.close()

    assert arrays.fetch("SELECT %s::bigint + 1", 41) == [(42,)]


def _rename_and_look() -> None:
    with atomic_together():
        arrays.run(RENAME, "One", "C1")
        arrays.fetch(NAMES)


@pytest.mark.django_db(transaction=True)
def test_connection_on_which_reading_was_broken_off_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    two_companies()

    def broken_off(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(together, "_read", broken_off)
        with pytest.raises(KeyboardInterrupt):
            _rename_and_look()

    assert arrays.fetch(NAMES) == [("Firm C1",), ("Firm C2",)]


VALUES: list[tuple[str, object]] = [
    ("bigint", -(2**62)),
    ("numeric", Decimal("12.50")),
    ("text", 'a "quoted" \\ text, {with} NULL and Ünïcode 客'),
    ("text", ""),
    ("boolean", True),
    ("date", date(2026, 2, 28)),
    ("timestamptz", datetime(2026, 2, 28, 12, 30, 0, 123456, tzinfo=UTC)),
    ("timestamptz", datetime(2026, 2, 28, 12, 30, 0, 100_000, tzinfo=UTC)),
    ("timestamptz", datetime(2026, 2, 28, tzinfo=UTC)),
    ("timestamptz", datetime(1, 1, 1, tzinfo=UTC)),
    ("bytea", b"\x00\\\xff"),
    ("bigint[]", [1, None, 3]),
    ("text[]", ["a,b", 'c"d', "\\", "", "NULL", None]),
    ("date[]", [date(2026, 2, 28), None]),
    ("boolean[]", [True, False]),
]
MANY = list(range(1_000))
"""So many that a statement is planned for these very values, which then stand in it."""


@pytest.mark.django_db
@pytest.mark.parametrize(("type_", "value"), VALUES)
@pytest.mark.parametrize("beside", [[1], MANY], ids=["few", "many"])
def test_values_arrive_as_they_are(type_: str, value: object, beside: list[int]) -> None:
    rows = arrays.fetch(
        f"SELECT %s::{type_}, %s::{type_} IS NULL, cardinality(%s::bigint[]), '100%%'", value, None, beside
    )

    assert rows == [(value, True, len(beside), "100%")]


@pytest.mark.django_db
@pytest.mark.parametrize(("type_", "value"), [each for each in VALUES if not isinstance(each[1], str | list)])
def test_server_knows_the_types_of_values_among_many(type_: str, value: object) -> None:
    [(known, _count)] = arrays.fetch("SELECT pg_typeof(%s)::text, cardinality(%s::bigint[])", value, MANY)

    assert known == arrays.fetch("SELECT %s::regtype::text", type_)[0][0]


@pytest.mark.django_db
def test_text_with_a_nul_is_refused_among_many_as_among_few() -> None:
    for beside in ([1], MANY):
        with pytest.raises(DataError, match="NUL"):
            arrays.fetch("SELECT %s::text, %s::bigint[]", "cut\0off", beside)


@pytest.mark.django_db(transaction=True)
def test_statements_for_many_go_with_the_others(packets: list[tuple[int, bool]]) -> None:
    two_companies()

    with atomic_together():
        arrays.run(RENAME, "One", "C1")
        counted = arrays.ask("SELECT cardinality(%s::bigint[])", MANY)
        assert arrays.fetch(NAMES) == [("One",), ("Firm C2",)]

    assert counted.rows == [(len(MANY),)]
    assert packets == [(3, False)]


@pytest.mark.django_db(transaction=True)
def test_moment_that_no_datetime_holds_is_refused() -> None:
    with pytest.raises(DataError, match="no datetime holds infinity"):
        arrays.fetch("SELECT 'infinity'::timestamptz")

    assert arrays.fetch("SELECT 1") == [(1,)]


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["C1\0", ["C1\0"], ["C2", "C1\0"]])
def test_text_with_a_nul_is_refused_and_the_connection_goes_on(value: object) -> None:
    bare = connection.connection

    with pytest.raises(DataError):
        arrays.fetch("SELECT %s::text", value)

    assert connection.connection is bare
    assert arrays.fetch("SELECT 1") == [(1,)]


@pytest.mark.django_db
def test_connection_keeps_no_more_plans_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_MOST_PLANS", 3)

    found = [arrays.fetch(f"SELECT {number} + %s", 1) for number in range(10)]

    assert found == [[(number + 1,)] for number in range(10)]
    assert arrays.fetch("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'together%%'")[0][0] <= 3


@pytest.mark.django_db
def test_parameters_are_told_by_their_types_and_percent_signs_stand() -> None:
    day, at = date(2026, 2, 28), datetime(2026, 2, 28, 12, tzinfo=UTC)

    assert arrays.fetch("SELECT %s + %s, %s - %s, 7 %% %s", day, 1, at, at, 4) == [(date(2026, 3, 1), timedelta(), 3)]
    assert arrays.fetch("SELECT %s + %s", 2**40, 1) == [(2**40 + 1,)]
    assert arrays.fetch("SELECT %s + %s", Decimal("1.5"), 1) == [(Decimal("2.5"),)]
