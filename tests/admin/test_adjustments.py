"""Points by hand at the manager's desk: posted within the limit, above it decided by a second person."""

from itertools import count
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from accounts.groups import APPROVER, VIEWER, ensure_groups
from accounts.models import Approval, User
from loyalty.models import Adjustment, Membership
from tests.factories.canaries import fingerprint, user_of
from tests.factories.world import a_manager, a_member, a_program, a_user, an_admin, an_employee, balance, consent_to

pytestmark = pytest.mark.django_db

_forms = count()

ADD = "/admin/loyalty/adjustment/add/"


@pytest.fixture
def member(db: None) -> Membership:
    """A company in a program in which 100 points by hand need nobody else."""
    membership = a_member(a_program(adjustment_limit=100))
    consent_to(membership)
    return membership


def sent(membership: Membership, points: int, **more: Any) -> dict[str, Any]:
    return {
        "membership": membership.pk,
        "points": points,
        "reason_code": Adjustment.Reason.GOODWILL,
        "reason": "A late delivery",
        "key": f"form {next(_forms)}",
        **more,
    }


def a_request(desk: Client, membership: Membership, points: int = 500) -> Approval:
    """A request above the limit that waits for a second person."""
    assert desk.post(ADD, sent(membership, points)).status_code == 302
    return Approval.objects.get(state=Approval.State.WAITING)


def test_points_within_the_limit_are_posted(desk: Client, member: Membership, manager: User) -> None:
    done = desk.post(ADD, sent(member, 100), follow=True)

    adjustment = Adjustment.objects.get()
    assert (adjustment.state, adjustment.asked_by, adjustment.points) == ("POSTED", manager, 100)
    assert done.redirect_chain == [(reverse("admin:loyalty_adjustment_change", args=[adjustment.pk]), 302)]
    assert "The points are posted; the client has been told." in done.content.decode()
    assert balance(member) == 100


def test_form_that_is_sent_twice_gives_once(desk: Client, member: Membership) -> None:
    key = desk.get(ADD).context["adminform"].form["key"].value()
    form = sent(member, 40, key=key)

    answers = [desk.post(ADD, form).headers["Location"] for _click in range(2)]
    before = fingerprint()
    refused = desk.post(ADD, {**form, "points": 60})

    adjustment = Adjustment.objects.get()
    assert answers == [reverse("admin:loyalty_adjustment_change", args=[adjustment.pk])] * 2
    assert balance(member) == 40
    assert refused.status_code == 409
    assert "This form was sent before, with other content." in refused.content.decode()
    assert fingerprint() == before


def test_points_for_a_person_go_to_the_persons_wallet(desk: Client, member: Membership) -> None:
    person = an_employee(member.company)

    desk.post(ADD, sent(member, 60, employee=person.pk))

    assert (balance(member, person), balance(member)) == (60, 0)


def test_points_above_the_limit_wait_and_a_colleague_approves(desk: Client, member: Membership) -> None:
    asked = desk.post(ADD, sent(member, 101), follow=True)
    waiting = balance(member)
    approval = Approval.objects.get()
    helena = Client()
    helena.force_login(a_manager(name="Helena Vogt"))

    offered = helena.get(f"/admin/accounts/approval/{approval.pk}/change/")
    page = helena.get(f"/admin/accounts/approval/{approval.pk}/approve/")
    done = helena.post(f"/admin/accounts/approval/{approval.pk}/approve/", {"reason": ""}, follow=True)

    assert "waits for approval" in asked.content.decode()
    assert waiting == 0
    assert [tool["label"] for tool in offered.context["tools"]] == ["The points", "Approve", "Reject"]
    assert "+101" in page.content.decode()
    assert "Approved: the points are posted." in done.content.decode()
    assert balance(member) == 101


def test_colleague_rejects_with_a_reason_only(desk: Client, member: Membership) -> None:
    approval = a_request(desk, member)
    helena = Client()
    helena.force_login(a_manager())
    url = f"/admin/accounts/approval/{approval.pk}/reject/"
    before = fingerprint()

    refused = helena.post(url, {"reason": " "})
    unchanged = fingerprint()
    helena.post(url, {"reason": "Already given in May"})

    assert refused.status_code == 422
    assert unchanged == before
    approval.refresh_from_db()
    assert (approval.state, approval.reason) == ("REJECTED", "Already given in May")
    assert Adjustment.objects.get().state == "REJECTED"
    assert balance(member) == 0


