"""What a canary company has of a program: points in every way, agreements, titles, benefits, surveys, orders."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.actors import actor_of
from accounts.delegations import delegate
from accounts.models import (
    Approval,
    Company,
    Employee,
    Segment,
    User,
)
from loyalty import promotions
from loyalty.activities import confirm_activities
from loyalty.benefits import grant, use
from loyalty.by_hand import adjust, extend
from loyalty.goals import review
from loyalty.ledger import Owner
from loyalty.models import (
    ActivityType,
    Adjustment,
    Badge,
    Benefit,
    Example,
    ExampleStep,
    ExchangeRate,
    Goal,
    Membership,
    Metric,
    ProfitPeriod,
    Program,
    ProgramPlan,
    ProgramReview,
    ReplayedCompany,
    Source,
    Tier,
    TierThreshold,
    Transaction,
)
from loyalty.replaying import ask_for_replay
from loyalty.titles import give_by_hand, record_payment, subscribe
from loyalty.titles import invite as invite_to_tier
from loyalty.transfers import pass_on
from rewards.models import Redemption, Reward
from rewards.policies import set_policy
from rewards.progress import reject_for_company
from rewards.redemption import redeem
from surveys.models import Survey
from tests.factories.canaries.marks import INTERNAL, as_actor, user_of
from tests.factories.surveys import a_choice, a_scale, a_survey, a_text, answer, begin
from tests.factories.world import (
    EPOCH,
    a_benefit,
    a_draft_agreement,
    a_matrix,
    a_program,
    a_purchase,
    a_rule_set,
    a_user,
    an_agreement,
    record,
)


def benefits_of(membership: Membership, canary: str, member: Employee, colleague: Employee, now: datetime) -> Benefit:
    """A benefit that both people were given by hand, too, and used; and one that stands in a draft alone."""
    program = membership.program
    texts = {name: f"{canary} {name}" for name in ("description", "how_to_use", "contact", "offer_code")}
    benefit = a_benefit(
        program,
        Benefit.Kind.SERVICE,
        code=f"{canary}-benefit",
        name=f"{canary} benefit",
        address=f"https://{canary}.example.com/",
        **texts,
    )
    hidden = a_benefit(
        program, code=f"{INTERNAL}-{canary}-benefit", name=f"{INTERNAL} {canary} benefit", is_active=False
    )
    first = f"{canary}-tier-1"
    a_matrix(
        program,
        *(
            {"tier": f"{canary}-tier-{rank}", "benefit": benefit, "role": f"{canary}-role", "quota": 9}
            for rank in (1, 2, 3)
        ),
        {"tier": first, "benefit": benefit, "segment": Segment.objects.get(code=f"{canary}-segment")},
    )
    a_matrix(program, {"tier": first, "benefit": hidden}, status="DRAFT")
    giver = actor_of(User.objects.filter(is_staff=True).earliest("pk"), now=now)
    for person, word in ((member, canary), (colleague, f"{canary} colleague")):
        grant(
            membership=membership, employee=person, benefit=benefit, quota=2, period="YEAR", starts_at=EPOCH,
            ends_at=None, by=giver, reason=f"{word} reason", now=now,
        )  # fmt: skip
        use(actor=as_actor(user_of(person)), benefit_id=benefit.pk, wish=f"{word} wish", key=f"{word}-use", now=now)
    return benefit


def approvals_of(
    company: Company, canary: str, reward: Reward, people: tuple[Employee, ...], now: datetime
) -> Approval:
    """An order of the member that the company refused, and one of the colleague that waits; the decider is away."""
    member, colleague, decider, admin = people
    set_policy(actor=as_actor(user_of(admin)), mode="ALWAYS", above=None, now=now)
    refused, waiting = (
        redeem(
            actor=as_actor(user_of(person)),
            reward_id=reward.pk,
            payer=Owner(reward.program_id, company.pk, person.pk),
            shown_price=reward.price,
            key=f"{canary}-asked",
            now=now,
            note=f"{word} note",
        ).redemption
        for person, word in ((member, canary), (colleague, f"{canary} colleague"))
    )
    reject_for_company(actor=as_actor(user_of(admin)), redemption_id=refused.pk, reason=f"{canary} reason", now=now)
    set_policy(actor=as_actor(user_of(admin)), mode="NEVER", above=None, now=now)
    delegate(
        actor=as_actor(user_of(decider)), to_employee_id=colleague.pk, starts_at=now, ends_at=None, now=timezone.now()
    )
    return Approval.objects.get(subject_id=waiting.pk, kind="redemption")


def a_program_of(canary: str) -> Program:
    """A program whose rules, metrics, tiers and activities are named after the company."""
    program = a_program(code=f"{canary}-program", name=f"{canary} program", tier_metric=f"{canary}-metric")
    kind = ActivityType.objects.get(code=f"{canary}-type")
    condition = {"fact": f"attribute.{canary}-place", "op": "eq", "value": f"{canary}-place"}
    Metric.objects.create(
        program=program,
        code=f"{canary}-metric",
        name=f"{canary} metric",
        measure=Metric.Measure.COUNT,
        activity_type=kind,
        condition=condition,
    )
    for measure, attribute in ((Metric.Measure.SUM, f"{canary}-size"), (Metric.Measure.PEOPLE, "")):
        Metric.objects.create(
            program=program, code=f"{canary}-{measure.lower()}", name=f"{canary} {measure}", measure=measure,
            activity_type=kind, attribute=attribute,
        )  # fmt: skip
    segment = Segment.objects.get(code=f"{canary}-segment")
    for rank, threshold in ((1, 0), (2, 1), (3, 1_000)):
        tier = Tier.objects.create(
            program=program, code=f"{canary}-tier-{rank}", name=f"{canary} tier {rank}", rank=rank, threshold=threshold,
            condition={"fact": "company.segments", "op": "has", "value": segment.code},
        )  # fmt: skip
        TierThreshold.objects.create(tier=tier, segment=segment, threshold=threshold)
    Badge.objects.create(
        program=program, code=f"{canary}-badge", name=f"{canary} badge", description=f"{canary} what it is for"
    )
    ExchangeRate.objects.get_or_create(currency="EUR", into="GBP", starts_on=EPOCH.date(), defaults={"rate": 1})
    a_rule_set(
        program,
        [
            {
                "code": f"{canary}-rule",
                "name": f"{canary} rule",
                "activity_type": kind,
                "condition": condition,
                "formula": {"kind": "per", "points": 1, "step": "1", "of": f"attribute.{canary}-size"},
                "beneficiary": "BOTH",
                "caps": [
                    ("COMPANY", "EVER", 10**9),
                    ("EMPLOYEE", "EVER", 10**9),
                    {"subject": "COMPANY", "period": "EVER", "limit": 10**9, "is_per_object": True},
                ],
                "shared_limits": [f"{canary}-limit"],
            },
            {
                "code": f"{canary}-badge-rule",
                "name": f"{canary} badge rule",
                "activity_type": kind,
                "condition": condition,
                "formula": {"kind": "badge", "badge": f"{canary}-badge"},
                "beneficiary": "ROLE",
                "role": f"{canary}-role",
            },
        ],
        shared=[
            {
                "code": f"{canary}-limit",
                "name": f"{canary} limit",
                "subject": "COMPANY",
                "period": "EVER",
                "limit": 10**9,
            }
        ],
        lists={f"{canary}-list": [f"{canary}-object"]},
        campaigns=[{"code": f"{canary}-campaign", "name": f"{canary} campaign"}],
    )
    example = Example.objects.create(
        program=program, code=f"{canary}-example", name=f"{canary} example", country=f"{canary} country",
        segments=[segment.code], tier=f"{canary}-tier-1", roles=[f"{canary}-role"], tier_after=f"{canary}-tier-2",
        favours=[f"badge:{canary}-badge"],
    )  # fmt: skip
    ExampleStep.objects.create(
        example=example, position=1, activity_type=kind, day=EPOCH.date(), object=f"{canary}-object",
        attributes={f"{canary}-place": f"{canary}-place"},
    )  # fmt: skip
    return program


def replay_of(membership: Membership, canary: str, manager: User, now: datetime) -> None:
    """A replay that was worked out: what the company might have had is the program managers' alone."""
    rule_set = membership.program.rule_sets.latest("pk")
    replay = ask_for_replay(rule_set=rule_set, days=0, by=manager, now=now)
    replay.fingerprint = f"{canary} fingerprint"
    replay.findings = {"months": [], "tiers": [[f"{canary}-tier-1", 1, 2]], "segments": [], "roles": []}
    replay.finished_at = now
    replay.save()
    ReplayedCompany.objects.create(
        replay=replay, company_id=membership.company_id, points_today=1, points_then=2, tier_today=f"{canary}-tier-1",
        tier_then=f"{canary}-tier-2", rules={f"{canary}-rule": [1, 2]}, months={f"{canary}-month": [1, 2]},
        roles={f"{canary}-role": [1, 2]}, segments=[f"{canary}-segment"],
    )  # fmt: skip


