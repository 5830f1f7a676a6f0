"""Orders at the manager's desk: first the page that counts, then the step, for one or for many."""

from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.groups import APPROVER, MANAGER, VIEWER, ensure_groups
from accounts.models import Company, Employee, User
from loyalty.ledger import Owner
from loyalty.models import Membership, Program
from rewards.admin import steps
from rewards.models import Redemption, RedemptionStep, Reward, RewardStock, SpendingPolicy
from rewards.progress import approve, deliver, order
from rewards.redemption import redeem
from tests.factories.canaries import as_actor, fingerprint, user_of
from tests.factories.world import (
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    a_user,
    an_admin,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

ORDERS = "/admin/rewards/redemption/"
State = Redemption.State
_keys = count()


class Shop:
    """A company with points, and a reward that it orders."""

    def __init__(self) -> None:
        self.program: Program = a_program()
        a_rule_set(self.program)
        self.company: Company = a_company(name="Halden")
        self.membership: Membership = a_member(self.program, self.company)
        consent_to(self.membership)
        self.person: Employee = an_admin(self.company)
        record(a_purchase(self.company, 10_000, employee_id=self.person.pk), now=NOW)
        self.reward: Reward = a_reward(self.program, price=100, pieces=1_000)

    def order(self, state: str = State.REQUESTED) -> Redemption:
        """An order of 100 points that has come to `state`."""
        made = redeem(
            actor=as_actor(user_of(self.person)), reward_id=self.reward.pk,
            payer=Owner(self.program.pk, self.company.pk), shown_price=100, key=f"K{next(_keys)}", now=NOW,
        ).redemption  # fmt: skip
        path = {State.REQUESTED: [], State.APPROVED: [approve], State.ORDERED: [approve, order]}
        for step in path.get(State(state), [approve, order, deliver]):
            step(redemption_id=made.pk, by_user_id=user_of(self.person).pk, now=NOW)
        return made


@pytest.fixture
def shop(db: None) -> Shop:
    """The company."""
    return Shop()


def chosen(action: str, *orders: Redemption, **more: str) -> dict[str, Any]:
    return {"action": action, "index": "0", "_selected_action": [str(row.pk) for row in orders], **more}


def states(*orders: Redemption) -> list[str]:
    found = dict(Redemption.objects.values_list("pk", "state"))
    return [found[row.pk] for row in orders]


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_page_before_a_step_counts_and_changes_nothing(desk: Client, shop: Shop) -> None:
    able = [shop.order() for _number in range(12)]
    delivered = shop.order(State.DELIVERED)
    before = fingerprint()

    page = desk.post(ORDERS, chosen("approve", *able, delivered))

    context, text = page.context, page.content.decode()
    assert (context["count"], context["points"], len(context["rows"]), context["more"]) == (12, 1_200, 10, 2)
    assert context["unable"] == [("delivered", 1)]
    assert "Approve: 12 orders" in text
    assert "1 order: delivered" in text
    assert fingerprint() == before


def test_those_that_were_counted_take_the_step_and_the_rest_is_told(desk: Client, shop: Shop, manager: User) -> None:
    first, second, delivered = shop.order(), shop.order(), shop.order(State.DELIVERED)

    done = desk.post(ORDERS, chosen("approve", first, second, delivered, confirm="yes"), follow=True)

    assert states(first, second, delivered) == [State.APPROVED, State.APPROVED, State.DELIVERED]
    assert messages_of(done) == ["2 orders were approved.", "1 order stays: it is delivered."]
    assert RedemptionStep.objects.get(redemption=first, state=State.APPROVED).by == manager


def test_rejecting_many_gives_points_and_pieces_back_and_needs_a_reason(desk: Client, shop: Shop) -> None:
    orders = [shop.order(), shop.order(State.APPROVED)]
    before = fingerprint()

    refused = desk.post(ORDERS, chosen("reject", *orders, confirm="yes", reason="  "))
    unchanged = fingerprint()
    done = desk.post(ORDERS, chosen("reject", *orders, confirm="yes", reason="No longer made"), follow=True)

    assert refused.status_code == 422
    assert "Say why: the client reads it." in refused.content.decode()
    assert unchanged == before
    assert states(*orders) == [State.REJECTED, State.REJECTED]
    assert balance(shop.membership) == 10_000
    assert RewardStock.objects.get(reward=shop.reward).taken == 0
    assert messages_of(done) == ["2 orders were rejected."]
    reasons = RedemptionStep.objects.filter(state=State.REJECTED).values_list("reason", flat=True)
    assert set(reasons) == {"No longer made"}


def test_reason_that_was_typed_stays_when_it_is_refused(desk: Client, shop: Shop) -> None:
    order_ = shop.order()

    refused = desk.post(ORDERS, chosen("reject", order_, confirm="yes", reason="x" * 2_001))

    assert refused.status_code == 422
    assert "x" * 2_001 in refused.content.decode()
    assert states(order_) == [State.REQUESTED]


def test_ordered_and_delivered_follow(desk: Client, shop: Shop) -> None:
    approved, ordered = shop.order(State.APPROVED), shop.order(State.ORDERED)

    desk.post(ORDERS, chosen("order", approved, confirm="yes"))
    desk.post(ORDERS, chosen("deliver", ordered, confirm="yes"))

    assert states(approved, ordered) == [State.ORDERED, State.DELIVERED]


def test_order_that_waits_for_its_company_is_counted_apart_and_stays(desk: Client, shop: Shop) -> None:
    an_admin(shop.company)
    SpendingPolicy.objects.create(company=shop.company, mode=SpendingPolicy.Mode.ALWAYS)
    waiting = shop.order()

    page = desk.post(ORDERS, chosen("approve", waiting))
    done = desk.post(ORDERS, chosen("approve", waiting, confirm="yes"), follow=True)

    assert page.context["waiting"] == 1
    assert states(waiting) == [State.REQUESTED]
    assert messages_of(done) == ["1 order stays: its company is still to approve it."]


def test_several_orders_that_stay_are_spoken_of_as_several(desk: Client, shop: Shop) -> None:
    orders = [shop.order(State.APPROVED), shop.order(State.APPROVED), shop.order(State.DELIVERED)]

    done = desk.post(ORDERS, chosen("approve", *orders, confirm="yes"), follow=True)

    assert messages_of(done) == ["2 orders stay: they are approved.", "1 order stays: it is delivered."]


def test_too_many_at_once_are_refused(desk: Client, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "MOST_AT_ONCE", 2)
    orders = [shop.order() for _number in range(3)]

    refused = desk.post(ORDERS, chosen("approve", *orders, confirm="yes"), follow=True)

    assert messages_of(refused) == ["Choose at most 2 orders at once."]
    assert set(states(*orders)) == {State.REQUESTED}


def test_page_before_a_step_costs_the_same_with_more_orders(desk: Client, shop: Shop) -> None:
    orders = [shop.order() for _number in range(2)]

    def queries_of_page() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.post(ORDERS, chosen("approve", *orders)).status_code == 200
        return len(queries)

    queries_of_page()
    few = queries_of_page()
    orders += [shop.order() for _number in range(18)]

    assert queries_of_page() == few <= 20


def test_page_of_an_order_offers_its_steps_and_shows_what_happened(desk: Client, shop: Shop, manager: User) -> None:
    order_ = shop.order()
    page = f"{ORDERS}{order_.pk}/change/"
    offered = [str(tool["label"]) for tool in desk.get(page).context["tools"]]
    desk.post(f"{ORDERS}{order_.pk}/approve/")

    after = desk.get(page)

    assert offered == ["Approve", "Reject", "Cancel the order"]
    assert [str(tool["label"]) for tool in after.context["tools"]] == ["Reject", "Mark as ordered", "Cancel the order"]
    text = after.content.decode()
    assert text.index("<strong>requested</strong>") < text.index("<strong>approved</strong>")
    assert f"<bdi>{manager.name}</bdi>" in text


def test_manager_cancels_an_order_with_a_reason(desk: Client, shop: Shop) -> None:
    order_ = shop.order(State.ORDERED)
    url = f"{ORDERS}{order_.pk}/cancel/"

    asked = desk.get(url)
    refused = desk.post(url, {"reason": ""})
    done = desk.post(url, {"reason": "Ordered twice by mistake"}, follow=True)

    assert "Cancel the order: 1 order" in asked.content.decode()
    assert refused.status_code == 422
    assert states(order_) == [State.CANCELLED]
    assert balance(shop.membership) == 10_000
    assert "Ordered twice by mistake" in done.content.decode()


def test_step_that_is_not_possible_any_more_answers_409_and_changes_nothing(desk: Client, shop: Shop) -> None:
    order_ = shop.order(State.DELIVERED)
    before = fingerprint()

    refused = desk.post(f"{ORDERS}{order_.pk}/cancel/", {"reason": "Too late"})

    assert refused.status_code == 409
    assert "The order stays as it is: it is delivered." in refused.content.decode()
    assert fingerprint() == before


def test_step_of_an_order_that_is_not_there_is_not_found(desk: Client) -> None:
    assert desk.post(f"{ORDERS}987654321/approve/").status_code == 404


@pytest.mark.parametrize(
    ("group", "may"),
    [
        (MANAGER, {"approve", "reject", "order", "deliver", "cancel"}),
        (APPROVER, {"approve", "reject"}),
        (VIEWER, set()),
    ],
)
def test_who_may_take_which_step(client: Client, shop: Shop, group: str, may: set[str]) -> None:
    ensure_groups()
    clerk = a_user(is_staff=True)
    clerk.groups.add(Group.objects.get(name=group))
    client.force_login(clerk)
    order_ = shop.order()
    before = fingerprint()

    answers = {name: client.get(f"{ORDERS}{order_.pk}/{name}/").status_code for name in steps.STEPS}
    offered = (
        {name for name, _label in client.get(ORDERS).context["action_form"].fields["action"].choices} if may else set()
    )

    assert {name for name, status in answers.items() if status == 200} == may
    assert set(answers.values()) <= {200, 403}
    assert offered - {""} == may - {"cancel"}
    assert fingerprint() == before


def test_viewer_changes_no_order_whatever_is_sent(client: Client, shop: Shop) -> None:
    ensure_groups()
    viewer = a_user(is_staff=True)
    viewer.groups.add(Group.objects.get(name=VIEWER))
    client.force_login(viewer)
    order_ = shop.order()
    before = fingerprint()

    for name in ("approve", "reject", "order", "deliver", "cancel"):
        client.post(f"{ORDERS}{order_.pk}/{name}/", {"reason": "Because"})
        client.post(ORDERS, chosen(name, order_, confirm="yes", reason="Because"))

    assert fingerprint() == before
