"""Rules that invite companies to a tier: one at a time, answered by an admin, withdrawn by a whole return."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import laws
from accounts.actors import actor_of_employee
from accounts.models import Employee, Message
from loyalty.explaining import plain_rules
from loyalty.models import EffectAward, Membership, Tier, TierAssignment, TierInvitation
from loyalty.rulesets import UnsoundRuleError, activate
from loyalty.standing import rebuild_standing
from loyalty.titles import accept, decline
from tests.factories.world import (
    EPOCH,
    NOW,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_admin,
    record,
)

pytestmark = pytest.mark.django_db

GOLD = {"kind": "invitation", "tier": "gold", "days": 90, "answer_days": 14}
IS_LARGE = {"fact": "activity.amount", "op": "gte", "value": 50}


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_club(**rule: Any) -> tuple[Membership, Employee]:
    """A company whose large purchases bring an invitation to Gold, and its admin."""
    program = a_program(tiers={"base": 0, "gold": 9000})
    Tier.objects.filter(program=program, code="gold").update(is_invited=True)
    draft = a_rule_set(program, [{"formula": GOLD, "condition": IS_LARGE, **rule}], status="DRAFT")
    activate(rule_set=draft, by=a_manager(), starts_at=EPOCH, now=NOW)
    membership = a_member(program)
    return membership, an_admin(membership.company)


def answers() -> list[str]:
    return [*TierInvitation.objects.order_by("pk").values_list("answer", flat=True)]


def test_rule_invites_once_and_those_who_act_are_told() -> None:
    membership, admin = a_club()

    record(a_purchase(membership.company), a_purchase(membership.company))
    record(a_purchase(membership.company))

    row = TierInvitation.objects.get()
    assert (row.membership, row.tier.code, row.answer, row.reason) == (membership, "gold", "OPEN", "Rule 0")
    assert (row.until, row.answer_by) == (NOW.date() + timedelta(days=90), NOW.date() + timedelta(days=14))
    assert (row.invited_by, row.invited_at, row.award) == (None, NOW, EffectAward.objects.earliest("pk"))
    assert [*EffectAward.objects.order_by("pk").values_list("is_given", flat=True)] == [True, False, False]
    message = Message.objects.get(employee=admin)
    assert (message.kind, message.subject_id, message.facts["tier"]) == ("tier-invited", row.pk, "Gold")


def test_admin_accepts_and_is_not_asked_again_while_the_tier_holds() -> None:
    membership, admin = a_club()
    record(a_purchase(membership.company))

    accept(actor=actor_of_employee(admin, now=NOW), invitation=TierInvitation.objects.get(), now=NOW)
    record(a_purchase(membership.company))

    held = TierAssignment.objects.get(membership=membership, ends_at=None)
    assert (held.tier.code, held.source, answers()) == ("gold", "INVITED", ["ACCEPTED"])
    assert rebuild_standing(programs=[membership.program], only_check=True).different == []

    later = NOW + timedelta(days=91)
    record(a_purchase(membership.company, occurred_at=later), now=later)
    assert answers() == ["ACCEPTED", "OPEN"]


@pytest.mark.parametrize("at_once", [True, False], ids=["one call", "several calls"])
def test_whole_return_withdraws_what_nobody_answered(at_once: bool) -> None:
    membership, _admin = a_club()
    sale = a_purchase(membership.company, 50)
    items = [sale, a_purchase(membership.company, 20, reverses=sale.external_id)]
    for part in [items] if at_once else [[item] for item in items]:
        record(*part)
    assert answers() == ["OPEN"]

    back = a_purchase(membership.company, 30, reverses=sale.external_id)
    other = a_purchase(membership.company, 60)
    record(*([back, other] if at_once else [back]))
    if not at_once:
        record(other)

    assert answers() == ["WITHDRAWN", "OPEN"]
    row = TierInvitation.objects.earliest("pk")
    assert (row.answered_by, row.answered_at) == (None, NOW)


def test_invitation_that_is_returned_within_the_call_is_on_record_and_nobody_is_told() -> None:
    membership, admin = a_club()
    sale = a_purchase(membership.company, 50)

    record(sale, a_purchase(membership.company, 50, reverses=sale.external_id))

    assert answers() == ["WITHDRAWN"]
    assert not Message.objects.filter(employee=admin).exists()


def test_accepted_tier_stays_after_the_return_and_a_declined_one_is_offered_anew() -> None:
    membership, admin = a_club()
    actor = actor_of_employee(admin, now=NOW)
    first, second = a_purchase(membership.company), a_purchase(membership.company)
    record(first)
    decline(actor=actor, invitation=TierInvitation.objects.get(), now=NOW)
    record(second)
    accept(actor=actor, invitation=TierInvitation.objects.latest("pk"), now=NOW)

    record(a_purchase(membership.company, None, reverses=second.external_id))
    record(a_purchase(membership.company, None, reverses=first.external_id))

    assert answers() == ["DECLINED", "ACCEPTED"]
    assert TierAssignment.objects.get(membership=membership, ends_at=None).tier.code == "gold"


def test_one_that_was_not_answered_in_time_makes_room() -> None:
    membership, _admin = a_club()
    record(a_purchase(membership.company))
    on_the_day, after = NOW + timedelta(days=14), NOW + timedelta(days=15)

    record(a_purchase(membership.company, occurred_at=on_the_day), now=on_the_day)
    assert answers() == ["OPEN"]

    record(a_purchase(membership.company, occurred_at=after), now=after)
    assert answers() == ["WITHDRAWN", "OPEN"]


def test_tier_that_is_no_longer_open_by_invitation_is_not_given() -> None:
    membership, _admin = a_club()
    Tier.objects.update(is_invited=False)

    record(a_purchase(membership.company))

    assert answers() == []
    assert [*EffectAward.objects.values_list("is_given", flat=True)] == [False]


def test_rule_says_what_it_invites_to() -> None:
    membership, _admin = a_club(condition={})

    [rule] = plain_rules(membership.program.rule_sets.get(), membership.program)

    said = "an invitation to “Gold”, for 90 days, to be answered within 14"
    assert rule.sentence == f"Purchase: {said} to the company."


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"beneficiary": "EMPLOYEE"}, "invitation: this is for companies alone: give it to the company."),
        ({"beneficiary": "BOTH"}, "invitation: this is for companies alone: give it to the company."),
        (
            {"formula": {**GOLD, "tier": "base"}},
            "invitation: there is no “base” in this program; there is: gold.",
        ),
        (
            {"formula": {**GOLD, "answer_days": 91}},
            "answer_days: the tier would be over before the company has to answer.",
        ),
        ({"formula": {"kind": "invitation", "tier": "gold"}}, "days: missing."),
    ],
)
def test_unsound_invitation_is_refused(rule: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnsoundRuleError) as refused:
        a_club(**rule)

    assert str(refused.value).endswith(sentence)


def test_database_refuses_an_invitation_that_nobody_gave_or_that_two_gave() -> None:
    membership, _admin = a_club()
    record(a_purchase(membership.company))
    row = TierInvitation.objects.get()

    for fields in ({"award": None}, {"invited_by": a_manager()}):
        with pytest.raises(IntegrityError, match="tier_invitation_by_hand_or_rule"), transaction.atomic():
            TierInvitation.objects.filter(pk=row.pk).update(**fields)
    with pytest.raises(IntegrityError, match="tier_invitation_answer_on_record"), transaction.atomic():
        TierInvitation.objects.filter(pk=row.pk).update(answer="ACCEPTED", answered_at=NOW)

    assert answers() == ["OPEN"]


def test_days_count_where_the_program_is() -> None:
    membership, _admin = a_club()
    type(membership.program).objects.update(time_zone="Pacific/Auckland")
    late = NOW.replace(hour=13)

    record(a_purchase(membership.company, occurred_at=late), now=late)

    assert TierInvitation.objects.get().answer_by == late.date() + timedelta(days=15)
