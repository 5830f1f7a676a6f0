"""Examples are recorded like all that arrives, beside others who record, and taken back to the last row."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction

from accounts.models import WebhookSubscription
from accounts.webhooks.kinds import known_kinds
from loyalty import proving
from loyalty.activities import Status
from loyalty.examples import Running, run_examples, with_draft
from loyalty.models import Activity, ActivityType, Award, Example, Posting, Program, RuleSet
from loyalty.own_activities import TIER_REACHED, ensure_derived_types
from loyalty.replaying.books import Supposed
from loyalty.vocabulary import Vocabulary
from tests.examples.test_running import a_draft, an_example, run
from tests.factories.canaries import fingerprint
from tests.factories.world import NOW, a_manager, a_member, a_program, a_purchase, a_rule_set, balance, record

pytestmark = pytest.mark.django_db

SPRING = {"kind": "per", "points": 1, "step": "1", "of": "activity.amount", "multipliers": {"campaigns": ["spring"]}}


@contextmanager
def ran(example: Example, draft: RuleSet) -> Iterator[Running]:
    """An example that has happened and was not undone yet."""
    with transaction.atomic(), with_draft(draft) as known:
        running = Running(example, known.programs[draft.program_id], known, Vocabulary())
        running.run()
        yield running
        transaction.set_rollback(True)


def test_example_stands_in_the_tables_while_it_runs_and_leaves_no_row(program: Program, draft: RuleSet) -> None:
    example = program.examples.get()
    kinds = [kind.code for kind in known_kinds()]
    WebhookSubscription.objects.create(
        name="All", url="https://a.example/", kinds=kinds, is_for_all_companies=True, created_by=a_manager()
    )
    before = fingerprint()

    with ran(example, draft) as running:
        assert running.ran.is_met, running.ran.in_words()
        assert running.client is not None
        mine = {"company": running.client.company_id}
        assert Activity.objects.filter(**mine).count() == 5
        assert Award.objects.filter(**mine).count() == 3
        assert sum(Posting.objects.filter(**mine, reverses=None).values_list("points", flat=True)) == 245
        during = fingerprint()
    run_examples(draft)
    proving.require_examples_met(draft)

    assert {table for table in before if before[table] != during[table]} >= {
        *("loyalty.Activity", "loyalty.Evaluation", "loyalty.Award", "loyalty.Transaction", "loyalty.Posting"),
        *("loyalty.Lot", "loyalty.CapUsage", "accounts.Company", "accounts.Employee", "accounts.WebhookEvent"),
    }
    assert fingerprint() == before


@pytest.fixture
def program() -> Program:
    """A program whose members share a limit and a campaign's budget, both in use; with an example in which a tier is
    reached, and lost by a return.
    """
    ensure_derived_types()
    program = a_program(tiers={"bronze": 0, "silver": 100})
    a_rule_set(program, **rules_that_share())
    record(a_purchase(a_member(program).company, 90))
    an_example(program, {"amount": 80, "gives_company": 160}, {"amount": 40, "gives_company": 85}, {
        "amount": 40, "undoes": 1, "gives_company": -85,
    }, gives_company=160)  # fmt: skip
    return program


@pytest.fixture
def draft(program: Program) -> RuleSet:
    return a_rule_set(program, **rules_that_share(), status=RuleSet.Status.DRAFT)


def rules_that_share() -> dict[str, Any]:
    return {
        "rules": [
            {"code": "spend", "formula": SPRING, "caps": [("PROGRAM", "EVER", 5_000)]},
            {
                "code": "up",
                "formula": {"kind": "fixed", "points": 5},
                "activity_type": ActivityType.objects.get(code=TIER_REACHED),
                "condition": {"fact": "standing.tier_rank", "op": "gte", "value": 2},
            },
        ],
        "campaigns": [{"code": "spring", "budget": 2_000}],
    }


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_apart", [True, False])
def test_others_post_while_an_example_runs(
    program: Program, draft: RuleSet, is_apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not is_apart:  # without that, the example would hold the counters that companies share
        monkeypatch.setattr(Supposed, "shared_id", lambda _self, program_id, _company_id: program_id)
    member = program.memberships.get()
    found: list[Any] = []

    def post() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '2s'")
            found.append(record(a_purchase(member.company, 50))[0].status)
            found.append([one.is_met for one in run_examples(draft)])  # another manager, the same examples
        except OperationalError as error:
            found.append(type(error))
        finally:
            connections.close_all()

    with ran(program.examples.get(), draft):
        other = threading.Thread(target=post)
        other.start()
        other.join(20)

    assert found == ([Status.RECORDED, [True]] if is_apart else [OperationalError])
    assert balance(member) == (285 if is_apart else 180)


def test_what_the_engine_refuses_is_a_fault_of_the_example() -> None:
    program = a_program()
    an_example(program, {"amount": 40}, {"amount": 50, "undoes": 1}, name="Too much back")
    an_example(program, {"amount": -5}, name="Less than nothing")

    assert [one.in_words() for one in run_examples(a_draft(program, {}))] == [
        "“Too much back” cannot be run: step 2, amount: More is returned than is left of the activity.",
        "“Less than nothing” cannot be run: step 1, amount: A number from 0 to 1,000,000,000,000 with at most 4 "
        "decimals is needed here.",
    ]


def test_example_says_what_wallets_hold_in_the_end() -> None:
    program = a_program(release=Program.Release.AFTER_DAYS, release_days=20, expiry_months=1)
    rules = [{}, {"formula": {"kind": "fixed", "points": 7}, "beneficiary": "EMPLOYEE"}]
    an_example(
        program, {}, {"amount": 30, "day": NOW.date()}, {"amount": 20, "day": NOW.replace(month=7, day=1).date()},
        company_available=0, company_waiting=50, person_available=0, person_waiting=14,
    )  # fmt: skip
    draft = a_draft(program, *rules)
    assert run(draft).in_words() == ""

    program.examples.update(company_available=100, person_waiting=7)

    assert run(draft).in_words() == (
        "“Orders” fails – the company can spend: expected 100, got 0; waiting for the person: expected 7, got 14."
    )
