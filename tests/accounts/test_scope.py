"""What each actor sees of each table: exact rows, for a member, a decider, an admin and an account manager."""

import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from accounts.actors import Actor, actor_of_client
from accounts.models import (
    AuditEntry,
    AuditReason,
    Company,
    CompanyProfile,
    Employee,
    IdempotencyKey,
    Interest,
    Message,
    RoleAssignment,
    Segment,
    SegmentMembership,
    ServiceNote,
    User,
)
from accounts.scope import ScopedQuerySet
from loyalty.models import (
    Activity,
    Award,
    AwardReversal,
    CapUsage,
    Consent,
    Evaluation,
    Lot,
    Membership,
    Posting,
    Program,
    RuleSet,
    Source,
    TierAssignment,
    Transaction,
    Wallet,
)
from rewards.models import Redemption, Reward, StockMovement
from tests.factories.callers import a_caller
from tests.factories.canaries import CanaryWorld, as_actor, user_of

pytestmark = pytest.mark.django_db

VENDORS_OWN = (AuditEntry, AuditReason, IdempotencyKey, Segment, Source, CapUsage, StockMovement)
"""Tables that nobody but program managers reads."""

NEVER_A_CLIENT_S = (CompanyProfile, SegmentMembership, AwardReversal)
"""Tables of companies that the vendor alone reads."""


@pytest.fixture
def world(canary_world: CanaryWorld) -> CanaryWorld:
    """Two companies with rows in every table."""
    return canary_world


def seen(model: type[models.Model], user: User) -> set[int]:
    """The ids of the rows that a user sees."""
    return visible(model, as_actor(user))


def visible(model: type[models.Model], actor: Actor) -> set[int]:
    """The ids of the rows that an actor sees."""
    rows = model._default_manager.all()
    assert isinstance(rows, ScopedQuerySet)
    return set(rows.visible_to(actor).values_list("pk", flat=True))


def ids(rows: models.QuerySet[models.Model]) -> set[int]:
    """The ids of rows."""
    return set(rows.values_list("pk", flat=True))


def test_manager_sees_every_row_of_every_table(world: CanaryWorld) -> None:
    for label in ("accounts", "loyalty", "rewards", "surveys"):
        for model in apps.get_app_config(label).get_models():
            assert seen(model, world.manager) == ids(model._default_manager.all()), model._meta.label


def test_the_vendor_s_own_tables_are_closed_to_clients_and_account_managers(world: CanaryWorld) -> None:
    users = [user_of(world.a.admin), user_of(world.a.member), world.a.account_manager]

    assert {model.__name__ for model in VENDORS_OWN for user in users if seen(model, user)} == set()
    assert {model.__name__ for model in NEVER_A_CLIENT_S for user in users[:2] if seen(model, user)} == set()


def test_account_manager_sees_the_rows_of_the_portfolio(world: CanaryWorld) -> None:
    user, company = world.a.account_manager, world.a.company

    assert seen(Company, user) == {company.pk}
    assert seen(Employee, user) == ids(Employee.objects.filter(company=company))
    assert seen(CompanyProfile, user) == {company.pk}
    assert seen(ServiceNote, user) == ids(ServiceNote.objects.filter(company=company))
    assert seen(SegmentMembership, user) == ids(SegmentMembership.objects.filter(company=company))
    assert seen(Wallet, user) == ids(Wallet.objects.filter(company=company))
    assert seen(Activity, user) == ids(Activity.objects.filter(company=company))
    assert seen(Redemption, user) == ids(Redemption.objects.filter(company=company))
    assert seen(User, user) == ids(User.objects.filter(employee__company=company)) | {user.pk}


def test_member_sees_the_own_rows(world: CanaryWorld) -> None:
    me, user = world.a.member, user_of(world.a.member)

    assert seen(Company, user) == {me.company_id}
    assert seen(User, user) == {user.pk}
    assert seen(Employee, user) == {me.pk}
    assert seen(RoleAssignment, user) == ids(RoleAssignment.objects.filter(employee=me))
    assert seen(Message, user) == ids(Message.objects.filter(employee=me))
    assert seen(ServiceNote, user) == set()
    assert seen(Consent, user) == set()
    assert seen(Wallet, user) == ids(Wallet.objects.filter(employee=me))
    assert seen(Activity, user) == ids(Activity.objects.filter(employee=me))
    assert seen(Evaluation, user) == ids(Evaluation.objects.filter(activity__employee=me))
    assert seen(Award, user) == ids(Award.objects.filter(wallet__employee=me))
    assert seen(Lot, user) == ids(Lot.objects.filter(wallet__employee=me))
    assert seen(Redemption, user) == ids(Redemption.objects.filter(employee=me))
    assert world.a.company_order.debit_id not in seen(Transaction, user)
    assert world.a.order.debit_id in seen(Transaction, user)
    assert seen(Posting, user) == ids(
        Posting.objects.filter(debit_wallet__employee=me) | Posting.objects.filter(credit_wallet__employee=me)
    )


