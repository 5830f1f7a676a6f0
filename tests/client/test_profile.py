"""What people say of themselves, and what they want to be told."""

import pytest

from accounts.models import Employee, Interest, NotificationPreference, User
from accounts.preferences import SWITCHES, NoSuchSwitchError, Switch, preferences_of, set_preferences
from tests.client.conftest import Firm, SignIn
from tests.client.pages import source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import a_manager

pytestmark = pytest.mark.django_db

ABOUT = {"part": "about", "name": "Mia Member", "alias": "", "phone": "", "preferred_channel": "INBOX"}


def test_people_say_who_they_are_what_they_like_and_how_to_reach_them(firm: Firm, sign_in: SignIn) -> None:
    interest = Interest.objects.create(code="cycling", name="Cycling")
    sent = {**ABOUT, "name": "Mia M.", "alias": "Mimi", "phone": "+49 1", "preferred_channel": "PHONE"}

    saved = sign_in(firm.member).post("/me/", {**sent, "interests": [interest.pk]}, follow=True)

    person = Employee.objects.get(pk=firm.member.pk)
    assert saved.redirect_chain == [("/me/", 302)]
    assert (person.name, person.alias, person.phone, person.preferred_channel) == ("Mia M.", "Mimi", "+49 1", "PHONE")
    assert list(person.interests.all()) == [interest]
    assert User.objects.get(pk=firm.member.user_id).name == "Mia M."


def test_nothing_else_of_oneself_can_be_set(firm: Firm, sign_in: SignIn) -> None:
    before = fingerprint()

    sign_in(firm.member).post(
        "/me/", {**ABOUT, "access": "ADMIN", "buying_role": "DECIDES", "is_active": "", "language": "ja"}
    )

    after = fingerprint()
    assert {table for table in after if after[table] != before[table]} == {"accounts.User"}  # the name, as it is here
    assert Employee.objects.get(pk=firm.member.pk).access == "MEMBER"


@pytest.mark.parametrize(
    "wrong",
    [{"name": ""}, {"name": "a\0b"}, {"alias": "a" * 51}, {"phone": "\u202e1"}, {"preferred_channel": "PIGEON"},
     {"interests": ["987654321"]}, {"interests": ["x"]}],
)  # fmt: skip
def test_what_cannot_be_said_is_refused_and_kept_on_the_page(
    firm: Firm, sign_in: SignIn, wrong: dict[str, object]
) -> None:
    Interest.objects.create(code="cycling", name="Cycling")
    before = fingerprint()

    refused = sign_in(firm.member).post("/me/", {**ABOUT, "alias": "Typed", **wrong})

    assert refused.status_code == 422
    assert "Please correct this first" in words_of(refused)
    assert "alias" in wrong or 'value="Typed"' in source_of(refused)
    assert fingerprint() == before


def test_everything_is_in_the_inbox_and_mail_comes_for_what_one_waits_for_or_could_lose(firm: Firm) -> None:
    wanted = {switch for switch, is_on in preferences_of(firm.member.pk).items() if is_on}

    assert wanted == {
        *(Switch(topic, "INBOX") for topic in ("ORDERS", "STANDING", "POINTS", "SURVEYS", "NEWS")),
        Switch("ORDERS", "EMAIL"),
        Switch("POINTS", "EMAIL"),
    }


def test_preferences_are_kept_and_changed_again(firm: Firm) -> None:
    set_preferences(employee_id=firm.member.pk, wanted=[Switch("NEWS", "EMAIL")])
    first = {switch for switch, is_on in preferences_of(firm.member.pk).items() if is_on}
    set_preferences(employee_id=firm.member.pk, wanted=SWITCHES)

    assert first == {Switch("NEWS", "EMAIL")}
    assert set(preferences_of(firm.member.pk).values()) == {True}
    assert NotificationPreference.objects.filter(employee=firm.member).count() == len(SWITCHES) == 10
    assert preferences_of(firm.admin.pk)[Switch("NEWS", "EMAIL")] is False


def test_switch_that_there_is_none_of_changes_nothing(firm: Firm) -> None:
    before = fingerprint()

    with pytest.raises(NoSuchSwitchError):
        set_preferences(employee_id=firm.member.pk, wanted=[Switch("NEWS", "EMAIL"), Switch("APPROVALS", "INBOX")])

    assert fingerprint() == before


def test_page_keeps_what_one_wants_to_be_told(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)

    saved = client.post("/me/", {"part": "notifications", "wanted": ["ORDERS:INBOX", "NEWS:EMAIL"]}, follow=True)

    page = source_of(saved)
    assert "Saved. We tell you what you chose." in words_of(saved)
    assert page.count(" checked") == 2
    assert 'value="ORDERS:INBOX" checked' in page
    assert 'value="NEWS:EMAIL" checked' in page
    assert "Approvals Always: somebody waits for your word." in words_of(saved)


@pytest.mark.parametrize("wanted", ["APPROVALS:INBOX", "ORDERS:PIGEON", ":", "a:b:c", "\0:\0"])
def test_page_refuses_a_switch_of_ones_own_making(firm: Firm, sign_in: SignIn, wanted: str) -> None:
    before = fingerprint()

    refused = sign_in(firm.member).post("/me/", {"part": "notifications", "wanted": [wanted]}, follow=True)

    assert "Nothing has changed" in words_of(refused)
    assert fingerprint() == before


def test_staff_set_language_and_time_zone_and_nothing_more(sign_in: SignIn) -> None:
    manager = a_manager()
    client = sign_in(manager)
    before = fingerprint()

    page = client.get("/me/")
    client.post("/me/", {"part": "notifications", "wanted": ["ORDERS:INBOX"]})

    assert "About you" not in words_of(page)
    assert "What we tell you" not in words_of(page)
    assert fingerprint() == before
