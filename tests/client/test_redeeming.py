"""Redeeming through the pages: a look at the sum, a confirmation, one order, and back again."""

from collections.abc import Callable

import pytest
from django.db import transaction
from django.test import Client

from accounts import laws
from accounts.models import Message
from loyalty.models import Wallet
from rewards.models import Redemption, Reward, RewardStock
from tests.client.conftest import Firm, SignIn
from tests.client.pages import hidden_of, links_of, source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_reward,
    an_admin,
    an_employee,
    balance,
    consent_to,
)

pytestmark = pytest.mark.django_db

Buy = Callable[..., int]


@pytest.fixture(autouse=True)
def _laws_hold(db: None) -> object:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def review(client: Client, reward: Reward, payer: str = "own") -> dict[str, str]:
    """Ask for the sum; gives what the confirmation would send."""
    page = client.get(f"/rewards/{reward.pk}/")
    fields = {**hidden_of(page), "payer": payer, "step": "review"}
    confirm = client.post(f"/rewards/{reward.pk}/", fields)
    assert confirm.status_code == 200
    return {**hidden_of(confirm), "step": "confirm"}


def test_catalogue_shows_the_rewards_of_the_program_with_what_is_missing(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    a_reward(firm.program, name="Small", price=100)
    a_reward(firm.program, name="Large", price=400)
    a_reward(firm.program, name="Gone", price=120, pieces=0)
    a_reward(firm.program, name="Hidden", price=1, is_published=False)
    a_reward(a_program(), name="Elsewhere", price=1)

    words = words_of(sign_in(firm.member).get("/rewards/"))

    assert "You have 150 points to spend." in words
    assert "Small 100 points Within reach" in words
    assert "Gone 120 points Out of stock" in words
    assert "Large 400 points 250 points to go" in words
    assert "Hidden" not in words
    assert "Elsewhere" not in words


def test_three_clicks_lead_from_the_reward_to_the_order(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    reward = a_reward(firm.program, name="Drill", price=100)
    client = sign_in(firm.member)
    [address] = links_of(client.get("/rewards/"), r"/rewards/\d+/")

    shown = client.get(address)
    confirm = client.post(address, {**hidden_of(shown), "step": "review"})
    placed = client.post(address, {**hidden_of(confirm), "step": "confirm"}, follow=True)

    assert "You have 150 points Price −100 points You keep 50 points" in words_of(confirm)
    order = Redemption.objects.get()
    assert placed.redirect_chain == [(f"/orders/{order.pk}/", 302)]
    assert "Ordered. Here you see where it stands." in words_of(placed)
    assert order.reference in words_of(placed)
    assert (order.reward, order.employee, order.points) == (reward, firm.member, 100)
    assert balance(firm.membership, firm.member) == 50
    assert RewardStock.objects.get(reward=reward).taken == 1


def test_looking_at_the_sum_books_nothing(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    reward = a_reward(firm.program, price=100)
    before = fingerprint()

    review(sign_in(firm.member), reward)

    assert fingerprint() == before


def test_sending_the_confirmation_twice_gives_one_order(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.member)
    fields = review(client, reward)

    first, second = (client.post(f"/rewards/{reward.pk}/", fields) for _click in range(2))

    order = Redemption.objects.get()
    assert first.headers["Location"] == second.headers["Location"] == f"/orders/{order.pk}/"
    assert balance(firm.membership, firm.member) == 400


def test_page_that_was_used_for_another_order_is_refused(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    one, other = a_reward(firm.program, price=100), a_reward(firm.program, price=100)
    client = sign_in(firm.member)
    fields = review(client, one)
    client.post(f"/rewards/{one.pk}/", fields)
    before = fingerprint()

    refused = client.post(f"/rewards/{other.pk}/", fields)

    assert refused.status_code == 409
    assert "This page was used for another order." in words_of(refused)
    assert fingerprint() == before


def test_key_of_a_colleague_gives_an_order_of_ones_own(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    buy(500, firm.admin)
    reward = a_reward(firm.program, price=100)
    fields = {"payer": "own", "price": "100", "key": "guessed", "step": "confirm"}

    addresses = [
        sign_in(person).post(f"/rewards/{reward.pk}/", fields).headers["Location"]
        for person in (firm.member, firm.admin)
    ]

    assert len(set(addresses)) == 2
    assert set(Redemption.objects.values_list("employee", flat=True)) == {firm.member.pk, firm.admin.pk}


def test_more_than_the_balance_is_refused_with_what_is_missing(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(90, firm.member)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.member)
    before = fingerprint()

    offered = words_of(client.get(f"/rewards/{reward.pk}/"))
    refused = client.post(f"/rewards/{reward.pk}/", {"payer": "own", "price": 100, "key": "k", "step": "confirm"})

    assert "You need 10 points more." in offered
    assert refused.status_code == 409
    assert "10 points are missing. Nothing is booked." in words_of(refused)
    assert fingerprint() == before


def test_last_piece_that_is_gone_meanwhile_is_refused(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    buy(500, firm.admin)
    reward = a_reward(firm.program, price=100, pieces=1)
    slow, quick = sign_in(firm.member), sign_in(firm.admin)
    fields = review(slow, reward)
    quick.post(f"/rewards/{reward.pk}/", review(quick, reward))
    before = fingerprint()

    refused = slow.post(f"/rewards/{reward.pk}/", fields)

    assert refused.status_code == 409
    assert "The last one is gone. Nothing is booked: your points stay with you." in words_of(refused)
    assert fingerprint() == before
    assert Redemption.objects.get().employee == firm.admin


def test_price_that_changed_meanwhile_is_shown_and_asked_for_again(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.member)
    fields = review(client, reward)
    Reward.objects.filter(pk=reward.pk).update(price=120)
    before = fingerprint()

    asked = client.post(f"/rewards/{reward.pk}/", fields)

    assert asked.status_code == 409
    assert "The price has changed to 120 points. Nothing is booked; confirm it if you agree." in words_of(asked)
    assert "You keep 380 points" in words_of(asked)
    assert fingerprint() == before
    agreed = client.post(f"/rewards/{reward.pk}/", {**hidden_of(asked), "step": "confirm"})
    assert agreed.status_code == 302
    assert Redemption.objects.get().points == 120


def test_price_of_ones_own_making_is_refused(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.member)
    before = fingerprint()

    statuses = [
        client.post(
            f"/rewards/{reward.pk}/", {"payer": "own", "price": price, "key": "k", "step": "confirm"}
        ).status_code
        for price in ("1", "0", "-100", "9" * 30, "1e2", "", "\0", "9" * 5000)
    ]

    assert statuses == [409, 409, 409, 409, 422, 422, 422, 422]
    assert fingerprint() == before


def test_reward_that_was_withdrawn_meanwhile_is_a_page_that_does_not_exist(
    firm: Firm, buy: Buy, sign_in: SignIn
) -> None:
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.member)
    fields = review(client, reward)
    Reward.objects.filter(pk=reward.pk).update(is_published=False)
    before = fingerprint()

    refused = client.post(f"/rewards/{reward.pk}/", fields)

    assert refused.status_code == 404
    assert fingerprint() == before


def test_reward_of_another_program_is_a_page_that_does_not_exist(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    foreign = a_reward(a_program(), price=1)
    client = sign_in(firm.member)
    before = fingerprint()

    answers = [
        (response.status_code, source_of(response))
        for pk in (foreign.pk, 987654321, "99999999999999999999")
        for response in (
            client.get(f"/rewards/{pk}/"),
            client.post(f"/rewards/{pk}/", {"payer": "own", "price": 1, "key": "k", "step": "confirm"}),
        )
    ]

    assert answers[0][0] == 404
    assert answers == [answers[0]] * 6
    assert fingerprint() == before


def test_member_cannot_spend_the_points_of_the_company(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.admin)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.member)
    before = fingerprint()

    statuses = [
        client.post(f"/rewards/{reward.pk}/", {"payer": payer, "price": 100, "key": "k", "step": "confirm"}).status_code
        for payer in ("company", "own", str(firm.admin.pk), "", "\0")
    ]

    assert statuses == [422, 409, 422, 422, 422]
    assert fingerprint() == before


def test_admin_chooses_whose_points_pay(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.admin)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.admin)

    client.post(f"/rewards/{reward.pk}/", review(client, reward, payer="company"))

    assert (balance(firm.membership), balance(firm.membership, firm.admin)) == (405, 500)
    assert Redemption.objects.get().wallet == Wallet.objects.get(
        company=firm.membership.company, employee=None, kind="AVAILABLE"
    )


def test_member_is_told_who_orders_what_the_company_pays_and_no_balance_that_is_not_theirs(
    firm: Firm, buy: Buy, sign_in: SignIn
) -> None:
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100, paid_from="COMPANY")

    words = words_of(sign_in(firm.member).get(f"/rewards/{reward.pk}/"))

    assert "Price 100 points Paid from the company's points." in words
    assert "Only the admins of your company spend its points." in words
    assert "You have" not in words


def test_order_says_nothing_of_a_message_that_is_switched_off(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.member)
    client.post("/me/", {"part": "notifications"})

    shown = client.get(f"/rewards/{reward.pk}/")
    confirm = client.post(f"/rewards/{reward.pk}/", {**hidden_of(shown), "step": "review"})
    placed = client.post(f"/rewards/{reward.pk}/", {**hidden_of(confirm), "step": "confirm"}, follow=True)

    assert not Message.objects.exists()
    assert "Ordered. Here you see where it stands." in words_of(placed)
    assert "We look at it next." in words_of(placed)


def test_people_of_a_company_that_has_not_consented_cannot_spend(sign_in: SignIn) -> None:
    program = a_program()
    member = an_employee(a_member(program).company)
    reward = a_reward(program)

    words = words_of(sign_in(member).get(f"/rewards/{reward.pk}/"))

    assert "Your company's management has not agreed yet that its people spend points." in words


def test_orders_list_what_a_person_ordered_and_an_admin_sees_the_company_s(
    firm: Firm, buy: Buy, sign_in: SignIn
) -> None:
    buy(500, firm.member)
    buy(500, firm.admin)
    reward = a_reward(firm.program, name="Drill", price=100)
    for person in (firm.member, firm.admin):
        client = sign_in(person)
        client.post(f"/rewards/{reward.pk}/", review(client, reward))
    own, of_admin = Redemption.objects.get(employee=firm.member), Redemption.objects.get(employee=firm.admin)

    seen = [words_of(sign_in(person).get("/orders/")) for person in (firm.member, firm.admin)]

    assert [own.reference in page for page in seen] == [True, True]
    assert [of_admin.reference in page for page in seen] == [False, True]


def test_cancelled_order_brings_points_and_piece_back_once(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100, pieces=1)
    client = sign_in(firm.member)
    client.post(f"/rewards/{reward.pk}/", review(client, reward))
    order = Redemption.objects.get()

    cancelled = client.post(f"/orders/{order.pk}/", follow=True)
    before = fingerprint()
    again = client.post(f"/orders/{order.pk}/", follow=True)

    assert "Cancelled. The points are back." in words_of(cancelled)
    assert "Cancel this order" not in words_of(cancelled)
    assert "This order was cancelled before." in words_of(again)
    assert fingerprint() == before
    assert balance(firm.membership, firm.member) == 500
    assert RewardStock.objects.get(reward=reward).taken == 0
    assert "Points back" in words_of(client.get("/points/"))


def test_order_of_a_colleague_or_another_company_answers_like_a_missing_one(
    firm: Firm, buy: Buy, sign_in: SignIn
) -> None:
    buy(500, firm.admin)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.admin)
    client.post(f"/rewards/{reward.pk}/", review(client, reward))
    order = Redemption.objects.get()
    stranger = an_admin(a_member(firm.program, a_company()).company)
    before = fingerprint()

    answers = [
        (response.status_code, source_of(response))
        for person in (firm.member, stranger)
        for pk in (order.pk, 987654321, "99999999999999999999")
        for response in (sign_in(person).get(f"/orders/{pk}/"), sign_in(person).post(f"/orders/{pk}/"))
    ]

    assert answers[0][0] == 404
    assert answers == [answers[0]] * 12
    assert fingerprint() == before


def test_decider_reads_the_company_s_order_but_does_not_cancel_it(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    buy(500, firm.admin)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.admin)
    client.post(f"/rewards/{reward.pk}/", review(client, reward, payer="company"))
    order = Redemption.objects.get()

    shown = sign_in(decider).get(f"/orders/{order.pk}/")
    before = fingerprint()
    refused = sign_in(decider).post(f"/orders/{order.pk}/")

    assert refused.status_code == 403
    assert fingerprint() == before
    assert shown.status_code == 200
    assert "Cancel this order" not in words_of(shown)
    assert Redemption.objects.get().state == "REQUESTED"


def test_order_without_the_form_token_is_refused(firm: Firm, buy: Buy) -> None:
    buy(500, firm.member)
    reward = a_reward(firm.program, price=100)
    client = Client(enforce_csrf_checks=True)
    assert firm.member.user is not None
    client.force_login(firm.member.user)
    before = fingerprint()

    refused = client.post(f"/rewards/{reward.pk}/", {"payer": "own", "price": 100, "key": "k", "step": "confirm"})

    assert refused.status_code == 403
    assert "The form has expired" in words_of(refused)
    assert fingerprint() == before


def test_refusal_after_the_consent_ended_long_ago_books_nothing(firm: Firm, sign_in: SignIn) -> None:
    with transaction.atomic():
        program = a_program()
        membership = a_member(program)
        consent_to(membership, starts_at=membership.starts_at)
        membership.consents.update(ends_at=membership.starts_at)
    reward = a_reward(program, price=1)
    before = fingerprint()

    refused = sign_in(an_employee(membership.company)).post(
        f"/rewards/{reward.pk}/", {"payer": "own", "price": 1, "key": "k", "step": "confirm"}
    )

    assert refused.status_code == 422
    assert fingerprint()["rewards.Redemption"] == before["rewards.Redemption"]
