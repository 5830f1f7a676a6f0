"""What was typed is there after the session ended: for the one who typed it, on that page, and for nobody else."""

import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from accounts import drafts
from accounts.models import Draft, ServiceNote, User
from tests.am.conftest import Desk
from tests.am.test_desk import a_note, page_of
from tests.client.pages import hidden_of, source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.signing_in import code_of_the_app
from tests.factories.world import PASSWORD, an_employee

pytestmark = pytest.mark.django_db

TYPED = "They want the autumn catalogue"


def token_on(browser: Client, page: str) -> str:
    """The word that the form of `page` carries."""
    return hidden_of(browser.get(page))["draft"]


def typed_note(desk: Desk, **fields: Any) -> dict[str, Any]:
    """A note as the form sends it, with the form's word."""
    return a_note(text=TYPED, draft=token_on(desk.browser, page_of(desk.own)), **fields)


def test_session_gone_in_the_middle_of_a_note_and_it_is_there_after_login(desk: Desk) -> None:
    petra = an_employee(desk.own)
    sent = typed_note(desk, people=[petra.pk], visibility="SHARED", promise="The catalogue", due_on="2030-01-02")
    desk.browser.logout()

    to_the_door = desk.browser.post(page_of(desk.own), sent)

    assert to_the_door["Location"] == f"/accounts/login/?next={page_of(desk.own)}"
    assert not ServiceNote.objects.exists()
    step = desk.browser.post(to_the_door["Location"], {"login": desk.account_manager.email, "password": PASSWORD})
    back = desk.browser.post(step["Location"], {"code": code_of_the_app()}, follow=True)
    page = source_of(back)
    assert back.redirect_chain == [(page_of(desk.own), 302)]
    assert "This is what you had typed; it is not saved yet." in words_of(back)
    assert TYPED in page
    assert '<option value="WISH" selected>' in page
    assert f'value="{petra.pk}" id="id_people_0" checked' in page
    [reader] = [tag for tag in re.findall("<input[^>]*name=.visibility[^>]*>", page) if "checked" in tag]
    assert 'value="SHARED"' in reader
    assert 'name="promise" value="The catalogue"' in page
    assert 'name="due_on" value="2030-01-02"' in page
    assert 'name="happened_at_0" value="2026-02-03"' in page
    assert "Please correct this first" not in words_of(back)


def test_draft_holds_what_was_typed_and_no_token(desk: Desk) -> None:
    sent = typed_note(desk)
    desk.browser.logout()

    desk.browser.post(page_of(desk.own), {**sent, "csrfmiddlewaretoken": "x" * 64})

    draft = Draft.objects.get()
    assert (draft.user, draft.address) == (desk.account_manager, page_of(desk.own))
    assert draft.fields == {name: [value] for name, value in a_note(text=TYPED).items() if name != "key"}


def test_save_forgets_the_draft(desk: Desk) -> None:
    desk.browser.post("/drafts/", typed_note(desk))
    assert Draft.objects.exists()

    desk.browser.post(page_of(desk.own), typed_note(desk))

    assert ServiceNote.objects.get().text == TYPED
    assert not Draft.objects.exists()
    assert TYPED not in source_of(desk.browser.get(page_of(desk.own))).split('id="owed"')[0]


def test_discard_forgets_it_too(desk: Desk) -> None:
    desk.browser.post("/drafts/", typed_note(desk))

    back = desk.browser.post("/drafts/discard/", {"draft": token_on(desk.browser, page_of(desk.own))}, follow=True)

    assert back.redirect_chain == [(page_of(desk.own), 302)]
    assert "The draft is discarded." in words_of(back)
    assert not Draft.objects.exists()
    assert not ServiceNote.objects.exists()


def test_browser_that_keeps_the_draft_after_the_save_comes_too_late(desk: Desk) -> None:
    sent = typed_note(desk)

    desk.browser.post(page_of(desk.own), sent)
    late = desk.browser.post("/drafts/", sent)

    assert (late.status_code, Draft.objects.exists()) == (200, False)
    desk.browser.post("/drafts/", typed_note(desk))  # from the page as it was shown afterwards
    assert Draft.objects.get().fields["text"] == [TYPED]


def test_rejected_note_keeps_its_draft_until_it_is_saved(desk: Desk) -> None:
    desk.browser.post("/drafts/", typed_note(desk))

    desk.browser.post(page_of(desk.own), typed_note(desk, kind="GOSSIP"))

    assert Draft.objects.exists()


def test_somebody_else_on_the_same_device_sees_nothing_of_it(desk: Desk) -> None:
    sent = typed_note(desk)
    desk.browser.logout()
    desk.browser.post(page_of(desk.own), sent)

    desk.browser.force_login(desk.colleague)
    before = fingerprint()

    assert TYPED not in source_of(desk.browser.get(page_of(desk.own)))
    assert TYPED not in source_of(desk.browser.get("/am/"))
    assert desk.browser.post("/drafts/", sent).status_code == 400
    kept_by_token = desk.browser.post("/drafts/discard/", {"draft": sent["draft"]}, follow=True)
    assert "open for too long" in words_of(kept_by_token)
    assert fingerprint() == before