def test_who_asked_is_told_kindly_that_somebody_else_decides(desk: Client, member: Membership) -> None:
    approval = a_request(desk, member)
    before = fingerprint()

    offered = desk.get(f"/admin/accounts/approval/{approval.pk}/change/").context["tools"]
    refused = desk.post(f"/admin/accounts/approval/{approval.pk}/approve/", {"reason": ""})

    assert [tool["label"] for tool in offered] == ["The points"]
    assert refused.status_code == 409
    assert "You asked for this yourself. Somebody else has to decide" in refused.content.decode()
    assert fingerprint() == before


def test_second_decision_finds_that_it_was_decided(desk: Client, member: Membership) -> None:
    approval = a_request(desk, member)
    helena = Client()
    helena.force_login(a_manager())
    helena.post(f"/admin/accounts/approval/{approval.pk}/reject/", {"reason": "No"})
    before = fingerprint()

    refused = helena.post(f"/admin/accounts/approval/{approval.pk}/approve/", {"reason": ""})

    assert refused.status_code == 409
    assert "Somebody has decided this meanwhile" in refused.content.decode()
    assert fingerprint() == before


@pytest.mark.parametrize(
    ("points", "field", "sentence"),
    [
        (0, "points", "Give or take between 1 and 1,000,000,000 points."),
        (2_000_000_000, "points", "less than or equal to 1000000000"),
        ("", "points", "This field is required."),
        ("ten", "points", "Enter a whole number."),
    ],
)
def test_points_that_cannot_be_are_refused_beside_the_field(
    desk: Client, member: Membership, points: Any, field: str, sentence: str
) -> None:
    before = fingerprint()

    refused = desk.post(ADD, sent(member, points))

    assert sentence in str(refused.context["adminform"].form.errors[field])
    assert "A late delivery" in refused.content.decode()
    assert fingerprint() == before


def test_somebody_of_another_company_is_refused_beside_the_field(desk: Client, member: Membership) -> None:
    stranger = an_employee(a_member(member.program).company)
    before = fingerprint()

    refused = desk.post(ADD, sent(member, 10, employee=stranger.pk))

    assert "employee" in refused.context["adminform"].form.errors
    assert fingerprint() == before


def test_more_than_there_is_cannot_be_taken_and_the_form_keeps_what_was_typed(desk: Client, member: Membership) -> None:
    desk.post(ADD, sent(member, 40))
    before = fingerprint()

    refused = desk.post(ADD, sent(member, -50))

    assert refused.status_code == 409
    assert "Only 40 points are available there. Take 40 at most." in refused.content.decode()
    assert 'value="-50"' in refused.content.decode()
    assert fingerprint() == before


def test_what_was_asked_cannot_be_edited_or_deleted(desk: Client, member: Membership) -> None:
    desk.post(ADD, sent(member, 40))
    pk = Adjustment.objects.get().pk
    before = fingerprint()

    answers = [
        desk.post(f"/admin/loyalty/adjustment/{pk}/{page}/", {"points": "90", "post": "yes"}).status_code
        for page in ("change", "delete")
    ]

    assert answers == [403, 403]
    assert fingerprint() == before


def test_approver_decides_but_does_not_ask_and_a_viewer_does_neither(
    client: Client, desk: Client, member: Membership
) -> None:
    approval = a_request(desk, member)
    ensure_groups()
    before = fingerprint()
    answers = {}
    for group in (VIEWER, APPROVER):
        clerk = a_user(is_staff=True)
        clerk.groups.add(Group.objects.get(name=group))
        browser = Client()
        browser.force_login(clerk)
        answers[group] = (
            browser.get(ADD).status_code,
            browser.get(f"/admin/accounts/approval/{approval.pk}/approve/").status_code,
        )

    assert answers == {VIEWER: (403, 403), APPROVER: (403, 200)}
    assert {table for table, mark in fingerprint().items() if mark != before[table]} == {"accounts.User"}


def test_requests_of_other_kinds_are_not_decided_here(desk: Client, member: Membership) -> None:
    asker = an_admin(member.company)
    approval = Approval.objects.create(
        kind="redemption", subject_id=1, audience="CLIENT", company=member.company, asked_by=user_of(asker),
        asked_at="2026-01-01T00:00Z",
    )  # fmt: skip

    assert desk.get(f"/admin/accounts/approval/{approval.pk}/change/").context["tools"] == []
    assert desk.post(f"/admin/accounts/approval/{approval.pk}/approve/").status_code == 404


def test_queue_shows_what_waits_first(desk: Client, member: Membership) -> None:
    rejected = a_request(desk, member, 300)
    helena = Client()
    helena.force_login(a_manager())
    helena.post(f"/admin/accounts/approval/{rejected.pk}/reject/", {"reason": "No"})
    waiting = a_request(desk, member, 400)

    rows = list(desk.get("/admin/accounts/approval/").context["cl"].result_list)

    assert rows == [waiting, rejected]
