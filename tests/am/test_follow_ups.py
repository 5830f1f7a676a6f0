"""Follow-ups: promised with a note, kept, moved with a reason, dropped with one; never lost, never done twice."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts.follow_ups import (
    DayOverError,
    DayTooFarError,
    FollowUpClosedError,
    Promise,
    SameDayError,
    drop,
    finish,
    move,
    promise,
)
from accounts.models import AccountManagerAssignment, FollowUp, FollowUpMove, ServiceNote, User
from tests.am.conftest import Desk
from tests.am.test_desk import a_note, page_of
from tests.client.pages import links_of, source_of, words_of
from tests.factories.canaries import as_actor, fingerprint
from tests.factories.world import NOW, an_admin

pytestmark = pytest.mark.django_db

TODAY = date(2026, 6, 15)


@pytest.fixture
def owed(desk: Desk) -> FollowUp:
    """A promise to the first company, due in four days."""
    due_on = timezone.localdate() + timedelta(days=4)
    return promise(
        Promise("Send the list", due_on, timezone.now()), company=desk.own, by_user_id=desk.account_manager.pk
    )


def address(row: FollowUp) -> str:
    return f"/am/follow-ups/{row.pk}/"


def days_ahead(days: int) -> str:
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def test_promise_is_kept_with_its_note_in_one_save(desk: Desk) -> None:
    saved = desk.browser.post(
        page_of(desk.own), a_note(promise="Send the list", due_on=days_ahead(3), follow_up_kind="OFFER"), follow=True
    )

    row = FollowUp.objects.get()
    assert (row.note, row.company, row.created_by) == (ServiceNote.objects.get(), desk.own, desk.account_manager)
    assert (row.text, row.kind, row.state, row.visibility) == ("Send the list", "OFFER", "OPEN", "INTERNAL")
    assert row.due_on == timezone.localdate() + timedelta(days=3)
    assert "Send the list Due in 3 days Offer" in words_of(saved)


@pytest.mark.parametrize("visibility", ServiceNote.Visibility.values)
def test_promise_is_shared_where_its_note_is(desk: Desk, visibility: str) -> None:
    desk.browser.post(page_of(desk.own), a_note(visibility=visibility, promise="x", due_on=days_ahead(1)))

    assert FollowUp.objects.get().visibility == visibility


def test_day_that_nobody_chose_promises_nothing(desk: Desk) -> None:
    usual = days_ahead(7)

    saved = desk.browser.post(page_of(desk.own), a_note(promise="", due_on=usual, **{"initial-due_on": usual}))

    assert saved.status_code == 302
    assert ServiceNote.objects.count() == 1
    assert not FollowUp.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"promise": "x", "due_on": ""}, "Say by which day it is promised."),
        ({"promise": "", "due_on": "tomorrow"}, "Enter a valid date."),
        ({"promise": "x", "due_on": "over"}, "That day is over."),
        ({"promise": "x", "due_on": "far"}, "more than two years ahead"),
        ({"promise": "", "due_on": "chosen"}, "Say what is promised by that day"),
        ({"promise": "x" * 301, "due_on": "chosen"}, "at most 300 characters"),
        ({"promise": "a\u202eb", "due_on": "chosen"}, "invisible character"),
        ({"promise": "x", "due_on": "chosen", "follow_up_kind": "GOSSIP"}, "Select a valid choice."),
    ],
)
def test_half_a_promise_is_refused_and_everything_typed_stays(desk: Desk, wrong: dict[str, str], said: str) -> None:
    days = {"over": days_ahead(-1), "far": days_ahead(800), "chosen": days_ahead(3)}
    fields = {**wrong, "due_on": days.get(wrong["due_on"], wrong["due_on"])}
    before = fingerprint()

    refused = desk.browser.post(page_of(desk.own), a_note(**fields, **{"initial-due_on": days_ahead(7)}))

    assert refused.status_code == 422
    assert said in words_of(refused)
    assert "Wants a spare part list" in source_of(refused)
    assert f'name="due_on" value="{fields["due_on"]}"' in source_of(refused) or not fields["due_on"]
    assert fingerprint() == before


def test_done_keeps_who_when_and_what_came_of_it(desk: Desk, owed: FollowUp) -> None:
    done = finish(follow_up_id=owed.pk, by_user_id=desk.colleague.pk, outcome="They ordered", now=NOW)

    assert (done.state, done.closed_by_id, done.closed_at, done.outcome) == (
        "DONE", desk.colleague.pk, NOW, "They ordered",
    )  # fmt: skip
    assert FollowUp.objects.get() == done


@pytest.mark.parametrize("closed_as", ["DONE", "DROPPED"])
def test_closed_is_closed_and_stays_as_it_was(desk: Desk, owed: FollowUp, closed_as: str) -> None:
    by = desk.account_manager.pk
    if closed_as == "DONE":
        finish(follow_up_id=owed.pk, by_user_id=by, now=NOW)
    else:
        drop(follow_up_id=owed.pk, by_user_id=by, reason="They left", now=NOW)
    before = fingerprint()

    for again in (
        lambda: finish(follow_up_id=owed.pk, by_user_id=by, now=NOW),
        lambda: drop(follow_up_id=owed.pk, by_user_id=by, reason="y", now=NOW),
        lambda: move(
            follow_up_id=owed.pk, to_on=TODAY + timedelta(days=9), reason="z", by_user_id=by, today=TODAY, now=NOW
        ),
    ):
        with pytest.raises(FollowUpClosedError):
            again()

    assert fingerprint() == before


def test_moves_keep_every_day_and_every_reason(desk: Desk, owed: FollowUp) -> None:
    first, by = owed.due_on, desk.account_manager.pk
    today = timezone.localdate()
    for days, reason in ((9, "They are at the fair"), (14, "The list is late")):
        move(
            follow_up_id=owed.pk, to_on=today + timedelta(days=days), reason=reason, by_user_id=by, today=today,
            now=timezone.now(),
        )  # fmt: skip

    owed.refresh_from_db()
    kept = list(FollowUpMove.objects.order_by("pk").values_list("from_on", "to_on", "reason", "moved_by"))
    assert owed.due_on == today + timedelta(days=14)
    assert kept == [
        (first, today + timedelta(days=9), "They are at the fair", by),
        (today + timedelta(days=9), today + timedelta(days=14), "The list is late", by),
    ]


@pytest.mark.parametrize(
    ("days", "error"), [(-1, DayOverError), (733, DayTooFarError), (4, SameDayError)], ids=["over", "far", "same"]
)
def test_move_to_an_impossible_day_is_refused(desk: Desk, owed: FollowUp, days: int, error: type[Exception]) -> None:
    today, before = timezone.localdate(), fingerprint()

    with pytest.raises(error):
        move(
            follow_up_id=owed.pk, to_on=today + timedelta(days=days), reason="x", by_user_id=desk.colleague.pk,
            today=today, now=NOW,
        )  # fmt: skip

    assert fingerprint() == before


@pytest.mark.parametrize("days", [0, 732])
def test_move_to_the_nearest_and_the_furthest_day_is_possible(desk: Desk, owed: FollowUp, days: int) -> None:
    today = timezone.localdate()

    moved = move(
        follow_up_id=owed.pk, to_on=today + timedelta(days=days), reason="x", by_user_id=desk.account_manager.pk,
        today=today, now=NOW,
    )  # fmt: skip

    assert (moved.to_on - today).days == days


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"state": "DONE"}, "follow_up_closed_by_somebody"),
        ({"closed_at": NOW}, "follow_up_closed_by_somebody"),
        ({"state": "DROPPED", "closed_at": NOW, "closed_by": True}, "follow_up_dropped_with_reason"),
    ],
)
def test_database_refuses_what_nobody_closed_or_dropped_in_silence(
    desk: Desk, owed: FollowUp, change: dict[str, Any], constraint: str
) -> None:
    fields = {**change, **({"closed_by": desk.colleague} if "closed_by" in change else {})}

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        FollowUp.objects.filter(pk=owed.pk).update(**fields)


@pytest.mark.parametrize(
    ("days", "reason", "constraint"),
    [(1, "", "follow_up_moved_with_reason"), (0, "x", "follow_up_moved_to_another_day")],
)
def test_database_refuses_a_move_without_a_reason_or_to_the_same_day(
    desk: Desk, owed: FollowUp, days: int, reason: str, constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        FollowUpMove.objects.create(
            follow_up=owed, from_on=TODAY, to_on=TODAY + timedelta(days=days), reason=reason,
            moved_by=desk.colleague, moved_at=NOW,
        )  # fmt: skip


def test_page_moves_and_shows_the_reason_in_its_history_and_in_the_timeline(desk: Desk, owed: FollowUp) -> None:
    moved = desk.browser.post(
        address(owed), {"step": "move", "to_on": days_ahead(9), "reason": "They are at the fair"}, follow=True
    )

    assert moved.redirect_chain == [(page_of(desk.own) + "#owed", 302)]
    words = words_of(moved)
    assert "Moved. The reason stands in the timeline." in words
    assert "Due in 9 days" in words
    assert "They are at the fair Written by Sam" in words.split("Timeline")[1]
    assert "They are at the fair By Sam" in words_of(desk.browser.get(address(owed)))


def test_dropped_needs_a_reason_that_stands_in_the_timeline(desk: Desk, owed: FollowUp) -> None:
    before = fingerprint()
    refused = desk.browser.post(address(owed), {"step": "drop", "reason": " "})
    assert (refused.status_code, fingerprint()) == (422, before)

    dropped = desk.browser.post(address(owed), {"step": "drop", "reason": "They chose another"}, follow=True)

    owed.refresh_from_db()
    assert (owed.state, owed.outcome) == ("DROPPED", "They chose another")
    assert "Nothing is owed to this company." in words_of(dropped)
    assert "Dropped" in words_of(dropped).split("Timeline")[1]
    assert "They chose another" in words_of(dropped).split("Timeline")[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"step": "move", "to_on": "", "reason": "x"},
        {"step": "move", "to_on": "-1", "reason": "kept words"},
        {"step": "move", "to_on": "4", "reason": "kept words"},
        {"step": "move", "to_on": "900", "reason": "kept words"},
        {"step": "move", "to_on": "0001-01-01", "reason": "kept words"},
        {"step": "move", "to_on": "9999-12-31", "reason": "kept words"},
        {"step": "move", "to_on": "9", "reason": ""},
        {"step": "move", "to_on": "9", "reason": "kept\u202ewords"},
        {"step": "finish", "outcome": "x" * 301},
        {"step": "finish", "outcome": "a\0b"},
        {"step": "drop"},
        {"step": "burn"},
        {},
    ],
)
def test_wrong_step_changes_nothing_and_keeps_what_was_typed(desk: Desk, owed: FollowUp, wrong: dict[str, str]) -> None:
    fields = dict(wrong)
    if fields.get("to_on", "").lstrip("-").isdigit():
        fields["to_on"] = days_ahead(int(fields["to_on"]))
    before = fingerprint()

    refused = desk.browser.post(address(owed), fields)

    assert (refused.status_code, fingerprint()) == (422, before)
    assert fields.get("reason", "") in source_of(refused)


def test_done_twice_is_said_kindly_and_done_once(desk: Desk, owed: FollowUp) -> None:
    desk.browser.post(address(owed), {"step": "finish"})
    before = fingerprint()

    again = desk.browser.post(address(owed), {"step": "finish"}, follow=True)
    late_move = desk.browser.post(address(owed), {"step": "move", "to_on": days_ahead(9), "reason": "x"})

    assert "That was done already, by Sam. Nothing more is to be done." in words_of(again)
    assert late_move.status_code == 409
    assert "Nothing was changed: this was closed already" in words_of(late_move)
    assert fingerprint() == before


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\0"])
def test_a_step_never_leads_off_this_site(desk: Desk, owed: FollowUp, elsewhere: str) -> None:
    done = desk.browser.post(address(owed), {"step": "finish", "next": elsewhere})

    assert done["Location"] == page_of(desk.own) + "#owed"


def test_lists_of_open_late_and_closed_ones(desk: Desk, owed: FollowUp) -> None:
    now, by = timezone.now(), desk.account_manager.pk
    late = promise(
        Promise("Ring them", timezone.localdate() - timedelta(days=2), now), company=desk.second, by_user_id=by
    )
    closed = promise(Promise("Old cake", timezone.localdate(), now), company=desk.own, by_user_id=by)
    finish(follow_up_id=closed.pk, by_user_id=by, outcome="Eaten", now=now)

    open_, only_late, done, of_one = (
        words_of(desk.browser.get(f"/am/follow-ups/{query}"))
        for query in ("", "?show=late", "?show=done", f"?company={desk.second.pk}")
    )

    assert open_.index("Ring them") < open_.index("Send the list")
    assert "2 days late" in open_
    assert "Old cake" not in open_
    assert ("Ring them" in only_late, "Send the list" in only_late) == (True, False)
    assert ("Old cake" in done, "Eaten" in done, "Ring them" in done) == (True, True, False)
    assert ("Ring them" in of_one, "Send the list" in of_one) == (True, False)
    assert late.state == "OPEN"


@pytest.mark.parametrize("query", ["show=\0", "company=x", "company=" + "9" * 40, "company=٣", "page=-1", "company=-1"])
def test_junk_in_the_list_s_address_breaks_nothing(desk: Desk, owed: FollowUp, query: str) -> None:
    response = desk.browser.get(f"/am/follow-ups/?{query}")

    assert response.status_code == 200
    assert "Send the list" in words_of(response)


def test_long_list_goes_on_page_by_page(desk: Desk) -> None:
    now, by = timezone.now(), desk.account_manager.pk
    for number in range(51):
        promise(Promise(f"No. {number}", timezone.localdate(), now), company=desk.own, by_user_id=by)

    [more] = links_of(desk.browser.get(f"/am/follow-ups/?company={desk.own.pk}"), r"\?.*page=2")

    assert more == f"?company={desk.own.pk}&page=2"
    assert "No. 50" in words_of(desk.browser.get(f"/am/follow-ups/{more}"))


def test_follow_up_of_another_portfolio_is_like_none(desk: Desk, owed: FollowUp) -> None:
    before = fingerprint()

    for fields in ({"step": "finish"}, {"step": "move", "to_on": days_ahead(9), "reason": "x"}):
        foreign = desk.colleagues_browser.post(address(owed), fields)
        missing = desk.colleagues_browser.post("/am/follow-ups/987654321/", fields)
        assert (foreign.status_code, source_of(foreign)) == (404, source_of(missing))

    assert "Send the list" not in words_of(desk.colleagues_browser.get(f"/am/follow-ups/?company={desk.own.pk}"))
    assert fingerprint() == before


def test_hand_over_leaves_nothing_behind(desk: Desk) -> None:
    desk.browser.post(page_of(desk.own), a_note(promise="A promise of old", due_on=days_ahead(2)))
    row, now = FollowUp.objects.get(), timezone.now()
    AccountManagerAssignment.objects.filter(company=desk.own).update(ends_at=now)
    AccountManagerAssignment.objects.create(company=desk.own, user=desk.colleague, starts_at=now)

    old, new = desk.browser, desk.colleagues_browser

    assert "A promise of old" in words_of(new.get("/am/"))
    assert "A promise of old" in words_of(new.get(page_of(desk.own)))
    assert "Wants a spare part list" in words_of(new.get(page_of(desk.own)))
    assert new.post(address(row), {"step": "finish", "outcome": "Kept"}).status_code == 302
    assert "A promise of old" not in words_of(old.get("/am/"))
    assert [old.get(path).status_code for path in (page_of(desk.own), address(row), f"/am/notes/{row.note_id}/")] == [
        404, 404, 404,
    ]  # fmt: skip


def test_client_never_reads_internal_promises_moves_or_versions(desk: Desk) -> None:
    person = an_admin(desk.own)
    assert person.user is not None
    for visibility in ServiceNote.Visibility.values:
        desk.browser.post(
            page_of(desk.own), a_note(visibility=visibility, promise=f"{visibility} promise", due_on=days_ahead(2))
        )
    for row in FollowUp.objects.all():
        move(
            follow_up_id=row.pk, to_on=row.due_on + timedelta(days=1), reason="secret", by_user_id=desk.colleague.pk,
            today=timezone.localdate(), now=timezone.now(),
        )  # fmt: skip
    client = Client()
    client.force_login(User.objects.get(pk=person.user.pk))
    actor = as_actor(person.user)

    assert [row.text for row in FollowUp.objects.visible_to(actor)] == ["SHARED promise"]
    assert not FollowUpMove.objects.visible_to(actor).exists()
    paths = ("/am/", "/am/follow-ups/", page_of(desk.own), *(address(row) for row in FollowUp.objects.all()))
    assert {client.get(path).status_code for path in paths} == {403}
