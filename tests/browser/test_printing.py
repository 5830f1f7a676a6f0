"""What goes on paper: the statement and the account manager's company page, without what only a screen can do."""

import pytest

from tests.browser.conftest import Opener
from tests.browser.scenery import LONG_NAME, World

pytestmark = [pytest.mark.browser]

ONLY_ON_SCREENS = "form, button, .button, .tabs, .masthead-end, .footer, .pager, .skip, .back"


def test_statement_prints_with_the_company_and_the_time(opened: Opener, world: World) -> None:
    page = opened(world.client, theme="dark").page
    page.goto("/points/")
    page.emulate_media(media="print")

    assert page.locator(f":is({ONLY_ON_SCREENS}):visible").count() == 0
    assert page.get_by_text(LONG_NAME).first.is_visible()
    assert page.get_by_text("As of").is_visible()
    assert page.locator("#lines > tr").first.is_visible()
    assert page.locator("#lines a").first.evaluate("link => getComputedStyle(link).textDecorationLine") == "none"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_company_page_prints_as_a_brief_without_the_composer(opened: Opener, world: World) -> None:
    page = opened(world.account_manager).page
    page.goto(f"/am/companies/{world.company.pk}/")
    page.emulate_media(media="print")

    assert page.locator(f":is({ONLY_ON_SCREENS}):visible").count() == 0
    assert page.locator("textarea:visible").count() == 0
    assert page.get_by_role("heading", name=LONG_NAME).is_visible()
    assert page.get_by_text("As of").first.is_visible()
    assert page.get_by_text("Walked through the milling hall.").is_visible()
