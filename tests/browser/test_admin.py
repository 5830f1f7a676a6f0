"""The program manager's desk in a browser: search, open, look at the ledger, and the widgets that need scripts."""

import pytest
from playwright.sync_api import expect

from accounts.models import WebhookAttempt, WebhookDelivery
from loyalty.models import Membership
from tests.browser.conftest import AT_DESKS, DESKTOP, PHONE, Opener
from tests.browser.examining import barriers
from tests.browser.scenery import World
from tests.browser.watching import Watched
from tests.factories.webhooks import a_subscription, happen
from tests.factories.world import NOW, a_company

pytestmark = pytest.mark.browser


def open_list(watched: Watched, name: str) -> None:
    watched.page.goto("/")
    watched.page.get_by_role("main").get_by_role("link", name=name, exact=True).click()


@AT_DESKS
def test_a_company_is_found_by_a_word_of_its_name_and_opened(
    world: World, opened: Opener, screen: tuple[int, int]
) -> None:
    watched = opened(world.manager, screen=screen)
    page = watched.page

    open_list(watched, "Companies")
    page.get_by_label("Search").fill("oberschwaben")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.get_by_role("link", name=world.company.name).click()

    expect(page.get_by_label("Name:", exact=True)).to_have_value(world.company.name)
    assert watched.complaints() == []


@AT_DESKS
def test_the_ledger_can_be_read_and_not_changed(world: World, opened: Opener, screen: tuple[int, int]) -> None:
    watched = opened(world.manager, screen=screen)
    page = watched.page

    open_list(watched, "Transactions")
    expect(page.get_by_role("link", name="Add transaction")).to_have_count(0)
    expect(page.get_by_label("Action:")).to_have_count(0)
    page.get_by_role("link", name=f"T{world.earned.pk}", exact=True).click()

    expect(page.get_by_role("heading", name="View transaction")).to_be_visible()
    form = page.locator("#transaction_form")
    expect(form.locator("input:visible, select:visible, textarea:visible, button:visible")).to_have_count(0)
    expect(form.get_by_role("link", name="Delete")).to_have_count(0)
    assert watched.complaints() == []


@AT_DESKS
def test_searchable_selects_and_date_pickers_work_under_the_security_policy(
    world: World, opened: Opener, screen: tuple[int, int]
) -> None:
    newcomer = a_company(name="Newcomer Works")
    watched = opened(world.manager, screen=screen)
    page = watched.page

    page.goto("/admin/loyalty/membership/add/")
    page.get_by_role("combobox", name="Company").click()
    page.get_by_role("searchbox", name="Company").fill("newcomer")
    option = page.get_by_role("option", name=newcomer.name)
    option.wait_for()
    assert [*watched.complaints(), *barriers(page)] == []
    watched.forget()
    option.click()
    page.get_by_label("Program:", exact=True).select_option(label=world.program.name)
    page.locator(".field-starts_at .date-icon").click()
    page.locator(".calendarbox:visible td:not(.nonday)").get_by_role("link", name="15", exact=True).click()
    page.locator(".field-starts_at .clock-icon").click()
    page.locator(".clockbox:visible").get_by_role("link", name="6 a.m.").click()
    assert watched.complaints() == []
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.locator(".messagelist .success")).to_contain_text("was added successfully")
    membership = Membership.objects.get(company=newcomer)
    assert (membership.starts_at.day, membership.starts_at.hour) == (15, 6)
    assert watched.complaints() == []


@pytest.mark.parametrize("language", ["en", "ar"])
def test_saving_a_filter_fits_on_a_phone(world: World, opened: Opener, language: str) -> None:
    watched = opened(world.manager, screen=PHONE, language=language)
    page = watched.page

    page.goto("/admin/accounts/approval/?state__exact=WAITING")
    page.locator(".saved-filters summary").click()

    expect(page.locator("#filter-name")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert watched.complaints() == []


ENDPOINT = "https://hooks.oberschwaben-maschinenbau.example/api/v2/twofold/events"


def test_what_is_looked_for_in_deliveries_stands_beside_the_filters(world: World, opened: Opener) -> None:
    a_subscription(by=world.manager, url=ENDPOINT, name="Warehouse in Ravensburg")
    happen(world.company, "1", kind="redemption.changed")
    delivery = WebhookDelivery.objects.get()
    WebhookAttempt.objects.create(delivery=delivery, at=NOW, failure="KEY")
    watched = opened(world.manager, screen=DESKTOP)
    page = watched.page

    page.goto("/admin/accounts/webhookdelivery/")

    shown = page.locator("#changelist .results").bounding_box()
    assert shown is not None
    least = {"Event": 80, "Webhook": 100, "State": 50, "Tries": 40, "Next try": 100, "Last answer": 130}
    for name, width in least.items():
        column = page.get_by_role("columnheader", name=name, exact=True).bounding_box()
        assert column is not None
        assert column["width"] >= width, name
        assert column["x"] + column["width"] <= shown["x"] + shown["width"], name
    assert watched.complaints() == []


@AT_DESKS
def test_address_of_a_webhook_can_be_read_where_it_is_typed(
    world: World, opened: Opener, screen: tuple[int, int]
) -> None:
    subscription, _secret = a_subscription(by=world.manager, url=ENDPOINT)
    watched = opened(world.manager, screen=screen)
    page = watched.page

    page.goto(f"/admin/accounts/webhooksubscription/{subscription.pk}/change/")

    is_wide = page.get_by_label("Address:", exact=True).evaluate("field => field.scrollWidth <= field.clientWidth")
    assert is_wide == (screen == DESKTOP)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert watched.complaints() == []
