"""What the database itself refuses, whoever asks: each refusal names its law and leaves everything as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from django.db import Error, connection, transaction
from django.db.models import Model

from accounts import laws
from accounts.actors import actor_of
from accounts.models import AuditEntry
from loyalty.ledger import Owner
from loyalty.models import (
    Activity,
    ActivityReturn,
    Award,
    AwardReversal,
    Campaign,
    CapUsage,
    Evaluation,
    Lot,
    LotUse,
    Membership,
    MetricBucket,
    Posting,
    ProductList,
    Rule,
    RuleCap,
    RuleSet,
    TierAssignment,
    Transaction,
    Wallet,
)
from rewards.models import Redemption, Reward, RewardStock, StockMovement
from rewards.redemption import redeem
from tests.factories.world import (
    NOW,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    record,
)
from tests.worlds import Keep, Kept

pytestmark = pytest.mark.django_db

APPEND_ONLY: list[type[Model]] = [
    Activity, Evaluation, Award, Transaction, Posting, LotUse, AuditEntry, StockMovement
]  # fmt: skip
EVERYTHING: list[type[Model]] = [
    *APPEND_ONLY, Wallet, Lot, CapUsage, AwardReversal, ActivityReturn, Membership, MetricBucket, TierAssignment,
    RuleSet, Rule, RuleCap, ProductList, Campaign, Reward, RewardStock, Redemption,
]  # fmt: skip


@dataclass(frozen=True)
class World:
    """Two members of one program and one of another; each bought for 100, the first returned 30 and redeemed 50."""

    first: Membership
    second: Membership
    elsewhere: Membership
    reward: Reward

    def wallet(self, member: Membership, kind: str = "AVAILABLE") -> int:
        return Wallet.objects.get(company=member.company_id, program=member.program_id, kind=kind, employee=None).pk


def a_world() -> World:
    program, other = a_program(tiers={"bronze": 0}), a_program()
    for each in (program, other):
        a_rule_set(
            each,
            [{"caps": [("COMPANY", "MONTH", 500)]}],
            lists={"tools": ["SAW-1"]},
            campaigns=[{"code": "spring", "budget": 100}],
        )
    first, second = a_member(program), a_member(program)
    elsewhere = a_member(other, first.company)
    purchase = a_purchase(first.company, 100)
    record(purchase, a_purchase(second.company, 100), a_purchase(first.company, 30, reverses=purchase.external_id))
    reward = a_reward(program, price=50)
    redeem(
        actor=actor_of(an_admin(first.company).user, now=NOW),
        reward_id=reward.pk,
        payer=Owner(program.pk, first.company_id),
        shown_price=50,
        key="order",
        now=NOW,
    )
    return World(first, second, elsewhere, reward)


@pytest.fixture(scope="module")
def kept_world(keep: Keep) -> Kept[World]:
    return keep(a_world)


@pytest.fixture
def world(db: None, kept_world: Kept[World]) -> World:
    world = kept_world.put_back()
    run("SET CONSTRAINTS ALL IMMEDIATE")  # a table with foreign keys still to be checked refuses TRUNCATE by that alone
    return world


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    """The block is refused by the constraint of that name, and nothing has changed."""
    before = _all_rows()
    with pytest.raises(Error) as refusal, transaction.atomic():
        yield
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert cause.diag.constraint_name == constraint
    assert _all_rows() == before
    assert {finding.law.code for finding in laws.verify() if finding.count} == set()


def _all_rows() -> dict[str, list[tuple[object, ...]]]:
    return {model._meta.db_table: sorted(model._default_manager.values_list(), key=str) for model in EVERYTHING}


def run(sql: str, *parameters: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


def test_world_of_these_tests_has_rows_in_every_table(world: World) -> None:
    assert [table for table, rows in _all_rows().items() if not rows] == []


@pytest.mark.parametrize("model", APPEND_ONLY, ids=lambda model: model.__name__)
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE {table} SET id = id",
        "UPDATE {table} SET id = id WHERE false",
        "DELETE FROM {table}",
        "TRUNCATE {table} CASCADE",
        "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT (id) DO UPDATE SET id = excluded.id",
    ],
    ids=["update", "update of no row", "delete", "truncate", "upsert"],
)
def test_append_only_table_refuses(world: World, model: type[Model], statement: str) -> None:
    table = model._meta.db_table

    with refused_by(f"{table}_is_append_only"):
        run(statement.format(table=table))


def test_orm_meets_the_same_refusals(world: World) -> None:
    with refused_by("loyalty_posting_is_append_only"):
        Posting.objects.update(points=1)
    with refused_by("loyalty_award_is_append_only"):
        Award.objects.all()._raw_delete(Award.objects.db)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE loyalty_wallet SET balance = balance + 1 WHERE id = %s",
        "UPDATE loyalty_wallet SET kind = 'PENDING' WHERE id = %s",
        "UPDATE loyalty_wallet SET company_id = company_id + 1 WHERE id = %s",
        "UPDATE loyalty_wallet SET program_id = program_id + 1 WHERE id = %s",
        "UPDATE loyalty_wallet SET employee_id = 1 WHERE id = %s",
        "DELETE FROM loyalty_wallet WHERE id = %s",
        "INSERT INTO loyalty_wallet (company_id, program_id, kind, balance)"
        " SELECT company_id, program_id, 'GIFT', 5 FROM loyalty_wallet WHERE id = %s",
    ],
)
def test_wallet_is_moved_by_postings_alone(world: World, statement: str) -> None:
    with refused_by("wallet_balance_moves_by_postings"):
        run(statement, world.wallet(world.first))


def a_posting(world: World, **fields: object) -> None:
    """Insert a posting of 5 points out of the first member's wallet into what it spent."""
    values: dict[str, object] = {
        "company_id": world.first.company_id,
        "transaction_id": Transaction.objects.filter(
            company=world.first.company_id, program=world.first.program_id
        ).earliest("pk").pk,
        "debit_wallet_id": world.wallet(world.first),
        "credit_wallet_id": world.wallet(world.first, "SPENT"),
        "points": 5,
        "effective_at": NOW,
        "created_at": NOW,
        **fields,
    }  # fmt: skip
    Posting.objects.bulk_create([Posting(**values)])


