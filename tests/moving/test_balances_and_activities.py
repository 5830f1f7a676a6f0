"""Opening balances and activities moved in: through the ledger and the main flow, once, with a second person."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from accounts import jobs, laws
from accounts.approvals import AlreadyDecidedError, OwnRequestError
from accounts.jobs import Run
from accounts.models import Approval, Attachment, AuditEntry, Company, Import, Job, Message, User
from accounts.moving import steps
from accounts.moving.run import BATCH
from accounts.moving.steps import AlreadyGoneError, FileGoneError, NotCheckedError, StillRunningError
from accounts.moving.work import job_kinds
from loyalty.by_hand import adjust
from loyalty.models import (
    Activity,
    ActivityAttribute,
    Adjustment,
    Lot,
    Membership,
    Program,
    Source,
    Transaction,
    Wallet,
)
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    EPOCH,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_purchase_type,
    a_rule_set,
    an_employee,
    balance,
    record,
)
from tests.moving.moves import (
    check,
    checked,
    counts,
    exported,
    form_of,
    fresh,
    gone,
    moved_in,
    received,
    refusals,
    refused_rows,
    work,
)

pytestmark = pytest.mark.django_db

BALANCES = ["customer_number", "person_number", "points", "last_day"]
CHOSEN: dict[str, Any] = {"settings": {"program": "club", "reason": "Moved in from the old system"}}


@pytest.fixture
def manager() -> User:
    return a_manager()


@pytest.fixture
def member() -> Membership:
    """A company C1 in a program in which 1,000 points by hand need nobody else, with somebody called 1."""
    program = a_program(code="club", adjustment_limit=1_000, expiry_months=12, tiers={"basic": 0})
    a_rule_set(program)
    membership = a_member(program, a_company(external_id="C1"))
    an_employee(membership.company, external_id="1")
    return membership


def next_year() -> date:
    return timezone.localdate() + timedelta(days=365)


def laws_broken() -> dict[str, int]:
    return {finding.law.code: finding.count for finding in laws.verify() if finding.count}


def test_balances_go_through_the_ledger_once(manager: User, member: Membership) -> None:
    person = member.company.employees.get()
    rows = [BALANCES, ["C1", "", "500", ""], ["C1", "1", "300", "never"], ["C1", "1", "20", next_year().isoformat()]]

    done = moved_in("opening-balances", rows, by=manager, **CHOSEN)

    assert counts(done.checked) == counts(done.done) == (3, 0, 0, 0)
    assert (done.checked["points"], done.done["points"]) == (820, 820)
    assert (balance(member), balance(member, person)) == (500, 320)
    days = dict(Lot.objects.filter(wallet__employee=person).values_list("remaining", "expires_on"))
    assert days == {300: None, 20: next_year()}
    given = Adjustment.objects.order_by("pk")
    assert [(one.points, one.reason_code, one.reason, one.state, one.asked_by, one.opened_by) for one in given] == [
        (points, "OPENING", "Moved in from the old system", "POSTED", manager, done) for points in (500, 300, 20)
    ]
    assert AuditEntry.objects.filter(action="points-by-hand", actor=manager, company=member.company).count() == 3
    assert not Message.objects.exists()
    assert laws_broken() == {}
    before = {label: print_ for label, print_ in fingerprint().items() if label.startswith("loyalty")}
    again = moved_in("opening-balances", rows, by=manager, **CHOSEN)
    assert counts(again.done) == (0, 0, 3, 0)
    assert {label: print_ for label, print_ in fingerprint().items() if label.startswith("loyalty")} == before


def test_balances_that_cannot_be_opened_are_refused_by_line(manager: User, member: Membership) -> None:
    record(a_purchase(member.company, 70))
    a_company(external_id="C2")
    other = a_member(member.program, a_company(external_id="C3"))
    moved_in("opening-balances", [BALANCES, ["C3", "", "5", ""]], by=manager, **CHOSEN)
    yesterday = (timezone.localdate() - timedelta(days=2)).isoformat()

    done = moved_in(
        "opening-balances",
        [
            BALANCES,
            ["C1", "", "10", ""],
            ["C2", "", "10", ""],
            ["C3", "", "6", ""],
            ["C3", "", "7", "never"],
            ["C9", "", "10", ""],
            ["C1", "9", "10", ""],
            ["C1", "1", "0", ""],
            ["C1", "1", "1.5", "never"],
            ["C1", "1", "5", yesterday],
        ],
        by=manager,
        **CHOSEN,
    )

    assert refusals(done.done) == [
        (2, "points", "This wallet has had points already (70 are left). Change them by points by hand."),
        (3, "customer_number", "The company does not take part in the program at present."),
        (4, "points", "This balance was opened with 5 points. Correct it by points by hand."),
        (5, "points", "This wallet has had points already (5 are left). Change them by points by hand."),
        (6, "customer_number", "No company has the number “C9”. Move the companies in first."),
        (7, "person_number", "Nobody who works for the company has the number “9”."),
        (8, "points", "A number of points from 1 to 1,000,000,000 is needed here."),
        (9, "points", "“1.5” is not a whole number such as 1200."),
        (10, "last_day", "This day is over: the points would be lost at once."),
    ]
    assert (balance(member), balance(other)) == (70, 5)


@pytest.mark.parametrize("is_workbook", [False, True])
def test_balances_that_are_exported_change_nothing_when_they_are_moved_in(
    manager: User, member: Membership, tmp_path: Path, is_workbook: bool
) -> None:
    record(a_purchase(member.company, 70, occurred_at=timezone.now()), now=timezone.now())
    rows = [BALANCES, ["C1", "1", "300", "never"]]
    moved_in("opening-balances", rows, by=manager, **CHOSEN)
    content = exported("opening-balances", by=manager, is_workbook=is_workbook, program="club")
    before = {label: print_ for label, print_ in fingerprint().items() if label.startswith("loyalty")}

    back = moved_in("opening-balances", content, by=manager, form=form_of(content, tmp_path), **CHOSEN)

    assert counts(back.done) == (0, 0, 2, 0)
    assert {label: print_ for label, print_ in fingerprint().items() if label.startswith("loyalty")} == before


def test_more_points_than_one_person_may_give_wait_for_another(manager: User, member: Membership) -> None:
    second = a_manager()
    import_ = checked("opening-balances", [BALANCES, ["C1", "", "1001", ""]], by=manager, **CHOSEN)

    waiting = gone(import_, by=manager)

    approval = Approval.objects.get()
    assert (waiting.approval, waiting.go_job, approval.points, approval.state) == (approval, None, 1_001, "WAITING")
    assert balance(member) == 0
    with pytest.raises(AlreadyGoneError):
        steps.ask_go(import_id=import_.pk, by=second, now=timezone.now())
    with pytest.raises(OwnRequestError):
        steps.decide(import_id=import_.pk, by=manager, is_approved=True, now=timezone.now())
    assert (Approval.objects.get().state, Job.objects.filter(kind="table-import").count()) == ("WAITING", 0)
    steps.decide(import_id=import_.pk, by=second, is_approved=True, now=timezone.now())
    work()
    assert counts(fresh(import_).done) == (1, 0, 0, 0)
    assert balance(member) == 1_001
    with pytest.raises(AlreadyDecidedError):
        steps.decide(import_id=import_.pk, by=second, is_approved=True, now=timezone.now())
    adjust(
        membership=member, employee=None, points=1_000, reason_code="GOODWILL", reason="Sorry", by=manager,
        now=timezone.now(),
    )  # fmt: skip
    assert balance(member) == 2_001  # what two agreed to does not count as what one did alone


def test_a_no_says_why_and_moves_nothing(manager: User, member: Membership) -> None:
    import_ = checked("opening-balances", [BALANCES, ["C1", "", "1001", ""]], by=manager, **CHOSEN)
    gone(import_, by=manager)

    steps.decide(import_id=import_.pk, by=a_manager(), is_approved=False, reason="Too much", now=timezone.now())

    assert (fresh(import_).go_job, balance(member)) == (None, 0)
    assert AuditEntry.objects.get(action="import-refused").reason.text == "Too much"
    with pytest.raises(AlreadyGoneError):
        steps.ask_go(import_id=import_.pk, by=manager, now=timezone.now())


def test_halves_of_a_file_count_together(manager: User, member: Membership) -> None:
    a_member(member.program, a_company(external_id="C2"))
    moved_in("opening-balances", [BALANCES, ["C1", "", "600", ""]], by=manager, **CHOSEN)

    second_half = moved_in("opening-balances", [BALANCES, ["C2", "", "600", ""]], by=manager, **CHOSEN)

    assert second_half.approval is not None
    assert second_half.approval.state == "WAITING"
    assert balance(member) == 600


def test_points_beyond_what_was_agreed_to_are_never_given(manager: User, member: Membership) -> None:
    rows = [BALANCES, ["C1", "", "1001", ""], ["C2", "", "500", ""]]
    import_ = checked("opening-balances", rows, by=manager, **CHOSEN)
    assert counts(import_.checked) == (1, 0, 0, 1)
    gone(import_, by=manager)
    late = a_member(member.program, a_company(external_id="C2"))

    steps.decide(import_id=import_.pk, by=a_manager(), is_approved=True, now=timezone.now())
    work()

    job = fresh(import_).go_job
    assert job is not None
    assert (job.state, job.failure.startswith("This would be more points than was agreed to")) == ("FAILED", True)
    assert (balance(member), balance(late)) == (0, 0)


def test_database_opens_a_balance_once(manager: User, member: Membership) -> None:
    moved_in("opening-balances", [BALANCES, ["C1", "", "5", ""]], by=manager, **CHOSEN)
    again = Adjustment.objects.get()
    act = Transaction.objects.create(
        company=member.company, program=member.program, kind="ADJUST", created_at=timezone.now()
    )
    again.pk, again.transaction, again._state.adding = None, act, True

    with pytest.raises(IntegrityError, match="adjustment_opened_once"), transaction.atomic():
        again.save()

    assert Adjustment.objects.count() == 1


ACTIVITIES = ["id", "customer_number", "occurred_at", "type", "person_number", "object", "quantity", "amount",
              "currency", "undoes", "margin"]  # fmt: skip
FROM_THE_SHOP: dict[str, Any] = {
    "settings": {"source": "moved-in", "type": "purchase", "currency": "GBP"},
    "date_format": "%d.%m.%Y", "time_zone": "Asia/Tokyo", "decimal_sign": ",",
}  # fmt: skip


@pytest.fixture
def margin() -> None:
    ActivityAttribute.objects.create(activity_type=a_purchase_type(), code="margin", name="Margin", type="NUMBER")


@pytest.mark.usefixtures("margin")
def test_activities_are_recorded_with_all_that_follows_once(manager: User, member: Membership) -> None:
    rows = [
        ACTIVITIES,
        ["A1", "C1", "01.03.2026 09:30", "", "1", "SKU", "2", "120,50", "", "", "0,25"],
        ["A2", "C1", "2026-03-02T00:00:00+00:00", "purchase", "", "", "", "10", "GBP", "", ""],
        ["A3", "C1", "03.03.2026", "", "", "", "", "20,5", "", "A1", ""],
    ]

    done = moved_in("activities", rows, by=manager, **FROM_THE_SHOP)

    assert counts(done.checked) == counts(done.done) == (3, 0, 0, 0)
    first = Activity.objects.get(external_id="A1")
    assert (first.occurred_at.isoformat(), str(first.amount), first.attributes) == (
        "2026-03-01T00:30:00+00:00", "120.5000", {"margin": "0.25"},
    )  # fmt: skip
    assert first.employee == member.company.employees.get()
    assert Source.objects.get(code="moved-in").kind == "IMPORT"
    assert balance(member) == 120 + 10 - 21  # of 120 points for 120.50, 100.00 keep 99
    again = moved_in("activities", rows, by=manager, **FROM_THE_SHOP)
    assert counts(again.checked) == counts(again.done) == (0, 0, 3, 0)
    assert laws_broken() == {}


def test_a_return_that_comes_before_what_it_undoes_waits_and_is_known_afterwards(
    manager: User, member: Membership
) -> None:
    rows = [
        ["id", "customer_number", "occurred_at", "amount", "undoes"],
        ["B2", "C1", "2026-03-03", "30", "B1"],
        ["B1", "C1", "2026-03-01", "100", ""],
    ]

    first = moved_in("activities", rows[:2], by=manager, **{**FROM_THE_SHOP, "decimal_sign": "."})
    assert (counts(first.done), balance(member)) == ((1, 0, 0, 0), 0)
    whole = moved_in("activities", rows, by=manager, **{**FROM_THE_SHOP, "decimal_sign": "."})

    assert (counts(whole.done), balance(member)) == ((1, 0, 1, 0), 70)
    assert laws_broken() == {}


@pytest.mark.usefixtures("margin")
def test_activities_that_cannot_be_are_refused_by_line(manager: User, member: Membership) -> None:
    rows = [ACTIVITIES, ["A1", "C1", "01.03.2026", "", "", "", "", "10", "", "", ""]]
    moved_in("activities", rows, by=manager, **FROM_THE_SHOP)
    future = f"{timezone.now() + timedelta(days=2):%d.%m.%Y}"  # in Tokyo tomorrow begins at three in the afternoon

    done = moved_in(
        "activities",
        [
            ACTIVITIES,
            ["A1", "C1", "01.03.2026", "", "", "", "", "11", "", "", ""],
            ["A2", "C9", "01.03.2026", "", "", "", "", "1", "", "", ""],
            ["A3", "C1", "31.02.2026", "", "", "", "", "1", "", "", ""],
            ["A4", "C1", future, "", "", "", "", "1", "", "", ""],
            ["A5", "C1", "01.03.2026", "sale", "", "", "", "1", "", "", ""],
            ["A6", "C1", "01.03.2026", "", "9", "", "", "1", "", "", ""],
            ["A7", "C1", "01.03.2026", "", "", "", "", "-1", "", "", ""],
            ["A8", "C1", "01.03.2026", "", "", "", "", "1.5", "", "", ""],
            ["A9", "C1", "01.03.2026", "", "", "", "", "1", "", "", "much"],
            ["", "C1", "01.03.2026", "", "", "", "", "1", "", "", ""],
        ],
        by=manager,
        **FROM_THE_SHOP,
    )

    expected = [
        (2, "id", "This id was used before, for an activity with other content."),
        (3, "customer_number", "No company has the number “C9”. Move the companies in first."),
        (4, "occurred_at", "“31.02.2026” is not a day such as 31.12.2026."),
        (5, "occurred_at", "The time lies in the future."),
        (6, "type", "There is no activity type “sale”."),
        (7, "person_number", "Nobody who works for the company has the number “9”."),
        (8, "amount", "A number from 0 to 1,000,000,000,000 with at most 4 decimals is needed here."),
        (9, "amount", "“1.5” is not a number such as 1234,5."),
        (10, "attribute.margin", "“much” is not a number such as 1234,5."),
        (11, "id", "This cell must not be empty."),
    ]
    assert refusals(done.checked) == refusals(done.done) == expected
    assert Activity.objects.count() == 1


@pytest.mark.usefixtures("margin")
@pytest.mark.parametrize("is_workbook", [False, True])
def test_activities_that_are_exported_are_known_when_they_are_moved_in(
    manager: User, member: Membership, tmp_path: Path, is_workbook: bool
) -> None:
    source = Source.objects.create(code="old", name="Old", kind=Source.Kind.IMPORT)
    person = member.company.employees.get()
    sale = a_purchase(
        member.company, "90.1234", employee_id=person.pk, object="=SKU", attributes={"margin": "5.0"}, quantity=None,
        occurred_at=timezone.now(),
    )  # fmt: skip
    back = a_purchase(member.company, 30, reverses=sale.external_id, external_id="-7", occurred_at=timezone.now())
    record(sale, back, source=source, now=timezone.now())
    content = exported("activities", by=manager, is_workbook=is_workbook, source="old")

    again = moved_in("activities", content, by=manager, form=form_of(content, tmp_path), settings={"source": "old"})

    assert refusals(again.done) == []
    assert counts(again.checked) == counts(again.done) == (0, 0, 2, 0)


def test_go_refuses_what_the_dry_run_was_not_of(manager: User, member: Membership) -> None:
    import_ = checked("opening-balances", [BALANCES, ["C1", "", "5", ""]], by=manager, **CHOSEN)
    file = Import.objects.get().file
    never_checked = received("companies", b"customer_number,name\nC7,Seven\n", by=manager)

    with pytest.raises(NotCheckedError):
        steps.ask_go(import_id=never_checked.pk, by=manager, now=timezone.now())
    Import.objects.filter(pk=import_.pk).update(terms={**import_.terms, "decimal_sign": ","})
    with pytest.raises(NotCheckedError):
        steps.ask_go(import_id=import_.pk, by=manager, now=timezone.now())
    Import.objects.filter(pk=import_.pk).update(terms=import_.terms)
    steps.ask_go(import_id=import_.pk, by=manager, now=timezone.now())
    with pytest.raises(StillRunningError):
        steps.ask_go(import_id=import_.pk, by=manager, now=timezone.now())
    assert file is not None
    Attachment.objects.filter(pk=file.pk).update(sha256=bytes(32))
    work()

    job = fresh(import_).go_job
    assert job is not None
    assert (job.state, balance(member)) == ("FAILED", 0)


def test_import_that_is_cancelled_keeps_whole_batches_and_goes_on_where_it_stopped(
    manager: User, member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["customer_number", "name"], *([f"N{number}", f"Company {number}"] for number in range(2 * BATCH))]
    rows[BATCH + 5][1] = ""
    import_ = checked("companies", rows, by=manager)
    report = Run.report

    def report_and_cancel(run: Run, done: int, total: int = 0) -> None:
        if done == BATCH:
            steps.cancel(import_id=import_.pk, now=timezone.now())
        report(run, done, total)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "report", report_and_cancel)
        stopped = gone(import_, by=manager)

    assert stopped.go_job is not None
    assert (stopped.go_job.state, counts(stopped.done)) == ("CANCELLED", (BATCH, 0, 0, 0))
    assert Company.objects.filter(external_id__startswith="N").count() == BATCH
    with pytest.raises(jobs.JobOverError):
        steps.cancel(import_id=import_.pk, now=timezone.now())
    done = gone(import_, by=manager)
    assert counts(done.done) == (2 * BATCH - 1, 0, 0, 1)
    assert refused_rows(done)[1][2:] == [
        str(BATCH + 6), "No company has this number yet, and a new one needs a name.",
    ]  # fmt: skip
    with pytest.raises(AlreadyGoneError):
        steps.ask_go(import_id=import_.pk, by=manager, now=timezone.now())


def test_worker_that_dies_on_the_way_leaves_whole_batches_and_the_next_one_counts_as_if_nothing_had_been(
    manager: User, member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [["customer_number", "name"], *([f"N{number}", f"Company {number}"] for number in range(3 * BATCH))]
    rows[5][1] = ""
    import_ = checked("companies", rows, by=manager)
    report = Run.report

    def die_after_two_batches(run: Run, done: int, total: int = 0) -> None:
        if done == 2 * BATCH and run.job.tries == 1:
            raise OperationalError("the server closed the connection unexpectedly")
        report(run, done, total)

    monkeypatch.setattr(Run, "report", die_after_two_batches)
    steps.ask_go(import_id=import_.pk, by=manager, now=timezone.now())
    with pytest.raises(OperationalError):
        work()

    assert Company.objects.filter(external_id__startswith="N").count() == 2 * BATCH - 1
    assert work() == 1
    done = fresh(import_)
    assert counts(done.done) == (3 * BATCH - 1, 0, 0, 1)
    assert refused_rows(done)[1][2] == "6"
    assert Company.objects.filter(external_id__startswith="N").count() == 3 * BATCH - 1


def test_data_that_changed_after_the_dry_run_is_judged_again(manager: User, member: Membership) -> None:
    import_ = checked("companies", [["customer_number", "name"], ["C1", "New name"], ["C5", "Five"]], by=manager)
    assert counts(import_.checked) == (1, 1, 0, 0)
    member.company.name = "New name"
    member.company.save()
    a_company(external_id="C5", name="Fifth")

    done = gone(import_, by=manager)

    assert counts(done.done) == (0, 1, 1, 0)


def test_files_and_what_was_found_in_them_go_when_their_time_is_over(manager: User, member: Membership) -> None:
    done = moved_in("companies", [["customer_number", "name"], ["C1", "New name"], ["C5", ""]], by=manager)
    later = timezone.now() + timedelta(days=31)

    assert [steps.delete_expired(now=later), steps.delete_expired(now=later)] == [2, 0]

    kept = fresh(done)
    assert (kept.file, kept.refused_file) == (None, None)
    assert (kept.done["changed"], kept.done["refused"]) == (1, 1)
    assert "refusals" not in kept.done
    assert "differences" not in kept.checked
    with pytest.raises(FileGoneError):
        steps.ask_check(import_id=done.pk, terms={}, by=manager, now=timezone.now())


def test_unknown_program_or_source_stops_with_a_sentence(manager: User, member: Membership) -> None:
    a_source = Source.objects.create(code="api", name="API", kind=Source.Kind.API)
    Program.objects.filter(pk=member.program_id).update(is_active=False)
    balances = received("opening-balances", ",".join(BALANCES).encode() + b"\nC1,,5,\n", by=manager)
    activities = received("activities", b"id,customer_number,occurred_at\n1,C1,2026-01-01\n", by=manager)

    closed = check(balances, by=manager, **CHOSEN)
    foreign = check(activities, by=manager, settings={"source": a_source.code})

    assert closed.failure == "The program that was chosen is not running. Choose another one."
    assert foreign.failure == "The source that was chosen is none for imports. Choose another one."


def test_every_table_can_be_exported_and_every_job_is_known(manager: User, member: Membership) -> None:
    assert {kind.code for kind in job_kinds()} == {"table-check", "table-import", "table-export"}
    assert Wallet.objects.filter(company=member.company).exists()
    settings: dict[str, Any] = {"program": "club", "source": "moved-in"}
    headers = {
        kind: exported(kind, by=manager, **settings).decode("utf-8-sig").splitlines()[0].split(",")[0]
        for kind in ("companies", "people", "opening-balances", "activities")
    }

    assert headers == {
        "companies": "customer_number", "people": "customer_number", "opening-balances": "customer_number",
        "activities": "id",
    }  # fmt: skip
    assert timezone.now() > EPOCH