def plan_of(program: Program, canary: str, manager: User, now: datetime) -> None:
    """What the program is to bring, and what was decided of it: the program managers' alone."""
    today = now.astimezone(program.zone).date()
    plan = ProgramPlan.objects.create(
        program=program, starts_on=today, review_on=today + timedelta(days=30), currency=program.currency,
        expected_profit=10_000, budget_percent=5, expected_return=1_000,
    )  # fmt: skip
    Goal.objects.create(
        plan=plan, aim="OTHER", name=f"{INTERNAL} {canary} goal", figure="TYPED", baseline=1, target=2,
        by_on=plan.review_on,
    )  # fmt: skip
    ProfitPeriod.objects.create(plan=plan, starts_on=today, ends_on=today, profit=100)
    review(
        plan_id=plan.pk, outcome=ProgramReview.Outcome.KEEP, reason=f"{INTERNAL} {canary} review",
        next_review_on=today + timedelta(days=60), by=manager, now=now,
    )  # fmt: skip


def agreements_of(membership: Membership, canary: str) -> None:
    """Terms that were agreed with the company, and a draft of the next, of which it knows nothing yet."""
    code = f"{canary}-rule"
    kind = {"subject": "COMPANY", "period": "EVER", "limit": 10**9}
    named = {"shared_as": f"{canary}-together", "name": f"{canary} together", "counts": "TIMES"}
    both = {"scope": "RULES", "rule_codes": [code, f"{canary}-badge-rule"], **named}
    limits = [{"rule_code": code, **kind}, {**both, **kind}]
    rate = {"kind": "per", "points": 1, "step": "1", "of": f"attribute.{canary}-size"}
    an_agreement(membership, rates={code: rate}, limits=limits, reason=f"{INTERNAL} {canary} reason")
    a_draft_agreement(membership, factor="3", reason=f"{INTERNAL} {canary} next reason")


