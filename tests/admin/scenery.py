"""A world in which every table of the house has rows, so that every screen of the admin has something to show."""

from datetime import timedelta

from django.db import transaction

from accounts import audit, idempotency
from accounts.actors import actor_of
from accounts.models import CompanyProfile, Interest, Segment, SegmentMembership, ServiceNote, User
from loyalty.ledger import Owner
from loyalty.models import ActivityAttribute, Program, RuleSet
from rewards.models import Reward
from rewards.redemption import cancel, redeem
from tests.factories.world import (
    EPOCH,
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_purchase_type,
    a_reward,
    a_role,
    a_rule_set,
    a_user,
    an_account_manager,
    an_admin,
    consent_to,
    record,
)


def furnish(by: User, *, companies: int = 1) -> Program:
    """Fill every table: one program and, for each of `companies`, people, points, a return and a cancelled order."""
    program = a_program(tiers={"basic": 0, "gold": 500})
    ActivityAttribute.objects.get_or_create(
        activity_type=a_purchase_type(), code="margin", defaults={"name": "Margin", "type": "NUMBER"}
    )
    Segment.objects.get_or_create(code="key", defaults={"name": "Key accounts"})
    Interest.objects.get_or_create(code="music", defaults={"name": "Music"})
    a_rule_set(
        program,
        [
            {"beneficiary": "BOTH", "caps": [("COMPANY", "MONTH", 5_000)]},
            {"condition": {"fact": "company.segments", "op": "has", "value": "key"}},
        ],
    )
    a_rule_set(program, starts_at=EPOCH - timedelta(days=1), status=RuleSet.Status.DRAFT)
    reward = a_reward(program, pieces=1_000)
    for _number in range(companies):
        _furnish_company(program, reward, by)
    return program


def _furnish_company(program: Program, reward: Reward, by: User) -> None:
    company = a_company()
    CompanyProfile.objects.create(company=company, goals="Grow")
    SegmentMembership.objects.create(segment=Segment.objects.get(code="key"), company=company, starts_at=EPOCH)
    author = an_account_manager(company)
    employee = an_admin(company)
    employee.interests.add(Interest.objects.get(code="music"))
    a_role(employee, "buyer")
    ServiceNote.objects.create(company=company, author=author, text="Called about deliveries", happened_at=NOW)
    membership = a_member(program, company)
    consent_to(membership, by=a_user())
    sale = a_purchase(company, 900, employee_id=employee.pk)
    back = a_purchase(company, 100, reverses=sale.external_id)
    record(sale, back, now=NOW)
    assert employee.user is not None
    order = redeem(
        actor=actor_of(employee.user, now=NOW),
        reward_id=reward.pk,
        payer=Owner(program.pk, company.pk),
        shown_price=reward.price,
        key="first",
        now=NOW,
    )
    cancel(redemption_id=order.redemption.pk, by_user_id=by.pk, now=NOW)
    with transaction.atomic():
        idempotency.claim(user_id=by.pk, key=f"K{company.pk}", content=[])
    audit.record("looked", company, actor_id=by.pk, now=NOW, company_id=company.pk, reason="An agreed review")
