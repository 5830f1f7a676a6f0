"""Deciding about an order in a browser: yes in two clicks from the message, no with a reason."""

import pytest
from playwright.sync_api import Page, expect

from loyalty.models import Wallet
from rewards.models import Redemption
from tests.browser.conftest import ON_PHONES, Opener
from tests.browser.scenery import World

pytestmark = pytest.mark.browser


def state_of(world: World) -> str:
    """Where the order that waits stands."""
    return Redemption.objects.get(pk=world.approval.subject_id).state


def own_points_of_the_buyer(world: World) -> int:
    return Wallet.objects.get(employee=world.buyer, program=world.program, kind=Wallet.Kind.AVAILABLE).balance


def open_inbox(page: Page) -> None:
    page.goto("/inbox/")


@ON_PHONES
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_an_order_is_approved_in_two_clicks_from_the_message(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    watched = opened(world.client, screen=screen, scripts=scripts)
    page = watched.page
    open_inbox(page)

    clicks = [
        page.get_by_role("button", name="Priya Raghunathan asks you to approve"),
        page.get_by_role("button", name="Approve", exact=True),
    ]
    for click in clicks:
        click.click()

    assert len(clicks) <= 2
    expect(page.get_by_role("status")).to_contain_text("Approved. It comes to us now")
    assert state_of(world) == "CLIENT_APPROVED"
    assert watched.complaints() == []


@ON_PHONES
def test_an_order_is_rejected_with_a_reason_and_not_without(
    world: World, opened: Opener, screen: tuple[int, int]
) -> None:
    had = own_points_of_the_buyer(world)
    watched = opened(world.client, screen=screen)
    page = watched.page
    page.goto(f"/company/approvals/{world.approval.pk}/")

    page.get_by_role("button", name="Reject").click()

    expect(page.get_by_role("alert")).to_contain_text("Say why")
    assert state_of(world) == "REQUESTED"

    page.get_by_label("Reason, if you reject it").fill("Wait for the new budget.")
    page.get_by_role("button", name="Reject").click()

    expect(page.get_by_role("status")).to_contain_text("Rejected. The points are back")
    assert state_of(world) == "REJECTED"
    assert own_points_of_the_buyer(world) == had + world.reward.price

    buyer = opened(world.buyer.user, screen=screen).page
    buyer.goto(f"/orders/{world.approval.subject_id}/")
    expect(buyer.get_by_text("Reason: Wait for the new budget.")).to_be_visible()


@ON_PHONES
def test_a_colleague_stands_in_and_decides(world: World, opened: Opener, screen: tuple[int, int]) -> None:
    page = opened(world.client, screen=screen).page
    page.goto("/company/approvals/")
    page.get_by_role("link", name="Who stands in").click()
    page.get_by_label("Who stands in for you").select_option(label=world.buyer.name)
    first_day = page.get_by_label("First day").input_value()
    page.get_by_label("Last day").fill(first_day)
    page.get_by_role("button", name="Save").click()

    expect(page.get_by_role("status")).to_contain_text("Your colleague has been told.")

    stand_in = opened(world.buyer.user, screen=screen).page
    stand_in.goto("/inbox/")
    stand_in.get_by_role("button", name="asks you to decide in their place").click()
    expect(stand_in.get_by_role("heading", level=1)).to_have_text("Approvals")
    stand_in.get_by_role("link", name=world.reward.name).click()
    expect(stand_in.get_by_text("You ordered it yourself, so somebody else decides.")).to_be_visible()


@ON_PHONES
def test_rewards_are_filtered_without_scripts(world: World, opened: Opener, screen: tuple[int, int]) -> None:
    page = opened(world.client, screen=screen, scripts=False).page
    page.goto("/rewards/")
    page.get_by_text("Filter and sort").click()
    page.get_by_label("In stock").check()
    page.get_by_label("I can afford it").check()
    page.get_by_role("button", name="Show", exact=True).click()

    expect(page).to_have_url("/rewards/?category=&paid_from=&sort=price&affordable=on&stock=on")
    expect(page.get_by_role("link", name=world.reward.name)).to_be_visible()
    expect(page.get_by_role("link", name=world.sold_out_reward.name)).to_have_count(0)
    expect(page.get_by_role("link", name=world.dear_reward.name)).to_have_count(0)
