"""The points behind a company's number: its statement, page by page, and the why of each line."""

from datetime import timedelta

import pytest
from django.utils import timezone

from loyalty.ledger import Owner
from loyalty.models import Membership, Transaction
from rewards.redemption import redeem
from tests.am.conftest import Desk
from tests.client.pages import links_of, source_of, words_of
from tests.factories.canaries import as_actor, fingerprint, user_of
from tests.factories.world import (
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(desk: Desk) -> Membership:
    """The first company in a program whose only rule gives to the company and to the person."""
    program = a_program(name="Workshop", code="workshop", tiers={"gold": 0})
    a_rule_set(program, [{"name": "Every order counts", "beneficiary": "BOTH"}])
    membership = a_member(program, desk.own)
    consent_to(membership)
    return membership


def page_of(member: Membership) -> str:
    return f"/am/companies/{member.company_id}/points/"


def why_of(transaction: Transaction) -> str:
    return f"/points/{transaction.pk}/"


def test_number_on_the_company_page_leads_to_the_rows_behind_it(desk: Desk, member: Membership) -> None:
    at = timezone.now()
    record(a_purchase(desk.own, 1_200, object="DRILL-8", occurred_at=at), now=at)

    page = desk.browser.get(f"/am/companies/{desk.own.pk}/")

    [link] = links_of(page, r".*/points/\?program=.*")
    assert link == f"{page_of(member)}?program=workshop"
    words = words_of(desk.browser.get(link))
    assert "Workshop Available now 1,200 points As of" in words
    assert "Purchase Every order counts · DRILL-8 +1,200" in words


def test_statement_names_what_the_company_redeemed_and_adds_up(desk: Desk, member: Membership) -> None:
    at = timezone.now()
    admin = an_admin(desk.own)
    record(a_purchase(desk.own, 500, occurred_at=at), now=at)
    redeem(
        actor=as_actor(user_of(admin)), reward_id=a_reward(member.program, name="Coffee", price=100).pk,
        payer=Owner(member.program_id, desk.own.pk), shown_price=100, key="k", now=at,
    )  # fmt: skip

    words = words_of(desk.browser.get(page_of(member)))

    assert "Available now 400 points" in words
    assert "Redeemed Coffee −100" in words
    assert "+500" in words


def test_statement_goes_on_by_place_without_a_gap_or_a_repeat(desk: Desk, member: Membership) -> None:
    at = timezone.now()
    record(*(a_purchase(desk.own, number, occurred_at=at) for number in range(1, 61)), now=at)

    seen: list[str] = []
    address = page_of(member)
    while address:
        page = desk.browser.get(address)
        seen += links_of(page, r"/points/\d+/")
        more = links_of(page, r"\?.*before=.*")
        address = page_of(member) + more[0] if more else ""

    assert len(seen) == len(set(seen)) == 60


def test_statement_is_the_company_s_and_holds_nobody_else_s_points(desk: Desk, member: Membership) -> None:
    at = timezone.now()
    record(a_purchase(desk.own, 70, employee_id=an_employee(desk.own).pk, occurred_at=at), now=at)
    joined = a_member(member.program, desk.second)
    record(a_purchase(joined.company, 999, occurred_at=at), now=at)

    page = desk.browser.get(page_of(member))

    assert links_of(page, r"/points/\d+/") == [why_of(Transaction.objects.get(company=desk.own))]
    assert "999" not in source_of(page)


def test_company_in_two_programs_has_a_statement_of_each(desk: Desk, member: Membership) -> None:
    second = a_program(name="Academy", code="academy")
    a_member(second, desk.own, starts_at=timezone.now() - timedelta(days=1))

    first_page, second_page = desk.browser.get(page_of(member)), desk.browser.get(f"{page_of(member)}?program=academy")

    assert "Workshop Workshop Academy Available now" in words_of(first_page)
    assert "Academy Workshop Academy Available now" in words_of(second_page)
    assert "Nothing here yet" in words_of(second_page)


def test_company_without_a_program_has_no_points(desk: Desk) -> None:
    words = words_of(desk.browser.get(f"/am/companies/{desk.own.pk}/points/"))

    assert "This company takes part in no program." in words


@pytest.mark.parametrize(
    "query", ["before=x", "before=20260101T000000.000000-", "before=\0", "program=\0", "program=x"]
)
def test_junk_in_the_address_breaks_nothing(desk: Desk, member: Membership, query: str) -> None:
    assert desk.browser.get(f"{page_of(member)}?{query}").status_code == 200


def test_why_tells_the_account_manager_each_rule_and_whose_wallet_moved(desk: Desk, member: Membership) -> None:
    at = timezone.now()
    petra = an_employee(desk.own, name="Petra Purchaser")
    record(a_purchase(desk.own, 70, employee_id=petra.pk, occurred_at=at), now=at)

    page = desk.browser.get(why_of(Transaction.objects.get()))

    words = words_of(page)
    assert "Every order counts +140" in words
    assert "Company, available" in words
    assert "Petra Purchaser, available" in words
    assert "Tell your account manager" not in words
    assert f"{page_of(member)}?program=workshop" in links_of(page, ".*")


def test_why_of_an_order_names_it_without_a_link_that_only_clients_can_follow(desk: Desk, member: Membership) -> None:
    at = timezone.now()
    record(a_purchase(desk.own, 500, occurred_at=at), now=at)
    order = redeem(
        actor=as_actor(user_of(an_admin(desk.own))), reward_id=a_reward(member.program, name="Coffee", price=100).pk,
        payer=Owner(member.program_id, desk.own.pk), shown_price=100, key="k", now=at,
    ).redemption  # fmt: skip

    page = desk.browser.get(f"/points/{order.debit_id}/")

    assert f"{order.reference} · Coffee" in words_of(page)
    assert links_of(page, r"/orders/.*") == []


def test_colleagues_stay_nameless_for_the_company_s_own_people(desk: Desk, member: Membership) -> None:
    at = timezone.now()
    petra = an_employee(desk.own, name="Petra Purchaser")
    admin = an_admin(desk.own)
    record(a_purchase(desk.own, 70, employee_id=petra.pk, occurred_at=at), now=at)
    desk.browser.force_login(user_of(admin))

    words = words_of(desk.browser.get(why_of(Transaction.objects.get())))

    assert "A colleague, available" in words
    assert "Petra" not in words


def test_transaction_and_statement_of_another_portfolio_are_like_missing_ones(desk: Desk, member: Membership) -> None:
    at = timezone.now()
    record(a_purchase(desk.own, 70, occurred_at=at), now=at)
    transaction = Transaction.objects.get()
    before = fingerprint()

    for foreign, missing in (
        (why_of(transaction), "/points/987654321/"),
        (page_of(member), "/am/companies/987654321/points/"),
    ):
        answers = [desk.colleagues_browser.get(address) for address in (foreign, missing)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert source_of(answers[0]) == source_of(answers[1])
    assert desk.browser.get(why_of(transaction)).status_code == 200
    assert fingerprint() == before


def test_statement_of_a_company_is_for_account_managers_only(desk: Desk, member: Membership) -> None:
    desk.browser.force_login(user_of(an_admin(desk.own)))

    assert desk.browser.get(page_of(member)).status_code == 403
