"""Two companies whose every text carries a word of their own, so that a word in the wrong answer shows a leak."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from accounts import attachments
from accounts.invitations import invite
from accounts.models import Approval, Company, Employee, FollowUp, ServiceNote, User
from loyalty.by_hand import adjust
from loyalty.ledger import Owner
from loyalty.memberships import comment
from loyalty.models import Adjustment, Benefit, Membership, Program, RuleSet, Transaction
from rewards.models import Redemption, Reward
from rewards.redemption import cancel
from surveys.models import Survey
from tests.factories.canaries.marks import INTERNAL, POINTS, as_actor, fingerprint, user_of
from tests.factories.canaries.people import a_person, knowledge_of, records_of, roles_of, service_of, ways_in_of
from tests.factories.canaries.programs import (
    a_program_of,
    agreements_of,
    an_order,
    approvals_of,
    benefits_of,
    business_of,
    plan_of,
    points_passed_on,
    points_that_last_longer,
    points_that_wait,
    promotions_of,
    replay_of,
    surveys_of,
    titles_of,
)
from tests.factories.webhooks import a_subscription
from tests.factories.world import (
    EPOCH,
    a_company,
    a_member,
    a_program,
    a_reward,
    a_rule_set,
    a_user,
    an_account_manager,
    an_employee,
    consent_to,
)

__all__ = ["INTERNAL", "POINTS", "CanaryCompany", "CanaryWorld", "a_canary_world", "as_actor", "fingerprint", "user_of"]


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
        a_person(company, canary, word) for word in ("member", "colleague", "decider", "admin")
    )
    Employee.objects.filter(pk=admin.pk).update(access=Employee.Access.ADMIN)
    guest = an_employee(company, login=False, name=f"{canary} colleague guest", external_id=f"{canary}-guest-number")
    invite(
        actor=as_actor(user_of(admin)), employee_id=guest.pk, address=f"{canary}-colleague-guest@example.com",
        language="en", now=now,
    )  # fmt: skip
    Employee.objects.filter(pk=decider.pk).update(buying_role=Employee.BuyingRole.DECIDES)
    roles_of(company, canary, member, colleague)
    ways_in_of(company, canary, colleague)
    for person, word in ((member, canary), (colleague, f"{canary} colleague")):
        attachments.store(
            [f"{word} content".encode()],
            name=f"{word} file.csv",
            content_type="text/csv",
            created_by_id=user_of(person).pk,
            now=now,
        )
    knowledge_of(company, canary, account_manager, member, now)
    program = a_program_of(canary)
    for joined in (program, shared):
        membership = a_member(joined, company)
        consent_to(membership, by=user_of(admin), roles=[f"{canary}-role"])
        comment(actor=as_actor(user_of(admin)), membership=membership, text=f"{canary} comment", now=now)
    earned = business_of(company, canary, POINTS[letter], member, colleague, now)
    reward = a_reward(
        program, name=f"{canary} reward", code=f"{canary}-reward", description=f"{canary} description", price=7
    )
    draft_reward = a_reward(program, name=f"{INTERNAL} {canary}", code=f"{INTERNAL}-{letter}", is_published=False)
    own = Owner(program.pk, company.pk, member.pk)
    order = an_order(member, reward, own, f"{canary}-key", now)
    company_order = an_order(admin, reward, Owner(program.pk, company.pk), f"{canary}-key", now)
    an_order(admin, shared_reward, Owner(shared.pk, company.pk), f"{canary}-shared-key", now)
    undone = an_order(colleague, reward, Owner(program.pk, company.pk, colleague.pk), f"{canary}-undone", now)
    cancel(redemption_id=undone.pk, by_user_id=user_of(colleague).pk, now=now)
    Program.objects.filter(pk=program.pk).update(adjustment_limit=1_000)
    given = Membership.objects.get(company=company, program=program)
    adjust(
        membership=given, employee=colleague, points=11, reason_code=Adjustment.Reason.GOODWILL,
        reason=f"{canary} colleague was kept waiting", by=manager, now=now,
    )  # fmt: skip
    points_that_wait(given, canary, colleague, manager, now)
    points_that_last_longer(given, canary, colleague, manager, now)
    points_passed_on(given, canary, colleague, now)
    agreements_of(given, canary)
    promotions_of(given, canary, colleague, manager, now)
    replay_of(given, canary, manager, now)
    plan_of(program, canary, manager, now)
    titles_of(given, canary, admin, manager, now)
    records_of(company, canary, manager, (member, colleague, admin), account_manager, now)
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
        *surveys_of(program, canary, member, colleague, now),
        *service_of(company, canary, account_manager, decider, now),
        benefits_of(given, canary, member, colleague, now),
        approvals_of(company, canary, reward, (member, colleague, decider, admin), now),
    )
