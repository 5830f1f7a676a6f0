"""The account manager's companies: the own and no other, and notes written in one save."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AccountManagerAssignment, Company, CompanyProfile, FollowUp, ServiceNote, User
from tests.am.conftest import Desk
from tests.client.pages import hidden_of, links_of, source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    EPOCH,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    a_user,
    an_account_manager,
    an_agreement,
    an_employee,
    record,
)

pytestmark = pytest.mark.django_db

OVERRIDE = "\u202e"


def page_of(company: Company) -> str:
    return f"/am/companies/{company.pk}/"


def a_note(**fields: Any) -> dict[str, Any]:
    """What the form sends."""
    return {
        "text": "Wants a spare part list",
        "kind": "WISH",
        "happened_at_0": "2026-02-03",
        "happened_at_1": "14:30",
        "visibility": "INTERNAL",
        "key": uuid4().hex,
        **fields,
    }


def test_list_holds_the_own_companies_by_name(desk: Desk) -> None:
    response = desk.browser.get("/am/companies/")

    assert links_of(response, r"/am/companies/\d+/") == [page_of(desk.own), page_of(desk.second)]
    assert "Foreign Works" not in source_of(response)


def test_list_tells_tier_and_last_contact(desk: Desk) -> None:
    a_member(a_program(tiers={"gold": 0}), desk.own)
    for day in (3, 9):
        ServiceNote.objects.create(
            company=desk.own, author=desk.account_manager, text="x", happened_at=datetime(2026, 2, day, 12, tzinfo=UTC)
        )

    words = words_of(desk.browser.get("/am/companies/"))

    assert "Acme Tools Client Gold none Feb. 9, 2026" in words
    assert "Beta Mills Client none none none" in words


@pytest.mark.parametrize(
    ("query", "found"),
    [("acme", ["Acme Tools"]), ("MILLS", ["Beta Mills"]), ("  acme  ", ["Acme Tools"]), ("%", []), ("foreign", [])],
)
def test_search_finds_by_name_within_the_own_companies(desk: Desk, query: str, found: list[str]) -> None:
    response = desk.browser.get("/am/companies/", {"q": query})

    assert [name for name in ("Acme Tools", "Beta Mills", "Foreign Works") if name in words_of(response)] == found


def test_search_without_result_offers_the_whole_list(desk: Desk) -> None:
    words = words_of(desk.browser.get("/am/companies/", {"q": "<b>nobody</b>"}))

    assert "No company matches “ <b>nobody</b> ”" in words
    assert "Show all your companies" in words


@pytest.mark.parametrize("name", ["q", "page", "next"])
@pytest.mark.parametrize("value", ["\0", "a\0b", "-1", "0", "9" * 40, "٣", OVERRIDE])
def test_junk_in_the_query_breaks_nothing(desk: Desk, name: str, value: str) -> None:
    assert desk.browser.get("/am/companies/", {name: value}).status_code == 200
    assert desk.browser.get(page_of(desk.own), {name: value}).status_code == 200


def test_long_list_goes_on_page_by_page(desk: Desk) -> None:
    for _number in range(55):
        AccountManagerAssignment.objects.create(user=desk.account_manager, company=a_company(), starts_at=EPOCH)

    first = desk.browser.get("/am/companies/?q=o")  # “Acme Tools” and every “Company …”
    [more] = links_of(first, r"\?.*page=2")
    second = desk.browser.get(f"/am/companies/{more}")

    pages = [links_of(page, r"/am/companies/\d+/") for page in (first, second)]
    assert [len(page) for page in pages] == [50, 6]
    assert len({*pages[0], *pages[1]}) == 56
    assert links_of(second, r"\?.*page=1") == ["?q=o&page=1"]


def test_account_manager_without_companies_is_told_so() -> None:
    user = an_account_manager(a_company())
    AccountManagerAssignment.objects.filter(user=user).update(ends_at=timezone.now())
    browser = Client()
    browser.force_login(user)

    assert "No companies yet" in words_of(browser.get("/am/companies/"))


def test_company_page_shows_profile_people_standing_and_notes(desk: Desk) -> None:
    CompanyProfile.objects.create(company=desk.own, goals="Twice the output", problems="No apprentices")
    a_role(an_employee(desk.own, name="Petra Purchaser", buying_role="DECIDES"), "buyer")
    an_employee(desk.own, name="Long Gone", is_active=False)
    program = a_program(name="Workshop", tiers={"gold": 0})
    a_rule_set(program)
    a_member(program, desk.own)
    record(a_purchase(desk.own, 1_200, occurred_at=timezone.now()), now=timezone.now())

    words = words_of(desk.browser.get(page_of(desk.own)))

    assert "Workshop since Jan. 1, 2020 Tier Gold This is the highest tier." in words
    assert "The company's points 1,200 points As of" in words
    assert "Petra Purchaser Decides Buyer · inbox on this site No note yet" in words
    assert "Goals Twice the output" in words
    assert "No apprentices" in words
    assert "Long Gone" not in words
    assert "No notes yet" in words


def test_company_page_tells_what_was_agreed(desk: Desk) -> None:
    program = a_program()
    a_rule_set(program, [{"code": "spend"}, {"code": "other", "name": "Untouched"}])
    an_agreement(a_member(program, desk.own), rates={"spend": {"kind": "fixed", "points": 42}})
    a_member(program, desk.second)

    own, second = (words_of(desk.browser.get(page_of(company))) for company in (desk.own, desk.second))

    assert "Purchase: 42 points to the company, by your agreement." in own
    assert "Untouched" not in own
    assert "greement" not in second


def test_company_page_says_of_when_it_is_also_without_a_program(desk: Desk) -> None:
    words = words_of(desk.browser.get(page_of(desk.own)))

    assert "This company takes part in no program. As of" in words


def test_note_is_written_in_one_save_with_people_and_visibility(desk: Desk) -> None:
    petra, paul = an_employee(desk.own, name="Petra"), an_employee(desk.own, name="Paul")
    User.objects.filter(pk=desk.account_manager.pk).update(time_zone="Asia/Tokyo")

    saved = desk.browser.post(page_of(desk.own), a_note(people=[petra.pk], visibility="SHARED"), follow=True)

    note = ServiceNote.objects.get()
    assert saved.redirect_chain == [(page_of(desk.own), 302)]
    assert (note.company, note.author, note.kind, note.visibility, note.text) == (
        desk.own, desk.account_manager, "WISH", "SHARED", "Wants a spare part list",
    )  # fmt: skip
    assert note.happened_at == datetime(2026, 2, 3, 5, 30, tzinfo=UTC)
    assert list(note.people.all()) == [petra]
    words = words_of(saved)
    assert "The note is saved." in words
    assert "Wants a spare part list Written by Sam · With Petra" in words
    assert paul.name not in words.split("Written by Sam")[1].split("Plan and points")[0]


def test_double_click_writes_one_note_with_one_promise(desk: Desk) -> None:
    petra = an_employee(desk.own)
    due_on = (timezone.localdate() + timedelta(days=2)).isoformat()
    sent = a_note(
        people=[petra.pk], promise="The list", due_on=due_on, key=hidden_of(desk.browser.get(page_of(desk.own)))["key"]
    )

    answers = [desk.browser.post(page_of(desk.own), sent, follow=True) for _click in range(2)]

    assert [answer.redirect_chain for answer in answers] == [[(page_of(desk.own), 302)]] * 2
    assert (ServiceNote.objects.count(), FollowUp.objects.count()) == (1, 1)
    keys = {hidden_of(answer)["key"] for answer in answers}
    assert len({*keys, sent["key"]}) == 3


def test_other_words_from_a_form_that_was_saved_are_asked_about_and_then_a_further_note(desk: Desk) -> None:
    sent = a_note(text="Wants a spare part list")
    desk.browser.post(page_of(desk.own), sent)
    before = fingerprint()

    refused = desk.browser.post(page_of(desk.own), {**sent, "text": "And a price list"})

    assert (refused.status_code, fingerprint()) == (409, before)
    assert "A note was saved from this form before, with other words." in words_of(refused)
    assert "And a price list" in source_of(refused)
    further = {**sent, "text": "And a price list", "key": hidden_of(refused)["key"]}
    assert desk.browser.post(page_of(desk.own), further).status_code == 302
    assert set(ServiceNote.objects.values_list("text", flat=True)) == {"Wants a spare part list", "And a price list"}


def test_key_of_one_author_says_nothing_of_another_s_note(desk: Desk) -> None:
    sent = a_note()

    desk.browser.post(page_of(desk.own), sent)
    desk.colleagues_browser.post(page_of(desk.foreign), sent)

    assert {note.company for note in ServiceNote.objects.all()} == {desk.own, desk.foreign}


def test_note_is_internal_unless_said_otherwise(desk: Desk) -> None:
    fields = a_note()
    form = source_of(desk.browser.get(page_of(desk.own)))

    desk.browser.post(page_of(desk.own), fields)

    [chosen] = [tag for tag in re.findall("<input[^>]*name=.visibility[^>]*>", form) if "checked" in tag]
    assert 'value="INTERNAL"' in chosen
    assert ServiceNote.objects.get().visibility == ServiceNote.Visibility.INTERNAL


def test_note_on_a_company_outside_the_portfolio_is_refused_like_a_missing_one(desk: Desk) -> None:
    before = fingerprint()

    answers = [
        (response.status_code, source_of(response))
        for pk in (desk.foreign.pk, 987654321, "99999999999999999999")
        for response in (
            desk.browser.post(f"/am/companies/{pk}/", a_note()),
            desk.browser.get(f"/am/companies/{pk}/"),
        )
    ]

    assert answers[0][0] == 404
    assert answers == [answers[0]] * 6
    assert fingerprint() == before


def test_people_of_another_company_cannot_be_named(desk: Desk) -> None:
    stranger = an_employee(desk.foreign, name="A stranger")
    before = fingerprint()

    answers = [
        desk.browser.post(page_of(desk.own), a_note(people=[pk]))
        for pk in (stranger.pk, 987654321, "99999999999999999999", "\0", "x")
    ]

    assert [answer.status_code for answer in answers] == [422] * 5
    assert not any("A stranger" in source_of(answer) for answer in answers)
    assert fingerprint() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""},
        {"kind": "GOSSIP"},
        {"visibility": "PUBLIC"},
        {"happened_at_0": "yesterday"},
        {"happened_at_1": "25:00"},
        {"happened_at_0": "0001-01-01", "happened_at_1": "00:00"},
        {"happened_at_0": "9999-12-31", "happened_at_1": "23:59"},
        {"happened_at_0": "\0"},
    ],
)
def test_invalid_note_keeps_what_was_typed_and_is_not_written(desk: Desk, wrong: dict[str, str]) -> None:
    petra = an_employee(desk.own)
    before = fingerprint()

    refused = desk.browser.post(page_of(desk.own), a_note(people=[petra.pk], **wrong))

    page = source_of(refused)
    assert refused.status_code == 422
    assert "Please correct this first" in words_of(refused)
    assert f'value="{petra.pk}" id="id_people_0" checked' in page
    assert wrong.get("text", "Wants a spare part list") in page
    assert fingerprint() == before


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "UTC"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "1899-12-31", "2201-01-01"])
def test_day_at_the_end_of_the_calendar_cannot_break_the_page(desk: Desk, zone: str, day: str) -> None:
    User.objects.filter(pk=desk.account_manager.pk).update(time_zone=zone)

    refused = desk.browser.post(page_of(desk.own), a_note(happened_at_0=day, happened_at_1="12:00"))

    assert refused.status_code == 422
    assert "Choose a day between the years 1900 and 2200." in words_of(refused)
    assert desk.browser.get(page_of(desk.own)).status_code == 200


@pytest.mark.parametrize("text", [f"invoice {OVERRIDE}gpj.exe", "a\0b", "ring\x07", "\u202aleft"])
def test_invisible_characters_are_refused_with_a_reason(desk: Desk, text: str) -> None:
    before = fingerprint()

    refused = desk.browser.post(page_of(desk.own), a_note(text=text))

    assert refused.status_code == 422
    assert "Please correct this first" in words_of(refused)
    assert fingerprint() == before


@pytest.mark.parametrize("text", ["Größe 5 · 価格 · سعر", "two\nlines", "tab\there", "\u2067سعر\u2069", "a" * 10_000])
def test_text_of_every_language_is_kept_as_it_is(desk: Desk, text: str) -> None:
    desk.browser.post(page_of(desk.own), a_note(text=text))

    assert ServiceNote.objects.get().text == text


def test_markup_in_a_note_is_text(desk: Desk) -> None:
    shown = desk.browser.post(page_of(desk.own), a_note(text='<img src=x onerror="alert(1)">'), follow=True)

    assert "<img src=x" not in source_of(shown)
    assert '<img src=x onerror="alert(1)">' in words_of(shown)


def test_former_portfolio_is_out_of_sight_and_the_new_account_manager_has_it(desk: Desk) -> None:
    desk.browser.post(page_of(desk.own), a_note(text="Promised a call"))
    now = timezone.now()
    AccountManagerAssignment.objects.filter(company=desk.own).update(ends_at=now)
    AccountManagerAssignment.objects.create(company=desk.own, user=desk.colleague, starts_at=now)

    former, missing = desk.browser.get(page_of(desk.own)), desk.browser.get("/am/companies/987654321/")
    new = desk.colleagues_browser.get(page_of(desk.own))

    assert (former.status_code, source_of(former)) == (404, source_of(missing))
    assert "Acme Tools" not in source_of(desk.browser.get("/am/companies/"))
    assert "Promised a call Written by Sam" in words_of(new)
    assert "Acme Tools" in words_of(desk.colleagues_browser.get("/am/companies/"))


def test_company_entrusted_from_tomorrow_is_not_in_sight_yet(desk: Desk) -> None:
    AccountManagerAssignment.objects.filter(company=desk.own).update(starts_at=timezone.now() + timedelta(days=1))

    assert desk.browser.get(page_of(desk.own)).status_code == 404


def test_desk_is_for_account_managers_only(desk: Desk) -> None:
    people = [a_user(), a_user(is_staff=True), an_employee(desk.own).user]

    statuses = []
    for user in people:
        assert user is not None
        browser = Client()
        browser.force_login(user)
        statuses += [browser.get("/am/companies/").status_code, browser.post(page_of(desk.own), a_note()).status_code]

    assert statuses == [403] * 6
    assert not ServiceNote.objects.exists()


def test_shared_note_is_not_shown_to_the_client_where_no_page_shows_notes(desk: Desk) -> None:
    desk.browser.post(page_of(desk.own), a_note(text="internal words"))
    person = an_employee(desk.own, access="ADMIN")
    assert person.user is not None
    browser = Client()
    browser.force_login(person.user)

    for path in ("/", "/points/", "/rules/", "/rewards/", "/orders/", "/me/"):
        assert "internal words" not in source_of(browser.get(path))
