"""Redeeming in a browser, in as few clicks as promised."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from loyalty.models import Wallet
from rewards.models import Redemption
from tests.browser.conftest import ON_PHONES, Opener
from tests.browser.scenery import PRICE, World

pytestmark = pytest.mark.browser

ORDER_ADDRESS = re.compile(r"/orders/\d+/$")


def points_left(world: World) -> int:
    """What the company and the client have together."""
    wallets = Wallet.objects.filter(company=world.company, program=world.program, kind=Wallet.Kind.AVAILABLE)
    return sum(wallets.values_list("balance", flat=True))


def open_catalogue(page: Page) -> None:
    page.goto("/")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Rewards").click()


def way_to_an_order(page: Page, world: World) -> list[Locator]:
    """What is clicked in the catalogue, in this order."""
    return [
        page.get_by_role("link", name=world.reward.name),
        page.get_by_role("button", name="Redeem", exact=True),
        page.get_by_role("button", name="Redeem for 1,500 points"),
    ]


@ON_PHONES
def test_a_reward_is_redeemed_in_three_clicks_and_cancelled_in_one(
    world: World, opened: Opener, screen: tuple[int, int]
) -> None:
    had = points_left(world)
    watched = opened(world.client, screen=screen)
    page = watched.page

    open_catalogue(page)
    clicks = way_to_an_order(page, world)
    for click in clicks:
        click.click()

    assert len(clicks) <= 3
    expect(page).to_have_url(ORDER_ADDRESS)
    expect(page.get_by_role("heading", level=1)).to_have_text(world.reward.name)
    expect(page.get_by_role("status")).to_contain_text("Ordered.")
    assert points_left(world) == had - PRICE

    page.get_by_role("button", name="Cancel this order").click()

    expect(page.get_by_role("status")).to_contain_text("The points are back.")
    expect(page.locator(".badge").get_by_text("Cancelled", exact=True)).to_be_visible()
    assert points_left(world) == had
    assert watched.complaints() == []


@ON_PHONES
def test_a_double_click_on_confirm_makes_one_order(world: World, opened: Opener, screen: tuple[int, int]) -> None:
    had, orders = points_left(world), Redemption.objects.count()
    page = opened(world.client, screen=screen).page
    open_catalogue(page)
    *steps, confirm = way_to_an_order(page, world)
    for step in steps:
        step.click()

    with page.expect_request(lambda request: request.method == "POST") as sent:
        confirm.dblclick()
    expect(page).to_have_url(ORDER_ADDRESS)
    again = page.request.post(  # a browser may drop the second click: this is the one that it would have sent
        sent.value.url, headers={"Content-Type": sent.value.headers["content-type"]}, data=sent.value.post_data or ""
    )

    assert again.url == page.url
    assert Redemption.objects.count() == orders + 1
    assert points_left(world) == had - PRICE