Change = Callable[[World], dict[str, object]]


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        (lambda world: {"debit_wallet_id": 987_654_321}, "posting_stays_in_company"),
        (lambda world: {"credit_wallet_id": 987_654_321}, "posting_stays_in_company"),
        (lambda world: {"transaction_id": 987_654_321}, "posting_stays_in_company"),
        (lambda world: {"credit_wallet_id": world.wallet(world.second, "SPENT")}, "posting_stays_in_company"),
        (lambda world: {"debit_wallet_id": world.wallet(world.second)}, "posting_stays_in_company"),
        (lambda world: {"company_id": world.second.company_id}, "posting_stays_in_company"),
        (lambda world: {"credit_wallet_id": world.wallet(world.elsewhere, "SPENT")}, "posting_stays_in_company"),
        (
            lambda world: {
                "debit_wallet_id": world.wallet(world.elsewhere),
                "credit_wallet_id": world.wallet(world.elsewhere, "SPENT"),
            },
            "posting_stays_in_company",
        ),
        (
            lambda world: {
                "transaction_id": Transaction.objects.filter(company=world.second.company_id).earliest("pk").pk
            },
            "posting_stays_in_company",
        ),
        (lambda world: {"points": 21}, "wallet_never_overdrawn"),
        (lambda world: {"points": 0}, "posting_moves_points"),
        (lambda world: {"points": -5}, "posting_moves_points"),
        (lambda world: {"credit_wallet_id": world.wallet(world.first)}, "posting_between_two_wallets"),
        (lambda world: {"credit_wallet_id": world.wallet(world.first, "DEBT")}, "wallet_debt_never_positive"),
        (
            lambda world: {"credit_wallet_id": world.wallet(world.first, "ISSUED"),
                           "debit_wallet_id": world.wallet(world.first, "PENDING")},
            "wallet_never_overdrawn",
        ),
        (
            lambda world: {"debit_wallet_id": world.wallet(world.first, "EXPIRED")},
            "wallet_never_overdrawn",
        ),
        (
            lambda world: {"debit_wallet_id": world.wallet(world.first, "SPENT"), "points": 51,
                           "credit_wallet_id": world.wallet(world.first, "AVAILABLE")},
            "wallet_never_overdrawn",
        ),
    ],
    ids=[
        "unknown debit wallet",
        "unknown credit wallet",
        "unknown transaction",
        "into another company",
        "out of another company",
        "in the name of another company",
        "into another program",
        "under a transaction of another program",
        "under a transaction of another company",
        "overdraft",
        "no points",
        "negative points",
        "into the same wallet",
        "more repaid than owed",
        "pending overdrawn",
        "expired overdrawn",
        "spent overdrawn",
    ],
)  # fmt: skip
def test_posting_is_refused(world: World, change: Change, constraint: str) -> None:
    changed = change(world)

    with refused_by(constraint):
        a_posting(world, **changed)


