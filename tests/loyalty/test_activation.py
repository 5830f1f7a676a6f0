"""A version of rules goes into force when somebody else approves what was asked for; every refusal changes nothing."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.db import Error, connection, transaction

from accounts import approvals
from accounts.approvals import AlreadyDecidedError, OwnRequestError
from accounts.models import Approval, AuditEntry, User
from loyalty.activation import EditedSinceError, ask, decide, start_of, withdraw
from loyalty.models import Program, Rule, RuleSet
from loyalty.rulesets import WaitsForApprovalError, activate, draft_from, retire
from loyalty.versions import VersionError
from tests.examples.test_running import an_example
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, a_manager, a_program, a_rule_set
from tests.loyalty.racing import race

DAY, LATER = timedelta(days=1), NOW + timedelta(days=10)
Status, State = RuleSet.Status, Approval.State


@pytest.fixture
def manager(db: None) -> User:
    return a_manager(name="Maxine Manager")


@pytest.fixture
def approver(db: None) -> User:
    return a_manager(name="Ada Approver")


@pytest.fixture
def draft(manager: User) -> RuleSet:
    """The second version of a program in which nothing has happened yet, its example met."""
    return a_draft(manager)


def a_draft(by: User) -> RuleSet:
    program = a_program(name="Club", tiers={"basic": 0})
    an_example(program, {"gives_company": 100})
    return draft_from(rule_set=a_rule_set(program), by=by, now=NOW)


def asked(draft: RuleSet, by: User, *, starts_at: datetime | None = LATER, now: datetime = NOW) -> RuleSet:
    return ask(rule_set=draft, by=by, starts_at=starts_at, reason="Spring", now=now)


def edit(draft: RuleSet) -> None:
    capped = {"kind": "per", "points": 1, "step": "1", "of": "activity.amount", "at_most": 1_000}
    Rule.objects.filter(rule_set=draft).update(formula=capped)


def versions(program: Program) -> list[tuple[int, str, datetime | None, datetime | None]]:
    return list(program.rule_sets.order_by("version").values_list("version", "status", "starts_at", "ends_at"))


def test_what_was_asked_for_begins_when_it_was_to_once_somebody_else_approves(
    draft: RuleSet, manager: User, approver: User
) -> None:
    waiting = asked(draft, manager)
    request = Approval.objects.get()
    assert (request.kind, request.subject_id, request.audience, request.note) == (
        "rule-set", draft.pk, "VENDOR", "Spring",
    )  # fmt: skip
    assert versions(draft.program)[1] == (2, Status.DRAFT, None, None)
    assert start_of(waiting, now=LATER + DAY) == LATER + DAY

    held = decide(rule_set_id=draft.pk, by=approver, is_approved=True, reason="Go on", now=NOW + DAY)

    assert versions(draft.program)[1:] == [(2, Status.ACTIVE, LATER, None)]
    assert held.approval_id == request.pk
    request.refresh_from_db()
    assert (request.state, request.decided_by) == (State.APPROVED, approver)
    entries = AuditEntry.objects.filter(subject_id=draft.pk).order_by("pk")
    assert [(entry.action, entry.actor, entry.numbers.get("starts_at")) for entry in entries] == [
        ("rule-set-drafted", manager, None),
        ("rule-set-asked", manager, LATER.isoformat()),
        ("rule-set-approved", approver, LATER.isoformat()),
        ("rule-set-activated", approver, LATER.isoformat()),
    ]
    assert retire(rule_set=held, by=manager, now=NOW + DAY).status == Status.RETIRED


def test_approved_too_late_or_with_no_moment_it_begins_with_the_approval(manager: User, approver: User) -> None:
    late, at_once = a_draft(manager), a_draft(manager)
    asked(late, manager, starts_at=NOW + DAY)
    asked(at_once, manager, starts_at=None)

    for draft in (late, at_once):
        decide(rule_set_id=draft.pk, by=approver, is_approved=True, now=LATER)

    assert [versions(draft.program)[1][2] for draft in (late, at_once)] == [LATER, LATER]


def test_draft_edited_since_is_not_approved_and_is_asked_for_anew(
    draft: RuleSet, manager: User, approver: User
) -> None:
    asked(draft, manager)
    edit(draft)
    before = fingerprint()

    with pytest.raises(EditedSinceError, match="Version 2 was edited after it was asked for"):
        decide(rule_set_id=draft.pk, by=approver, is_approved=True, now=NOW)

    assert fingerprint() == before
    # A colleague may have edited it, and may ask: then the first asker is a second person, too.
    asked(draft, approver)
    with pytest.raises(OwnRequestError):
        decide(rule_set_id=draft.pk, by=approver, is_approved=True, now=NOW)
    decide(rule_set_id=draft.pk, by=manager, is_approved=True, now=NOW)
    assert list(Approval.objects.order_by("pk").values_list("state", flat=True)) == [State.WITHDRAWN, State.APPROVED]


def test_rejected_or_withdrawn_it_is_a_draft_that_can_be_asked_for_again(
    draft: RuleSet, manager: User, approver: User
) -> None:
    asked(draft, manager)
    decide(rule_set_id=draft.pk, by=approver, is_approved=False, reason="Too dear", now=NOW)
    asked(draft, manager)
    withdraw(rule_set=draft, by=manager, now=NOW)
    before = fingerprint()

    for late in (
        partial(decide, rule_set_id=draft.pk, by=approver, is_approved=True, now=NOW),
        partial(withdraw, rule_set=draft, by=manager, now=NOW),
    ):
        with pytest.raises(AlreadyDecidedError):
            late()

    assert fingerprint() == before
    assert asked(draft, manager).approval is not None
    actions = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert [action.removeprefix("rule-set-") for action in actions][1:] == [
        "asked",
        "refused",
        "asked",
        "withdrawn",
        "asked",
    ]


def close(draft: RuleSet) -> None:
    Program.objects.filter(pk=draft.program_id).update(is_active=False)


def end(draft: RuleSet) -> None:
    last = (LATER - DAY).date()
    Program.objects.filter(pk=draft.program_id).update(last_earn_on=last, last_spend_on=last)


def fail(draft: RuleSet) -> None:
    an_example(draft.program, {"gives_company": 5})


def ask_for_it(draft: RuleSet) -> None:
    asked(draft, a_manager(name="Mo"))


def ask_for_another(draft: RuleSet) -> None:
    asked(draft_from(rule_set=draft, by=a_manager(), now=NOW), a_manager(name="Mo"))


def put_in_force(draft: RuleSet) -> None:
    activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)


def retire_it(draft: RuleSet) -> None:
    put_in_force(draft)
    retire(rule_set=draft, by=a_manager(), now=NOW + DAY)


def plan_another(draft: RuleSet) -> None:
    activate(
        rule_set=draft_from(rule_set=draft, by=a_manager(), now=NOW), by=a_manager(), starts_at=LATER + DAY, now=NOW
    )


@pytest.mark.parametrize(
    ("meanwhile", "fields", "sentence"),
    [
        (None, {"reason": " "}, "Say why this version is wanted"),
        (None, {"starts_at": NOW - DAY}, "The version cannot begin in the past"),
        (close, {}, "“Club” is not running, so no rules can begin in it"),
        (end, {}, "The last day to earn points in “Club” is June 24, 2026"),
        (fail, {}, "“Orders” fails – step 1, points of the company: expected 5, got 100."),
        (ask_for_it, {}, "Mo asked for version 2 on .*, and nothing was edited since"),
        (ask_for_another, {}, "Version 3 of this program waits for approval already"),
        (put_in_force, {}, "Version 2 was put in force already"),
        (retire_it, {}, "Version 2 was put in force already"),
        (plan_another, {}, "Version 3 begins on"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    draft: RuleSet,
    manager: User,
    meanwhile: Callable[[RuleSet], None] | None,
    fields: dict[str, object],
    sentence: str,
) -> None:
    if meanwhile is not None:
        meanwhile(draft)
    before = fingerprint()

    with pytest.raises(VersionError, match=sentence):
        ask(**{"rule_set": draft, "by": manager, "starts_at": LATER, "reason": "Spring", "now": NOW + DAY, **fields})  # type: ignore[arg-type]

    assert fingerprint() == before


@pytest.mark.parametrize(
    ("meanwhile", "sentence"),
    [(close, "is not running"), (end, "The last day to earn"), (fail, "fails"), (plan_another, "begins on")],
)
def test_what_has_changed_meanwhile_keeps_it_from_being_approved(
    draft: RuleSet, manager: User, approver: User, meanwhile: Callable[[RuleSet], None], sentence: str
) -> None:
    asked(draft, manager)
    meanwhile(draft)
    before = fingerprint()

    with pytest.raises(VersionError, match=sentence):
        decide(rule_set_id=draft.pk, by=approver, is_approved=True, now=NOW)

    assert fingerprint() == before


def test_database_knows_the_two_people_around_the_code(draft: RuleSet, manager: User, approver: User) -> None:
    waiting = asked(draft, manager)
    request, other = waiting.approval, draft_from(rule_set=draft, by=manager, now=NOW)
    assert request is not None
    rows = RuleSet.objects.filter(pk=draft.pk)
    with pytest.raises(WaitsForApprovalError, match="waits for a second person’s approval"):
        activate(rule_set=draft, by=manager, starts_at=LATER, now=NOW)

    def refused(name: str, act: Callable[[], object]) -> None:
        with pytest.raises(Error) as error, transaction.atomic():
            act()
        assert error.value.__cause__.diag.constraint_name == name  # type: ignore[union-attr]

    in_force = {"status": Status.ACTIVE, "starts_at": LATER}
    by_one = {"state": State.APPROVED, "decided_by": manager, "decided_at": NOW}
    RuleSet.objects.filter(version=1).update(status=Status.RETIRED, ends_at=NOW)
    # It does not go without an approval, nor around the request, nor by the asker's own yes.
    refused("rule_set_by_another_person", lambda: rows.update(**in_force))
    around = {**in_force, "approval": None, "asked_fingerprint": "", "wanted_start_at": None}
    refused("rule_set_by_another_person", lambda: rows.update(**around))
    refused("approval_asker_never_decides", lambda: Approval.objects.filter(pk=request.pk).update(**by_one))
    refused("rule_set_asked_for_stays", lambda: rows.delete())
    refused("rule_set_asked_for_as_it_stood", lambda: rows.update(asked_fingerprint=""))
    foreign = Approval.objects.create(
        kind="rule-set", subject_id=other.pk, audience="VENDOR", asked_by=manager, asked_at=NOW
    )
    of_other = RuleSet.objects.filter(pk=other.pk)
    refused("rule_set_asked_for_one_at_a_time", lambda: of_other.update(approval=foreign, asked_fingerprint="f" * 32))
    approvals.decide(approval_id=request.pk, by_user_id=approver.pk, is_approved=True, now=NOW)
    approved = {**in_force, "approval": request, "asked_fingerprint": "f" * 32}
    refused("rule_set_by_another_person", lambda: of_other.update(**approved))
    rows.update(**in_force)
    refused("rule_set_in_force_is_immutable", lambda: rows.update(asked_fingerprint="e" * 32))


@pytest.mark.django_db(transaction=True)
def test_edit_under_way_is_waited_for_and_one_that_comes_later_finds_the_version_in_force() -> None:
    manager, approver = a_manager(), a_manager()
    edited, approved = a_draft(manager), a_draft(manager)
    for draft in (edited, approved):
        asked(draft, manager)
    approve = partial(decide, by=approver, is_approved=True, now=NOW)

    [too_late] = race([partial(approve, rule_set_id=edited.pk)], held=partial(edit, edited))
    [refused] = race([partial(edit, approved)], held=partial(approve, rule_set_id=approved.pk))

    assert isinstance(too_late, EditedSinceError)
    assert "these rules are in force" in str(refused)
    assert [RuleSet.objects.get(pk=row.pk).status for row in (edited, approved)] == [Status.DRAFT, Status.ACTIVE]
    assert not Rule.objects.filter(rule_set=approved, formula__at_most=1_000).exists()
    connection.close()