def promotions_of(membership: Membership, canary: str, colleague: Employee, manager: User, now: datetime) -> None:
    """A promotion of the colleague that has added something, and one of the company that is only asked for."""
    today = now.astimezone(membership.program.zone).date()
    asked = [
        promotions.ask(
            membership=membership,
            terms=promotions.Terms(
                factor=Decimal(3),
                starts_on=today + timedelta(days=begins),
                ends_on=today + timedelta(days=begins + 9),
                employee=whose,
                rule_codes=(f"{canary}-rule",),
                budget=10**9,
            ),
            reason=f"{INTERNAL} {canary} promotion",
            by=manager,
            now=now,
        )
        for begins, whose in ((0, colleague), (20, None))
    ]
    promotions.decide(promotion_id=asked[0].pk, by=a_user(is_staff=True, is_superuser=True), is_approved=True, now=now)
    record(
        a_purchase(
            membership.company,
            20,
            type=f"{canary}-type",
            external_id=f"{canary}-colleague-promoted",
            employee_id=colleague.pk,
            attributes={f"{canary}-place": f"{canary}-place", f"{canary}-size": 1},
            occurred_at=now,
        ),
        now=now,
        source=Source.objects.get(code=f"{canary}-source"),
    )


def points_that_wait(membership: Membership, canary: str, colleague: Employee, manager: User, now: datetime) -> None:
    """Two purchases of the colleague whose points waited; one was confirmed."""
    Program.objects.filter(pk=membership.program_id).update(release="CONFIRMED")
    confirmed, _waiting = record(
        *(
            a_purchase(
                membership.company,
                20,
                type=f"{canary}-type",
                external_id=f"{canary}-colleague-waits-{number}",
                employee_id=colleague.pk,
                attributes={f"{canary}-place": f"{canary}-place", f"{canary}-size": 1},
                occurred_at=now,
            )
            for number in (1, 2)
        ),
        now=now,
        source=Source.objects.get(code=f"{canary}-source"),
    )
    Program.objects.filter(pk=membership.program_id).update(release="AT_ONCE")
    assert confirmed.activity_id is not None
    assert confirm_activities([confirmed.activity_id], by_user_id=manager.pk, now=now)[confirmed.activity_id].points


def points_that_last_longer(
    membership: Membership, canary: str, colleague: Employee, manager: User, now: datetime
) -> None:
    """Points given to the colleague that were about to expire."""
    programs = Program.objects.filter(pk=membership.program_id)
    programs.update(expiry="MONTHS", expiry_months=1)
    adjust(
        membership=membership, employee=colleague, points=12, reason_code=Adjustment.Reason.GOODWILL,
        reason=f"{canary} colleague lost an order", by=manager, now=now,
    )  # fmt: skip
    today = now.date()
    extend(
        membership=membership, employee=colleague, until=today + timedelta(days=40), to=today + timedelta(days=80),
        reason=f"{canary} colleague was away", by=manager, now=now,
    )  # fmt: skip
    programs.update(expiry="NEVER", expiry_months=None)


def points_passed_on(membership: Membership, canary: str, colleague: Employee, now: datetime) -> None:
    """Points that the colleague passed on to the company."""
    Program.objects.filter(pk=membership.program_id).update(transfers="BOTH")
    pass_on(
        actor=as_actor(user_of(colleague)), membership=membership, to=None, points=3,
        reason=f"{canary} colleague gave this", key=f"{canary}-passed-on", now=now,
    )  # fmt: skip


