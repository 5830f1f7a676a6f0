"""Points by hand for many: a file with a row a wallet, or everybody of a segment; two agree to it above the limit."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import laws
from accounts.approvals import OwnRequestError
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.jobs import Run
from accounts.models import Approval, AuditEntry, Import, Message, Segment, SegmentMembership, StakeholderRole, User
from accounts.moving import steps
from accounts.moving.run import BATCH
from loyalty.by_hand import NoPointsError, ProgramClosedError, adjust
from loyalty.models import Adjustment, Membership, Program, Transaction
from loyalty.moving.segments import NobodyThereError, Recipients, give_to_segment
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    EPOCH,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_role,
    an_admin,
    an_employee,
    balance,
)
from tests.moving.moves import checked, counts, fresh, gone, moved_in, refusals, work

pytestmark = pytest.mark.django_db

HEADER = ["customer_number", "person_number", "email", "points", "note"]
CHOSEN: dict[str, Any] = {"settings": {"program": "club", "reason_code": "GOODWILL", "reason": "Thank you"}}


@pytest.fixture
def manager() -> User:
    return a_manager()


@pytest.fixture
def member() -> Membership:
    """A company C1 in a program in which 1,000 points by hand need nobody else; its admin, and somebody called 1."""
    membership = a_member(a_program(code="club", adjustment_limit=1_000), a_company(external_id="C1"))
    an_admin(membership.company, external_id="0")
    an_employee(membership.company, external_id="1")
    return membership


def another(member: Membership, **fields: Any) -> Membership:
    return a_member(member.program, a_company(**fields))


def laws_broken() -> dict[str, int]:
    return {finding.law.code: finding.count for finding in laws.verify() if finding.count}


def test_file_gives_and_takes_and_each_wallet_is_told(manager: User, member: Membership) -> None:
    one = member.company.employees.get(external_id="1")
    assert one.user is not None
    other = another(member, external_id="C2")
    adjust(membership=other, employee=None, points=70, reason_code="CORRECTION", reason="Late", by=a_manager(),
           now=timezone.now())  # fmt: skip
    rows = [
        HEADER,
        ["C1", "", "", "500", "For the long wait"],
        ["C1", "", one.user.email.upper(), "30", ""],
        ["C2", "", "", "-50", "Booked twice"],
    ]

    done = moved_in("points-by-hand", rows, by=manager, **CHOSEN)

    assert counts(done.checked) == counts(done.done) == (3, 0, 0, 0)
    assert [done.checked[name] for name in ("points", "taken", "companies")] == [580, 50, 2]
    assert (balance(member), balance(member, one), balance(other)) == (500, 30, 20)
    moved = Adjustment.objects.filter(batch=done).order_by("pk")
    assert [(row.points, row.reason_code, row.reason, row.state, row.asked_by) for row in moved] == [
        (500, "GOODWILL", "For the long wait", "POSTED", manager),
        (30, "GOODWILL", "Thank you", "POSTED", manager),
        (-50, "GOODWILL", "Booked twice", "POSTED", manager),
    ]
    assert {(row.transaction.kind, row.transaction.actor) for row in moved if row.transaction} == {("ADJUST", manager)}
    assert AuditEntry.objects.filter(action="points-by-hand", actor=manager).count() == 3
    told = Message.objects.order_by("pk").values_list("employee__external_id", "kind", "facts")
    assert list(told) == [
        ("0", "points-given", {"points": 500, "reason": "For the long wait"}),
        ("1", "points-given", {"points": 30, "reason": "Thank you"}),
    ]
    assert laws_broken() == {}


def test_rows_that_cannot_be_are_refused_by_line(manager: User, member: Membership) -> None:
    a_company(external_id="C2")
    left = another(member, external_id="C3")
    Membership.objects.filter(pk=left.pk).update(ends_at=timezone.now() - timedelta(days=1))

    done = moved_in(
        "points-by-hand",
        [
            HEADER,
            ["C1", "", "", "10", ""],
            ["C2", "", "", "10", ""],
            ["C3", "", "", "10", ""],
            ["C9", "", "", "10", ""],
            ["", "", "", "10", ""],
            ["C1", "9", "", "10", ""],
            ["C1", "", "nobody@example.com", "10", ""],
            ["C1", "1", "", "0", ""],
            ["C1", "0", "", "-5", ""],
            ["C1", "", "", "20", ""],
        ],
        by=manager,
        **CHOSEN,
    )

    not_there = "The company does not take part in the program at present."
    assert refusals(done.done) == [
        (3, "customer_number", not_there),
        (4, "customer_number", not_there),
        (5, "customer_number", "No company has the number “C9”. Move the companies in first."),
        (6, "customer_number", "This cell must not be empty."),
        (7, "person_number", "Nobody who works for the company has the number “9”."),
        (8, "email", "Nobody who works for the company is known by the address “nobody@example.com”."),
        (9, "points", "A number of points from 1 to 1,000,000,000 is needed here, or below 0 to take them."),
        (10, "points", "Only 0 points are available there. Take so many at most."),
        (11, "", "Line 2 is about the same already; keep one of them."),
    ]
    assert (balance(member), balance(left)) == (10, 0)


def test_one_wallet_by_two_names_counts_once(manager: User, member: Membership) -> None:
    one = member.company.employees.get(external_id="1")
    assert one.user is not None

    done = moved_in(
        "points-by-hand",
        [HEADER, ["C1", "1", "", "5", ""], ["C1", "", one.user.email, "5", ""]],
        by=manager,
        **CHOSEN,
    )

    assert refusals(done.done) == [(3, "", "Line 2 is about the same wallet already; keep one of them.")]
    assert balance(member, one) == 5


def test_program_that_has_stopped_refuses_every_row(manager: User, member: Membership) -> None:
    import_ = checked("points-by-hand", [HEADER, ["C1", "", "", "10", ""]], by=manager, **CHOSEN)
    Program.objects.filter(pk=member.program_id).update(is_active=False)

    done = gone(import_, by=manager)

    sentence = "The program is not running any more, or is over: nothing is given or taken there by hand."
    assert refusals(done.done) == [(2, "", sentence)]
    assert balance(member) == 0


def test_above_the_limit_a_second_person_agrees_to_all_of_it_before_anything_moves(
    manager: User, member: Membership
) -> None:
    other, second = another(member, external_id="C2"), a_manager()
    rows = [HEADER, ["C1", "", "", "600", ""], ["C2", "", "", "401", ""]]
    import_ = checked("points-by-hand", rows, by=manager, **CHOSEN)

    waiting = gone(import_, by=manager)

    approval = Approval.objects.get()
    assert (waiting.approval, approval.points, approval.state, approval.company) == (approval, 1_001, "WAITING", None)
    assert (balance(member), balance(other)) == (0, 0)
    before = fingerprint()
    with pytest.raises(OwnRequestError):
        steps.decide(import_id=import_.pk, by=manager, is_approved=True, now=timezone.now())
    assert fingerprint() == before
    steps.decide(import_id=import_.pk, by=second, is_approved=True, now=timezone.now())
    work()
    assert counts(fresh(import_).done) == (2, 0, 0, 0)
    assert (balance(member), balance(other)) == (600, 401)
    assert {row.asked_by for row in Adjustment.objects.all()} == {manager}


def test_halves_by_file_and_by_form_count_together(manager: User, member: Membership) -> None:
    moved_in("points-by-hand", [HEADER, ["C1", "", "", "600", ""]], by=manager, **CHOSEN)
    now = timezone.now()

    alone = adjust(membership=member, employee=None, points=401, reason_code="GOODWILL", reason="More", by=manager,
                   now=now)  # fmt: skip
    second_file = moved_in("points-by-hand", [HEADER, ["C1", "1", "", "401", ""]], by=manager, **CHOSEN)
    rest = moved_in("points-by-hand", [HEADER, ["C1", "1", "", "400", ""]], by=manager, **CHOSEN)

    assert not alone.is_posted
    assert second_file.approval is not None
    assert (rest.approval, counts(rest.done)) == (None, (1, 0, 0, 0))


def test_batch_that_was_stopped_goes_on_exactly_where_it_stopped(
    manager: User, member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.moving.run.BATCH", 3)
    companies = [another(member, external_id=f"N{number}") for number in range(7)]
    rows = [HEADER, *([f"N{number}", "", "", "10", ""] for number in range(7))]
    import_ = checked("points-by-hand", rows, by=manager, **CHOSEN)
    report = Run.report

    def report_and_cancel(run: Run, done: int, total: int = 0) -> None:
        if done == 3:
            steps.cancel(import_id=import_.pk, now=timezone.now())
        report(run, done, total)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "report", report_and_cancel)
        stopped = gone(import_, by=manager)
    assert BATCH == 1_000
    assert (counts(stopped.done), [balance(one) for one in companies]) == ((3, 0, 0, 0), [10] * 3 + [0] * 4)

    done = gone(import_, by=manager)

    assert (counts(done.done), [balance(one) for one in companies]) == ((7, 0, 0, 0), [10] * 7)
    assert Adjustment.objects.filter(batch=import_).count() == 7
    assert laws_broken() == {}


def test_database_gives_a_wallet_once_a_batch(manager: User, member: Membership) -> None:
    moved_in("points-by-hand", [HEADER, ["C1", "", "", "5", ""]], by=manager, **CHOSEN)
    again = Adjustment.objects.get()
    act = Transaction.objects.create(
        company=member.company, program=member.program, kind="ADJUST", created_at=timezone.now()
    )
    again.pk, again.transaction, again._state.adding = None, act, True

    with pytest.raises(IntegrityError, match="adjustment_once_a_batch"), transaction.atomic():
        again.save()

    assert Adjustment.objects.count() == 1


@pytest.fixture
def segment(member: Membership) -> Segment:
    """C1, C2 that takes part without any people, and one that does not take part."""
    segment = Segment.objects.create(code="north", name="North")
    other = another(member, external_id="")
    for company in (member.company, other.company, a_company()):
        SegmentMembership.objects.create(segment=segment, company=company, starts_at=EPOCH)
    another(member, external_id="elsewhere")
    return segment


def given(recipients: Recipients, *, by: User, points: int = 40, key: str = "once", **more: Any) -> Import:
    return give_to_segment(
        recipients=recipients,
        points=points,
        reason_code="CAMPAIGN",
        reason=more.pop("reason", "Spring"),
        key=key,
        by=by,
        now=timezone.now(),
    )


def test_each_company_of_a_segment_gets_points_once(manager: User, member: Membership, segment: Segment) -> None:
    recipients = Recipients(member.program, segment, are_people=False)

    import_ = given(recipients, by=manager)
    again = given(recipients, by=manager)
    work()

    assert (again.pk, Import.objects.count(), balance(member)) == (import_.pk, 1, 0)
    found = fresh(import_)
    assert [found.checked[name] for name in ("points", "companies", "new")] == [80, 2, 2]
    done = gone(found, by=manager)
    assert counts(done.done) == (2, 0, 0, 0)
    assert (
        list(Adjustment.objects.values_list("points", "reason_code", "reason", "batch"))
        == [(40, "CAMPAIGN", "Spring", import_.pk)] * 2
    )
    with pytest.raises(KeyUsedForAnotherRequestError):
        given(recipients, by=manager, points=41)
    with pytest.raises(steps.AlreadyGoneError):
        gone(found, by=manager)


def test_people_of_a_role_get_points_in_their_own_wallets(manager: User, member: Membership, segment: Segment) -> None:
    one = member.company.employees.get(external_id="1")
    role = a_role(one, "buyer").role
    left = an_employee(member.company, is_active=False)
    a_role(left, "buyer")

    everybody = given(Recipients(member.program, segment, are_people=True), by=manager, key="all")
    buyers = given(Recipients(member.program, segment, are_people=True, role=role), by=manager, key="buyers")
    work()

    assert (fresh(everybody).checked["new"], fresh(buyers).checked["new"]) == (2, 1)
    gone(fresh(buyers), by=manager)
    assert (balance(member, one), balance(member)) == (40, 0)


def test_whoever_joins_the_segment_after_the_count_gets_nothing(
    manager: User, member: Membership, segment: Segment
) -> None:
    import_ = given(Recipients(member.program, segment, are_people=False), by=manager)
    work()
    late = another(member)
    SegmentMembership.objects.create(segment=segment, company=late.company, starts_at=EPOCH)

    gone(import_, by=manager)

    assert (balance(member), balance(late)) == (40, 0)


def test_segment_without_anybody_and_a_stopped_program_are_refused(
    manager: User, member: Membership, segment: Segment
) -> None:
    nobody = StakeholderRole.objects.create(code="nobody", name="Nobody")
    before = fingerprint()

    with pytest.raises(NobodyThereError):
        given(Recipients(member.program, segment, are_people=True, role=nobody), by=manager)
    with pytest.raises(NoPointsError):
        given(Recipients(member.program, segment, are_people=False), by=manager, points=0)
    member.program.is_active = False
    with pytest.raises(ProgramClosedError):
        given(Recipients(member.program, segment, are_people=False), by=manager)

    assert fingerprint() == before
