"""A world in which every page has something to show, with names as long as real ones get."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts import approvals
from accounts.actors import actor_of
from accounts.follow_ups import Promise
from accounts.models import (
    Approval,
    Company,
    CompanyProfile,
    Employee,
    Segment,
    SegmentMembership,
    ServiceNote,
    User,
)
from accounts.service_notes import write_note
from loyalty.benefits import grant
from loyalty.ledger import Owner
from loyalty.models import Badge, Benefit, BenefitMatrix, Program, RuleSet, Tier, Transaction
from loyalty.models.rules import ACTIVATION
from loyalty.rulebook import fingerprint
from rewards.models import Redemption, Reward
from rewards.policies import set_policy
from rewards.redemption import redeem
from surveys.models import Survey
from tests.factories.identity_provider import a_single_sign_on
from tests.factories.surveys import a_choice, a_scale, a_survey, a_text, answer, begin
from tests.factories.world import (
    EPOCH,
    a_benefit,
    a_company,
    a_manager,
    a_matrix,
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
    rules_asked: Approval
    reward: Reward
    dear_reward: Reward
    sold_out_reward: Reward
    order: Redemption
    earned: Transaction
    survey: Survey
    begun_survey: Survey
    answered_survey: Survey
    seminar: Benefit
    offer: Benefit
    badge: Badge
    matrix: BenefitMatrix
    draft_matrix: BenefitMatrix
    buyer: Employee
    approval: Approval


def a_world() -> World:
    """Build it through the use cases of real life, where there are any."""
    now = timezone.now()
    program = a_program(tiers={"basic": 0, "gold": 500_000}, name="Halden Together", expiry_months=1, transfers="BOTH")
    Tier.objects.filter(program=program, code="gold").update(
        is_chosen=True, is_invited=True, is_paid=True, fee=Decimal(1900), fee_currency="GBP", fee_months=12
    )
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
            {
                "name": "What wears out",
                "formula": {
                    "kind": "lookup",
                    "by": "activity.product_lists",
                    "of": "activity.amount",
                    "table": [{"is": "wear", "percent": 1}],
                    "multipliers": {"tier": {"gold": "1.5"}, "campaigns": ["weeks"]},
                    "at_most": 1,
                },
            },
        ],
        lists={"wear": ["BLADE-7", "COOLANT-20-WITH-A-CODE-THAT-IS-LONGER-THAN-A-PHONE-IS-WIDE-AND-HAS-NO-SPACE"]},
        campaigns=[{"code": "weeks", "name": "Tool weeks", "budget": 1_000}],
    )
    draft = a_rule_set(program, status=RuleSet.Status.DRAFT)
    company = a_company(name=LONG_NAME, country="Germany")
    a_single_sign_on(company, "https://login.halden.example", "halden.example")
    a_company(name="Somebody else")
    CompanyProfile.objects.create(
        company=company, goals="Double the output of the milling hall.", problems="Apprentices"
    )
    segment = Segment.objects.create(code="key", name="Key clients")
    SegmentMembership.objects.create(segment=segment, company=company, starts_at=EPOCH)
    client = a_user(name="Katrin Brückner")
    person = an_admin(company, user=client, name=client.name)
    buyer = an_employee(company, user=a_user(name="Priya Raghunathan"), name="Priya Raghunathan")
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
        promise=Promise("Send what the coolant trial has shown", timezone.localdate(now) - timedelta(days=2), now),
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
    seminar, offer, matrix, draft_matrix = _benefits_of(program)
    grant(
        membership=colleague.company.memberships.get(), employee=colleague, benefit=seminar, quota=1, period="EVER",
        starts_at=now, ends_at=None, by=actor_of(account_manager, now=now), now=now,
        reason="The machine stood still for a week, and the seminar makes up for a little of it.",
    )  # fmt: skip
    survey, begun_survey, answered_survey = _surveys_of(program, person)
    return World(
        client=client,
        account_manager=account_manager,
        manager=a_manager(name="Helena Vogt"),
        company=company,
        colleague=colleague,
        program=program,
        draft=draft,
        rules_asked=_ask_for_rules(draft, now),
        reward=reward,
        dear_reward=dear_reward,
        sold_out_reward=sold_out_reward,
        order=order,
        earned=Transaction.objects.get(activity=first.activity_id),
        survey=survey,
        begun_survey=begun_survey,
        answered_survey=answered_survey,
        seminar=seminar,
        offer=offer,
        badge=Badge.objects.create(
            program=program, code="press", name="Knows every machine in the house", description="For all courses."
        ),
        matrix=matrix,
        draft_matrix=draft_matrix,
        buyer=buyer,
        approval=_an_approval(program, person, buyer, reward),
    )


def _ask_for_rules(draft: RuleSet, now: datetime) -> Approval:
    """A request for rules that another manager made; what they have to show for that is no matter here."""
    request = approvals.ask(
        kind=ACTIVATION,
        subject_id=draft.pk,
        audience=Approval.Audience.VENDOR,
        company_id=None,
        asked_by_id=a_manager(name="Otto Brandt").pk,
        points=None,
        note="Orders of the milling halls shall count from the first pound on.",
        now=now,
    )
    RuleSet.objects.filter(pk=draft.pk).update(approval=request, asked_fingerprint=fingerprint(draft))
    return request


def _an_approval(program: Program, admin: Employee, buyer: Employee, reward: Reward) -> Approval:
    """An order of the buyer that waits for the admin."""
    now = timezone.now()
    record(a_purchase(buyer.company, 2_000, employee_id=buyer.pk, occurred_at=now), now=now)
    set_policy(actor=actor_of(admin.user, now=now), mode="ALWAYS", above=None, now=now)
    redemption = redeem(
        actor=actor_of(buyer.user, now=now),
        reward_id=reward.pk,
        payer=Owner(program.pk, buyer.company_id, buyer.pk),
        shown_price=reward.price,
        key="waits",
        now=now,
        note="The old machine broke, and the fair is next week.",
    ).redemption
    set_policy(actor=actor_of(admin.user, now=now), mode="NEVER", above=None, now=now)
    assert redemption.approval is not None
    return redemption.approval


def _surveys_of(program: Program, person: Employee) -> tuple[Survey, Survey, Survey]:
    """A survey to begin, one that waits for its last answer, and one that has been sent."""
    now = timezone.now()
    words: dict[str, Any] = {
        "introduction": "Three questions, three minutes. What you say decides what we change first.",
        "minutes": 3,
    }
    items = [
        a_scale(
            "recommend",
            text="How likely is it that you recommend us to somebody in your trade?",
            measures="NPS",
            low_label="not at all likely",
            high_label="extremely likely",
        ),
        a_choice(
            "why", text="What would have to change first?", is_multiple=True, hint="Think of the last three months."
        ),
        a_text("wish", text="What else should we know?"),
    ]
    survey, begun, sent = (
        a_survey(program, items, name=name, **words)
        for name in ("How was the spring?", "Deliveries to the milling hall", "The new catalogue")
    )
    begin(person, begun, at=now, recommend="4", why=["price", "service"], wish="Shorter waits on Mondays")
    answer(person, sent, at=now, recommend="9", why=["service"], wish="More drawings, fewer adjectives")
    return survey, begun, sent


def _benefits_of(program: Program) -> tuple[Benefit, Benefit, BenefitMatrix, BenefitMatrix]:
    """A service for the owner and an offer for the company, the version that gives them, and the next draft."""
    seminar = a_benefit(
        program,
        Benefit.Kind.SERVICE,
        name="Tax seminar",
        description="Half a day on what changes in tax law, with your own cases.",
        how_to_use="Say who comes and which day suits you.",
        value=450,
    )
    offer = a_benefit(program, Benefit.Kind.OFFER, name="Trade fair tickets at half price", offer_code="HALDEN-26")
    line = a_benefit(program, name="Direct line to the foundry")
    first: list[dict[str, Any]] = [
        {"tier": "basic", "benefit": seminar, "role": "owner", "quota": 4},
        {"tier": "basic", "benefit": offer, "quota": 2},
        {"tier": "gold", "benefit": seminar, "role": "owner", "quota": 8},
        {"tier": "gold", "benefit": offer, "quota": 2},
        {"tier": "gold", "benefit": line},
    ]
    key = Segment.objects.get(code="key")
    extra = {"tier": "gold", "benefit": line, "role": "buyer", "segment": key, "quota": 1, "period": "MONTH"}
    return seminar, offer, a_matrix(program, *first), a_matrix(program, *first[:4], extra, status="DRAFT")
