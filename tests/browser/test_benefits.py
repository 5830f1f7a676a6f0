"""Benefits in a browser: used in three clicks, once however often one clicks; the matrix filled without a mouse."""

import pytest
from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from accounts.models import FollowUp
from loyalty.benefits import plain_cells
from loyalty.models import BenefitUse
from tests.browser.conftest import ON_PHONES, Opener
from tests.browser.scenery import World

pytestmark = pytest.mark.browser


def way_to_a_use(page: Page) -> list[Locator]:
    """What is clicked on the page of benefits, in this order."""
    return [
        page.get_by_role("main").get_by_role("link", name="Tax seminar", exact=True).first,
        page.get_by_role("button", name="Use", exact=True),
    ]


@ON_PHONES
def test_a_benefit_is_used_in_three_clicks(world: World, opened: Opener, screen: tuple[int, int]) -> None:
    watched = opened(world.client, screen=screen)
    page = watched.page
    page.goto(reverse("home"))

    clicks = [page.get_by_role("link", name="Your benefits"), *way_to_a_use(page)]
    for click in clicks:
        click.click()

    assert len(clicks) <= 3
    expect(page.get_by_role("status")).to_contain_text("It is yours")
    expect(page.get_by_text("Samuel Adeyemi will arrange it by")).to_be_visible()
    expect(page.get_by_text("3 of 4 left this year")).to_be_visible()
    assert BenefitUse.objects.get().follow_up is not None
    assert watched.complaints() == []


@ON_PHONES
def test_a_double_click_on_use_makes_one_use(world: World, opened: Opener, screen: tuple[int, int]) -> None:
    page = opened(world.client, screen=screen).page
    page.goto(reverse("benefits"))
    link, button = way_to_a_use(page)
    link.click()
    address = page.url

    with page.expect_request(lambda request: request.method == "POST") as sent:
        button.dblclick()
    expect(page.get_by_role("heading", name="What comes next")).to_be_visible()
    again = page.request.post(  # a browser may drop the second click: this is the one that it would have sent
        sent.value.url, headers={"Content-Type": sent.value.headers["content-type"]}, data=sent.value.post_data or ""
    )

    assert again.url == address
    assert BenefitUse.objects.count() == 1
    assert FollowUp.objects.filter(benefit_use__isnull=False).count() == 1


def test_a_benefit_is_used_without_scripts(world: World, opened: Opener) -> None:
    page = opened(world.client, scripts=False).page
    page.goto(reverse("benefits"))

    for click in way_to_a_use(page):
        click.click()

    expect(page.get_by_role("heading", name="What comes next")).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_cell_of_the_matrix_is_filled_and_emptied_by_keyboard(world: World, opened: Opener, scripts: bool) -> None:
    before = plain_cells(world.draft_matrix)
    page = opened(world.manager, scripts=scripts).page
    page.goto(reverse("admin:loyalty_benefitmatrix_change", args=[world.draft_matrix.pk]))

    page.get_by_role("link", name="Add: Basic, Buyer").press("Enter")
    form = page.get_by_role("form", name="Basic, Buyer")
    form.get_by_label("Benefit").focus()
    page.keyboard.type("Tax")
    form.get_by_label("Times").fill("3")
    form.get_by_label("Per").select_option("QUARTER")
    form.get_by_role("button", name="Give").press("Enter")

    remove = page.get_by_role("button", name="Remove Tax seminar from Basic, Buyer")
    expect(remove).to_be_visible()
    assert [cell.times for cell in plain_cells(world.draft_matrix) if cell not in before] == ["3 a quarter"]

    remove.press("Enter")

    expect(remove).to_have_count(0)
    assert plain_cells(world.draft_matrix) == before


@pytest.mark.parametrize("width", [320, 800, 1280])
def test_the_matrix_scrolls_inside_itself(world: World, opened: Opener, width: int) -> None:
    page = opened(world.manager, screen=(width, 900)).page
    page.goto(reverse("admin:loyalty_benefitmatrix_change", args=[world.draft_matrix.pk]))

    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

    assert over == 0
