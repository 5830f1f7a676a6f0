"""A world in which every table of the house has rows, so that every screen of the admin has something to show."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from accounts import audit, idempotency, jobs
from accounts.actors import actor_of
from accounts.erasing import ask_to_erase
from accounts.follow_ups import Promise, move
from accounts.invitations import invite
from accounts.models import (
    Company,
    CompanyProfile,
    Delegation,
    Employee,
    Interest,
    Mail,
    MailReport,
    PeriodicWork,
    SavedFilter,
    Segment,
    SegmentMembership,
    SuppressedAddress,
    User,
    WebhookAttempt,
    WebhookDelivery,
)
from accounts.moving import steps
from accounts.service_notes import edit_note, words_of, write_note
from accounts.tables import Form
from loyalty.activation import ask as ask_for_rules
from loyalty.activities import confirm_activities
from loyalty.agreements import ask
from loyalty.benefits import grant, use
from loyalty.books import close_books
from loyalty.by_hand import adjust, extend
from loyalty.ending import end_programs
from loyalty.figures import take_figures
from loyalty.goals import review
from loyalty.ledger import Owner, end_points
from loyalty.models import (
    ActivityAttribute,
    Adjustment,
    Badge,
    Benefit,
    Example,
    ExampleStep,
    ExchangeRate,
    Goal,
    Membership,
    MetricPerson,
    ProfitPeriod,
    Program,
    ProgramComment,
    ProgramReview,
    ReplayedCompany,
    RuleSet,
    Tier,
    TierThreshold,
)
from loyalty.replaying import ask_for_replay
from loyalty.titles import invite as invite_to_tier
from loyalty.titles import record_payment, subscribe
from loyalty.transfers import pass_on
from rewards.models import Reward, SpendingPolicy
from rewards.redemption import cancel, redeem
from surveys.models import Survey
from tests.factories.callers import a_caller
from tests.factories.identity_provider import a_single_sign_on
from tests.factories.surveys import a_survey, a_version, answer
from tests.factories.webhooks import a_subscription
from tests.factories.world import (
    EPOCH,
    NOW,
    a_benefit,
    a_company,
    a_draft_agreement,
    a_goal,
    a_matrix,
    a_member,
    a_plan,
    a_program,
    a_promotion,
    a_purchase,
    a_purchase_type,
    a_reward,
    a_role,
    a_rule_set,
    a_user,
    a_waiting_promotion,
    an_account_manager,
    an_admin,
    an_agreement,
    an_employee,
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
    Badge.objects.create(program=program, code="first", name="First order")
    example = Example.objects.create(program=program, code="first", name="A first order", gives_company=0)
    ExampleStep.objects.create(example=example, position=1, activity_type=a_purchase_type(), day=date(2026, 3, 1))
    ExchangeRate.objects.get_or_create(currency="EUR", into="GBP", starts_on=EPOCH.date(), defaults={"rate": 1})
    a_rule_set(
        program,
        [
            {"beneficiary": "BOTH", "caps": [("COMPANY", "MONTH", 5_000)]},
            {"condition": {"fact": "company.segments", "op": "has", "value": "key"}, "shared_limits": ["money"]},
            {"formula": {"kind": "badge", "badge": "first"}},
        ],
        shared=[{"code": "money", "subject": "COMPANY", "period": "YEAR", "limit": 1_000_000}],
        lists={"tools": ["DRILL-9", "SAW-1"]},
        campaigns=[{"code": "spring", "name": "Spring", "budget": 10_000}],
    )
    draft = a_rule_set(program, starts_at=EPOCH - timedelta(days=1), status=RuleSet.Status.DRAFT)
    reward = a_reward(program, pieces=1_000)
    survey = a_survey(program, opens_at=EPOCH)
    a_version(survey)
    seminar = a_benefit(program, Benefit.Kind.SERVICE)
    a_matrix(program, {"tier": "basic", "benefit": seminar}, {"tier": "gold", "benefit": seminar, "role": "buyer"})
    a_matrix(program, {"tier": "gold", "benefit": seminar, "role": "buyer", "quota": 2}, status="DRAFT")
    for _number in range(companies):
        _furnish_company(program, reward, survey, by)
        _furnish_benefits(program, seminar, by)
        _furnish_doors(program)
    _replay(draft, by)
    ask_for_rules(rule_set=draft, by=by, starts_at=None, reason="Spring", now=NOW)
    _plan(program, by)
    _end_a_pilot(program, by)
    take_figures(now=NOW)
    close_books(now=NOW + timedelta(days=2))
    job = jobs.ask(kind="expire_points", parameters={}, asked_by_id=by.pk, now=NOW)
    PeriodicWork.objects.get_or_create(code="expire_points", defaults={"next_due_at": NOW, "job": job})
    SavedFilter.objects.get_or_create(
        owner=by, screen="rewards.Redemption", name="Waiting", defaults={"query": "state__exact=REQUESTED"}
    )
    for mail in Mail.objects.filter(reports__isnull=True):
        MailReport.objects.get_or_create(
            address=mail.address, event="BOUNCE", kind="HARD", at=NOW, defaults={"mail": mail}
        )
        SuppressedAddress.objects.get_or_create(address=mail.address, defaults={"reason": "BOUNCE"})
    return program


def _end_a_pilot(program: Program, by: User) -> None:
    """A program of the latest company that was over before now, what was left of it handed over to be paid out."""
    pilot = a_program(last_earn_on=NOW.date(), last_spend_on=NOW.date(), rest="HAND_OVER", adjustment_limit=10**6)
    member = a_member(pilot, program.memberships.latest("pk").company)
    adjust(
        membership=member, employee=None, points=30, reason_code="GOODWILL", reason="For a pilot that ends", by=by,
        now=NOW,
    )  # fmt: skip
    end_programs(now=NOW)
    end_points(now=NOW + timedelta(days=2))


def _plan(program: Program, by: User) -> None:
    """A plan with a goal and a profit that was typed in, reviewed and kept."""
    plan = a_plan(program, starts_on=NOW.date(), review_on=NOW.date() + timedelta(days=1))
    a_goal(plan, Goal.Figure.METRIC)
    ProfitPeriod.objects.create(plan=plan, starts_on=NOW.date(), ends_on=NOW.date(), profit=10, brought=1)
    review(
        plan_id=plan.pk, outcome=ProgramReview.Outcome.KEEP, reason="Too early",
        next_review_on=NOW.date() + timedelta(days=90), by=by, now=NOW,
    )  # fmt: skip


def _replay(draft: RuleSet, by: User) -> None:
    """A replay that was worked out for every member."""
    replay = ask_for_replay(rule_set=draft, days=0, by=by, now=NOW)
    replay.finished_at, replay.since = NOW, EPOCH
    replay.findings = {
        "months": [["2026-03-01", 10, 12]], "tiers": [["", 10, 12]], "segments": [], "roles": [["*company", 10, 12]],
    }  # fmt: skip
    replay.save()
    for membership in draft.program.memberships.all():
        ReplayedCompany.objects.create(
            replay=replay, company_id=membership.company_id, points_today=10, points_then=12, rules={"rule-0": [10, 12]}
        )


def _furnish_doors(program: Program) -> None:
    """How others come in on behalf of the latest company: its identity provider, and a system that calls the API."""
    company = program.memberships.latest("pk").company
    a_single_sign_on(company, f"https://login-{company.pk}.example", f"firm-{company.pk}.example")
    a_caller(companies=[company])


def _furnish_benefits(program: Program, seminar: Benefit, by: User) -> None:
    """A benefit given by hand to the latest company, and used."""
    membership = program.memberships.latest("pk")
    given = grant(
        membership=membership, employee=None, benefit=seminar, quota=2, period="YEAR", starts_at=NOW, ends_at=None,
        by=actor_of(by, now=NOW), reason="The delivery came late", now=NOW,
    )  # fmt: skip
    admin = membership.company.employees.exclude(user=None).earliest("pk")
    use(
        actor=actor_of(admin.user, now=NOW), benefit_id=seminar.pk, grant_id=given.pk, is_for_company=True,
        key="seminar", now=NOW,
    )  # fmt: skip


def _furnish_points_that_wait(program: Program, company: Company, by: User) -> None:
    """A purchase whose points waited and were confirmed."""
    Program.objects.filter(pk=program.pk).update(release="CONFIRMED")
    [waits] = record(a_purchase(company, 60), now=NOW)
    Program.objects.filter(pk=program.pk).update(release="AT_ONCE")
    confirm_activities([waits.activity_id or 0], by_user_id=by.pk, now=NOW)


def _furnish_more_time(membership: Membership, by: User) -> None:
    """Points that were about to expire, and last longer."""
    programs, limit = Program.objects.filter(pk=membership.program_id), membership.program.adjustment_limit
    programs.update(expiry="MONTHS", expiry_months=1, adjustment_limit=1_000)
    record(a_purchase(membership.company, 40), now=NOW)
    today = NOW.date()
    extend(
        membership=membership, employee=None, until=today + timedelta(days=40), to=today + timedelta(days=80),
        reason="A late catalogue", by=by, now=NOW,
    )  # fmt: skip
    programs.update(expiry="NEVER", expiry_months=None, adjustment_limit=limit)


def _furnish_transfer(membership: Membership, admin: Employee) -> None:
    """Points that the company passed on to one of its people."""
    Program.objects.filter(pk=membership.program_id).update(transfers="BOTH")
    taker = an_employee(membership.company)
    pass_on(
        actor=actor_of(admin.user, now=NOW), membership=membership, to=taker, points=5, reason="A good idea",
        key=f"passed on {taker.pk}", now=NOW,
    )  # fmt: skip
    Program.objects.filter(pk=membership.program_id).update(transfers="NONE")


def _furnish_titles(membership: Membership, admin: Employee, by: User) -> None:
    """A tier for a fee that was paid, an invitation, what a tier asks of a segment, and a person who counted."""
    gold = Tier.objects.get(program=membership.program, code="gold")
    Tier.objects.filter(pk=gold.pk).update(
        is_invited=True, is_paid=True, fee=Decimal(100), fee_currency="GBP", fee_months=12
    )
    gold.refresh_from_db()
    title = subscribe(actor=actor_of(admin.user, now=NOW), membership=membership, tier=gold, now=NOW)
    record_payment(title=title, amount=Decimal(100), currency="GBP", reference="INV-7", by_id=by.pk, now=NOW)
    invite_to_tier(
        membership=membership, tier=gold, until=NOW.date() + timedelta(days=90), answer_by=NOW.date(),
        reason="You are good for it", by_id=by.pk, now=NOW,
    )  # fmt: skip
    segment = Segment.objects.get(code="key")
    TierThreshold.objects.get_or_create(tier=gold, segment=segment, defaults={"threshold": 400})
    MetricPerson.objects.create(
        membership=membership, metric="active", employee=admin, month=NOW.date().replace(day=1), count=1
    )


def _furnish_agreements(membership: Membership) -> None:
    """Terms that hold, and the next ones, which wait for a second person."""
    rate = {"kind": "fixed", "points": 5}
    limits = [{"rule_code": "rule-0", "subject": "COMPANY", "period": "MONTH", "limit": 9_000}]
    an_agreement(membership, rates={"rule-1": rate}, limits=limits)
    draft = a_draft_agreement(membership, factor="1.5")
    ask(agreement=draft, by=draft.drafted_by, starts_at=NOW, now=NOW)


def _furnish_promotions(membership: Membership, admin: Employee) -> None:
    """One that holds and added something, and one for a person, which waits for a second person."""
    a_promotion(membership, rule_codes=["rule-0"], ends_on=date(2026, 6, 20), budget=500, now=NOW)
    record(a_purchase(membership.company, 12))
    a_waiting_promotion(membership, employee=admin, starts_on=date(2026, 6, 21))


def _furnish_points_by_hand(membership: Membership, admin: Employee, by: User) -> None:
    """Points given, given more time, and passed on."""
    adjust(
        membership=membership, employee=None, points=40, reason_code=Adjustment.Reason.GOODWILL,
        reason="A late delivery", by=by, now=NOW,
    )  # fmt: skip
    _furnish_more_time(membership, by)
    _furnish_agreements(membership)
    _furnish_promotions(membership, admin)
    _furnish_transfer(membership, admin)


def _furnish_company(program: Program, reward: Reward, survey: Survey, by: User) -> None:
    company = a_company()
    a_subscription(company, by=by)
    CompanyProfile.objects.create(company=company, goals="Grow")
    SegmentMembership.objects.create(segment=Segment.objects.get(code="key"), company=company, starts_at=EPOCH)
    author = an_account_manager(company)
    employee = an_admin(company)
    employee.interests.add(Interest.objects.get(code="music"))
    a_role(employee, "buyer")
    guest = an_employee(company, login=False)
    actor = actor_of(by, now=NOW)
    invite(actor=actor, employee_id=guest.pk, address="guest@example.com", language="en", now=NOW)
    note = write_note(
        company=company, author_id=author.pk, kind="CALL", text="Called about deliveries", happened_at=NOW,
        promise=Promise("Send the list", NOW.date(), NOW),
    )  # fmt: skip
    words = replace(words_of(note), text="Called about late deliveries")
    edit_note(note_id=note.pk, words=words, edits_seen=0, by_user_id=author.pk, now=NOW)
    move(
        follow_up_id=note.follow_ups.get().pk, to_on=NOW.date() + timedelta(days=2), reason="The printer broke",
        by_user_id=author.pk, today=NOW.date(), now=NOW,
    )  # fmt: skip
    membership = a_member(program, company)
    consent_to(membership, by=a_user())
    sale = a_purchase(company, 900, employee_id=employee.pk)
    back = a_purchase(company, 100, reverses=sale.external_id)
    record(sale, back, now=NOW)
    _furnish_points_that_wait(program, company, by)
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
    answer(employee, survey, recommend="4", why="service", wish="Shorter waits")
    colleague = an_employee(company)
    Delegation.objects.create(company=company, employee=employee, delegate=colleague, starts_at=EPOCH)
    SpendingPolicy.objects.create(company=company, mode=SpendingPolicy.Mode.NEVER)
    ProgramComment.objects.create(membership=membership, author=employee, text="More for the team", created_at=NOW)
    _furnish_points_by_hand(membership, employee, by)
    _furnish_titles(membership, employee, by)
    ask_to_erase(employee_id=colleague.pk, by_user_id=by.pk, now=NOW)
    form = Form(is_workbook=False, encoding="utf-8-sig", delimiter=",")
    steps.receive(
        kind="companies", pieces=[b"customer_number,name\nC1,One\n"], name="list.csv", form=form, by=by,
        now=timezone.now(),
    )  # fmt: skip
    steps.save_mapping(kind="companies", name="The old system", terms={}, by=by, now=NOW)
    with transaction.atomic():
        idempotency.claim(user_id=by.pk, key=f"K{company.pk}", content=[])
    told = WebhookDelivery.objects.filter(event__company=company).earliest("pk")
    WebhookAttempt.objects.create(delivery=told, at=NOW, status=500, failure="STATUS", answer="Out of order")
    audit.record("looked", company, actor_id=by.pk, now=NOW, company_id=company.pk, reason="An agreed review")
