"""Notes on the timeline: found again, edited with every earlier version kept, and never over somebody's head."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, FollowUp, ServiceNote, ServiceNoteVersion
from accounts.service_notes import NoteChangedError, NoteWords, edit_note, words_of
from accounts.service_notes import write_note as write
from loyalty.models import ProgramComment
from tests.am.conftest import Desk
from tests.am.test_desk import a_note, page_of
from tests.client.pages import links_of, source_of
from tests.client.pages import words_of as read
from tests.factories.canaries import as_actor, fingerprint
from tests.factories.world import NOW, a_manager, a_member, a_program, an_admin, an_employee

pytestmark = pytest.mark.django_db

AT = datetime(2026, 2, 3, 14, 30, tzinfo=UTC)


@pytest.fixture
def note(desk: Desk) -> ServiceNote:
    """A call with somebody of the first company."""
    return write(
        company=desk.own, author_id=desk.account_manager.pk, kind="CALL", text="As it read first", happened_at=AT,
        people=[an_employee(desk.own, name="Petra")],
    )  # fmt: skip


def edit_page(note: ServiceNote) -> str:
    return f"/am/notes/{note.pk}/edit/"


def in_other_words(note: ServiceNote, **change: Any) -> NoteWords:
    """What the note says, but for `change`."""
    now = words_of(note)
    fields = {name: getattr(now, name) for name in ("text", "kind", "happened_at", "visibility", "people")}
    return NoteWords(**{**fields, **change})


def test_edit_keeps_how_the_note_read_before(desk: Desk, note: ServiceNote) -> None:
    edit_note(
        note_id=note.pk, words=in_other_words(note, text="As it reads now", kind="WISH"), edits_seen=0,
        by_user_id=desk.colleague.pk, now=NOW,
    )  # fmt: skip

    note.refresh_from_db()
    version = ServiceNoteVersion.objects.get()
    assert (note.text, note.kind, note.author) == ("As it reads now", "WISH", desk.account_manager)
    assert (version.text, version.kind, version.visibility, version.happened_at) == (
        "As it read first", "CALL", "INTERNAL", AT,
    )  # fmt: skip
    assert (version.replaced_by, version.replaced_at) == (desk.colleague, NOW)


def test_edit_that_changes_nothing_leaves_no_trace(desk: Desk, note: ServiceNote) -> None:
    before = fingerprint()

    edit_note(note_id=note.pk, words=words_of(note), edits_seen=0, by_user_id=desk.colleague.pk, now=NOW)

    assert fingerprint() == before


def test_edit_over_somebody_else_s_edit_is_refused(desk: Desk, note: ServiceNote) -> None:
    edit_note(
        note_id=note.pk, words=in_other_words(note, text="Theirs"), edits_seen=0, by_user_id=desk.colleague.pk, now=NOW
    )
    before = fingerprint()

    with pytest.raises(NoteChangedError) as refused:
        edit_note(
            note_id=note.pk, words=in_other_words(note, text="Mine"), edits_seen=0,
            by_user_id=desk.account_manager.pk, now=NOW,
        )  # fmt: skip

    assert (refused.value.latest.replaced_by, refused.value.latest.replaced_at) == (desk.colleague, NOW)
    assert fingerprint() == before


def test_people_of_another_company_do_not_slip_in_with_an_edit(desk: Desk, note: ServiceNote) -> None:
    own, stranger = an_employee(desk.own), an_employee(desk.foreign)

    edit_note(
        note_id=note.pk, words=in_other_words(note, people=frozenset({own.pk, stranger.pk})), edits_seen=0,
        by_user_id=desk.account_manager.pk, now=NOW,
    )  # fmt: skip

    assert list(note.people.all()) == [own]


@pytest.mark.parametrize(
    ("first", "then", "action"),
    [("INTERNAL", "SHARED", "note-shared"), ("SHARED", "INTERNAL", "note-made-internal")],
)
def test_sharing_goes_on_record_and_takes_the_promise_along(desk: Desk, first: str, then: str, action: str) -> None:
    desk.browser.post(
        page_of(desk.own),
        a_note(visibility=first, promise="x", due_on=(timezone.localdate() + timedelta(days=1)).isoformat()),
    )
    note = ServiceNote.objects.get()

    edit_note(
        note_id=note.pk,
        words=in_other_words(note, visibility=then),
        edits_seen=0,
        by_user_id=desk.colleague.pk,
        now=NOW,
    )

    entry = AuditEntry.objects.get(action=action)
    assert (entry.actor, entry.subject_id, entry.company, entry.at) == (desk.colleague, note.pk, desk.own, NOW)
    assert entry.numbers == {"follow_ups": 1}
    assert FollowUp.objects.get().visibility == then


def test_page_edits_and_the_timeline_leads_to_the_earlier_version(desk: Desk, note: ServiceNote) -> None:
    form = source_of(desk.browser.get(edit_page(note)))
    assert "As it read first" in form
    assert 'name="edits_seen" value="0"' in form

    saved = desk.browser.post(edit_page(note), a_note(text="As it reads now", edits_seen="0"), follow=True)

    timeline = read(saved).split("Timeline")[1]
    assert saved.redirect_chain == [(page_of(desk.own) + "#timeline", 302)]
    assert "As it reads now" in timeline
    assert "As it read first" not in timeline
    assert "see earlier versions" in timeline
    versions = read(desk.browser.get(f"/am/notes/{note.pk}/"))
    assert "As it read first Replaced" in versions
    assert "by Sam" in versions


def test_two_windows_the_second_is_told_and_keeps_its_words_and_may_save_again(desk: Desk, note: ServiceNote) -> None:
    desk.browser.post(edit_page(note), a_note(text="The first window's", edits_seen="0"))
    before = fingerprint()

    refused = desk.browser.post(edit_page(note), a_note(text="The second window's", edits_seen="0"))

    assert (refused.status_code, fingerprint()) == (409, before)
    words = read(refused)
    assert "Changed by Sam at" in words
    assert "The first window's" in words
    assert "The second window's" in words
    assert 'name="edits_seen" value="1"' in source_of(refused)
    desk.browser.post(edit_page(note), a_note(text="The second window's", edits_seen="1"))
    assert ServiceNote.objects.get().text == "The second window's"
    assert ServiceNoteVersion.objects.count() == 2


@pytest.mark.parametrize(
    "wrong",
    [{"text": ""}, {"kind": "GOSSIP"}, {"edits_seen": ""}, {"edits_seen": "-1"}, {"edits_seen": "9" * 30},
     {"happened_at_0": "0001-01-01"}, {"visibility": "PUBLIC"}, {"text": "a\u202eb"}],
)  # fmt: skip
def test_invalid_edit_changes_nothing(desk: Desk, note: ServiceNote, wrong: dict[str, str]) -> None:
    before = fingerprint()

    refused = desk.browser.post(edit_page(note), a_note(**{"edits_seen": "0", **wrong}))

    assert (refused.status_code, fingerprint()) == (422, before)
    assert "Please correct this first" in read(refused)


def test_somebody_who_left_stays_on_a_note_that_is_edited(desk: Desk, note: ServiceNote) -> None:
    petra = note.people.get()
    type(petra).objects.filter(pk=petra.pk).update(is_active=False)

    desk.browser.post(edit_page(note), a_note(text="Other words", edits_seen="0", people=[petra.pk]))

    assert (ServiceNote.objects.get().text, list(note.people.all())) == ("Other words", [petra])


def test_note_of_another_portfolio_is_like_none(desk: Desk, note: ServiceNote) -> None:
    before = fingerprint()

    for page in ("", "edit/"):
        for answer, missing in (
            (browser.get(f"/am/notes/{note.pk}/{page}"), browser.get(f"/am/notes/987654321/{page}"))
            for browser in [desk.colleagues_browser]
        ):
            assert (answer.status_code, source_of(answer)) == (404, source_of(missing))
    assert desk.colleagues_browser.post(edit_page(note), a_note(edits_seen="0")).status_code == 404
    assert fingerprint() == before


def test_earlier_versions_reach_no_client_even_of_a_note_that_is_shared_now(desk: Desk, note: ServiceNote) -> None:
    admin = an_admin(desk.own)
    assert admin.user is not None

    edit_note(
        note_id=note.pk, words=in_other_words(note, text="Polite", visibility="SHARED"), edits_seen=0,
        by_user_id=desk.account_manager.pk, now=NOW,
    )  # fmt: skip

    actor = as_actor(admin.user)
    assert [row.text for row in ServiceNote.objects.visible_to(actor)] == ["Polite"]
    assert not ServiceNoteVersion.objects.visible_to(actor).exists()
    assert ServiceNoteVersion.objects.visible_to(as_actor(desk.account_manager)).count() == 1
    assert not ServiceNoteVersion.objects.visible_to(as_actor(desk.colleague)).exists()


def test_program_manager_takes_a_shared_note_back_and_it_is_kept_and_on_record(desk: Desk) -> None:
    note = write(
        company=desk.own, author_id=desk.account_manager.pk, kind="CALL", text="Shared by mistake", happened_at=AT,
        visibility="SHARED",
    )  # fmt: skip
    manager, browser = a_manager(), Client()
    browser.force_login(manager)

    browser.post(f"/admin/accounts/servicenote/{note.pk}/change/", {"visibility": "INTERNAL"})

    note.refresh_from_db()
    assert (note.visibility, note.author) == ("INTERNAL", desk.account_manager)
    assert ServiceNoteVersion.objects.get().visibility == "SHARED"
    assert AuditEntry.objects.get(action="note-made-internal").actor == manager


def _a_history(desk: Desk) -> None:
    """Notes of every kind, a promise that was moved and kept, and a word of the management."""
    petra = an_employee(desk.own, name="Petra")
    now = timezone.now()
    for number, kind in enumerate(ServiceNote.Kind.values):
        write(
            company=desk.own, author_id=desk.account_manager.pk, kind=kind, text=f"About {kind.lower()}s",
            happened_at=now - timedelta(days=10 + number), people=[petra] if kind == "WISH" else [],
            visibility="SHARED" if kind == "MAIL" else "INTERNAL",
        )  # fmt: skip
    day = (timezone.localdate() + timedelta(days=2)).isoformat()
    desk.browser.post(page_of(desk.own), a_note(text="With a promise", promise="The catalogue", due_on=day))
    row = FollowUp.objects.get()
    later = (timezone.localdate() + timedelta(days=5)).isoformat()
    address = f"/am/follow-ups/{row.pk}/"
    desk.browser.post(address, {"step": "move", "to_on": later, "reason": "The printer broke"})
    desk.browser.post(address, {"step": "finish", "outcome": "Handed over in person"})
    ProgramComment.objects.create(
        membership=a_member(a_program(name="Workshop"), desk.own), author=petra, text="Well done", created_at=now
    )


@pytest.mark.parametrize(
    ("query", "seen", "unseen"),
    [
        ("", ["About calls", "The catalogue", "The printer broke", "Handed over in person", "Well done"], []),
        ("kind=WISH", ["About wishs", "With a promise"], ["About calls", "The catalogue", "Well done"]),
        ("kind=FOLLOW_UPS", ["The catalogue", "The printer broke", "Handed over"], ["About", "Well done"]),
        ("kind=COMMENTS", ["Well done", "Petra"], ["About", "The catalogue"]),
        ("visibility=SHARED", ["About mails", "Well done"], ["About calls", "The printer broke", "The catalogue"]),
        ("visibility=INTERNAL", ["About calls", "The printer broke"], ["About mails", "Well done"]),
        ("kind=COMMENTS&visibility=INTERNAL", [], ["About", "Well done"]),
        ("q=PRINTER", ["The printer broke"], ["About", "Handed over", "Well done"]),
        ("q=%25", [], ["About", "The catalogue", "Well done"]),
        ("q=a%00bout+calls", ["About calls"], ["About mails"]),
        ("person={petra}", ["About wishs", "Well done"], ["About calls", "The printer broke"]),
        ("person={petra}&kind=COMMENTS", ["Well done"], ["About wishs"]),
        ("person=0&kind=NONE&visibility=X", ["About calls", "Well done"], []),
        ("person=99999999999999999999", ["About calls"], []),
        ("q=nothing+like+it", [], ["About", "Well done"]),
    ],
)
def test_timeline_is_searched_and_filtered(desk: Desk, query: str, seen: list[str], unseen: list[str]) -> None:
    _a_history(desk)
    petra = desk.own.employees.get()

    response = desk.browser.get(page_of(desk.own) + "?" + query.format(petra=petra.pk))

    entries = source_of(response).split('id="timeline"')[1].split("</form>")[1].split('id="plan"')[0]
    assert response.status_code == 200
    assert [words for words in seen if words not in entries] == []
    assert [words for words in unseen if words in entries] == []
    if not seen:
        assert "Nothing matches" in entries


def test_timeline_merges_everything_by_time_latest_first(desk: Desk) -> None:
    _a_history(desk)

    timeline = read(desk.browser.get(page_of(desk.own))).split("Timeline")[1].split("Plan and points")[0]

    told = [
        "Well done",
        "Handed over in person",
        "The printer broke",
        "About calls",
        "About meetings",
        "About problems",
    ]
    assert "From" in timeline
    assert sorted(told[1:], key=timeline.index) == told[1:]
    assert timeline.index("The printer broke") > timeline.index("Well done") or "Well done" in timeline


def test_timeline_goes_on_page_by_page_without_a_gap_or_a_repeat(desk: Desk) -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for number in range(45):  # three pages, many of one moment
        at = moment - timedelta(minutes=number // 15)
        write(company=desk.own, author_id=desk.account_manager.pk, kind="CALL", text=f"[{number}]", happened_at=at)

    seen: list[str] = []
    address, pages = page_of(desk.own), 0
    while address:
        page = desk.browser.get(address)
        timeline = source_of(page).split('id="timeline"')[1]
        seen += [part.split("]")[0] for part in timeline.split("<bdi>[")[1:]]
        more = [link for link in links_of(page, r"\?before=.*") if link]
        address, pages = (page_of(desk.own) + more[0] if more else ""), pages + 1

    assert pages == 3
    assert sorted(map(int, seen)) == list(range(45))


@pytest.mark.parametrize("before", ["\0", "x", "20260101T000000.000000-5", "99999999T000000.0-1-1", "1-2-3-4", "٣-1-1",
                                    "20260101T000000.000000-9-" + "9" * 30])  # fmt: skip
def test_place_that_makes_no_sense_breaks_nothing(desk: Desk, before: str) -> None:
    assert desk.browser.get(page_of(desk.own), {"before": before}).status_code == 200
