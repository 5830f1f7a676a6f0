"""The language switch keeps the page, and Arabic turns it round."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from tests.browser.conftest import EVERYWHERE, Opener
from tests.browser.scenery import World

pytestmark = pytest.mark.browser


@EVERYWHERE
def test_language_switch_keeps_the_page_and_turns_it_for_arabic(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    address = f"/points/?wallet=company&program={world.program.code}"
    page = opened(world.client, screen=screen, scripts=scripts).page
    page.goto(address)
    expect(page.locator("html")).to_have_attribute("dir", "ltr")

    page.locator("summary", has_text="Language: English").click()
    page.get_by_role("button", name="العربيّة").click()

    expect(page).to_have_url(re.compile(re.escape(address) + "$"))
    expect(page.locator("html")).to_have_attribute("lang", "ar")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert User.objects.get(pk=world.client.pk).language == "ar"