def test_one_bad_posting_takes_the_good_ones_of_its_statement_with_it(world: World) -> None:
    with refused_by("wallet_never_overdrawn"):
        run(
            """INSERT INTO loyalty_posting
                   (company_id, transaction_id, debit_wallet_id, credit_wallet_id, points, effective_at, created_at)
               SELECT company_id, transaction_id, %s, %s, part, effective_at, created_at
               FROM (SELECT * FROM loyalty_posting WHERE company_id = %s ORDER BY id LIMIT 1) AS p,
                    unnest(ARRAY[5, 5, 11]) AS part""",
            world.wallet(world.first),
            world.wallet(world.first, "SPENT"),
            world.first.company_id,
        )


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO loyalty_rule"
        " (rule_set_id, code, name, position, activity_type_id, condition, formula, beneficiary)"
        " SELECT rule_set_id, 'more', name, 9, activity_type_id, condition, formula, beneficiary FROM loyalty_rule",
        """UPDATE loyalty_rule SET formula = '{"kind": "fixed", "points": 9}'""",
        "UPDATE loyalty_rule SET name = 'Another name'",
        "DELETE FROM loyalty_rule",
        'INSERT INTO loyalty_rulecap (rule_id, subject, period, "limit")'
        " SELECT rule_id, 'PROGRAM', 'DAY', 1 FROM loyalty_rulecap",
        'UPDATE loyalty_rulecap SET "limit" = 9',
        "DELETE FROM loyalty_rulecap",
        "INSERT INTO loyalty_productlist (rule_set_id, code, name, products)"
        " SELECT rule_set_id, 'more', name, products FROM loyalty_productlist",
        "UPDATE loyalty_productlist SET products = products || ARRAY['SAW-2']::varchar[]",
        "UPDATE loyalty_productlist SET name = 'Another name'",
        "DELETE FROM loyalty_productlist",
        "INSERT INTO loyalty_campaign (rule_set_id, code, name, starts_on, ends_on, factor)"
        " SELECT rule_set_id, 'more', name, starts_on, ends_on, factor FROM loyalty_campaign",
        "UPDATE loyalty_campaign SET budget = 101",
        "UPDATE loyalty_campaign SET ends_on = ends_on + 1",
        "DELETE FROM loyalty_campaign",
        "UPDATE loyalty_ruleset SET combining = 'HIGHEST'",
        "DELETE FROM loyalty_ruleset",
        "UPDATE loyalty_ruleset SET status = 'DRAFT'",
        "UPDATE loyalty_ruleset SET starts_at = starts_at + interval '1 day'",
        "UPDATE loyalty_ruleset SET version = version + 1",
    ],
)
def test_rules_in_force_never_change(world: World, statement: str) -> None:
    with refused_by("rule_set_in_force_is_immutable"):
        run(statement)


def test_rule_is_not_moved_out_of_or_into_rules_in_force(world: World) -> None:
    draft = RuleSet.objects.create(program=world.first.program, version=7)
    in_force = Rule.objects.filter(rule_set__program=world.first.program).get()
    drafted = Rule.objects.create(
        rule_set=draft, code="new", name="New", activity_type=in_force.activity_type, formula=in_force.formula
    )
    cap = RuleCap.objects.create(rule=drafted, subject="PROGRAM", period="DAY", limit=1)
    listed = ProductList.objects.filter(rule_set=in_force.rule_set)

    with refused_by("rule_set_in_force_is_immutable"):
        Rule.objects.filter(pk=in_force.pk).update(rule_set=draft)
    with refused_by("rule_set_in_force_is_immutable"):
        Rule.objects.filter(pk=drafted.pk).update(rule_set=in_force.rule_set)
    with refused_by("rule_set_in_force_is_immutable"):
        listed.update(rule_set=draft)
    with refused_by("rule_set_in_force_is_immutable"):
        RuleCap.objects.filter(pk=cap.pk).update(rule=in_force)
    with refused_by("rule_set_in_force_is_immutable"):
        RuleCap.objects.filter(rule=in_force).update(rule=drafted)