def titles_of(membership: Membership, canary: str, admin: Employee, manager: User, now: datetime) -> None:
    """A tier that is kept by hand, one that the company pays for, and an invitation."""
    second = Tier.objects.get(program=membership.program, code=f"{canary}-tier-2")
    Tier.objects.filter(pk=second.pk).update(
        is_invited=True, is_paid=True, fee=Decimal(100), fee_currency="GBP", fee_months=12
    )
    second.refresh_from_db()
    until = now.date() + timedelta(days=200)
    give_by_hand(
        membership=membership, tier=second, source="FLOOR", until=until, reason=f"{canary} floor", by_id=manager.pk,
        now=now,
    )  # fmt: skip
    title = subscribe(actor=as_actor(user_of(admin)), membership=membership, tier=second, now=now)
    record_payment(
        title=title, amount=Decimal(100), currency="GBP", reference=f"{canary}-invoice", by_id=manager.pk, now=now
    )
    invite_to_tier(
        membership=membership, tier=second, until=until, answer_by=until, reason=f"{canary} invitation",
        by_id=manager.pk, now=now,
    )  # fmt: skip


def business_of(
    company: Company, canary: str, points: int, member: Employee, colleague: Employee, now: datetime
) -> Transaction:
    """Activities of both people, one of them partly returned; gives the member's transaction."""
    kind, source = f"{canary}-type", Source.objects.get(code=f"{canary}-source")
    attributes = {f"{canary}-place": f"{canary}-place", f"{canary}-size": points}
    earned, _other, back, _bought = record(
        a_purchase(
            company,
            90,
            type=kind,
            external_id=f"{canary}-member-1",
            object=f"{canary}-object",
            employee_id=member.pk,
            attributes=attributes,
            occurred_at=now,
        ),
        a_purchase(
            company,
            90,
            type=kind,
            external_id=f"{canary}-colleague-1",
            object=f"{canary}-colleague-object",
            employee_id=colleague.pk,
            attributes=attributes,
            occurred_at=now,
        ),
        a_purchase(
            company,
            30,
            type=kind,
            external_id=f"{canary}-back",
            employee_id=colleague.pk,
            attributes=attributes,
            reverses=f"{canary}-colleague-1",
            occurred_at=now,
        ),
        a_purchase(company, 500, external_id=f"{canary}-shared-1", object=f"{canary}-object", occurred_at=now),
        now=now,
        source=source,
    )
    early = a_purchase(
        company, 5, type=kind, external_id=f"{canary}-early", reverses=f"{canary}-not-yet", occurred_at=now
    )
    record(early, now=now, source=source)
    assert back.error is None
    return Transaction.objects.get(activity=earned.activity_id)


def surveys_of(
    program: Program, canary: str, member: Employee, colleague: Employee, now: datetime
) -> tuple[Survey, Survey]:
    """A survey that the member has answered and the colleague has begun, and one that nobody may see yet."""
    labels = {"low_label": f"{canary} lowest", "high_label": f"{canary} highest", "hint": f"{canary} hint"}
    options = [{"code": f"{canary}-option", "label": f"{canary} option"}]
    is_chosen = {"fact": f"answer.{canary}-item", "op": "eq", "value": f"{canary}-option"}
    survey = a_survey(
        program,
        [
            a_choice(f"{canary}-item", text=f"{canary} question", options=options, hint=f"{canary} hint"),
            a_scale(f"{canary}-scale", text=f"{canary} question", measures="NPS", show_if=is_chosen, **labels),
            a_text(f"{canary}-text", text=f"{canary} question"),
        ],
        code=f"{canary}-survey",
        name=f"{canary} survey",
        introduction=f"{canary} introduction",
        audience={"fact": "employee.roles", "op": "has", "value": f"{canary}-role"},
    )
    chosen = {f"{canary}-item": f"{canary}-option", f"{canary}-scale": "9"}
    answer(member, survey, at=now, **chosen, **{f"{canary}-text": f"{canary} words of the member"})
    begin(colleague, survey, at=now, **chosen, **{f"{canary}-text": f"{canary} colleague has words, too"})
    draft = a_survey(program, status="DRAFT", code=f"{INTERNAL}-{canary}-survey", name=f"{INTERNAL} {canary} survey")
    return survey, draft


def an_order(person: Employee, reward: Reward, payer: Owner, key: str, now: datetime) -> Redemption:
    actor = actor_of(User.objects.get(pk=person.user_id), now=now)
    return redeem(actor=actor, reward_id=reward.pk, payer=payer, shown_price=reward.price, key=key, now=now).redemption
