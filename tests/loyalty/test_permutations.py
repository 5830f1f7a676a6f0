"""Permutations: what comes in another order ends in the same state, where neither limits nor tiers make order matter.

Every permutation belongs to a company of its own, so that one database and few calls hold all of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Model
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import arrays, laws
from accounts.models import Company, Employee
from loyalty.activities import ActivityItem, Status, record_activities
from loyalty.memberships import Joining, enrol
from loyalty.models import (
    Activity,
    ActivityReturn,
    Award,
    AwardReversal,
    CapUsage,
    Consent,
    Evaluation,
    Lot,
    LotUse,
    Metric,
    MetricBucket,
    Posting,
    Program,
    ReturnLink,
    Wallet,
)
from tests.factories.world import (
    EPOCH,
    NOW,
    a_program,
    a_purchase_type,
    a_rule_set,
    a_source,
    a_user,
)

pytestmark = pytest.mark.django_db

LONG = pytest.mark.long
State = Counter[tuple[object, ...]]


@dataclass(frozen=True)
class Deed:
    """Something that one company does, by a name that all companies use for it."""

    name: str
    amount: str | None = None
    quantity: str | None = None
    days_ago: int = 0
    is_personal: bool = False
    undoes: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)

    def of(self, company_id: int, employee_id: int) -> ActivityItem:
        """The deed as the item of a company."""
        return ActivityItem(
            external_id=f"{company_id}:{self.name}",
            type="purchase",
            company_id=company_id,
            employee_id=employee_id if self.is_personal else None,
            occurred_at=NOW - timedelta(days=self.days_ago),
            amount=None if self.amount is None else Decimal(self.amount),
            quantity=None if self.quantity is None else Decimal(self.quantity),
            currency="" if self.amount is None else "GBP",
            reverses=f"{company_id}:{self.undoes}" if self.undoes else "",
        )


Call = list[ActivityItem]
"""What is sent together."""


def companies_in(program: Program, count: int) -> list[tuple[int, int]]:
    """So many members that agreed, each with one person: (company, employee)."""
    companies = Company.objects.bulk_create(
        Company(name=f"Company {number}", external_id=f"M{number}") for number in range(count)
    )
    people = Employee.objects.bulk_create(
        Employee(company=company, name="Somebody", external_id="1") for company in companies
    )
    members = enrol(program=program, joinings=[Joining(company.pk, EPOCH) for company in companies])
    signer = a_user()
    Consent.objects.bulk_create(Consent(membership=member, given_by=signer, starts_at=EPOCH) for member in members)
    return [(company.pk, person.pk) for company, person in zip(companies, people, strict=True)]


def a_program_without_order(**fields: Any) -> Program:
    """Points, lots that expire, and every measure; neither limits nor tiers."""
    program = a_program(expiry_months=1, **fields)
    for code, measure in (("pieces", "QUANTITY"), ("orders", "COUNT"), ("earned", "POINTS")):
        Metric.objects.create(program=program, code=code, name=code, measure=measure, activity_type=a_purchase_type())
    a_rule_set(program, [{}, {"beneficiary": "BOTH", "formula": {"kind": "fixed", "points": 30}}])
    return program


def states() -> dict[int, State]:
    """What every company has, row for row, by what things are called there."""
    found: dict[int, State] = {}
    act = "transaction__activity__external_id"
    sides = [f"{side}_wallet__{name}" for side in ("debit", "credit") for name in ("employee", "kind")]
    tables: dict[type[Model], tuple[str, ...]] = {
        Activity: ("company", "external_id", "amount", "quantity", "occurred_at", "reverses_external_id"),
        Evaluation: ("company", "activity__external_id", "facts", "metrics"),
        Award: ("company", "activity__external_id", "rule_code", "wallet__employee", "raw", "granted"),
        AwardReversal: (
            "award__company", "award__activity__external_id", "award__rule_code", "granted", "reversed",
        ),
        Wallet: ("company", "employee", "kind", "balance"),
        Lot: (
            "wallet__company", "wallet__employee", "available_on", "expires_on", "earned", "remaining", "expired",
        ),
        MetricBucket: ("membership__company", "metric", "month", "value"),
        ActivityReturn: ("activity__company", "activity__external_id", "amount", "quantity", "is_whole"),
        ReturnLink: ("activity__company", "activity__external_id", "original__external_id", "refusal"),
        Posting: ("company", "transaction__kind", act, *sides, "points", "effective_at", "award__rule_code"),
        LotUse: ("lot__wallet__company", f"posting__{act}", "lot__wallet__employee", "lot__available_on", "points"),
    }  # fmt: skip
    for model, fields in tables.items():
        for company_id, *values in model._default_manager.values_list(*fields):
            if model is not MetricBucket or values[-1]:  # a month that comes to nothing may have a row or none
                named = (_named(name, value) for name, value in zip(fields[1:], values, strict=True))
                found.setdefault(company_id, Counter())[model.__name__, *named] += 1
    return found


def _named(name: str, value: object) -> object:
    """A value as it reads in every company: without the company's number, and the person as nobody in particular."""
    if name.endswith("external_id"):
        return str(value).partition(":")[2]
    if name.endswith("employee"):
        return value is not None
    return str(value) if isinstance(value, dict) else value