def test_rules_of_a_draft_change_freely(world: World) -> None:
    draft = RuleSet.objects.create(program=world.first.program, version=7)
    rule = Rule.objects.create(
        rule_set=draft,
        code="new",
        name="New",
        activity_type=Rule.objects.earliest("pk").activity_type,
        formula={"kind": "fixed", "points": 1},
    )
    RuleCap.objects.create(rule=rule, subject="COMPANY", period="DAY", limit=1)

    Rule.objects.filter(pk=rule.pk).update(name="Newer")
    RuleCap.objects.filter(rule=rule).update(limit=2)
    draft.delete()

    assert not Rule.objects.filter(pk=rule.pk).exists()


def test_list_of_products_is_never_empty_too_long_or_there_twice(world: World) -> None:
    draft = RuleSet.objects.create(program=world.first.program, version=7)
    ProductList.objects.create(rule_set=draft, code="tools", name="Tools", products=["SAW-1"])

    for products in ([], ["SAW-1"] * 10_001):
        with refused_by("product_list_has_products"):
            ProductList.objects.create(rule_set=draft, code="more", name="More", products=products)
    with refused_by("product_list_code_unique"):
        ProductList.objects.create(rule_set=draft, code="tools", name="More", products=["SAW-1"])


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"ends_on": date(2026, 2, 28)}, "campaign_ends_after_start"),
        ({"factor": 1}, "campaign_factor_adds"),
        ({"factor": "0.5"}, "campaign_factor_adds"),
        ({"factor": "100.0001"}, "campaign_factor_adds"),
        ({"budget": 0}, "campaign_budget_positive"),
        ({"code": "spring"}, "campaign_code_unique"),
    ],
)
def test_campaign_always_adds_something_on_some_day(world: World, fields: dict[str, Any], constraint: str) -> None:
    draft = RuleSet.objects.create(program=world.first.program, version=7)
    sound = {"name": "Spring", "starts_on": date(2026, 3, 1), "ends_on": date(2026, 3, 1), "factor": 2, "budget": 1}
    Campaign.objects.create(rule_set=draft, code="spring", **sound)

    with refused_by(constraint):
        Campaign.objects.create(**{"rule_set": draft, "code": "more", **sound, **fields})


def test_award_never_has_more_from_a_campaign_than_it_has(world: World) -> None:
    for points in ("granted + 1", "-1"):
        with refused_by("award_from_campaign_within_granted"):
            run(
                "INSERT INTO loyalty_award (evaluation_id, activity_id, company_id, program_id, rule_id, rule_code,"
                " wallet_id, raw, granted, from_campaign) SELECT evaluation_id, activity_id, company_id, program_id,"
                f" rule_id, 'more', wallet_id, raw, granted, {points} FROM loyalty_award LIMIT 1"
            )


