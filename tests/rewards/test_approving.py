"""The company's own approval of orders: when it is asked, who is asked, and what follows."""

from datetime import timedelta

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction

from accounts import laws, messages
from accounts.approvals import AlreadyDecidedError, OwnRequestError, ReasonMissingError
from accounts.delegations import delegate
from accounts.models import Approval, AuditEntry, Employee, Message
from rewards.models import Redemption, RedemptionStep, RewardStock, SpendingPolicy
from rewards.policies import MOST_ABOVE, NotAnAdminError, ValueMissingError, policy_of, set_policy
from rewards.progress import NotADeciderError, approve, approve_for_company, reject, reject_for_company
from rewards.redemption import cancel
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, a_company, a_manager, a_member, an_admin, an_employee, balance
from tests.rewards.conftest import Firm, acting

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_laws_hold")]

Mode = SpendingPolicy.Mode
LATER = NOW + timedelta(hours=2)


def yes(firm: Firm, by: Employee, row: Redemption) -> Redemption:
    return approve_for_company(actor=acting(by, LATER), redemption_id=row.pk, now=LATER)


def no(firm: Firm, by: Employee, row: Redemption, reason: str = "Too dear") -> Redemption:
    return reject_for_company(actor=acting(by, LATER), redemption_id=row.pk, reason=reason, now=LATER)


@pytest.mark.parametrize(
    ("mode", "above", "asks"),
    [
        (Mode.NEVER, None, False),
        (Mode.ALWAYS, None, True),
        (Mode.ABOVE, 99, True),
        (Mode.ABOVE, 100, False),
        (Mode.ABOVE, 101, False),
    ],
)
def test_company_is_asked_as_it_wishes(firm: Firm, mode: Mode, above: int | None, asks: bool) -> None:
    firm.approves(mode, above)

    row = firm.order()

    assert (row.approval_id is not None, Approval.objects.count()) == (asks, int(asks))
    assert row.state == "REQUESTED"


def test_company_that_has_set_nothing_approves_nothing(firm: Firm) -> None:
    assert (policy_of(firm.member.company_id).mode, firm.order().approval_id) == (Mode.NEVER, None)