def sums(state: State) -> State:
    """What a state comes to: of how many points each return took which part is a question of order, by rounding."""
    kinds = {"Award", "AwardReversal", "Wallet", "Lot", "MetricBucket", "ActivityReturn", "ReturnLink"}
    return Counter({row: count for row, count in state.items() if row[0] in kinds})


def broken_laws() -> dict[str, object]:
    return {finding.law.code: finding.examples for finding in laws.verify() if finding.count}


def send(calls: Sequence[Call]) -> None:
    for call in calls:
        for outcome in record_activities(call, source=a_source(), now=NOW):
            assert outcome.status in {Status.RECORDED, Status.WAITING, Status.DUPLICATE}
        if len(call) > 1_000:
            arrays.run("ANALYZE")  # or the planner takes what this transaction wrote for nothing


BATCH = (
    Deed("bought", "100", "10"),
    Deed("bought", "100", "10"),  # sent twice
    Deed("a part back", "40", undoes="bought"),
    Deed("another part back", "50", undoes="bought"),
    Deed("late", "60", days_ago=40, is_personal=True),
    Deed("late back", days_ago=35, undoes="late"),
)


def in_one_call(streams: Sequence[Call]) -> list[Call]:
    return [[item for stream in streams for item in stream]]


def one_by_one(streams: Sequence[Call]) -> list[Call]:
    return [list(items) for items in zip(*streams, strict=True)]


def cut_in_two(streams: Sequence[Call]) -> list[Call]:
    cuts = [number % (len(BATCH) + 1) for number in range(len(streams))]
    return [
        [item for stream, cut in zip(streams, cuts, strict=True) for item in stream[:cut]],
        [item for stream, cut in zip(streams, cuts, strict=True) for item in stream[cut:]],
    ]


@pytest.mark.parametrize(
    "split", [cut_in_two, pytest.param(in_one_call, marks=LONG), pytest.param(one_by_one, marks=LONG)]
)
def test_every_permutation_of_a_batch_ends_in_the_same_state(split: Any) -> None:
    orders = list(permutations(BATCH))
    companies = companies_in(a_program_without_order(), len(orders))
    streams = [[deed.of(*company) for deed in order] for order, company in zip(orders, companies, strict=True)]

    send(split(streams))

    assert len(streams) == 720
    first, *others = states().values()
    assert [other - first or first - other for other in others if other != first] == []
    assert len(others) == 719
    assert first["Wallet", False, "AVAILABLE", 100 + 30 - 90 - 27] == 1
    assert first["Wallet", True, "AVAILABLE", 0] == 1
    assert first["Lot", True, (NOW - timedelta(days=40)).date(), (NOW - timedelta(days=9)).date(), 30, 0, 0] == 1
    assert broken_laws() == {}
    again = record_activities([item for stream in streams for item in stream], source=a_source(), now=NOW)
    assert Counter((outcome.status, outcome.points, outcome.error) for outcome in again) == {
        (Status.DUPLICATE, points, None): 720 * count
        for points, count in {130: 2, -52: 1, -65: 1, 120: 1, -120: 1}.items()
    }


@dataclass(frozen=True)
class Drawn:
    """A batch, and orders in which it is sent, each cut into calls somewhere."""

    deeds: list[Deed]
    orders: list[tuple[list[int], int]]


@st.composite
def batches(draw: st.DrawFn, *, sound: bool) -> Drawn:
    """Purchases with what comes back of them in parts; with `sound` returns none that does not fit in every order."""
    deeds: list[Deed] = []
    for number in range(draw(st.integers(1, 5))):
        cents, pieces = draw(st.integers(1, 40_000)), draw(st.sampled_from([None, None, 1, 3, 8]))
        is_money = pieces is None or draw(st.booleans())
        bought = Deed(
            f"P{number}",
            str(Decimal(cents) / 100) if is_money else None,
            None if pieces is None else str(pieces),
            draw(st.sampled_from([0, 0, 1, 14, 33, 90])),
            draw(st.booleans()),
        )
        deeds.append(bought)
        shares = draw(st.sampled_from([[], ["whole"], ["0.25"], ["0.5", "0.25"], ["0.3", "0.3", "0.4"]]))
        if not sound:
            shares = shares + draw(st.lists(st.sampled_from(["whole", "0.6", "1.5"]), max_size=2))
        for part, share in enumerate(shares):
            deeds.append(_part_of(bought, share, f"R{number}.{part}"))
    again = draw(st.lists(st.sampled_from(deeds), max_size=3))
    everything = range(len(deeds) + len(again))
    orders = draw(
        st.lists(st.tuples(st.permutations(everything), st.integers(0, len(everything))), min_size=2, max_size=12)
    )
    return Drawn(deeds + again, [(list(order), cut) for order, cut in orders])