def test_member_knows_the_company_s_membership_and_tier(world: CanaryWorld) -> None:
    user, company = user_of(world.a.member), world.a.company

    assert seen(Membership, user) == ids(Membership.objects.filter(company=company))
    assert seen(TierAssignment, user) == ids(TierAssignment.objects.filter(membership__company=company))


def test_decider_sees_the_company_s_rows_but_no_colleague_s_wallet(world: CanaryWorld) -> None:
    me, user = world.a.decider, user_of(world.a.decider)

    assert seen(Wallet, user) == ids(
        Wallet.objects.filter(company=me.company_id, employee=None) | Wallet.objects.filter(employee=me)
    )
    assert seen(Activity, user) == ids(Activity.objects.filter(company=me.company_id))
    assert seen(User, user) == {user.pk}
    assert world.a.company_order.pk in seen(Redemption, user)
    assert world.a.order.pk not in seen(Redemption, user)
    assert world.a.order.debit_id not in seen(Transaction, user)


def test_admin_sees_the_whole_company(world: CanaryWorld) -> None:
    user, company = user_of(world.a.admin), world.a.company

    assert seen(Employee, user) == ids(Employee.objects.filter(company=company))
    assert seen(User, user) == ids(User.objects.filter(employee__company=company))
    assert seen(Wallet, user) == ids(Wallet.objects.filter(company=company))
    assert seen(Redemption, user) == ids(Redemption.objects.filter(company=company))
    assert seen(Consent, user) == ids(Consent.objects.filter(membership__company=company))
    assert seen(Message, user) == ids(Message.objects.filter(employee=world.a.admin))


def test_internal_note_is_seen_by_no_client(world: CanaryWorld) -> None:
    shared = ids(ServiceNote.objects.filter(company=world.a.company, visibility="SHARED"))

    assert [seen(ServiceNote, user_of(person)) for person in (world.a.member, world.a.decider, world.a.admin)] == [
        set(),
        shared,
        shared,
    ]
    assert seen(ServiceNote, user_of(world.b.admin)) & shared == set()


def test_drafts_and_what_is_not_published_are_seen_by_no_client(world: CanaryWorld) -> None:
    for person in (world.a.member, world.a.admin):
        assert RuleSet.objects.filter(pk__in=seen(RuleSet, user_of(person)), status="DRAFT").count() == 0
        assert Reward.objects.filter(pk__in=seen(Reward, user_of(person)), is_published=False).count() == 0
        assert world.b.reward.pk not in seen(Reward, user_of(person))


def test_words_of_the_installation_are_for_everybody_who_is_somebody(world: CanaryWorld) -> None:
    everything = ids(Interest.objects.all())

    assert seen(Interest, user_of(world.a.member)) == seen(Interest, world.a.account_manager) == everything


def test_another_system_sees_the_tables_of_the_api_and_no_others(world: CanaryWorld) -> None:
    everywhere = actor_of_client(a_caller().client, now=timezone.now())

    seen_by_it = {
        model._meta.label
        for label in ("accounts", "loyalty", "rewards", "surveys")
        for model in apps.get_app_config(label).get_models()
        if visible(model, everywhere)
    }

    assert seen_by_it == {
        "accounts.Company", "accounts.Employee", "accounts.RoleAssignment", "accounts.StakeholderRole",
        "loyalty.Activity", "loyalty.ActivityAttribute", "loyalty.ActivityType", "loyalty.Award",
        "loyalty.EffectAward", "loyalty.Evaluation", "loyalty.Membership", "loyalty.Program",
        "loyalty.TierAssignment", "loyalty.TierPayment", "loyalty.TierTitle", "loyalty.Transaction", "loyalty.Transfer",
        "loyalty.Wallet", "rewards.Redemption", "rewards.Reward", "surveys.Survey",
    }  # fmt: skip


def test_another_system_sees_rows_of_its_companies_and_may_be_switched_off(world: CanaryWorld) -> None:
    source = Source.objects.get(code="canary-aaa-source")
    caller = a_caller(companies=[world.a.company], sources=[source])
    actor, company = actor_of_client(caller.client, now=timezone.now()), world.a.company

    assert visible(Company, actor) == {company.pk}
    assert visible(Employee, actor) == ids(Employee.objects.filter(company=company))
    assert visible(Activity, actor) == ids(Activity.objects.filter(company=company))
    assert visible(Award, actor) == ids(Award.objects.filter(company=company))
    assert visible(Membership, actor) == ids(Membership.objects.filter(company=company))
    assert visible(Program, actor) == {world.a.program.pk, world.shared.pk}
    assert visible(Source, actor) == {source.pk}
    caller.client.is_active = False
    off = actor_of_client(caller.client, now=timezone.now())
    assert {visible(model, off) == set() for model in (Company, Employee, Activity, Source)} == {True}


def test_company_that_serves_another_sees_nothing_of_it(world: CanaryWorld) -> None:
    Company.objects.filter(pk=world.b.company.pk).update(served_by=world.a.company)

    assert seen(Company, user_of(world.a.admin)) == {world.a.company.pk}
    assert seen(Wallet, user_of(world.a.admin)) == ids(Wallet.objects.filter(company=world.a.company))
