"""Races of promotions: approvals and activities one after the other, a budget that is never passed, one promotion."""

from functools import partial

import pytest
from django.db import connection

from accounts.approvals import AlreadyDecidedError
from accounts.models import User
from loyalty import promotions
from loyalty.activities import ActivityItem
from loyalty.models import CapUsage, Membership, PersonalPromotion, PromotedAward
from tests.factories.world import NOW as NOON
from tests.factories.world import (
    a_manager,
    a_member,
    a_program,
    a_promotion,
    a_purchase,
    a_rule_set,
    a_source,
    a_waiting_promotion,
    record,
)
from tests.loyalty.racing import meet_before, race, race_in_order

pytestmark = pytest.mark.django_db(transaction=True)


def a_world() -> Membership:
    """A company that gets 1 point for each full 1."""
    program = a_program()
    a_rule_set(program)
    a_source()
    return a_member(program)


def lock_memberships() -> list[Membership]:
    return list(Membership.objects.select_for_update())


def approve(promotion: PersonalPromotion, by: User) -> PersonalPromotion:
    return promotions.decide(promotion_id=promotion.pk, by=by, is_approved=True, now=NOON)


def buy(item: ActivityItem) -> int:
    return record(item)[0].points


@pytest.mark.parametrize(("is_first", "given"), [(True, 200), (False, 100)])
def test_activity_is_judged_by_the_promotion_that_was_approved_before_it(is_first: bool, given: int) -> None:
    membership = a_world()
    approving = partial(approve, a_waiting_promotion(membership), a_manager())
    buying = partial(buy, a_purchase(membership.company))

    results = race_in_order([approving, buying] if is_first else [buying, approving], held=lock_memberships)

    assert results[1 if is_first else 0] == given
    assert PersonalPromotion.objects.get().state == "APPROVED"


def test_of_two_who_approve_at_once_one_does() -> None:
    waiting = a_waiting_promotion(a_world())
    managers = [a_manager(), a_manager()]

    results = race([partial(approve, waiting, by) for by in managers], held=lock_memberships)

    assert sorted(type(result).__name__ for result in results) == [
        AlreadyDecidedError.__name__,
        PersonalPromotion.__name__,
    ]


def test_purchases_at_once_never_pass_the_budget() -> None:
    membership = a_world()
    promotion = a_promotion(membership, budget=150)

    points = race([partial(buy, a_purchase(membership.company)) for _ in range(3)], held=lock_memberships)

    assert sorted(points) == [100, 150, 200]
    assert CapUsage.objects.get(rule_code=f"promotion:{promotion.pk}").used == 150
    assert sum(PromotedAward.objects.values_list("points", flat=True)) == 150


def test_of_two_promotions_for_the_same_points_that_are_approved_at_once_one_holds() -> None:
    membership = a_world()
    first, second = _two_that_wait(membership)

    results = race([partial(approve, each, a_manager()) for each in (first, second)], held=lock_memberships)

    assert sorted(type(result).__name__ for result in results) == ["OverlapError", "PersonalPromotion"]
    assert sorted(PersonalPromotion.objects.values_list("state", flat=True)) == ["APPROVED", "WAITING"]


@pytest.mark.parametrize("is_guarded", [True, False], ids=["with the trigger", "without it"])
def test_database_itself_lets_only_one_of_them_hold(is_guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: where code looks before either has written, the trigger alone stands between."""
    membership = a_world()
    first, second = _two_that_wait(membership)
    monkeypatch.setattr(promotions, "_lock", lambda membership: membership)  # the lock of the use case
    meet_before(monkeypatch, promotions, "span_of", 2)
    with connection.cursor() as cursor:
        if not is_guarded:
            cursor.execute("ALTER TABLE loyalty_personalpromotion DISABLE TRIGGER USER")
    try:
        race([partial(approve, each, a_manager()) for each in (first, second)])
        held = PersonalPromotion.objects.filter(state="APPROVED").count()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE loyalty_personalpromotion ENABLE TRIGGER USER")

    assert held == (1 if is_guarded else 2)


def _two_that_wait(membership: Membership) -> tuple[PersonalPromotion, PersonalPromotion]:
    """Two for the same points, which nobody can ask for by the use case."""
    first = a_waiting_promotion(membership)
    july = first.ends_on.replace(month=7)
    second = a_waiting_promotion(membership, starts_on=july, ends_on=july)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE loyalty_personalpromotion DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE loyalty_personalpromotion SET starts_on = %s, ends_on = %s WHERE id = %s",
            [first.starts_on, first.ends_on, second.pk],
        )
        cursor.execute("ALTER TABLE loyalty_personalpromotion ENABLE TRIGGER USER")
    second.refresh_from_db()
    return first, second
