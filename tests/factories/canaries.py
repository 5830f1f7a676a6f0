"""Two companies whose every text carries a word of their own, so that a word in the wrong answer shows a leak."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts import attachments, audit, jobs
from accounts.actors import Actor, actor_of
from accounts.delegations import delegate
from accounts.erasing import ask_to_erase, withdraw_erasure
from accounts.follow_ups import Promise, finish, move
from accounts.invitations import invite
from accounts.models import (
    Approval,
    AuditEntry,
    Company,
    CompanyProfile,
    Draft,
    Employee,
    FollowUp,
    Import,
    ImportMapping,
    Interest,
    Job,
    Mail,
    MailReport,
    Message,
    PeriodicWork,
    Pulse,
    SavedFilter,
    Segment,
    SegmentMembership,
    ServiceNote,
    StakeholderRole,
    SuppressedAddress,
    User,
    WebhookAttempt,
    WebhookDelivery,
)
from accounts.preferences import Switch, set_preferences
from accounts.service_notes import edit_note, words_of, write_note
from loyalty import promotions
from loyalty.activities import confirm_activities
from loyalty.benefits import grant, use
from loyalty.by_hand import adjust, extend
from loyalty.figures import take_figures
from loyalty.goals import review
from loyalty.ledger import Owner
from loyalty.memberships import comment
from loyalty.models import (
    ActivityAttribute,
    ActivityType,
    Adjustment,
    Badge,
    Benefit,
    BookDay,
    CohortMonth,
    EndNotice,
    Example,
    ExampleStep,
    ExchangeRate,
    Goal,
    HandedOver,
    Membership,
    Metric,
    ProfitPeriod,
    Program,
    ProgramComment,
    ProgramPlan,
    ProgramReview,
    ReplayedCompany,
    RuleSet,
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
from rewards.redemption import cancel, redeem
from surveys.models import Survey
from tests.factories.callers import a_caller
from tests.factories.identity_provider import a_single_sign_on
from tests.factories.surveys import a_choice, a_scale, a_survey, a_text, answer, begin
from tests.factories.webhooks import a_subscription
from tests.factories.world import (
    EPOCH,
    a_benefit,
    a_company,
    a_draft_agreement,
    a_matrix,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_role,
    a_rule_set,
    a_user,
    an_account_manager,
    an_agreement,
    an_employee,
    consent_to,
    record,
)

INTERNAL = "canary-internal"
"""Stands in what no client ever reads, not even of its own company: internal notes, drafts, what is unpublished."""

POINTS = {"a": 271_828, "b": 314_159}
"""What each company's own activity brings: numbers that stand nowhere else."""


@dataclass(frozen=True, slots=True)
class CanaryCompany:
    """A company, its people, and the rows that addresses name."""

    canary: str
    company: Company
    member: Employee
    colleague: Employee
    decider: Employee
    admin: Employee
    account_manager: User
    program: Program
    rule_set: RuleSet
    reward: Reward
    draft_reward: Reward
    order: Redemption
    company_order: Redemption
    earned: Transaction
    survey: Survey
    draft_survey: Survey
    note: ServiceNote
    follow_up: FollowUp
    benefit: Benefit
    approval: Approval


@dataclass(frozen=True, slots=True)
class CanaryWorld:
    """Two companies that share one program, each also in one of its own, and a program manager."""

    a: CanaryCompany
    b: CanaryCompany
    shared: Program
    manager: User


def user_of(employee: Employee) -> User:
    """The login of an employee who has one."""
    assert employee.user is not None
    return employee.user


def a_canary_world() -> CanaryWorld:
    """Build both companies through the use cases of real life, where there are any."""
    shared = a_program(tiers={"basic": 0, "gold": 1_000_000}, name="Shared program", code="shared-program")
    a_rule_set(shared, [{"beneficiary": "BOTH"}])
    a_rule_set(shared, [{"name": f"{INTERNAL} draft"}], status=RuleSet.Status.DRAFT, starts_at=EPOCH - timedelta(1))
    reward = a_reward(shared, name="Shared reward", price=10, pieces=1000)
    a_reward(shared, name=f"{INTERNAL} reward", code=f"{INTERNAL}-reward", is_published=False)
    manager = a_user(name="Program manager", is_staff=True, is_superuser=True)
    a = _a_canary_company("a", shared, reward, manager)
    b = _a_canary_company("b", shared, reward, manager)
    return CanaryWorld(a, b, shared, manager)


