"""An account manager writes down what was said, wherever that is, in one save."""

import pytest
from playwright.sync_api import expect

from accounts.models import ServiceNote
from tests.browser.conftest import DESKTOP, PHONE, Opener
from tests.browser.scenery import World

pytestmark = pytest.mark.browser

TEXT = "They want the autumn catalogue before the fair."


@pytest.mark.parametrize(
    ("screen", "scripts"),
    [(PHONE, True), (DESKTOP, True), (PHONE, False)],
    ids=["phone", "desktop", "phone-without-javascript"],
)
def test_a_note_is_written_in_one_save_and_stands_in_the_timeline(
    world: World, opened: Opener, screen: tuple[int, int], scripts: bool
) -> None:
    before = ServiceNote.objects.count()
    watched = opened(world.account_manager, screen=screen, scripts=scripts)
    page = watched.page

    page.goto("/")
    page.get_by_role("link", name=world.company.name).click()
    page.get_by_label("Text").fill(TEXT)
    page.get_by_label("Kind").select_option(ServiceNote.Kind.WISH)
    page.get_by_label("Date").fill("2026-05-04")
    page.get_by_label("Time", exact=True).fill("09:30")
    page.get_by_label(world.colleague.name).check()
    page.get_by_label("Visibility").select_option(ServiceNote.Visibility.SHARED)
    page.get_by_role("button", name="Save the note").click()

    expect(page.get_by_role("status")).to_have_text("The note is saved.")
    entry = page.get_by_role("region", name="Timeline").get_by_role("listitem").filter(has_text=TEXT)
    expect(entry).to_contain_text("Wish")
    expect(entry).to_contain_text("May 4, 2026, 9:30 a.m.")
    expect(entry).to_contain_text(world.colleague.name)
    expect(page.get_by_label("Text")).to_have_value("")
    note = ServiceNote.objects.get(text=TEXT)
    assert ServiceNote.objects.count() == before + 1
    assert (note.company_id, note.author_id) == (world.company.pk, world.account_manager.pk)
    assert list(note.people.all()) == [world.colleague]
    assert watched.heard == []
