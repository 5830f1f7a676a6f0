"""The examiners do find what they look for: each sees a page that is wrong on purpose."""

import re

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Opener
from tests.browser.examining import barriers, out_of_language, sticking_out

pytestmark = pytest.mark.browser


def test_examiners_see_what_is_wrong_on_purpose(transactional_db: None, opened: Opener) -> None:
    watched = opened()
    page = watched.page
    page.goto("/accounts/login/")
    found = [barriers(page), sticking_out(page, width=320), out_of_language(page, "en")]
    watched.forget()
    assert found == [[], [], []]

    page.evaluate(
        """() => {
          document.querySelector("h1").insertAdjacentHTML("afterend", "<p id='wide' style='color: red'>Wide</p>");
          document.getElementById("wide").style.inlineSize = "900px";
          document.querySelector("main button").textContent = "";
          console.error("a script's complaint");
        }"""
    )

    noted = watched.complaints()
    assert "console error: a script's complaint" in noted
    assert any("style-src-attr refused inline" in complaint for complaint in noted)
    assert any(complaint.startswith("axe button-name (critical)") for complaint in barriers(page))
    assert any(complaint.startswith("wider than 320 px") for complaint in sticking_out(page, width=320))
    assert out_of_language(page, "ar") == ["says ['en', 'ltr'] and not ['ar', 'rtl']"]


def test_what_playwright_leaves_out_of_the_browser_is_left_out(browser: Browser) -> None:
    command = browser.new_browser_cdp_session().send("SystemInfo.getInfo")["commandLine"]
    *others, heeded = (set(features.split(",")) for features in re.findall(r"--disable-features=(\S+)", command))

    assert others
    assert set.union(*others) <= heeded