def _a_canary_company(letter: str, shared: Program, shared_reward: Reward, manager: User) -> CanaryCompany:
    canary = f"canary-{letter * 3}"
    now = timezone.now()
    company = a_company(
        name=f"{canary} company {POINTS[letter]}", external_id=f"{canary}-number", country=f"{canary} country"
    )
    a_subscription(company, by=manager, name=f"{canary} warehouse", url=f"https://{canary}.example.com/hook")
    account_manager = an_account_manager(company, name=f"{canary} looks after", email=f"{canary}-am@example.com")
    member, colleague, decider, admin = (
        _a_person(company, canary, word) for word in ("member", "colleague", "decider", "admin")
    )
    Employee.objects.filter(pk=admin.pk).update(access=Employee.Access.ADMIN)
    guest = an_employee(company, login=False, name=f"{canary} colleague guest", external_id=f"{canary}-guest-number")
    invite(
        actor=as_actor(user_of(admin)), employee_id=guest.pk, address=f"{canary}-colleague-guest@example.com",
        language="en", now=now,
    )  # fmt: skip
    Employee.objects.filter(pk=decider.pk).update(buying_role=Employee.BuyingRole.DECIDES)
    _words_of(company, canary, member, colleague)
    _ways_in_of(company, canary, colleague)
    for person, word in ((member, canary), (colleague, f"{canary} colleague")):
        attachments.store(
            [f"{word} content".encode()],
            name=f"{word} file.csv",
            content_type="text/csv",
            created_by_id=user_of(person).pk,
            now=now,
        )
    _knowledge_of(company, canary, account_manager, member, now)
    program = _a_program_of(canary)
    for joined in (program, shared):
        membership = a_member(joined, company)
        consent_to(membership, by=user_of(admin), roles=[f"{canary}-role"])
        comment(actor=as_actor(user_of(admin)), membership=membership, text=f"{canary} comment", now=now)
    earned = _business_of(company, canary, POINTS[letter], member, colleague, now)
    reward = a_reward(
        program, name=f"{canary} reward", code=f"{canary}-reward", description=f"{canary} description", price=7
    )
    draft_reward = a_reward(program, name=f"{INTERNAL} {canary}", code=f"{INTERNAL}-{letter}", is_published=False)
    own = Owner(program.pk, company.pk, member.pk)
    order = _an_order(member, reward, own, f"{canary}-key", now)
    company_order = _an_order(admin, reward, Owner(program.pk, company.pk), f"{canary}-key", now)
    _an_order(admin, shared_reward, Owner(shared.pk, company.pk), f"{canary}-shared-key", now)
    undone = _an_order(colleague, reward, Owner(program.pk, company.pk, colleague.pk), f"{canary}-undone", now)
    cancel(redemption_id=undone.pk, by_user_id=user_of(colleague).pk, now=now)
    Program.objects.filter(pk=program.pk).update(adjustment_limit=1_000)
    given = Membership.objects.get(company=company, program=program)
    adjust(
        membership=given, employee=colleague, points=11, reason_code=Adjustment.Reason.GOODWILL,
        reason=f"{canary} colleague was kept waiting", by=manager, now=now,
    )  # fmt: skip
    _points_that_wait(given, canary, colleague, manager, now)
    _points_that_last_longer(given, canary, colleague, manager, now)
    _points_passed_on(given, canary, colleague, now)
    _agreements_of(given, canary)
    _promotions_of(given, canary, colleague, manager, now)
    _replay_of(given, canary, manager, now)
    _plan_of(program, canary, manager, now)
    _titles_of(given, canary, admin, manager, now)
    _records_of(company, canary, manager, (member, colleague, admin), account_manager, now)
    return CanaryCompany(
        canary,
        company,
        member,
        colleague,
        decider,
        admin,
        account_manager,
        program,
        RuleSet.objects.exclude(status=RuleSet.Status.DRAFT).get(program=program),
        reward,
        draft_reward,
        order,
        company_order,
        earned,
        *_surveys_of(program, canary, member, colleague, now),
        *_service_of(company, canary, account_manager, decider, now),
        _benefits_of(given, canary, member, colleague, now),
        _approvals_of(company, canary, reward, (member, colleague, decider, admin), now),
    )


