"""The client's pages on a phone: what one has fits the first screen, and every door is one touch away."""

from collections.abc import Collection
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Employee, Message, User
from tests.browser.conftest import DESKTOP, PHONE, Opener
from tests.browser.scenery import World
from tests.factories.world import a_user

pytestmark = pytest.mark.browser

TAB_BAR = ".tabs"
FIRST_SCREEN = {
    "balance": ".home-balance .stat-value",
    "what expires": ".home-balance .expiring",
    "tier": ".home-side progress",
    "next benefit": ".home-next .row-title",
}


def bottoms(page: Page, names: Collection[str]) -> dict[str, float]:
    """How far down each of these things ends, in pixels."""
    found = {}
    for name in names:
        box = page.locator(FIRST_SCREEN[name]).first.bounding_box()
        assert box is not None, name
        found[name] = box["y"] + box["height"]
    return found


@pytest.fixture
def member(world: World) -> User:
    """A colleague of the client who sees the own points only."""
    user = a_user(name="Wilhelmina")
    Employee.objects.filter(pk=world.colleague.pk).update(user=user)
    return user


@pytest.mark.parametrize("language", ["en", "ar", "ja"])
@pytest.mark.parametrize("who", ["admin", "member"])
def test_home_tells_the_four_things_without_scrolling_on_a_phone(
    world: World, member: User, opened: Opener, who: str, language: str
) -> None:
    page = opened(world.client if who == "admin" else member, screen=PHONE, language=language).page

    page.goto("/")
    names = set(FIRST_SCREEN)
    if who == "member":  # without points: nothing of theirs expires
        names.remove("what expires")
        expect(page.locator(FIRST_SCREEN["what expires"])).to_have_count(0)
    ends = bottoms(page, names)
    tabs = page.locator(TAB_BAR).bounding_box()

    assert tabs is not None
    assert tabs["y"] + tabs["height"] == PHONE[1]
    assert {name: bottom for name, bottom in ends.items() if bottom > tabs["y"]} == {}


def test_tab_bar_leads_to_each_door_and_says_which_is_open(world: World, opened: Opener) -> None:
    watched = opened(world.client, screen=PHONE)
    page = watched.page
    page.goto("/")
    tabs = page.get_by_role("navigation", name="Main").get_by_role("link")

    expect(tabs).to_contain_text(["Home", "Earn", "Rewards", "Company", "More"])
    for number, address in enumerate(("/", "/earn/", "/rewards/", "/company/", "/more/")):
        tabs.nth(number).click()
        expect(page).to_have_url(address)
        expect(tabs.nth(number)).to_have_attribute("aria-current", "page")
        box = tabs.nth(number).bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert box["y"] + box["height"] <= PHONE[1]
    assert watched.complaints() == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_message_is_opened_with_one_touch_and_is_read_then(world: World, opened: Opener, scripts: bool) -> None:
    Message.objects.all().delete()
    now = timezone.now()
    for number, facts in enumerate(({"reward": "Coffee", "points": 100}, {"reward": "Tea", "points": 90})):
        Message.objects.create(
            employee=world.client.employee, kind="redeemed", subject_id=world.order.pk + number, facts=facts,
            created_at=now - timedelta(minutes=number),
        )  # fmt: skip
    page = opened(world.client, screen=PHONE, scripts=scripts).page

    page.goto("/inbox/")
    expect(page.get_by_text("2 unread messages").first).to_be_visible()
    page.get_by_role("button", name="Coffee is ordered for 100 points").click()

    expect(page).to_have_url(f"/orders/{world.order.pk}/")
    page.goto("/inbox/")
    expect(page.get_by_text("New", exact=True)).to_have_count(1)

    page.get_by_role("button", name="Mark all as read").click()

    expect(page.get_by_role("status")).to_contain_text("1 message is marked as read.")
    expect(page.get_by_text("New", exact=True)).to_have_count(0)


def test_inbox_stands_in_the_masthead_of_wide_screens_only(world: World, opened: Opener) -> None:
    page = opened(world.client, screen=DESKTOP).page
    page.goto("/")
    link = page.get_by_role("banner").get_by_role("link", name="Inbox")

    expect(link).to_be_visible()
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})

    expect(link).to_be_hidden()


def test_an_admin_adds_a_person_and_lets_them_in_no_longer(world: World, opened: Opener) -> None:
    watched = opened(world.client, screen=PHONE)
    page = watched.page
    page.goto("/company/people/")

    page.get_by_role("link", name="Add a person").click()
    page.get_by_label("Name").fill("Nia New")
    page.get_by_label("Buyer").check()
    page.get_by_role("button", name="Add the person").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Nia New")
    expect(page.get_by_label("Buyer")).to_be_checked()

    page.get_by_role("button", name="Let in no longer").click()

    expect(page.get_by_role("status")).to_contain_text("Nia New no longer gets in.")
    assert Employee.objects.get(name="Nia New").is_active is False
    assert watched.complaints() == []