def _part_of(bought: Deed, share: str, name: str) -> Deed:
    back = Deed(name, days_ago=bought.days_ago // 2, undoes=bought.name)
    if share == "whole":
        return back
    if bought.amount is not None:
        return replace(back, amount=str(Decimal(bought.amount) * Decimal(share)))
    return replace(back, quantity=str(Decimal(bought.quantity or 0) * Decimal(share)))


@contextmanager
def put_back() -> Iterator[None]:
    """A world for one example: afterwards nothing is left of it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def streams_of(drawn: Drawn, companies: Sequence[tuple[int, int]]) -> list[Call]:
    """For every order its company's items, in two calls for each."""
    calls: list[Call] = [[], []]
    for (order, cut), company in zip(drawn.orders, companies, strict=True):
        items = [drawn.deeds[number].of(*company) for number in order]
        calls[0] += items[:cut]
        calls[1] += items[cut:]
    return calls


FEW = settings(max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck])
MANY = settings(FEW, max_examples=500)


def any_order_comes_to_the_same(drawn: Drawn) -> None:
    with put_back():
        send(streams_of(drawn, companies_in(a_program_without_order(), len(drawn.orders))))

        first, *others = (sums(state) for state in states().values())
        assert [other - first or first - other for other in others if other != first] == []
        assert broken_laws() == {}


def laws_hold_in_any_order(drawn: Drawn) -> None:
    """With limits, tiers and a person's share of the limit: each order ends differently, and all of them lawfully."""
    with put_back():
        program = a_program(tiers={"bronze": 0, "silver": 150, "gold": 600}, expiry_months=1, tier_months=2)
        gold = {"fact": "standing.tier_rank", "op": "gte", "value": 2}
        a_rule_set(
            program,
            [
                {"caps": [("COMPANY", "MONTH", 200), ("PROGRAM", "DAY", 700)]},
                {"beneficiary": "BOTH", "condition": gold, "caps": [("EMPLOYEE", "WEEK", 80)]},
            ],
        )
        companies = companies_in(program, len(drawn.orders))
        Consent.objects.update(monthly_limit=50)

        for call in streams_of(drawn, companies):
            record_activities(call, source=a_source(), now=NOW)

        assert broken_laws() == {}
        sent = len({deed.name for deed in drawn.deeds if not deed.undoes})
        recorded = Activity.objects.filter(reverses_external_id="").values_list("company", flat=True)
        assert set(Counter(recorded).values()) == {sent}
        assert not ReturnLink.objects.waiting().exists()


@FEW
@given(batches(sound=True))
def test_any_order_of_any_sound_batch_comes_to_the_same(drawn: Drawn) -> None:
    any_order_comes_to_the_same(drawn)


@FEW
@given(batches(sound=False))
def test_laws_hold_in_any_order_under_limits_and_tiers(drawn: Drawn) -> None:
    laws_hold_in_any_order(drawn)


@LONG
@MANY
@given(batches(sound=True))
def test_any_order_of_many_sound_batches_comes_to_the_same(drawn: Drawn) -> None:
    any_order_comes_to_the_same(drawn)


@LONG
@MANY
@given(batches(sound=False))
def test_laws_hold_in_any_order_of_many_batches(drawn: Drawn) -> None:
    laws_hold_in_any_order(drawn)


def test_limit_is_where_order_matters() -> None:
    program = a_program()
    a_rule_set(program, [{"caps": [("COMPANY", "EVER", 100)]}])
    (one, person), (other, other_person) = companies_in(program, 2)
    bought, more, back = Deed("bought", "100"), Deed("more", "100"), Deed("back", undoes="bought")

    send([[deed.of(one, person) for deed in (bought, back, more)]])
    send([[deed.of(other, other_person) for deed in (bought, more, back)]])

    balances = {
        wallet.company_id: wallet.balance for wallet in Wallet.objects.filter(kind="AVAILABLE", employee__isnull=True)
    }
    assert balances == {one: 100, other: 0}
    assert CapUsage.objects.filter(used__gt=0).count() == 1