def _jobs_of(canary: str, people: tuple[User, ...], now: datetime) -> None:
    """One that each of the people asked for, one of them failed; and one that comes round."""
    for user in people:
        jobs.ask(kind=f"{canary}-job", parameters={"code": f"{canary}-code"}, asked_by_id=user.pk, now=now)
    failed = Job.objects.filter(asked_by=people[0])
    failed.update(state="FAILED", ended_at=now, failure=f"{canary} failure", result={"code": f"{canary}-code"})
    PeriodicWork.objects.create(
        code=f"{canary}-work", next_due_at=now, job=failed[0], failed_at=now, failure=f"{canary} failure"
    )


def _records_of(
    company: Company,
    canary: str,
    manager: User,
    people: tuple[Employee, Employee, Employee],
    account_manager: User,
    now: datetime,
) -> None:
    """What the installation writes down by itself, or on the way of other work."""
    member, colleague, admin = people
    take_figures(now=now)
    _end_of(company, member, now)
    Pulse.objects.create(code=f"{canary}-pulse", at=now)
    asked = ask_to_erase(employee_id=colleague.pk, by_user_id=user_of(colleague).pk, now=now)
    withdraw_erasure(erasure_id=asked.pk, by_user_id=user_of(colleague).pk, now=now)
    _jobs_of(canary, (user_of(member), user_of(admin), account_manager), now)
    for model in (Import, ImportMapping):
        model.objects.create(
            kind="companies",
            name=f"{INTERNAL} {canary} file",
            terms={"form": {"is_workbook": True}, "columns": {"name": f"{canary} column"}},
            created_by=manager,
        )
    Import.objects.filter(name=f"{INTERNAL} {canary} file").update(
        checked={"differences": [{"line": 1, "changes": [["name", f"{canary} before", f"{canary} after"]]}]},
        done={"refusals": [{"line": 1, "column": "name", "sentence": f"{canary} is refused"}]},
    )
    told = WebhookDelivery.objects.filter(event__company=company).earliest("pk")
    WebhookAttempt.objects.create(delivery=told, at=now, status=500, failure="STATUS", answer=f"{canary} is shut")
    entry = audit.record("looked-at", company, actor_id=manager.pk, now=now, reason=f"{INTERNAL} {canary} reason")
    AuditEntry.objects.create(
        action=f"{canary}-action",
        subject_type=f"{canary}-type",
        subject_id=entry.pk,
        company=company,
        numbers={"code": f"{canary}-code"},
    )


def _end_of(company: Company, member: Employee, now: datetime) -> None:
    """What a program's end leaves: told once, and points to be paid out; and a closed day on which nothing happened."""
    quiet, _is_new = Program.objects.get_or_create(
        code="quiet", defaults={"name": "Quiet", "currency": "GBP", "time_zone": "UTC"}
    )
    day = now.date()
    BookDay.objects.get_or_create(
        program=quiet, day=day, defaults={"opening": 0, "available": 0, "waiting": 0, "debt": 0}
    )
    CohortMonth.objects.get_or_create(program=quiet, cohort=day, month=day, defaults={"used": 0, "expired": 0})
    act = Transaction.objects.filter(company=company).earliest("pk")
    EndNotice.objects.get_or_create(
        program_id=act.program_id, about=EndNotice.About.END, last_earn_on=now.date(), last_spend_on=now.date(),
        defaults={"told_at": now},
    )  # fmt: skip
    HandedOver.objects.create(
        program_id=act.program_id, company=company, employee=member, points=7, amount=1, currency="GBP",
        transaction=act, made_at=now,
    )  # fmt: skip


def _benefits_of(membership: Membership, canary: str, member: Employee, colleague: Employee, now: datetime) -> Benefit:
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


