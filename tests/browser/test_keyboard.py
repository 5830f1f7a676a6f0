"""Everything by keyboard alone, with the focus always in sight."""

import pytest
from playwright.sync_api import Locator, Page, expect

from rewards.models import Redemption
from tests.browser.conftest import ON_PHONES, Opener
from tests.browser.scenery import World
from tests.browser.test_redeeming import ORDER_ADDRESS
from tests.factories.world import PASSWORD

pytestmark = pytest.mark.browser

MOST_STOPS = 40

HAS_FOCUS = "element => element === document.activeElement"
FOCUS_IN_SIGHT = """
() => {
  const element = document.activeElement;
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const label = element.labels?.[0];
  const seen = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return {
    element: element.outerHTML.slice(0, 120),
    has_ring: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    is_uncovered: seen !== null && (element.contains(seen) || seen.contains(element) || label?.contains(seen)),
  };
}
"""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until `wanted` has the focus; each stop on the way shows that it has it."""
    for _stop in range(MOST_STOPS):
        page.keyboard.press("Tab")
        seen = page.evaluate(FOCUS_IN_SIGHT)
        assert seen["has_ring"], f"no focus ring on {seen['element']} of {page.url}"
        assert seen["is_uncovered"], f"something covers {seen['element']} of {page.url}"
        if wanted.evaluate(HAS_FOCUS):
            return
    pytest.fail(f"Tab does not lead to {wanted} on {page.url}")


@ON_PHONES
def test_sign_in_and_redeem_by_keyboard_alone(world: World, opened: Opener, screen: tuple[int, int]) -> None:
    orders = Redemption.objects.count()
    watched = opened(screen=screen)
    page = watched.page

    page.goto("/rewards/")
    tab_to(page, page.get_by_label("Email"))
    page.keyboard.type(world.client.email)
    tab_to(page, page.get_by_label("Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("/rewards/")
    tab_to(page, page.get_by_role("link", name=world.reward.name))
    page.keyboard.press("Enter")
    redeem = page.get_by_role("button", name="Redeem", exact=True)
    redeem.wait_for()
    tab_to(page, redeem)
    page.keyboard.press("Enter")
    confirm = page.get_by_role("button", name="Redeem for 1,500 points")
    confirm.wait_for()
    tab_to(page, confirm)
    page.keyboard.press("Enter")

    expect(page).to_have_url(ORDER_ADDRESS)
    assert Redemption.objects.count() == orders + 1
    tab_to(page, page.get_by_role("button", name="Cancel this order"))
    assert watched.complaints() == []


@ON_PHONES
def test_the_skip_link_comes_first_and_leads_to_the_content(
    world: World, opened: Opener, screen: tuple[int, int]
) -> None:
    page = opened(world.client, screen=screen).page
    skip = page.get_by_role("link", name="Skip to the content")
    page.goto("/rewards/")
    expect(skip).not_to_be_in_viewport()

    page.keyboard.press("Tab")

    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)

    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    expect(page.get_by_role("link", name="Your orders")).to_be_focused()
