"""The client's home, statement and why pages: what one has, each line that made it, and the reason."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from loyalty.by_hand import adjust
from loyalty.ledger import Owner
from loyalty.models import Adjustment, Transaction
from loyalty.statement import balances_of, statement
from tests.client.conftest import Firm, SignIn
from tests.client.pages import links_of, source_of, words_of
from tests.factories.world import (
    a_company,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    a_user,
    an_account_manager,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

Buy = Callable[..., int]
AMOUNT = re.compile(r'<bdi class="amount[^"]*" dir="ltr">([+−]?[\d,]+)</bdi>')


def transaction_of(activity_id: int | None) -> int:
    return Transaction.objects.get(activity=activity_id).pk


def test_home_of_a_member_shows_the_own_balance_tier_reward_and_latest_points(
    firm: Firm, buy: Buy, sign_in: SignIn
) -> None:
    buy(1_250, firm.member, object="DRILL-8")
    a_reward(firm.program, name="A new drill", price=2_000)

    response = sign_in(firm.member).get("/")

    words = words_of(response)
    assert response.status_code == 200
    assert "My points 1,250 points" in words
    assert "Basic" in words
    assert "A new drill 750\xa0points to go 2,000\xa0points" not in words  # spaces are single by now
    assert "A new drill 750 points to go 2,000 points" in words
    assert "1,250 GBP" in words
    assert "3,750 GBP more to reach Gold" in words
    assert "Points for purchases · DRILL-8 +1,250" in words
    assert "The company's points" not in words


def test_home_of_an_admin_offers_both_wallets(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(100, firm.admin)

    own = words_of(sign_in(firm.admin).get("/"))
    company = words_of(sign_in(firm.admin).get("/?wallet=company"))

    assert "My points 100 points" in own
    assert "The company's points 105 points" in company


@pytest.mark.parametrize("path", ["/", "/points/"])
def test_member_who_asks_for_the_company_wallet_gets_the_own(firm: Firm, buy: Buy, sign_in: SignIn, path: str) -> None:
    buy(777, firm.admin)
    buy(20, firm.member)

    words = words_of(sign_in(firm.member).get(path, {"wallet": "company"}))

    assert "20 points" in words
    assert "807 points" not in words


@pytest.mark.parametrize("path", ["/", "/points/", "/rules/", "/rewards/"])
@pytest.mark.parametrize("chosen", ["another-program", "nowhere", "\0", "99999999999999999999", "' OR 1=1"])
def test_program_of_others_cannot_be_chosen(firm: Firm, buy: Buy, sign_in: SignIn, path: str, chosen: str) -> None:
    other = a_program(code="another-program", name="Secret program")
    a_member(other, a_company())

    response = sign_in(firm.member).get(path, {"program": chosen})

    assert response.status_code == 200
    assert "Secret program" not in source_of(response)


def test_program_of_the_own_company_can_be_chosen(firm: Firm, sign_in: SignIn) -> None:
    second = a_program(code="second", name="Second program")
    a_member(second, firm.membership.company)

    assert "Second program" in words_of(sign_in(firm.member).get("/", {"program": "second"}))
    assert "Workshop" in words_of(sign_in(firm.member).get("/"))


def test_company_without_a_program_is_told_so(sign_in: SignIn) -> None:
    person = an_employee(a_company())

    pages = [words_of(sign_in(person).get(path)) for path in ("/", "/points/", "/rules/", "/rewards/")]

    assert ["takes part in no program at the moment" in page for page in pages] == [True] * 4


def test_home_leads_each_role_to_its_desk(sign_in: SignIn) -> None:
    manager = a_user(is_staff=True)
    account_manager = an_account_manager(a_company())
    nobody = a_user()

    led = [sign_in(user).get("/").headers["Location"] for user in (manager, account_manager, nobody)]

    assert led == ["/admin/", "/am/", "/me/"]


def test_lines_of_the_statement_add_up_to_the_balance_debt_included(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(300, firm.member, external_id="big")
    reward = a_reward(firm.program, price=250)
    client = sign_in(firm.member)
    client.post(f"/rewards/{reward.pk}/", {"payer": "own", "price": 250, "key": "k", "step": "confirm"})
    buy(300, firm.member, reverses="big")
    buy(40, firm.member)

    owner = Owner(firm.program.pk, firm.membership.company_id, firm.member.pk)
    [balance] = balances_of([owner], today=timezone.now().date())
    response = client.get("/points/")

    amounts = [int(amount.replace(",", "").replace("−", "-")) for amount in AMOUNT.findall(source_of(response))]
    assert (balance.available, balance.pending, balance.debt) == (0, 0, -210)
    assert sum(amounts) == -210
    assert sum(line.points for line in statement(owner)) == -210


def test_each_line_links_to_its_reason(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    expected = [f"/points/{transaction_of(buy(amount, firm.member))}/" for amount in (10, 20, 30)]
    client = sign_in(firm.member)

    for path in ("/", "/points/"):
        links = links_of(client.get(path), r"/points/\d+/")

        assert sorted(links) == sorted(expected)
        assert [client.get(link).status_code for link in links] == [200, 200, 200]


def test_statement_goes_on_page_by_page_to_the_first_line(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    expected = {f"/points/{transaction_of(buy(amount, firm.member))}/" for amount in range(1, 61)}
    client = sign_in(firm.member)

    url, pages = "/points/", []
    while url:
        response = client.get(url)
        pages.append(links_of(response, r"/points/\d+/"))
        older = links_of(response, r"\?.*before=.*")
        url = f"/points/{older[0]}" if older else ""

    assert [len(page) for page in pages] == [25, 25, 10]
    assert {link for page in pages for link in page} == expected


@pytest.mark.parametrize(
    "before", ["", "abc", "-1", "0", "9" * 40, "\0", "٣", "1.5", "²", "1e3", "null", "2026-01-01,"]
)
def test_statement_takes_junk_for_a_page(firm: Firm, buy: Buy, sign_in: SignIn, before: str) -> None:
    buy(10, firm.member)

    assert sign_in(firm.member).get("/points/", {"before": before}).status_code == 200


def test_statement_of_somebody_without_points_says_how_to_earn(firm: Firm, sign_in: SignIn) -> None:
    words = words_of(sign_in(firm.member).get("/points/"))

    assert "Nothing here yet" in words
    assert "See how points are earned" in words


def test_why_page_says_which_rule_gave_what(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    pk = transaction_of(buy(120, firm.admin, object="MILL-40", external_id="INV-7"))

    words = words_of(sign_in(firm.admin).get(f"/points/{pk}/"))

    assert "Purchase" in words
    assert "Points for purchases +240" in words
    assert "Applies: 1 point for each full 1 GBP of amount." in words
    assert "Company extra +5" in words
    assert "MILL-40" in words
    assert "INV-7" in words
    assert f"T-{pk}" in words
    assert "You, available" in words
    assert "Company, available" in words


def test_why_page_of_a_member_leaves_out_the_company_and_its_rules(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    pk = transaction_of(buy(120, firm.member))

    words = words_of(sign_in(firm.member).get(f"/points/{pk}/"))

    assert "Points for purchases +120" in words
    assert "Company extra" not in words
    assert "+240" not in words
    assert "+125" not in words
    assert "Company, available" not in words


def test_limit_tells_a_member_of_the_own_points_alone(sign_in: SignIn) -> None:
    program = a_program()
    a_rule_set(program, [{"beneficiary": "BOTH", "caps": [("EMPLOYEE", "EVER", 60)]}])
    membership = a_member(program)
    member = an_employee(membership.company)
    consent_to(membership)
    now = timezone.now()
    [outcome] = record(a_purchase(membership.company, 100, employee_id=member.pk, occurred_at=now), now=now)

    words = words_of(sign_in(member).get(f"/points/{transaction_of(outcome.activity_id)}/"))

    assert "would be 100; a limit let 60 through" in words
    assert "Cut by a limit" in words
    assert "let 160" not in words
    assert "would be 200" not in words


def test_why_page_of_a_colleague_or_another_company_answers_like_a_missing_one(
    firm: Firm, buy: Buy, sign_in: SignIn
) -> None:
    of_colleague = transaction_of(buy(50, firm.admin))
    stranger = an_employee(a_member(firm.program, a_company()).company)

    answers = [
        (response.status_code, source_of(response))
        for response in (
            sign_in(firm.member).get(f"/points/{of_colleague}/"),
            sign_in(stranger).get(f"/points/{of_colleague}/"),
            sign_in(firm.member).get("/points/987654321/"),
            sign_in(firm.member).get("/points/99999999999999999999/"),
        )
    ]

    assert answers[0][0] == 404
    assert answers == [answers[0]] * 4


def test_decider_opens_the_company_s_lines_and_no_colleague_s(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100)
    fields = {"payer": "own", "price": 100, "key": "k", "step": "confirm"}
    sign_in(firm.member).post(f"/rewards/{reward.pk}/", fields)
    earned, spent = (Transaction.objects.get(kind=kind).pk for kind in ("EARN", "REDEEM"))
    client = sign_in(decider)

    assert client.get(f"/points/{spent}/").status_code == 404
    words = words_of(client.get(f"/points/{earned}/"))
    assert "Points for purchases +500" in words
    assert "Company extra +5" in words
    assert "A colleague" not in words


def test_rules_are_told_in_plain_words(firm: Firm, sign_in: SignIn) -> None:
    words = words_of(sign_in(firm.member).get("/rules/"))

    assert "Workshop , version 1, in force since" in words
    assert "Points for purchases" in words
    assert "1 point for each full 1 GBP of amount" in words
    assert "5 points" in words
    assert "from 5,000 GBP" in words
    assert "{" not in words


def test_rules_of_a_draft_are_not_told(sign_in: SignIn) -> None:
    program = a_program()
    a_rule_set(program, [{"name": "Secret plan"}], status="DRAFT")
    membership = a_member(program)

    words = words_of(sign_in(an_employee(membership.company)).get("/rules/"))

    assert "No rules in force" in words
    assert "Secret plan" not in words


def test_why_of_points_by_hand_gives_the_reason(firm: Firm, sign_in: SignIn) -> None:
    firm.program.adjustment_limit = 100
    firm.program.save()
    adjusted = adjust(
        membership=firm.membership, employee=firm.member, points=20, reason_code=Adjustment.Reason.GOODWILL,
        reason="A pallet came late", by=a_manager(), now=timezone.now(),
    )  # fmt: skip

    page = source_of(sign_in(firm.member).get(f"/points/{adjusted.adjustment.transaction_id}/"))

    assert "A pallet came late" in page
    assert "goodwill" in page


def test_points_that_wait_are_shown_with_their_day_and_the_terms_in_words(sign_in: SignIn) -> None:
    program = a_program(release="AFTER_DAYS", release_days=10, expiry_months=3, time_zone="UTC")
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    membership = a_member(program)
    consent_to(membership)
    person, now = an_employee(membership.company), timezone.now()
    bought = [a_purchase(membership.company, n, employee_id=person.pk, occurred_at=now) for n in (50, 30)]
    record(*bought, now=now)
    client = sign_in(person)

    home, points, rules = (words_of(client.get(path)) for path in ("/", "/points/", "/rules/"))

    waits = f"Pending, not yet to be spent +80 from {date_format(now + timedelta(days=10), 'DATE_FORMAT')} +80"
    last = "They last 3 months from the day they can be spent, that day of the month counted in."
    assert waits in home
    assert waits in points
    assert last in points
    assert f"Points can be spent 10 days after what they were earned for, or as soon as we confirm it. {last}" in rules


def test_points_that_wait_to_be_confirmed_are_shown_so(sign_in: SignIn) -> None:
    program = a_program(release="CONFIRMED")
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    membership = a_member(program)
    consent_to(membership)
    person, now = an_employee(membership.company), timezone.now()
    record(a_purchase(membership.company, 50, employee_id=person.pk, occurred_at=now), now=now)

    words = words_of(sign_in(person).get("/points/"))

    assert "Pending, not yet to be spent +50 once they are confirmed +50" in words
