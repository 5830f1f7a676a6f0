"""The profile of a company: kept by whoever looks after it, never over somebody's head, and never shown to a client."""

import pytest

from accounts.models import AuditEntry, CompanyProfile
from tests.am.conftest import Desk
from tests.am.test_desk import page_of
from tests.client.pages import hidden_of, source_of, words_of
from tests.factories.canaries import as_actor, fingerprint
from tests.factories.world import an_admin

pytestmark = pytest.mark.django_db

WORDS = {"goals": "Double the output", "values": "", "decision_process": "", "processes": "", "problems": "No space"}


def profile_page(desk: Desk) -> str:
    return f"{page_of(desk.own)}profile/"


def seal(desk: Desk) -> str:
    return hidden_of(desk.browser.get(profile_page(desk)))["seal"]


def test_profile_is_written_shown_and_put_on_record(desk: Desk) -> None:
    saved = desk.browser.post(profile_page(desk), {**WORDS, "seal": seal(desk)}, follow=True)

    profile = CompanyProfile.objects.get()
    entry = AuditEntry.objects.get(action="profile-changed")
    assert (profile.company, profile.goals, profile.problems) == (desk.own, "Double the output", "No space")
    assert (entry.actor, entry.company, entry.numbers) == (desk.account_manager, desk.own, {"fields": "goals,problems"})
    assert saved.redirect_chain == [(page_of(desk.own) + "#profile", 302)]
    assert "Goals Double the output" in words_of(saved)


def test_same_words_leave_no_trace(desk: Desk) -> None:
    desk.browser.post(profile_page(desk), {**WORDS, "seal": seal(desk)})
    before = fingerprint()

    desk.browser.post(profile_page(desk), {**WORDS, "seal": seal(desk)})

    assert fingerprint() == before


def test_second_window_is_told_keeps_its_words_and_may_save_again(desk: Desk) -> None:
    first_seen = seal(desk)
    desk.browser.post(profile_page(desk), {**WORDS, "seal": first_seen})
    before = fingerprint()

    refused = desk.browser.post(profile_page(desk), {**WORDS, "goals": "Another goal", "seal": first_seen})

    assert (refused.status_code, fingerprint()) == (409, before)
    assert "Somebody else changed the profile" in words_of(refused)
    assert "Double the output" in words_of(refused)
    assert "Another goal" in source_of(refused)
    desk.browser.post(profile_page(desk), {**WORDS, "goals": "Another goal", "seal": hidden_of(refused)["seal"]})
    assert CompanyProfile.objects.get().goals == "Another goal"


@pytest.mark.parametrize("wrong", ["a\0b", "a\u202eb", "x" * 5_001])
def test_invalid_words_are_refused(desk: Desk, wrong: str) -> None:
    fields = {**WORDS, "goals": wrong, "seal": seal(desk)}
    before = fingerprint()

    refused = desk.browser.post(profile_page(desk), fields)

    assert (refused.status_code, fingerprint()) == (422, before)
    assert "No space" in source_of(refused)


def test_profile_of_another_portfolio_is_like_none(desk: Desk) -> None:
    fields = {**WORDS, "seal": seal(desk)}
    before = fingerprint()

    foreign = desk.colleagues_browser.post(profile_page(desk), fields)
    missing = desk.colleagues_browser.post("/am/companies/987654321/profile/", fields)

    assert (foreign.status_code, source_of(foreign)) == (404, source_of(missing))
    assert fingerprint() == before


def test_no_client_reads_the_profile(desk: Desk) -> None:
    desk.browser.post(profile_page(desk), {**WORDS, "seal": seal(desk)})
    admin = an_admin(desk.own)
    assert admin.user is not None

    assert not CompanyProfile.objects.visible_to(as_actor(admin.user)).exists()
