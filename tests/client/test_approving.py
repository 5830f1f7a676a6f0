"""The company's approvals through the pages: yes in two clicks, no with a reason, and everything in between."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts import laws
from accounts.actors import actor_of
from accounts.delegations import delegate
from accounts.models import Approval, Delegation, Employee, Message
from loyalty.ledger import Owner
from rewards.models import Redemption, SpendingPolicy
from rewards.policies import set_policy
from rewards.progress import approve as approve_for_us
from rewards.progress import approve_for_company, order
from rewards.redemption import redeem
from tests.client.conftest import Firm, SignIn
from tests.client.pages import hidden_of, links_of, source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import a_company, a_manager, a_member, a_reward, an_admin, an_employee, balance

pytestmark = pytest.mark.django_db

Buy = Callable[..., int]
Ask = Callable[..., Approval]
LIST = "/company/approvals/"


@pytest.fixture(autouse=True)
def _laws_hold(db: None) -> object:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


@pytest.fixture
def ask(firm: Firm, buy: Buy) -> Ask:
    """Gives a function by which somebody, the member unless told otherwise, orders what has to be approved."""
    now = timezone.now()
    set_policy(actor=actor_of(firm.admin.user, now=now), mode="ALWAYS", above=None, now=now)
    reward = a_reward(firm.program, name="Drill", price=100)

    def of(person: Employee = firm.member, note: str = "For the fair") -> Approval:
        buy(150, person)
        at = timezone.now()
        redemption = redeem(
            actor=actor_of(person.user, now=at),
            reward_id=reward.pk,
            payer=Owner(firm.program.pk, person.company_id, person.pk),
            shown_price=100,
            key=f"key {Redemption.objects.count()}",
            now=at,
            note=note,
        ).redemption
        assert redemption.approval is not None
        return redemption.approval

    return of


def test_two_clicks_lead_from_the_message_to_the_approval(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    approval = ask()
    message = Message.objects.get(employee=firm.admin, kind="approval-asked")
    client = sign_in(firm.admin)

    opened = client.post(f"/inbox/{message.pk}/open/", follow=True)
    approved = client.post(opened.request["PATH_INFO"], {"decision": "approve", "reason": ""}, follow=True)

    assert opened.redirect_chain == [(f"{LIST}{approval.pk}/", 302)]
    assert "Ordered by Mia Member" in words_of(opened)
    assert "For the fair" in words_of(opened)
    assert approved.redirect_chain == [(LIST, 302)]
    assert "Approved. It comes to us now" in words_of(approved)
    assert Redemption.objects.get().state == "CLIENT_APPROVED"


def test_page_says_what_it_costs_and_what_is_left(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    approval = ask()

    words = words_of(sign_in(firm.admin).get(f"{LIST}{approval.pk}/"))

    assert "Price 100 points" in words
    assert "Of it the company's 0 points" in words
    assert "Left after this order, own points 50 points" in words
    assert approval.redemption.reference in words


def test_decider_does_not_read_a_colleague_s_own_wallet(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    approval = ask()

    words = words_of(sign_in(decider).get(f"{LIST}{approval.pk}/"))

    assert "Price 100 points" in words
    assert "Left after this order" not in words


def test_rejection_gives_the_points_back_and_shows_the_reason(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    approval = ask()

    rejected = sign_in(firm.admin).post(
        f"{LIST}{approval.pk}/", {"decision": "reject", "reason": "Wait for the new budget"}, follow=True
    )

    assert "Rejected. The points are back" in words_of(rejected)
    assert balance(firm.membership, firm.member) == 150
    order_page = words_of(sign_in(firm.member).get(f"/orders/{approval.subject_id}/"))
    assert "Reason: Wait for the new budget" in order_page
    assert "The points are back, with the days they had." in order_page


def test_rejection_without_a_reason_keeps_the_page_and_what_was_typed(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    approval = ask()
    client = sign_in(firm.admin)
    before = fingerprint()

    missing = client.post(f"{LIST}{approval.pk}/", {"decision": "reject", "reason": " "})
    broken = client.post(f"{LIST}{approval.pk}/", {"decision": "reject", "reason": "Kept \x07 word"})
    neither = client.post(f"{LIST}{approval.pk}/", {"reason": "Kept word"})

    assert [answer.status_code for answer in (missing, broken, neither)] == [422, 422, 422]
    assert "Say why: whoever ordered it reads the reason." in words_of(missing)
    assert "Kept" in source_of(broken)
    assert "Kept word" in source_of(neither)
    assert fingerprint() == before


def test_what_a_colleague_decided_meanwhile_is_said_with_the_name(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    second = an_admin(firm.membership.company, name="Second Admin")
    assert second.user is not None
    second.user.name = "Second Admin"
    second.user.save()
    approval = ask()
    client = sign_in(firm.admin)
    client.get(f"{LIST}{approval.pk}/")
    now = timezone.now()
    approve_for_company(actor=actor_of(second.user, now=now), redemption_id=approval.subject_id, now=now)
    before = fingerprint()

    late = client.post(f"{LIST}{approval.pk}/", {"decision": "reject", "reason": "No"})

    assert late.status_code == 409
    assert "Second Admin approved this already (" in words_of(late)
    assert "Nothing is left to do." in words_of(late)
    assert 'name="decision"' not in source_of(late)
    assert fingerprint() == before


def test_own_order_is_shown_without_buttons_and_refused(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    an_admin(firm.membership.company)
    approval = ask(firm.admin)
    client = sign_in(firm.admin)
    before = fingerprint()

    shown = client.get(f"{LIST}{approval.pk}/")
    refused = client.post(f"{LIST}{approval.pk}/", {"decision": "approve"})

    assert "You ordered it yourself, so somebody else decides." in words_of(shown)
    assert 'name="decision"' not in source_of(shown)
    assert refused.status_code == 409
    assert "You asked for this yourself, so somebody else decides it." in words_of(refused)
    assert fingerprint() == before


def test_member_sees_the_own_request_and_decides_nothing(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    an_admin(firm.membership.company)
    own, other = ask(), ask(firm.admin)
    client = sign_in(firm.member)
    before = fingerprint()

    answers = [
        client.get(f"{LIST}{own.pk}/").status_code,
        client.get(f"{LIST}{other.pk}/").status_code,
        client.post(f"{LIST}{other.pk}/", {"decision": "approve"}).status_code,
        client.get(LIST).status_code,
        client.get(f"{LIST}policy/").status_code,
        client.get(f"{LIST}delegate/").status_code,
    ]

    assert answers == [200, 404, 404, 403, 403, 403]
    assert fingerprint() == before


def test_request_of_another_company_answers_like_a_missing_one(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    approval = ask()
    client = sign_in(an_admin(a_member(firm.program, a_company()).company))
    before = fingerprint()

    answers = [
        (answer.status_code, source_of(answer))
        for pk in (approval.pk, 987654321, "99999999999999999999")
        for answer in (client.get(f"{LIST}{pk}/"), client.post(f"{LIST}{pk}/", {"decision": "approve"}))
    ]

    assert answers[0][0] == 404
    assert answers == [answers[0]] * 6
    assert fingerprint() == before


def test_stand_in_decides_and_no_longer_once_the_time_is_over(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    colleague = an_employee(firm.membership.company, name="Cole Colleague")
    now = timezone.now()
    row = delegate(
        actor=actor_of(firm.admin.user, now=now),
        to_employee_id=colleague.pk,
        starts_at=now,
        ends_at=now + timedelta(days=1),
        now=now,
    )
    approval, later = ask(), ask()
    client = sign_in(colleague)

    listed = client.get(LIST)
    client.post(f"{LIST}{approval.pk}/", {"decision": "approve"})
    Delegation.objects.filter(pk=row.pk).update(starts_at=now - timedelta(days=2), ends_at=now - timedelta(days=1))
    before = fingerprint()
    over = [
        client.get(LIST).status_code,
        client.get(f"{LIST}{later.pk}/").status_code,
        client.post(f"{LIST}{later.pk}/", {"decision": "approve"}).status_code,
    ]

    assert len(links_of(listed, rf"{LIST}\d+/")) == 2
    approval.refresh_from_db()
    assert (approval.state, approval.decided_by) == ("APPROVED", colleague.user)
    assert over == [403, 404, 404]
    assert fingerprint() == before


def test_list_shows_what_waits_oldest_first_and_then_what_was_decided(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    first, second, third = ask(), ask(), ask()
    client = sign_in(firm.admin)
    client.post(f"{LIST}{second.pk}/", {"decision": "approve"})

    page = client.get(LIST)

    assert links_of(page, rf"{LIST}\d+/") == [f"{LIST}{row.pk}/" for row in (first, third, second)]
    assert "Approved" in words_of(page)


def test_list_says_why_it_is_empty(firm: Firm, sign_in: SignIn) -> None:
    words = words_of(sign_in(firm.admin).get(LIST))

    assert "Nothing waits for you" in words
    assert "Your company approves no orders: they come straight to us." in words


def test_admin_sets_which_orders_are_approved(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)

    saved = client.post(f"{LIST}policy/", {"mode": "ABOVE", "above": "500"}, follow=True)

    assert "At the moment orders of more than 500 points wait for approval." in words_of(saved)
    policy = SpendingPolicy.objects.get()
    assert (policy.company, policy.mode, policy.above) == (firm.membership.company, "ABOVE", 500)
    client.post(f"{LIST}policy/", {"mode": "NEVER", "above": "500"})
    policy.refresh_from_db()
    assert (policy.mode, policy.above) == ("NEVER", None)


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"mode": "ABOVE", "above": ""}, "Say above how many points an order needs approval."),
        ({"mode": "ABOVE", "above": "0"}, "Ensure this value is greater than or equal to 1."),
        ({"mode": "ABOVE", "above": "many"}, "Enter a whole number."),
        ({"mode": "SOMETIMES", "above": "5"}, "Select a valid choice."),
        ({"above": "5"}, "This field is required."),
    ],
)
def test_policy_that_is_none_is_refused_and_keeps_what_was_typed(
    firm: Firm, sign_in: SignIn, sent: dict[str, str], error: str
) -> None:
    client = sign_in(firm.admin)
    before = fingerprint()

    refused = client.post(f"{LIST}policy/", sent)

    assert refused.status_code == 422
    assert error in words_of(refused)
    assert f'value="{sent["above"]}"' in source_of(refused) or not sent["above"]
    assert fingerprint() == before


def test_decider_reads_the_policy_and_does_not_change_it(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(an_employee(firm.membership.company, buying_role="DECIDES"))
    before = fingerprint()

    shown = client.get(f"{LIST}policy/")
    refused = client.post(f"{LIST}policy/", {"mode": "ALWAYS"})

    assert "The admins of your company choose this." in words_of(shown)
    assert (shown.status_code, refused.status_code) == (200, 403)
    assert fingerprint() == before


def test_admin_names_a_stand_in_for_whole_days_and_ends_it(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    today = timezone.localdate()
    sent = {"delegate": firm.member.pk, "starts_on": today, "ends_on": today + timedelta(days=2)}

    saved = client.post(f"{LIST}delegate/", sent, follow=True)

    row = Delegation.objects.get()
    assert (row.employee, row.delegate) == (firm.admin, firm.member)
    assert row.ends_at is not None
    assert timezone.localtime(row.ends_at).isoformat()[:19] == f"{today + timedelta(days=3)}T00:00:00"
    assert "Mia Member for Ada Admin" in words_of(saved)
    ended = client.post(f"{LIST}delegate/", {"end": row.pk}, follow=True)
    assert "Ended. Mia Member no longer stands in." in words_of(ended)
    row.refresh_from_db()
    assert row.ends_at <= timezone.now()


def test_stand_in_that_cannot_be_is_refused_with_a_sentence(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    stranger = an_admin(a_company())
    today = timezone.localdate()
    client.post(f"{LIST}delegate/", {"delegate": firm.member.pk, "starts_on": today, "ends_on": today})
    before = fingerprint()

    answers = [
        client.post(f"{LIST}delegate/", {"delegate": delegate, "starts_on": first, "ends_on": last})
        for delegate, first, last in (
            (stranger.pk, today, today),
            (firm.admin.pk, today, today),
            (firm.member.pk, today, today - timedelta(days=1)),
            (firm.member.pk, today, "9999-12-31"),
            (firm.member.pk, "", ""),
            (firm.member.pk, today, today),
        )
    ]

    assert [answer.status_code for answer in answers] == [422, 422, 422, 422, 422, 409]
    assert "The time ends before it starts" in words_of(answers[2])
    assert "Mia Member stands in for you already in a part of this time." in words_of(answers[5])
    assert fingerprint() == before


def test_stand_in_of_another_company_is_not_ended(firm: Firm, sign_in: SignIn) -> None:
    company = a_member(firm.program, a_company()).company
    away, colleague = an_admin(company), an_employee(company)
    now = timezone.now()
    row = delegate(
        actor=actor_of(away.user, now=now), to_employee_id=colleague.pk, starts_at=now, ends_at=None, now=now
    )
    client = sign_in(firm.admin)
    before = fingerprint()

    answers = {client.post(f"{LIST}delegate/", {"end": end}).status_code for end in (row.pk, 987654321, "x", "9" * 30)}

    assert answers == {404}
    assert fingerprint() == before


def test_ordering_says_that_the_company_approves_it_and_asks_why(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    ask()
    reward = a_reward(firm.program, name="Saw", price=20)
    client = sign_in(firm.member)
    shown = client.get(f"/rewards/{reward.pk}/")
    confirm = client.post(f"/rewards/{reward.pk}/", {**hidden_of(shown), "step": "review"})
    fields = {**hidden_of(confirm), "step": "confirm"}

    broken = client.post(f"/rewards/{reward.pk}/", {**fields, "note": "Kept \x07 word"})
    placed = client.post(f"/rewards/{reward.pk}/", {**fields, "note": "The old one broke"}, follow=True)

    assert "Your company approves this order before it comes to us." in words_of(confirm)
    assert broken.status_code == 422
    assert "Kept" in source_of(broken)
    assert "Your company approves it first: we have written to those who decide." in words_of(placed)
    assert "Waits for your company" in words_of(placed)
    assert Approval.objects.latest("pk").note == "The old one broke"


def test_ordering_says_kindly_that_nobody_else_can_approve(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    now = timezone.now()
    set_policy(actor=actor_of(firm.admin.user, now=now), mode="ALWAYS", above=None, now=now)
    buy(150, firm.admin)
    reward = a_reward(firm.program, price=100)
    client = sign_in(firm.admin)
    shown = client.get(f"/rewards/{reward.pk}/")
    confirm = client.post(f"/rewards/{reward.pk}/", {**hidden_of(shown), "payer": "own", "step": "review"})
    placed = client.post(f"/rewards/{reward.pk}/", {**hidden_of(confirm), "step": "confirm"}, follow=True)

    assert "nobody else there can decide about yours" in words_of(confirm)
    assert "Nobody else in your company can approve it" in words_of(placed)
    assert "We look at it next." in words_of(placed)


def test_order_shows_its_steps_with_who_as_far_as_the_reader_may_know(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    approval = ask()
    sign_in(firm.admin).post(f"{LIST}{approval.pk}/", {"decision": "approve"})
    us, now = a_manager(name="Someone Ofours"), timezone.now()
    approve_for_us(redemption_id=approval.subject_id, by_user_id=us.pk, now=now)
    order(redemption_id=approval.subject_id, by_user_id=us.pk, now=now)

    of_member, of_admin = (
        words_of(sign_in(person).get(f"/orders/{approval.subject_id}/")) for person in (firm.member, firm.admin)
    )

    for words in (of_member, of_admin):
        assert "It is on its way to you." in words
        assert "Someone Ofours" not in words
        assert words.count("By us") == 2
        assert "Cancel this order" not in words
    assert "By you" in of_member
    assert "By your company" in of_member
    assert "Ada Admin" not in of_member
    assert "By Mia Member" in of_admin


def test_order_on_its_way_is_no_longer_cancelled_and_says_so(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    reward, us, now = a_reward(firm.program, price=100), a_manager(), timezone.now()
    row = redeem(
        actor=actor_of(firm.member.user, now=now),
        reward_id=reward.pk,
        payer=Owner(firm.program.pk, firm.member.company_id, firm.member.pk),
        shown_price=100,
        key="key",
        now=now,
    ).redemption
    approve_for_us(redemption_id=row.pk, by_user_id=us.pk, now=now)
    order(redemption_id=row.pk, by_user_id=us.pk, now=now)
    client = sign_in(firm.member)
    before = fingerprint()

    refused = client.post(f"/orders/{row.pk}/", follow=True)

    assert "This order is on its way already, so it can no longer be cancelled here." in words_of(refused)
    assert fingerprint() == before


def test_orders_are_cut_down_to_those_still_open(firm: Firm, ask: Ask, sign_in: SignIn) -> None:
    waiting, rejected = ask(), ask()
    sign_in(firm.admin).post(f"{LIST}{rejected.pk}/", {"decision": "reject", "reason": "No"})
    client = sign_in(firm.member)

    everything, still_open = (links_of(client.get(f"/orders/{query}"), r"/orders/\d+/") for query in ("", "?show=open"))

    assert everything == [f"/orders/{rejected.subject_id}/", f"/orders/{waiting.subject_id}/"]
    assert still_open == [f"/orders/{waiting.subject_id}/"]


def test_admin_pays_with_both_wallets_and_sees_the_shares_first(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.admin)
    reward = a_reward(firm.program, price=200)
    client: Client = sign_in(firm.admin)
    shown = client.get(f"/rewards/{reward.pk}/")

    confirm = client.post(f"/rewards/{reward.pk}/", {**hidden_of(shown), "payer": "both", "step": "review"})
    placed = client.post(f"/rewards/{reward.pk}/", {**hidden_of(confirm), "step": "confirm"}, follow=True)

    assert "Of it your own 150 points Of it the company's 50 points You keep 105 points" in words_of(confirm)
    assert "150 own, 50 of the company" in words_of(placed)
    assert (balance(firm.membership, firm.admin), balance(firm.membership)) == (0, 105)
