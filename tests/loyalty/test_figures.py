"""Daily figures: kept once a day, read without adding up history."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from loyalty.figures import Totals, change, days_of, take_figures, totals
from loyalty.ledger import Owner
from loyalty.models import Program, ProgramDay, Wallet
from rewards.redemption import redeem
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import NOW, a_member, a_program, a_purchase, a_reward, a_rule_set, an_admin, record

pytestmark = pytest.mark.django_db


def a_day(program: Program, day: date, **numbers: int) -> ProgramDay:
    fields = {"issued": 0, "spent": 0, "expired": 0, "outstanding": 0, "members": 1, "active_companies": 0, **numbers}
    return ProgramDay(program=program, day=day, taken_at=NOW, **fields)


def test_totals_are_those_of_the_wallets() -> None:
    program = a_program()
    a_rule_set(program)
    member, _quiet = a_member(program), a_member(program)
    admin = an_admin(member.company)
    record(a_purchase(member.company, 300))
    reward = a_reward(program, price=120)
    redeem(
        actor=as_actor(user_of(admin)), reward_id=reward.pk, payer=Owner(program.pk, member.company_id),
        shown_price=120, key="one", now=NOW,
    )  # fmt: skip

    assert totals(program, now=NOW) == Totals(300, 120, 0, 180, members=2, active_companies=1)
    assert totals(program, now=NOW + timedelta(days=91)).active_companies == 0


def test_company_is_active_by_the_latest_moment_that_its_points_count_from() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    record(a_purchase(member.company, 300))
    record(a_purchase(member.company, 300, occurred_at=NOW - timedelta(days=80)))
    wallets = Wallet.objects.filter(company=member.company)

    assert wallets.get(kind="AVAILABLE").received_at == NOW
    assert wallets.get(kind="ISSUED").received_at is None
    assert totals(program, now=NOW + timedelta(days=89)).active_companies == 1
    assert totals(program, now=NOW + timedelta(days=90)).active_companies == 0


def test_totals_cost_one_query_however_long_the_history() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    record(*(a_purchase(member.company, 10) for _number in range(20)))

    with CaptureQueriesContext(connection) as captured:
        totals(program, now=NOW)

    assert len(captured.captured_queries) == 1


def test_figures_of_a_day_are_kept_once_and_brought_up_to_date() -> None:
    program = a_program()
    a_rule_set(program)
    member = a_member(program)
    a_program(is_active=False)
    record(a_purchase(member.company, 100))
    assert take_figures(now=NOW) == 1
    record(a_purchase(member.company, 50))

    take_figures(now=NOW + timedelta(hours=1))

    kept = ProgramDay.objects.get()
    assert (kept.day, kept.issued, kept.outstanding) == (date(2026, 6, 15), 150, 150)


def test_days_are_the_last_one_before_the_kept_ones_since_and_today() -> None:
    program = a_program()
    a_rule_set(program)
    record(a_purchase(a_member(program).company, 100))
    for day, issued in ((1, 10), (3, 30), (9, 60)):
        a_day(program, date(2026, 6, day), issued=issued).save()

    days = days_of(program, since=date(2026, 6, 5), now=NOW)

    assert [(day.day.day, day.issued) for day in days] == [(3, 30), (9, 60), (15, 100)]


@pytest.mark.parametrize(
    ("first", "last", "issued", "spent"),
    [
        (2, 9, 50, 5),  # from after the 1st to the 9th
        (1, 9, 60, 5),  # nothing is kept before: since the beginning
        (4, 12, 30, 2),  # the 12th was not kept: the 9th speaks for it
    ],
)
def test_change_is_the_difference_of_two_kept_days(first: int, last: int, issued: int, spent: int) -> None:
    program = Program()
    days = [
        a_day(program, date(2026, 6, day), issued=issued, spent=spent)
        for day, issued, spent in ((1, 10, 0), (3, 30, 3), (9, 60, 5))
    ]

    changed = change(days, first=date(2026, 6, first), last=date(2026, 6, last))

    assert changed is not None
    assert (changed.issued, changed.spent) == (issued, spent)


def test_change_of_a_time_of_which_nothing_was_kept_is_unknown() -> None:
    days = [a_day(Program(), date(2026, 6, 9), issued=60)]

    assert change(days, first=date(2026, 5, 1), last=date(2026, 5, 31)) is None
    assert change(days, first=date(2026, 6, 10), last=date(2026, 6, 30)) is None


def test_rate_is_unknown_where_nothing_was_issued() -> None:
    days = [a_day(Program(), date(2026, 6, 9)), a_day(Program(), date(2026, 6, 10), issued=200, spent=50)]

    none = change(days, first=date(2026, 6, 9), last=date(2026, 6, 9))
    some = change(days, first=date(2026, 6, 10), last=date(2026, 6, 10))

    assert none is not None
    assert none.redemption_rate is None
    assert some is not None
    assert some.redemption_rate == 0.25