def _approvals_of(
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


def _a_person(company: Company, canary: str, word: str) -> Employee:
    return an_employee(
        company,
        user=a_user(name=f"{canary} {word} login", email=f"{canary}-{word}@example.com"),
        name=f"{canary} {word}",
        alias=f"{canary} {word} alias",
        phone=f"{canary} {word} phone",
        external_id=f"{canary}-{word}-number",
    )


def _ways_in_of(company: Company, canary: str, colleague: Employee) -> None:
    """A provider that is switched off, as from outside it is not to be told from none; a session and a passkey."""
    a_single_sign_on(company, f"https://{canary}.example", f"{canary}.example", client_id=canary, is_active=False)
    user = user_of(colleague)
    UserSession.objects.create(user=user, ip="192.0.2.1", session_key=f"{canary}-session", user_agent=canary)
    passkey = {"name": f"{canary} passkey", "credential": {}}
    Authenticator.objects.create(user=user, type=Authenticator.Type.WEBAUTHN, data=passkey)


def _words_of(company: Company, canary: str, *people: Employee) -> None:
    StakeholderRole.objects.create(code=f"{canary}-role", name=f"{canary} role")
    interest = Interest.objects.create(code=f"{canary}-interest", name=f"{canary} interest")
    segment = Segment.objects.create(code=f"{canary}-segment", name=f"{canary} segment")
    told = {"fact": "company.country", "op": "eq", "value": f"{canary} country"}
    Segment.objects.create(code=f"{canary}-told", name=f"{canary} told by a condition", condition=told)
    SegmentMembership.objects.create(segment=segment, company=company, starts_at=EPOCH)
    for person in people:
        person.interests.add(interest)
        a_role(person, f"{canary}-role")
    source = Source.objects.create(code=f"{canary}-source", name=f"{canary} source", kind=Source.Kind.API)
    a_caller(companies=[company], sources=[source], name=f"{canary} system")
    kind = ActivityType.objects.create(code=f"{canary}-type", name=f"{canary} type")
    for code, value_type in (("place", "TEXT"), ("size", "NUMBER")):
        ActivityAttribute.objects.create(
            activity_type=kind, code=f"{canary}-{code}", name=f"{canary} {code}", type=value_type, unit=f"{canary} unit"
        )


def _knowledge_of(company: Company, canary: str, author: User, member: Employee, now: datetime) -> None:
    CompanyProfile.objects.create(
        company=company,
        **{
            name: f"{INTERNAL} {canary} {name}"
            for name in ("goals", "values", "decision_process", "processes", "problems")
        },
    )
    for visibility, text in (("INTERNAL", f"{INTERNAL} {canary} note"), ("SHARED", f"{canary} shared note")):
        write_note(
            company=company,
            author_id=author.pk,
            kind=ServiceNote.Kind.WISH,
            text=text,
            happened_at=now,
            visibility=visibility,
            people=[member],
        )
    SavedFilter.objects.create(
        owner=author, screen=f"{canary}.Screen", name=f"{INTERNAL} {canary} filter", query=f"q={canary}"
    )
    Message.objects.create(employee=member, kind=f"{canary}-kind", subject_id=1, facts={"words": f"{canary} words"})
    mail = Mail.objects.create(
        kind=f"{canary}-kind", user=member.user, address=user_of(member).email, facts={"words": f"{canary} words"},
        state=Mail.State.FAILED, ended_at=now, why=f"{canary} refused",
    )  # fmt: skip
    MailReport.objects.create(mail=mail, address=mail.address, event="BOUNCE", kind="SOFT", at=now)
    SuppressedAddress.objects.create(address=mail.address, reason="BOUNCE", lifted_at=now)
    set_preferences(employee_id=member.pk, wanted=[Switch("ORDERS", "INBOX")])


def _service_of(
    company: Company, canary: str, author: User, decider: Employee, now: datetime
) -> tuple[ServiceNote, FollowUp]:
    """A shared promise that was kept, an internal one that was moved in an edited note, a comment, and a draft."""
    today = timezone.localdate(now)
    by, due_on = author.pk, today + timedelta(days=3)

    def promised(word: str, visibility: str) -> tuple[ServiceNote, FollowUp]:
        note = write_note(
            company=company, author_id=by, kind=ServiceNote.Kind.CALL, text=f"{word} promise was made",
            happened_at=now, visibility=visibility, promise=Promise(f"{word} promise", due_on, now),
        )  # fmt: skip
        return note, FollowUp.objects.get(note=note)

    _note, kept = promised(canary, ServiceNote.Visibility.SHARED)
    finish(follow_up_id=kept.pk, by_user_id=by, outcome=f"{canary} outcome", now=now)
    note, follow_up = promised(f"{INTERNAL} {canary}", ServiceNote.Visibility.INTERNAL)
    edited = replace(words_of(note), text=f"{INTERNAL} {canary} edited")
    edit_note(note_id=note.pk, words=edited, edits_seen=0, by_user_id=by, now=now)
    move(
        follow_up_id=follow_up.pk, to_on=due_on + timedelta(days=1), reason=f"{INTERNAL} {canary} reason",
        by_user_id=by, today=today, now=now,
    )  # fmt: skip
    ProgramComment.objects.create(
        membership=Membership.objects.filter(company=company).earliest("pk"), author=decider,
        text=f"{canary} comment", created_at=now,
    )  # fmt: skip
    Draft.objects.create(
        user=author, address=f"/{canary}/", fields={"text": [f"{INTERNAL} {canary} typed"]}, saved_at=now
    )
    return note, follow_up


def _a_program_of(canary: str) -> Program:
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


def _replay_of(membership: Membership, canary: str, manager: User, now: datetime) -> None:
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


def _plan_of(program: Program, canary: str, manager: User, now: datetime) -> None:
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


def _agreements_of(membership: Membership, canary: str) -> None:
    """Terms that were agreed with the company, and a draft of the next, of which it knows nothing yet."""
    code = f"{canary}-rule"
    kind = {"subject": "COMPANY", "period": "EVER", "limit": 10**9}
    named = {"shared_as": f"{canary}-together", "name": f"{canary} together", "counts": "TIMES"}
    both = {"scope": "RULES", "rule_codes": [code, f"{canary}-badge-rule"], **named}
    limits = [{"rule_code": code, **kind}, {**both, **kind}]
    rate = {"kind": "per", "points": 1, "step": "1", "of": f"attribute.{canary}-size"}
    an_agreement(membership, rates={code: rate}, limits=limits, reason=f"{INTERNAL} {canary} reason")
    a_draft_agreement(membership, factor="3", reason=f"{INTERNAL} {canary} next reason")


def _promotions_of(membership: Membership, canary: str, colleague: Employee, manager: User, now: datetime) -> None:
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


def _points_that_wait(membership: Membership, canary: str, colleague: Employee, manager: User, now: datetime) -> None:
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


def _points_that_last_longer(
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


def _points_passed_on(membership: Membership, canary: str, colleague: Employee, now: datetime) -> None:
    """Points that the colleague passed on to the company."""
    Program.objects.filter(pk=membership.program_id).update(transfers="BOTH")
    pass_on(
        actor=as_actor(user_of(colleague)), membership=membership, to=None, points=3,
        reason=f"{canary} colleague gave this", key=f"{canary}-passed-on", now=now,
    )  # fmt: skip


def _titles_of(membership: Membership, canary: str, admin: Employee, manager: User, now: datetime) -> None:
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


def _business_of(
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


def _surveys_of(
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


def _an_order(person: Employee, reward: Reward, payer: Owner, key: str, now: datetime) -> Redemption:
    actor = actor_of(User.objects.get(pk=person.user_id), now=now)
    return redeem(actor=actor, reward_id=reward.pk, payer=payer, shown_price=reward.price, key=key, now=now).redemption


def as_actor(user: User) -> Actor:
    """The user as of now."""
    return actor_of(User.objects.get(pk=user.pk), now=timezone.now())


def fingerprint() -> dict[str, str]:
    """A mark per table of the house that changes when a row does; that somebody signed in counts for nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_marks_of_all_tables())
        return dict(cursor.fetchall())


@cache
def _marks_of_all_tables() -> str:
    """One question for all tables: several hundred tests ask it twice."""
    marks = []
    for label in ("accounts", "loyalty", "rewards", "surveys"):
        for model in apps.get_app_config(label).get_models():
            fields = ", ".join(f'"{f.column}"' for f in model._meta.concrete_fields if f.attname != "last_login")
            rows = f'SELECT ROW({fields})::text AS words FROM "{model._meta.db_table}"'
            mark = "md5(coalesce(string_agg(words, chr(10) ORDER BY words), ''))"
            marks.append(f"SELECT '{model._meta.label}', {mark} FROM ({rows}) AS rows")
    return " UNION ALL ".join(marks)