def test_two_versions_are_never_in_force_at_once(world: World) -> None:
    with refused_by("rule_set_one_in_force"):
        RuleSet.objects.create(program=world.first.program, version=7, status="ACTIVE", starts_at=NOW)


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ('UPDATE loyalty_capusage SET used = "limit" + 1', "cap_usage_within_limit"),
        ("UPDATE loyalty_capusage SET used = -1", "cap_usage_within_limit"),
        ('UPDATE loyalty_capusage SET "limit" = used - 1', "cap_usage_within_limit"),
        ("UPDATE loyalty_lot SET remaining = -1", "lot_never_gives_more_than_it_holds"),
        ("UPDATE loyalty_lot SET remaining = earned + 1", "lot_never_gives_more_than_it_holds"),
        ("UPDATE loyalty_lot SET expired = earned - remaining + 1", "lot_never_gives_more_than_it_holds"),
        ("UPDATE loyalty_lot SET expired = -1", "lot_never_gives_more_than_it_holds"),
        ("INSERT INTO loyalty_lot (wallet_id, available_on, expires_on, earned, remaining, expired)"
         " SELECT wallet_id, available_on, expires_on, earned, remaining, expired FROM loyalty_lot", "lot_unique"),
        ("UPDATE loyalty_awardreversal SET reversed = granted + 1", "award_reversal_within_granted"),
        ("UPDATE loyalty_awardreversal SET reversed = -1", "award_reversal_within_granted"),
        ("UPDATE loyalty_activityreturn SET amount = original_amount + 1", "activity_return_amount_within_original"),
        ("UPDATE loyalty_activityreturn SET amount = -1", "activity_return_amount_within_original"),
        ("UPDATE loyalty_metricbucket SET value = -0.01", "metric_bucket_never_negative"),
        ("UPDATE rewards_rewardstock SET taken = total + 1", "reward_stock_taken_within_total"),
        ("UPDATE rewards_rewardstock SET total = total + 1", "reward_stock_total_changes_by_movements"),
        ("UPDATE rewards_rewardstock SET total = total - 1, taken = 0", "reward_stock_total_changes_by_movements"),
        ("INSERT INTO rewards_stockmovement (stock_id, pieces, created_at)"
         " SELECT reward_id, -total, now() FROM rewards_rewardstock", "reward_stock_taken_within_total"),
        ("INSERT INTO rewards_stockmovement (stock_id, pieces, created_at)"
         " SELECT reward_id, 0, now() FROM rewards_rewardstock", "stock_movement_moves_pieces"),
        ("UPDATE rewards_redemption SET state = 'CANCELLED'", "redemption_ended_has_credit"),
        ("UPDATE rewards_redemption SET credit_id = debit_id", "redemption_ended_has_credit"),
        ("UPDATE rewards_reward SET price = 0", "reward_has_price"),
        ("INSERT INTO loyalty_tierassignment (membership_id, tier_id, source, evidence, starts_at)"
         " SELECT membership_id, tier_id, source, evidence, starts_at + interval '1 day' FROM loyalty_tierassignment",
         "tier_assignment_one_at_a_time"),
        ("INSERT INTO loyalty_membership (company_id, program_id, origin, starts_at)"
         " SELECT company_id, program_id, origin, starts_at + interval '1 day' FROM loyalty_membership",
         "membership_one_at_a_time"),
    ],
)  # fmt: skip
def test_counter_never_passes_what_it_counts(world: World, statement: str, constraint: str) -> None:
    with refused_by(constraint):
        run(statement)


def test_stock_never_begins_with_pieces_that_no_movement_brought(world: World) -> None:
    reward = Reward.objects.create(program=world.first.program, code="late", name="Late", price=1)

    with refused_by("reward_stock_total_changes_by_movements"):
        RewardStock.objects.create(reward=reward, total=5)


def test_activity_evaluation_award_and_transaction_stand_once(world: World) -> None:
    for table, columns, constraint in (
        ("loyalty_activity", "source_id, external_id, payload_hash, type_id, company_id, object, currency, attributes, "
         "occurred_at, recorded_at, reverses_external_id", "activity_external_id_unique"),
        ("loyalty_evaluation", "activity_id, company_id, program_id, facts, metrics", "evaluation_once_a_program"),
        ("loyalty_award", "evaluation_id, activity_id, company_id, program_id, rule_id, rule_code, wallet_id, raw, "
         "granted", "award_once_a_rule"),
        ("loyalty_transaction", "company_id, program_id, kind, activity_id, created_at",
         "transaction_once_an_activity"),
    ):  # fmt: skip
        with refused_by(constraint):
            run(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table}")


def test_award_never_grants_more_than_the_rule_gives(world: World) -> None:
    with refused_by("award_granted_within_raw"):
        run(
            """INSERT INTO loyalty_award (evaluation_id, activity_id, company_id, program_id, rule_id, rule_code,
                                          wallet_id, raw, granted)
               SELECT evaluation_id, activity_id, company_id, program_id, rule_id, 'more', wallet_id, raw, raw + 1
               FROM loyalty_award"""
        )


def test_rule_set_in_force_may_be_given_an_end(world: World) -> None:
    RuleSet.objects.filter(program=world.first.program).update(ends_at=NOW + timedelta(days=9), status="RETIRED")

    assert RuleSet.objects.filter(status="RETIRED").count() == 1
