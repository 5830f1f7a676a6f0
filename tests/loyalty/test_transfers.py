"""Points passed on within a company: which way, whose, with their days, and never more than there are."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.test import Client

from accounts import laws
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.models import AuditEntry, Employee, Message
from loyalty.ledger import Owner
from loyalty.memberships import withdraw_consent
from loyalty.models import Lot, Membership, Program, Transfer, Wallet
from loyalty.statement import statement
from loyalty.transfers import (
    InsufficientPointsError,
    NotAllowedError,
    NotToThemError,
    NotYoursToPassOnError,
    pass_on,
)
from tests.factories.canaries import as_actor, fingerprint, user_of
from tests.factories.world import (
    NOW,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    a_user,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)
from tests.loyalty.racing import race

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _laws_hold(db: None) -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


class Firm:
    """A company and two of its people, each with 40 points that end on 15 July and 60 that end on 15 August."""

    def __init__(self, transfers: str = "BOTH", **fields: Any) -> None:
        program = a_program(**{"expiry_months": 2, "transfers": transfers, **fields})
        a_rule_set(program, [{"beneficiary": "BOTH"}])
        self.membership: Membership = a_member(program)
        consent_to(self.membership)
        self.admin = an_admin(self.membership.company)
        self.person = an_employee(self.membership.company)
        self.bought = a_purchase(self.membership.company, 60, employee_id=self.person.pk)
        early = a_purchase(self.membership.company, 40, employee_id=self.person.pk, occurred_at=NOW - 31 * DAY)
        record(early, self.bought)

    def pass_on(self, by: Employee, to: Employee | None, points: int, **fields: Any) -> Transfer:
        terms = {"reason": "For the summer party", "key": f"{by.pk} {to} {points}", "now": NOW, **fields}
        actor = as_actor(user_of(by))
        return pass_on(actor=actor, membership=self.membership, to=to, points=points, **terms).transfer

    def balances(self) -> tuple[int, int]:
        return balance(self.membership), balance(self.membership, self.person)

    def lots(self, employee: Employee | None) -> list[tuple[int, date | None]]:
        rows = Lot.objects.filter(wallet__company=self.membership.company, wallet__employee=employee, remaining__gt=0)
        return [(lot.remaining, lot.last_day) for lot in rows.order_by("expires_on")]

    def locked(self) -> object:
        return list(Wallet.objects.select_for_update().order_by("pk"))


@pytest.fixture
def firm() -> Firm:
    return Firm()


def test_own_points_go_to_the_company_with_their_days(firm: Firm) -> None:
    transfer = firm.pass_on(firm.person, None, 50)

    assert firm.balances() == (150, 50)
    assert firm.lots(firm.person) == [(50, date(2026, 8, 15))]
    assert firm.lots(None) == [(80, date(2026, 7, 15)), (70, date(2026, 8, 15))]
    assert (transfer.is_to_company, transfer.points, transfer.employee) == (True, 50, firm.person)
    assert AuditEntry.objects.get(action="points-passed-on").numbers["points"] == 50


def test_both_statements_tell_it_with_the_reason(firm: Firm) -> None:
    firm.pass_on(firm.person, None, 40)

    owner = Owner(firm.membership.program_id, firm.membership.company_id, firm.person.pk)
    [given, *_earned] = statement(owner)
    [got, *_others] = statement(owner.company)
    assert (given.kind, given.points, given.reason) == ("TRANSFER", -40, "For the summer party")
    assert (got.kind, got.points, got.reason) == ("TRANSFER", 40, "For the summer party")


def test_admin_passes_the_company_s_points_on_to_a_colleague_who_is_told(firm: Firm) -> None:
    firm.pass_on(firm.admin, firm.person, 30)

    assert firm.balances() == (70, 130)
    told = Message.objects.get(employee=firm.person, kind="points-passed-on")
    assert told.facts == {"points": 30, "reason": "For the summer party"}


def test_points_passed_there_and_back_are_as_many_as_before(firm: Firm) -> None:
    before = firm.lots(None), firm.lots(firm.person)

    firm.pass_on(firm.person, None, 70)
    firm.pass_on(firm.admin, firm.person, 70)

    assert firm.balances() == (100, 100)
    assert sum(points for points, _day in firm.lots(None)) == sum(points for points, _day in before[0])
    issued = Wallet.objects.get(company=firm.membership.company, kind="ISSUED").balance
    assert issued == -200


def test_debt_of_whoever_gets_points_is_repaid_first(firm: Firm) -> None:
    firm.pass_on(firm.person, None, 100)
    record(a_purchase(firm.membership.company, 60, reverses=firm.bought.external_id))
    assert balance(firm.membership, firm.person, Wallet.Kind.DEBT) == -60

    firm.pass_on(firm.admin, firm.person, 90)

    assert balance(firm.membership, firm.person, Wallet.Kind.DEBT) == 0
    assert firm.balances() == (50, 30)


def test_points_that_wait_stay_where_they_are() -> None:
    firm = Firm(release="CONFIRMED")
    before = fingerprint()

    with pytest.raises(InsufficientPointsError):
        firm.pass_on(firm.person, None, 1)

    assert fingerprint() == before


def test_same_key_passes_on_once(firm: Firm) -> None:
    first = firm.pass_on(firm.person, None, 10, key="k")
    second = firm.pass_on(firm.person, None, 10, key="k")

    assert (first.pk, firm.balances()) == (second.pk, (110, 90))
    with pytest.raises(KeyUsedForAnotherRequestError):
        firm.pass_on(firm.person, None, 11, key="k")


@pytest.mark.parametrize(
    ("transfers", "to_company", "to_people"),
    [("NONE", False, False), ("TO_COMPANY", True, False), ("TO_PEOPLE", False, True), ("BOTH", True, True)],
)
def test_points_go_only_the_ways_that_the_program_allows(transfers: str, to_company: bool, to_people: bool) -> None:
    firm = Firm(transfers)
    for by, to, allowed in ((firm.person, None, to_company), (firm.admin, firm.person, to_people)):
        before = fingerprint()
        if allowed:
            firm.pass_on(by, to, 1)
        else:
            with pytest.raises(NotAllowedError):
                firm.pass_on(by, to, 1)
            assert fingerprint() == before


def test_what_may_not_be_is_refused_and_changes_nothing(firm: Firm) -> None:
    stranger = an_admin(a_member(firm.membership.program).company)
    gone = an_employee(firm.membership.company, is_active=False)
    before = fingerprint()

    for by, to, points, error in (
        (firm.admin, firm.admin, 1, NotToThemError),
        (firm.admin, stranger, 1, NotToThemError),
        (firm.admin, gone, 1, NotToThemError),
        (firm.person, firm.admin, 1, NotYoursToPassOnError),
        (stranger, None, 1, NotYoursToPassOnError),
        (stranger, firm.person, 1, NotYoursToPassOnError),
        (firm.person, None, 101, InsufficientPointsError),
        (firm.person, None, 0, InsufficientPointsError),
        (firm.person, None, -5, InsufficientPointsError),
    ):
        with pytest.raises(error):
            firm.pass_on(by, to, points)
        assert fingerprint() == before, (by, to, points)


def test_closed_program_and_withdrawn_consent_end_it(firm: Firm) -> None:
    withdraw_consent(membership=firm.membership, by=a_user(), now=NOW - 100 * DAY)

    with pytest.raises(NotToThemError):
        firm.pass_on(firm.admin, firm.person, 1)
    Program.objects.filter(pk=firm.membership.program_id).update(is_active=False)
    with pytest.raises(NotAllowedError):
        firm.pass_on(firm.admin, firm.person, 2)


def test_page_offers_what_may_be_and_says_why_not(client: Client) -> None:
    firm = Firm(expiry_months=None)
    client.force_login(user_of(firm.person))
    assert "/points/pass-on/" in client.get("/points/").content.decode()
    form = {"points": "500", "reason": "For all", "key": "k1", "to": ""}

    refused = client.post("/points/pass-on/", form)
    wrong = client.post("/points/pass-on/", {**form, "points": "0"})
    foreign = client.post("/points/pass-on/", {**form, "to": str(firm.admin.pk)})
    done = client.post("/points/pass-on/", {**form, "points": "90", "key": "k2"}, follow=True)

    assert (refused.status_code, wrong.status_code, foreign.status_code) == (409, 422, 422)
    assert "Only 100 points are available there." in refused.content.decode()
    assert "Passed on. Both statements say so." in done.content.decode()
    assert "For all" in done.content.decode()
    assert firm.balances() == (190, 10)


def test_page_is_not_there_where_nothing_can_be_passed_on(client: Client) -> None:
    firm = Firm("TO_PEOPLE")
    client.force_login(user_of(firm.person))

    assert client.get("/points/pass-on/").status_code == 404
    assert "/points/pass-on/" not in client.get("/points/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_transfers_at_once_never_pass_on_more_than_there_is() -> None:
    firm = Firm()

    results = race(
        [partial(firm.pass_on, firm.person, None, 60, key=f"k{number}") for number in range(3)], held=firm.locked
    )

    assert sum(isinstance(result, Transfer) for result in results) == 1
    assert sum(isinstance(result, InsufficientPointsError) for result in results) == 2
    assert firm.balances() == (160, 40)


@pytest.mark.django_db(transaction=True)
def test_transfers_both_ways_and_a_purchase_at_once_neither_lock_up_nor_lose_a_point() -> None:
    firm, source = Firm(), a_source()

    results = race(
        [
            partial(firm.pass_on, firm.person, None, 60),
            partial(firm.pass_on, firm.admin, firm.person, 50),
            partial(record, a_purchase(firm.membership.company, 5, employee_id=firm.person.pk), source=source),
        ],
        held=firm.locked,
    )

    assert [result for result in results if isinstance(result, Exception)] == []
    assert firm.balances() == (115, 95)
