"""Passkeys and second steps, with an authenticator that the browser pretends to have."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Opener
from tests.browser.examining import barriers
from tests.browser.scenery import World
from tests.browser.watching import Watched
from tests.factories.signing_in import code_of_the_app
from tests.factories.world import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _forget_attempts() -> None:
    cache.clear()


def give_authenticator(watched: Watched) -> None:
    """Let the browser have an authenticator of its own that knows its owner's finger."""
    session = watched.context.new_cdp_session(watched.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def knock(page: Page, email: str) -> None:
    """Sign in with the password."""
    page.goto(reverse("account_login"))
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_passkey_is_added_and_then_signs_in_alone(world: World, opened: Opener) -> None:
    watched = opened(world.client, screen=PHONE)
    page = watched.page
    give_authenticator(watched)

    page.goto(reverse("mfa_add_webauthn"))
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    found = barriers(page)
    watched.context.clear_cookies()
    watched.forget()  # axe tries things that the security policy refuses
    page.goto(f"{reverse('account_login')}?next=/points/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile(r"^[^?]+/points/$"))

    assert found == []
    assert watched.complaints() == []
    kinds = Authenticator.objects.filter(user=world.client).values_list("type", flat=True)
    assert sorted(kinds) == ["recovery_codes", "webauthn"]


def test_browser_without_the_passkey_says_so_and_stays(world: World, opened: Opener) -> None:
    watched = opened()
    page = watched.page
    give_authenticator(watched)

    page.goto(reverse("account_login"))
    expect(page.get_by_text("That did not work")).to_be_hidden()
    page.get_by_role("button", name="Sign in with a passkey").click()

    expect(page.get_by_text("That did not work")).to_be_visible()
    assert page.url.endswith(reverse("account_login"))


def test_manager_s_first_day_leads_through_a_second_step_to_the_desk(world: World, opened: Opener) -> None:
    watched = opened()
    page = watched.page
    found = []

    knock(page, world.manager.email)
    expect(page.get_by_role("heading", name="A second step, please")).to_be_visible()
    found += barriers(page)
    page.get_by_role("link", name="Set up an authenticator app").click()
    secret = page.locator("code.key").inner_text()
    page.get_by_label("Authenticator code").fill(code_of_the_app(secret))
    page.get_by_role("button", name="Use the app from now on").click()
    page.get_by_role("link", name="I have kept them, continue").click()
    expect(page).to_have_url(re.compile(r"^[^?]+/admin/$"))

    watched.context.clear_cookies()
    knock(page, world.manager.email)
    expect(page.get_by_role("heading", name="The second step")).to_be_visible()
    found += barriers(page)
    page.get_by_label("Code").fill(code_of_the_app(secret, steps_ahead=1))
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"^[^?]+/admin/$"))

    assert found == []


def test_passkey_serves_as_second_step_and_shows_again_who_one_is(world: World, opened: Opener) -> None:
    watched = opened()
    page = watched.page
    give_authenticator(watched)
    knock(page, world.manager.email)
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Sign in with it alone").uncheck()
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    watched.context.clear_cookies()

    knock(page, world.manager.email)
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page).to_have_url(re.compile(r"^[^?]+/admin/$"))
    page.goto(f"{reverse('mfa_reauthenticate_webauthn')}?next=/me/")
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page).to_have_url(re.compile(r"^[^?]+/me/$"))

    assert watched.complaints() == []
