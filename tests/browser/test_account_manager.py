"""An account manager writes down what was said, wherever that is, in one save; and nothing typed is lost."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.models import AccountManagerAssignment, Draft, FollowUp, ServiceNote
from loyalty.models import BenefitGrant
from tests.browser.conftest import EVERYWHERE, ON_PHONES, PHONE, Opener
from tests.browser.scenery import World
from tests.factories.signing_in import code_of_the_app
from tests.factories.world import EPOCH, PASSWORD, a_company

pytestmark = pytest.mark.browser

TEXT = "They want the autumn catalogue before the fair."
PROMISE = "Send the autumn catalogue"


class Counted:
    """A page on which clicks are counted; typing is no click."""

    def __init__(self, page: Page) -> None:
        self.page, self.clicks = page, 0

    def click(self, on: Locator) -> None:
        """Click, and count it."""
        self.clicks += 1
        on.click()


@EVERYWHERE
def test_a_note_is_written_in_one_save_and_stands_in_the_timeline(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    before = ServiceNote.objects.count()
    watched = opened(world.account_manager, screen=screen, scripts=scripts)
    page = watched.page

    page.goto("/am/companies/")
    page.get_by_role("link", name=world.company.name).click()
    page.get_by_label("What was said").fill(TEXT)
    page.get_by_text("Kind, time, people, who may read it").click()
    composer = page.get_by_role("region", name="Write a note")
    composer.get_by_label("Kind").select_option(ServiceNote.Kind.WISH)
    composer.get_by_label("Date").fill("2026-05-04")
    composer.get_by_label("Time", exact=True).fill("09:30")
    composer.get_by_label(world.colleague.name).check()
    composer.get_by_label("Shared").check()
    page.get_by_role("button", name="Save the note").click()

    expect(page.get_by_role("status")).to_have_text("The note is saved.")
    entry = page.get_by_role("region", name="Timeline").get_by_role("listitem").filter(has_text=TEXT)
    expect(entry).to_contain_text("Wish")
    expect(entry).to_contain_text("May 4, 2026, 9:30 a.m.")
    expect(entry).to_contain_text(world.colleague.name)
    expect(page.get_by_label("What was said")).to_have_value("")
    note = ServiceNote.objects.get(text=TEXT)
    assert ServiceNote.objects.count() == before + 1
    assert (note.company_id, note.author_id, note.visibility) == (world.company.pk, world.account_manager.pk, "SHARED")
    assert list(note.people.all()) == [world.colleague]
    assert not FollowUp.objects.filter(note=note).exists()
    assert watched.heard == []


@EVERYWHERE
def test_a_call_with_a_promise_takes_three_clicks_from_today(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    watched = opened(world.account_manager, screen=screen, scripts=scripts)
    page = watched.page
    counted = Counted(page)

    page.goto("/am/")
    owed = page.get_by_role("region", name="Promises owed")
    counted.click(owed.get_by_role("link", name=world.company.name))
    expect(page.get_by_label("What was said")).to_be_focused()
    page.keyboard.type(TEXT)
    counted.click(page.get_by_label("Promised"))
    page.keyboard.type(PROMISE)
    counted.click(page.get_by_role("button", name="Save the note"))

    expect(page.get_by_role("status")).to_have_text("The note is saved.")
    assert counted.clicks == 3
    row = FollowUp.objects.get(text=PROMISE)
    assert row.note is not None
    assert (row.note.text, row.note.kind, row.note.visibility) == (TEXT, "CALL", "INTERNAL")
    assert (row.due_on, row.visibility) == (timezone.localdate() + timedelta(days=7), "INTERNAL")
    assert watched.complaints() == [] if scripts else watched.heard == []


@ON_PHONES
def test_a_company_that_is_not_on_today_s_lists_takes_three_clicks_too(
    world: World, opened: Opener, screen: tuple[int, int]
) -> None:
    FollowUp.objects.filter(company=world.company).update(
        state="DONE", closed_by=world.account_manager, closed_at=timezone.now()
    )
    page = opened(world.account_manager, screen=screen).page
    counted = Counted(page)

    page.goto("/am/")
    counted.click(page.get_by_label("Go to a company"))
    page.keyboard.type(world.company.name[:12])
    page.keyboard.press("Enter")
    expect(page.get_by_label("What was said")).to_be_focused()
    page.keyboard.type(TEXT)
    counted.click(page.get_by_label("Promised"))
    page.keyboard.type(PROMISE)
    counted.click(page.get_by_role("button", name="Save the note"))

    expect(page.get_by_role("status")).to_have_text("The note is saved.")
    assert counted.clicks == 3
    assert FollowUp.objects.filter(text=PROMISE).count() == 1


def test_the_composer_leaves_room_on_the_first_screen_of_a_phone(world: World, opened: Opener) -> None:
    page = opened(world.account_manager, screen=PHONE).page

    page.goto(f"/am/companies/{world.company.pk}/")

    form = page.locator(".composer").bounding_box()
    tabs = page.get_by_role("navigation", name="Main").bounding_box()
    save = page.get_by_role("button", name="Save the note").bounding_box()
    assert form is not None
    assert tabs is not None
    assert save is not None
    assert form["height"] < (tabs["y"] - 57) * 0.6
    assert save["y"] + save["height"] < tabs["y"]  # under the longest of names, too


@pytest.mark.parametrize("scripts", [True, False], ids=["with-javascript", "without"])
def test_session_gone_in_the_middle_of_a_note_and_the_words_are_there_after_login(
    world: World, opened: Opener, scripts: bool
) -> None:
    watched = opened(world.account_manager, screen=PHONE, scripts=scripts)
    page, address = watched.page, f"/am/companies/{world.company.pk}/"
    page.goto(address)
    page.get_by_label("What was said").fill(TEXT)
    other_tab = watched.context.new_page()
    other_tab.goto("/accounts/logout/")
    other_tab.locator("main").get_by_role("button", name="Sign out").click()
    expect(other_tab.get_by_label("Password")).to_be_visible()

    page.get_by_role("button", name="Save the note").click()
    page.get_by_label("Email").fill(world.account_manager.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Code").fill(code_of_the_app())
    page.locator("main").get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(address)
    expect(page.get_by_text("This is what you had typed; it is not saved yet.")).to_be_visible()
    expect(page.get_by_label("What was said")).to_have_value(TEXT)
    page.get_by_role("button", name="Save the note").click()
    expect(page.get_by_role("status")).to_contain_text("The note is saved.")
    assert ServiceNote.objects.filter(text=TEXT).count() == 1
    assert not Draft.objects.exists()


def test_what_is_typed_is_kept_while_it_is_typed(world: World, opened: Opener) -> None:
    watched = opened(world.account_manager)
    page, address = watched.page, f"/am/companies/{world.company.pk}/"
    page.goto(address)

    page.keyboard.type(TEXT)

    expect(page.get_by_text("Draft kept at")).to_be_visible()
    assert watched.complaints() == []
    page.reload()
    expect(page.get_by_label("What was said")).to_have_value(TEXT)
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("status")).to_contain_text("The draft is discarded.")
    expect(page.get_by_label("What was said")).to_have_value("")
    assert not Draft.objects.exists()


@EVERYWHERE
def test_a_promise_is_moved_with_a_reason_and_kept(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    row = FollowUp.objects.get(company=world.company)
    day = timezone.localdate() + timedelta(days=3)
    watched = opened(world.account_manager, screen=screen, scripts=scripts)
    page = watched.page

    page.goto("/am/")
    expect(page.get_by_text("2 days late")).to_be_visible()
    page.get_by_role("link", name=f"Move: {row.text}").click()
    page.get_by_label("New day").fill(day.isoformat())
    page.get_by_label("Why it moves").fill("They are at the fair")
    page.get_by_role("button", name="Move it").click()
    timeline = page.get_by_role("region", name="Timeline")
    expect(timeline.get_by_role("listitem").filter(has_text="They are at the fair")).to_be_visible()
    page.goto("/am/")
    expect(page.get_by_text("Due in 3 days")).to_be_visible()
    page.get_by_role("button", name=f"Done: {row.text}").click()

    expect(page.get_by_role("status")).to_contain_text("Done.")
    expect(page).to_have_url("/am/")
    row.refresh_from_db()
    assert (row.state, row.due_on) == ("DONE", day)
    assert watched.heard == []


@EVERYWHERE
def test_a_benefit_is_given_from_the_company_page_and_withdrawn_again(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    BenefitGrant.objects.update(ends_at=timezone.now())
    watched = opened(world.account_manager, screen=screen, scripts=scripts)
    page = watched.page

    page.goto(f"/am/companies/{world.company.pk}/")
    page.get_by_role("link", name="By person, used, given").click()
    page.get_by_label("Person", exact=True).select_option(world.client.name)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("region", name=f"What {world.client.name} may use")).to_contain_text("4 of 4 left")
    form = page.get_by_role("region", name="Give a benefit")
    form.get_by_label("Benefit", exact=True).select_option(world.seminar.name)
    form.get_by_label("Times").fill("2")
    form.get_by_label("Why it is given").fill("For the trouble in spring")
    form.get_by_role("button", name="Give it").click()

    expect(page.get_by_role("status")).to_contain_text("The benefit is given.")
    given = page.get_by_role("region", name="Given by hand")
    expect(given).to_contain_text("For the trouble in spring")
    expect(given).to_contain_text(world.client.name)
    given.get_by_role("link", name=world.seminar.name).click()
    page.get_by_label("Why it is withdrawn").fill("Given to the wrong person")
    page.get_by_role("button", name="Withdraw it").click()
    expect(page.get_by_role("status")).to_contain_text("The benefit is withdrawn.")
    expect(page.get_by_role("region", name="Given by hand")).to_contain_text("Nothing given by hand is in force.")
    assert watched.heard == []


@EVERYWHERE
def test_the_number_leads_to_its_lines_and_a_line_to_its_why(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    watched = opened(world.account_manager, screen=screen, scripts=scripts)
    page = watched.page

    page.goto(f"/am/companies/{world.company.pk}/")
    page.get_by_role("region", name="The company's points").get_by_role("link", name=re.compile(r"^[\d,]+$")).click()
    expect(page.locator("#lines > tr")).to_have_count(25)
    page.get_by_role("link", name="Show older points").click()
    expect(page.locator("#lines > tr").first).to_be_visible()
    page.locator("#lines a").last.click()

    expect(page.get_by_role("heading", name="How the rules judged it")).to_be_visible()
    page.locator(".back").click()
    expect(page.get_by_role("heading", name="The company's points")).to_be_visible()
    assert watched.heard == []


def test_a_company_without_a_program_prints_with_the_time(world: World, opened: Opener) -> None:
    company = a_company(name="No program yet")
    AccountManagerAssignment.objects.create(user=world.account_manager, company=company, starts_at=EPOCH)
    page = opened(world.account_manager).page

    page.goto(f"/am/companies/{company.pk}/")
    page.emulate_media(media="print")

    assert page.get_by_text("As of").is_visible()
