"""A world in which every page has something to show, with names as long as real ones get."""

from dataclasses import dataclass

from django.utils import timezone

from accounts.actors import actor_of
from accounts.models import Company, CompanyProfile, Employee, Segment, SegmentMembership, ServiceNote, User
from accounts.service_notes import write_note
from loyalty.ledger import Owner
from loyalty.models import Program, RuleSet, Transaction
from rewards.models import Redemption, Reward
from rewards.redemption import redeem
from tests.factories.world import (
    EPOCH,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_role,
    a_rule_set,
    a_user,
    an_account_manager,
    an_admin,
    an_employee,
    consent_to,
    record,
)

LONG_NAME = "Rindfleischetikettierungsüberwachungs-Gesellschaft Württembergisch-Oberschwaben mbH & Co. KG"
PRICE = 1_500


@dataclass(frozen=True, slots=True)
class World:
    """The people who look at pages, and the rows that addresses name."""

    client: User
    account_manager: User
    manager: User
    company: Company
    colleague: Employee
    program: Program
    draft: RuleSet
    reward: Reward
    dear_reward: Reward
    sold_out_reward: Reward
    order: Redemption
    earned: Transaction


def a_world() -> World:
    """Build it through the use cases of real life, where there are any."""
    now = timezone.now()
    program = a_program(tiers={"basic": 0, "gold": 500_000}, name="Halden Together", expiry_months=1)
    a_rule_set(
        program,
        [
            {"name": "Every order counts", "beneficiary": "BOTH"},
            {
                "name": "Large orders",
                "condition": {"fact": "activity.amount", "op": "gte", "value": 200_000},
                "formula": {"kind": "fixed", "points": 200},
                "caps": [("COMPANY", "MONTH", 100)],
            },
        ],
    )
    draft = a_rule_set(program, status=RuleSet.Status.DRAFT)
    company = a_company(name=LONG_NAME, country="Germany")
    a_company(name="Somebody else")
    CompanyProfile.objects.create(
        company=company, goals="Double the output of the milling hall.", problems="Apprentices"
    )
    segment = Segment.objects.create(code="key", name="Key clients")
    SegmentMembership.objects.create(segment=segment, company=company, starts_at=EPOCH)
    client = a_user(name="Katrin Brückner")
    person = an_admin(company, user=client, name=client.name)
    colleague = an_employee(company, login=False, name="Wilhelmina Featherstonehaugh-Cholmondeley")
    a_role(person, "owner")
    a_role(colleague, "buyer")
    account_manager = an_account_manager(company, name="Samuel Adeyemi")
    write_note(
        company=company,
        author_id=account_manager.pk,
        kind=ServiceNote.Kind.MEETING,
        text="Walked through the milling hall.",
        visibility=ServiceNote.Visibility.SHARED,
        happened_at=now,
        people=[colleague],
    )
    consent_to(a_member(program, company), by=client)
    items = [
        a_purchase(company, amount, object="DRILL-8", employee_id=person.pk, occurred_at=now)
        for amount in (210_000, *range(900, 930))
    ]
    first = record(*items, now=now)[0]
    reward = a_reward(program, name="Coffee for the department", description="Two kilos of coffee.", price=PRICE)
    dear_reward = a_reward(program, name="Two tickets for the tool fair", price=9_000_000)
    sold_out_reward = a_reward(program, name="A visit to the foundry", price=700, pieces=0)
    order = redeem(
        actor=actor_of(client, now=now),
        reward_id=reward.pk,
        payer=Owner(program.pk, company.pk),
        shown_price=PRICE,
        key="scenery",
        now=now,
    ).redemption
    return World(
        client=client,
        account_manager=account_manager,
        manager=a_manager(name="Helena Vogt"),
        company=company,
        colleague=colleague,
        program=program,
        draft=draft,
        reward=reward,
        dear_reward=dear_reward,
        sold_out_reward=sold_out_reward,
        order=order,
        earned=Transaction.objects.get(activity=first.activity_id),
    )