def test_draft_of_one_page_is_not_shown_on_another(desk: Desk) -> None:
    desk.browser.post("/drafts/", typed_note(desk))

    assert TYPED not in source_of(desk.browser.get(page_of(desk.second)))


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\0", "forged", "old"])
def test_nothing_is_kept_without_a_word_of_ours(desk: Desk, token: str, time_of_tokens: Any) -> None:
    if token == "forged":
        token = signing.dumps([desk.account_manager.pk, page_of(desk.own)], salt="another")
    if token == "old":
        token = time_of_tokens(desk, timedelta(days=1, seconds=5))
    desk.browser.logout()
    before = fingerprint()

    statuses = [
        desk.browser.post(path, a_note(text=TYPED, draft=token)).status_code for path in (page_of(desk.own), "/drafts/")
    ]

    assert statuses == [302, 400]
    assert fingerprint() == before


@pytest.fixture
def time_of_tokens(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes a word that was given so long ago."""

    def made(desk: Desk, ago: timedelta) -> str:
        then = timezone.now() - ago
        with pytest.MonkeyPatch.context() as clock:
            clock.setattr("django.core.signing.time.time", then.timestamp)
            return drafts.token_for(user_id=desk.account_manager.pk, address=page_of(desk.own), now=then)

    return made


def test_a_word_lasts_for_a_day(desk: Desk, time_of_tokens: Any) -> None:
    token = time_of_tokens(desk, timedelta(hours=23))
    desk.browser.logout()

    desk.browser.post(page_of(desk.own), a_note(text=TYPED, draft=token))

    assert Draft.objects.get().fields["text"] == [TYPED]


@pytest.mark.parametrize(("typed", "is_kept"), [("字" * 10_000, True), ("x" * 20_001, False), ("  \n", False)])
def test_too_much_or_nothing_is_not_kept(desk: Desk, typed: str, is_kept: bool) -> None:
    token = token_on(desk.browser, page_of(desk.own))

    kept = drafts.keep(token=token, typed={"text": [typed]}, now=timezone.now())

    assert (kept, Draft.objects.exists()) == (is_kept, is_kept)


def test_nuls_are_left_out(desk: Desk) -> None:
    token = token_on(desk.browser, page_of(desk.own))

    drafts.keep(token=token, typed={"te\0xt": ["a\0b", ""]}, now=timezone.now())

    assert Draft.objects.get().fields == {"text": ["ab", ""]}


def test_junk_in_a_draft_cannot_break_its_page(desk: Desk) -> None:
    token = token_on(desk.browser, page_of(desk.own))
    fields = {
        "people": ["x", "99999999999999999999"], "happened_at_0": ["yesterday"], "due_on": ["\u202e"],
        "kind": ["GOSSIP"], "visibility": ["PUBLIC"], "text": [TYPED], "edits_seen": ["many"], "step": ["burn"],
    }  # fmt: skip

    drafts.keep(token=token, typed=fields, now=timezone.now())

    page = desk.browser.get(page_of(desk.own))
    assert page.status_code == 200
    assert TYPED in source_of(page)


def test_old_drafts_are_not_shown_and_go_when_the_next_is_kept(desk: Desk) -> None:
    desk.browser.post("/drafts/", typed_note(desk))
    Draft.objects.update(saved_at=timezone.now() - timedelta(days=30, seconds=1))

    assert TYPED not in source_of(desk.browser.get(page_of(desk.own)))
    token = token_on(desk.browser, page_of(desk.second))
    desk.browser.post("/drafts/", a_note(text="Another", draft=token))

    assert [draft.address for draft in Draft.objects.all()] == [page_of(desk.second)]


def test_autosave_says_when_it_kept_the_draft_and_replaces_the_one_before(desk: Desk) -> None:
    first = desk.browser.post("/drafts/", typed_note(desk))
    desk.browser.post("/drafts/", {**typed_note(desk), "text": "More of it"})

    assert source_of(first).strip().startswith("Draft kept at")
    assert [draft.fields["text"] for draft in Draft.objects.all()] == [["More of it"]]


def test_session_gone_in_every_form_of_the_desk(desk: Desk) -> None:
    desk.browser.post(page_of(desk.own), a_note(promise="x", due_on=timezone.localdate().isoformat()))
    note = ServiceNote.objects.get()
    follow_up = note.follow_ups.get()
    sent: dict[str, dict[str, str]] = {
        f"/am/notes/{note.pk}/edit/": a_note(text="edited words", edits_seen="0"),
        f"/am/companies/{desk.own.pk}/profile/": {"goals": "typed goals", "seal": "0"},
        f"/am/follow-ups/{follow_up.pk}/": {"step": "move", "to_on": "2030-01-01", "reason": "typed reason"},
    }
    tokens = {path: token_on(desk.browser, path) for path in sent}
    desk.browser.logout()
    before = fingerprint()["accounts.ServiceNote"]

    for path, fields in sent.items():
        desk.browser.post(path, {**fields, "draft": tokens[path]})

    assert fingerprint()["accounts.ServiceNote"] == before
    desk.browser.force_login(User.objects.get(pk=desk.account_manager.pk))
    for path, word in zip(sent, ("edited words", "typed goals", "typed reason"), strict=True):
        page = source_of(desk.browser.get(path))
        assert word in page
        assert "This is what you had typed" in page


def test_what_is_typed_is_never_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sent = typed_note(desk)
    desk.browser.logout()
    caplog.clear()

    desk.browser.post(page_of(desk.own), sent)
    desk.browser.post("/drafts/", {**sent, "draft": "forged"})

    said = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    assert Draft.objects.exists()
    assert [message for message in said if TYPED in message] == []


def signed_in_again(desk: Desk, page: str) -> tuple[Client, dict[str, str]]:
    """A browser that checks form tokens, with the hidden fields of `page` as they were before a new sign-in."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(desk.account_manager)
    shown = browser.get(page)
    [token] = set(re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', source_of(shown)))
    browser.cookies["csrftoken"] = "a" * 32  # what a new sign-in in another tab leaves
    return browser, {**hidden_of(shown), "csrfmiddlewaretoken": token}


def test_form_from_before_a_new_sign_in_leads_back_to_what_was_typed(desk: Desk) -> None:
    browser, hidden = signed_in_again(desk, page_of(desk.own))

    refused = browser.post(page_of(desk.own), {**hidden, **a_note(text=TYPED, key=hidden["key"])}, follow=True)

    assert refused.redirect_chain == [(page_of(desk.own), 302)]
    assert not ServiceNote.objects.exists()
    words = words_of(refused)
    assert "You have signed in again since this page was opened, so nothing was saved." in words
    assert "This is what you had typed; it is not saved yet." in words
    assert TYPED in source_of(refused)
    [token, *_same] = re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', source_of(refused))
    saved = browser.post(
        page_of(desk.own), {**hidden_of(refused), **a_note(text=TYPED), "csrfmiddlewaretoken": token}, follow=True
    )
    assert "The note is saved." in words_of(saved)
    assert ServiceNote.objects.get().text == TYPED
    assert not Draft.objects.exists()


def test_real_sign_in_in_another_tab_is_such_a_case(desk: Desk) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(desk.account_manager)
    shown = browser.get(page_of(desk.own))
    token = re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', source_of(shown))[0]
    browser.post("/accounts/logout/", {"csrfmiddlewaretoken": token})
    door = re.findall('name="csrfmiddlewaretoken" value="([^"]+)"', source_of(browser.get("/accounts/login/")))[0]
    step = browser.post(
        "/accounts/login/",
        {"login": desk.account_manager.email, "password": PASSWORD, "csrfmiddlewaretoken": door},
    )
    browser.post(step["Location"], {"code": code_of_the_app(), "csrfmiddlewaretoken": door})

    sent = {**hidden_of(shown), **a_note(text=TYPED), "csrfmiddlewaretoken": token}
    back = browser.post(page_of(desk.own), sent, follow=True)

    assert back.redirect_chain == [(page_of(desk.own), 302)]
    assert TYPED in source_of(back)


@pytest.mark.parametrize(
    "spoilt", ["no word", "junk", "another page's", "somebody else's", "blank", "too much", "signed out"]
)
def test_other_forms_without_a_valid_form_token_get_the_page_that_says_so(desk: Desk, spoilt: str) -> None:
    browser, hidden = signed_in_again(desk, page_of(desk.own))
    sent: dict[str, Any] = {**hidden, **a_note(text=TYPED)}
    match spoilt:
        case "no word":
            del sent["draft"]
        case "junk":
            sent["draft"] = "x:y"
        case "another page's":
            sent["draft"] = token_on(desk.browser, page_of(desk.second))
        case "somebody else's":
            sent["draft"] = token_on(desk.colleagues_browser, page_of(desk.foreign))
        case "blank":
            sent = {"draft": sent["draft"], "csrfmiddlewaretoken": sent["csrfmiddlewaretoken"], "text": " "}
        case "too much":
            sent["text"] = "a" * 30_000
        case _:
            browser.session.flush()
    before = fingerprint()

    refused = browser.post(page_of(desk.own), sent)

    assert (refused.status_code, fingerprint()) == (403, before)
    assert "The form has expired" in words_of(refused)


def test_draft_kept_in_passing_is_not_answered_with_a_whole_page(desk: Desk) -> None:
    browser, hidden = signed_in_again(desk, page_of(desk.own))

    refused = browser.post("/drafts/", {**hidden, **a_note(text=TYPED)})

    assert refused.status_code == 403
    assert not Draft.objects.exists()