def test_everybody_who_decides_is_asked_but_the_one_who_ordered(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    stand_in = an_employee(firm.member.company)
    delegate(actor=acting(firm.admin), to_employee_id=stand_in.pk, starts_at=NOW, ends_at=None, now=NOW)

    row = firm.redeem(firm.admin, note=" For the fair ").redemption

    approval = Approval.objects.get()
    assert (approval.kind, approval.subject_id, approval.audience) == ("redemption", row.pk, "CLIENT")
    assert (approval.points, approval.note, approval.asked_by) == (100, "For the fair", firm.admin.user)
    told = Message.objects.filter(kind="approval-asked")
    assert set(told.values_list("employee", "subject_id")) == {
        (firm.decider.pk, approval.pk),
        (stand_in.pk, approval.pk),
    }
    assert messages.title_of(told[0]) == "Ada Admin asks you to approve Headset for 100 points"
    assert messages.address_of(told[0]) == f"/company/approvals/{approval.pk}/"


def test_order_that_waits_has_taken_points_and_piece(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)

    firm.order()

    assert balance(firm.member, firm.buyer) == 50
    assert RewardStock.objects.get().taken == 1


def test_approved_by_the_company_it_comes_to_us_and_whoever_ordered_is_told(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.order()

    approved = yes(firm, firm.decider, row)

    assert approved == Redemption.objects.get()
    assert approved.state == "CLIENT_APPROVED"
    step = RedemptionStep.objects.get(state="CLIENT_APPROVED")
    assert (step.by, step.at) == (firm.decider.user, LATER)
    approval = Approval.objects.get()
    assert (approval.state, approval.decided_by, approval.decided_at) == ("APPROVED", firm.decider.user, LATER)
    message = Message.objects.get(kind="approval-decided")
    assert (message.employee, messages.address_of(message)) == (firm.buyer, f"/orders/{row.pk}/")
    assert AuditEntry.objects.get(action="redemption-approved-by-company").actor == firm.decider.user
    assert approve(redemption_id=row.pk, by_user_id=a_manager().pk, now=LATER).state == "APPROVED"


def test_rejected_by_the_company_the_points_are_back_with_the_reason(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.order()

    rejected = no(firm, firm.admin, row, " Too dear ")

    assert (rejected.state, rejected.refunded_at) == ("REJECTED", LATER)
    assert balance(firm.member, firm.buyer) == 150
    assert RewardStock.objects.get().taken == 0
    approval = Approval.objects.get()
    assert (approval.state, approval.reason, approval.decided_by) == ("REJECTED", "Too dear", firm.admin.user)
    message = Message.objects.get(kind="redemption-rejected")
    assert message.facts == {"reward": "Headset", "points": 100, "reason": "Too dear"}


def test_nobody_approves_or_rejects_the_own_order(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.redeem(firm.admin).redemption
    before = fingerprint()

    with pytest.raises(OwnRequestError):
        yes(firm, firm.admin, row)
    with pytest.raises(OwnRequestError):
        no(firm, firm.admin, row)

    assert fingerprint() == before


def test_database_refuses_the_own_approval_whoever_writes_it(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    firm.redeem(firm.admin)

    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Approval.objects.update(state="APPROVED", decided_by=firm.admin.user_id, decided_at=LATER)

    assert isinstance(refusal.value.__cause__, psycopg.Error)
    assert refusal.value.__cause__.diag.constraint_name == "approval_asker_never_decides"


def test_it_is_decided_once_and_the_second_hears_by_whom(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.order()
    yes(firm, firm.decider, row)
    before = fingerprint()

    for act in (yes, no):
        with pytest.raises(AlreadyDecidedError) as refusal:
            act(firm, firm.admin, row)
        assert refusal.value.approval is not None
        assert refusal.value.approval.decided_by == firm.decider.user

    assert fingerprint() == before


def test_rejection_without_a_reason_is_refused(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.order()
    before = fingerprint()

    with pytest.raises(ReasonMissingError):
        no(firm, firm.decider, row, "  ")

    assert fingerprint() == before


def test_order_that_asked_nobody_cannot_be_approved_by_the_company(firm: Firm) -> None:
    row = firm.order()
    before = fingerprint()

    with pytest.raises(AlreadyDecidedError):
        yes(firm, firm.decider, row)

    assert fingerprint() == before


def test_whoever_does_not_decide_decides_nothing(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.order()
    colleague, stranger = an_employee(firm.member.company), an_admin(a_member(firm.member.program).company)
    before = fingerprint()

    for person in (colleague, stranger):
        with pytest.raises(NotADeciderError):
            yes(firm, person, row)
        with pytest.raises(NotADeciderError):
            no(firm, person, row)

    assert fingerprint() == before


def test_stand_in_decides_until_the_time_is_over(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    colleague = an_employee(firm.member.company)
    row = firm.order()
    delegate(actor=acting(firm.admin), to_employee_id=colleague.pk, starts_at=NOW, ends_at=LATER, now=NOW)
    before = fingerprint()

    with pytest.raises(NotADeciderError):
        yes(firm, colleague, row)
    assert fingerprint() == before

    just_before = LATER - timedelta(seconds=1)
    approved = approve_for_company(actor=acting(colleague, just_before), redemption_id=row.pk, now=just_before)
    assert approved.state == "CLIENT_APPROVED"


def test_stand_in_does_not_decide_the_own_order(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    delegate(actor=acting(firm.admin), to_employee_id=firm.buyer.pk, starts_at=NOW, ends_at=None, now=NOW)
    row = firm.order()
    before = fingerprint()

    with pytest.raises(OwnRequestError):
        yes(firm, firm.buyer, row)

    assert fingerprint() == before


def test_where_nobody_else_decides_it_comes_to_us_and_that_is_on_record(firm: Firm) -> None:
    Employee.objects.filter(pk=firm.decider.pk).update(buying_role=Employee.BuyingRole.USES)
    firm.approves(Mode.ALWAYS)

    of_admin = firm.redeem(firm.admin)

    assert (of_admin.is_unasked, of_admin.redemption.approval_id) == (True, None)
    entry = AuditEntry.objects.get(action="redemption-nobody-to-ask")
    assert (entry.actor, entry.subject_id) == (firm.admin.user, of_admin.redemption.pk)
    assert not firm.redeem(firm.buyer, firm.buyer, key="other").is_unasked
    assert approve(redemption_id=of_admin.redemption.pk, by_user_id=a_manager().pk, now=LATER).state == "APPROVED"


def test_order_whose_company_has_nobody_left_to_decide_is_ours_to_approve(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.order()
    manager = a_manager()
    Employee.objects.filter(pk__in=[firm.admin.pk, firm.decider.pk]).update(is_active=False)

    approved = approve(redemption_id=row.pk, by_user_id=manager.pk, now=LATER)

    assert approved.state == "APPROVED"
    assert (Approval.objects.get().state, Approval.objects.get().decided_by) == ("WITHDRAWN", manager)


@pytest.mark.parametrize("ended_by", ["client", "vendor cancels", "vendor rejects"])
def test_order_that_ends_while_it_waits_asks_no_longer(firm: Firm, ended_by: str) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.order()
    us = a_manager()
    assert firm.buyer.user_id is not None

    if ended_by == "client":
        cancel(redemption_id=row.pk, by_user_id=firm.buyer.user_id, now=LATER)
    elif ended_by == "vendor cancels":
        cancel(redemption_id=row.pk, by_user_id=us.pk, now=LATER, reason="Called", by_vendor=True)
    else:
        reject(redemption_id=row.pk, by_user_id=us.pk, reason="Sold out", now=LATER)

    assert Approval.objects.get().state == "WITHDRAWN"
    with pytest.raises(AlreadyDecidedError):
        yes(firm, firm.decider, row)
    assert balance(firm.member, firm.buyer) == 150


def test_new_policy_leaves_what_waits(firm: Firm) -> None:
    firm.approves(Mode.ALWAYS)
    row = firm.order()

    firm.approves(Mode.NEVER)

    assert Approval.objects.get().state == "WAITING"
    assert yes(firm, firm.decider, row).state == "CLIENT_APPROVED"


def test_policy_is_set_by_an_admin_and_goes_on_record(firm: Firm) -> None:
    set_policy(actor=acting(firm.admin), mode=Mode.ALWAYS, above=7, now=NOW)
    policy = set_policy(actor=acting(firm.admin), mode=Mode.ABOVE, above=500, now=LATER)

    assert policy == policy_of(firm.member.company_id) == SpendingPolicy.objects.get()
    assert (policy.mode, policy.above) == ("ABOVE", 500)
    entries = AuditEntry.objects.filter(action="spending-policy-set", actor=firm.admin.user).order_by("pk")
    assert [entry.numbers for entry in entries] == [{"mode": "ALWAYS", "above": None}, {"mode": "ABOVE", "above": 500}]


@pytest.mark.parametrize("above", [None, 0, -1, MOST_ABOVE + 1])
def test_policy_above_a_value_needs_the_value(firm: Firm, above: int | None) -> None:
    before = fingerprint()

    with pytest.raises(ValueMissingError):
        set_policy(actor=acting(firm.admin), mode=Mode.ABOVE, above=above, now=NOW)

    assert fingerprint() == before


def test_nobody_but_an_admin_sets_the_policy(firm: Firm) -> None:
    before = fingerprint()

    for person in (firm.decider, firm.buyer):
        with pytest.raises(NotAnAdminError):
            set_policy(actor=acting(person), mode=Mode.ALWAYS, above=None, now=NOW)

    assert fingerprint() == before


@pytest.mark.parametrize(("mode", "above"), [("ABOVE", None), ("NEVER", 5), ("ALWAYS", 5)])
def test_database_keeps_the_value_with_its_mode(mode: str, above: int | None) -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        SpendingPolicy.objects.create(company=a_company(), mode=mode, above=above)

    assert isinstance(refusal.value.__cause__, psycopg.Error)
    assert refusal.value.__cause__.diag.constraint_name == "spending_policy_above_a_value"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_approval SET state = 'WAITING', decided_by_id = NULL, decided_at = NULL",
        "UPDATE accounts_approval SET state = 'REJECTED', reason = 'No'",
        "UPDATE accounts_approval SET state = 'WITHDRAWN'",
        "UPDATE accounts_approval SET kind = 'other'",
        "UPDATE accounts_approval SET subject_id = subject_id + 1",
        "UPDATE accounts_approval SET company_id = NULL",
    ],
)
def test_law_notices_an_order_whose_approval_says_otherwise(firm: Firm, statement: str) -> None:
    firm.approves(Mode.ALWAYS)
    yes(firm, firm.decider, firm.order())

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
        found = {finding.law.code for finding in laws.verify() if finding.count}
        transaction.set_rollback(True)

    assert found == {"R5"}
