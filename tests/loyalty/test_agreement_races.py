"""Races of agreements: an approval and an activity come one after the other; a request is decided once."""

from functools import partial

import pytest

from accounts.approvals import AlreadyDecidedError
from accounts.models import User
from loyalty import agreements
from loyalty.activities import ActivityItem
from loyalty.models import Agreement, Evaluation, Membership
from tests.factories.world import (
    NOW,
    a_draft_agreement,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    record,
)
from tests.loyalty.racing import race, race_in_order

pytestmark = pytest.mark.django_db(transaction=True)


def a_waiting_agreement() -> Agreement:
    """A factor of 2 that is asked for, of a company that gets 1 point for each full 1."""
    program = a_program()
    a_rule_set(program)
    a_source()
    draft = a_draft_agreement(a_member(program), factor="2")
    return agreements.ask(agreement=draft, by=draft.drafted_by, starts_at=NOW, now=NOW)


def lock_memberships() -> list[Membership]:
    return list(Membership.objects.select_for_update())


def approve(agreement: Agreement, by: User) -> Agreement:
    return agreements.decide(agreement_id=agreement.pk, by=by, is_approved=True, now=NOW)


def buy(item: ActivityItem) -> int:
    return record(item)[0].points


def test_activity_behind_an_approval_is_judged_by_it() -> None:
    waiting = a_waiting_agreement()
    approving = partial(approve, waiting, a_manager())
    buying = partial(buy, a_purchase(waiting.membership.company))

    _approved, points = race_in_order([approving, buying], held=lock_memberships)

    assert points == 200
    assert Evaluation.objects.get().agreement_id == waiting.pk


def test_activity_before_an_approval_is_judged_without_it() -> None:
    waiting = a_waiting_agreement()
    approving = partial(approve, waiting, a_manager())
    buying = partial(buy, a_purchase(waiting.membership.company))

    points, _approved = race_in_order([buying, approving], held=lock_memberships)

    assert points == 100
    assert Evaluation.objects.get().agreement_id is None
    assert Agreement.objects.get().status == "ACTIVE"


def test_of_two_who_approve_at_once_one_does() -> None:
    waiting = a_waiting_agreement()
    managers = [a_manager(), a_manager()]

    results = race([partial(approve, waiting, by) for by in managers], held=lock_memberships)

    assert sorted(type(result).__name__ for result in results) == ["Agreement", AlreadyDecidedError.__name__]
    assert Agreement.objects.get().status == "ACTIVE"
