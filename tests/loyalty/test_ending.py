"""Programs that end: told in time, nothing earned after one day, nothing spent after another, and what is left."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from accounts import laws
from accounts.actors import actor_of
from accounts.models import Message
from loyalty.activities import Status
from loyalty.books import close_books, closing
from loyalty.by_hand import ProgramClosedError, adjust
from loyalty.ending import Ended, end_programs, tell_of_end
from loyalty.explaining import verdicts_of
from loyalty.ledger import Owner, end_points, release_points
from loyalty.models import EndNotice, Evaluation, HandedOver, Lot, Membership, Program, Transaction
from loyalty.statement import balances_of
from loyalty.terms import terms_in_words
from loyalty.transfers import NotAllowedError, pass_on
from rewards.redemption import ProgramOverError, cancel, redeem
from rewards.refusals import sentence_of
from tests.factories.canaries import as_actor, fingerprint, user_of
from tests.factories.world import (
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    an_employee,
    balance,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

EARN, SPEND = date(2026, 6, 30), date(2026, 9, 30)
BEGIN = datetime(2026, 6, 1, 10, tzinfo=UTC)
OVER = datetime(2026, 9, 30, 15, tzinfo=UTC)
"""In Tokyo it is midnight: the last day to spend is over by a moment."""


def laws_broken() -> dict[str, int]:
    return {finding.law.code: finding.count for finding in laws.verify() if finding.count}


def ending(**fields: Any) -> Membership:
    """A company in a program of Tokyo's days that ends."""
    program = a_program(
        **{
            "time_zone": "Asia/Tokyo", "last_earn_on": EARN, "last_spend_on": SPEND, "adjustment_limit": 10**6,
            "point_value": Decimal("0.035"), **fields,
        }
    )  # fmt: skip
    a_rule_set(program)
    return a_member(program)


def bought(member: Membership, points: int, *, at: datetime = BEGIN, **fields: Any) -> Any:
    item = a_purchase(member.company, points, occurred_at=at, **fields)
    [outcome] = record(item, now=at)
    return item, outcome


def test_what_is_done_after_the_last_day_to_earn_brings_nothing_and_says_why() -> None:
    member = ending()
    last_moment = datetime(2026, 6, 30, 14, 59, tzinfo=UTC)

    _item, in_time = bought(member, 100, at=last_moment)
    _item, late = bought(member, 70, at=last_moment + timedelta(minutes=1))
    record(a_purchase(member.company, 5, occurred_at=last_moment), now=OVER)

    assert (in_time.points, late.points, late.status, balance(member)) == (100, 0, Status.RECORDED, 105)
    evaluation = Evaluation.objects.select_related("activity__type", "program").get(activity=late.activity_id)
    [why] = verdicts_of(evaluation, actor_of(a_manager(), now=OVER))
    assert why.sentence == "The program ends: June 30, 2026 was the last day to earn points."
    assert (why.reason, why.points, why.is_met) == ("No points: what was done lies after it.", 0, False)
    Program.objects.filter(pk=member.program_id).update(last_earn_on=SPEND)
    evaluation.refresh_from_db()
    assert verdicts_of(evaluation, actor_of(a_manager(), now=OVER)) == [why]  # why it was, not why it would be
    assert laws_broken() == {}


def test_redeeming_after_the_last_day_to_spend_is_refused_with_a_sentence() -> None:
    member = ending()
    admin = an_admin(member.company)
    bought(member, 300)
    reward = a_reward(member.program, price=40)
    order = partial(
        redeem, actor=as_actor(user_of(admin)), reward_id=reward.pk, payer=Owner(member.program_id, member.company_id),
        shown_price=40,
    )  # fmt: skip
    order(key="in time", now=OVER - timedelta(minutes=1))
    before = fingerprint()

    with pytest.raises(ProgramOverError) as refused:
        order(key="late", now=OVER)

    assert fingerprint() == before
    assert sentence_of(refused.value) == (
        "The program is over: Sept. 30, 2026 was the last day to spend points in it. Nothing is booked."
    )


def test_points_by_hand_and_passing_on_are_refused_once_it_is_over() -> None:
    member = ending(transfers="BOTH")
    admin = an_admin(member.company)
    consent_to(member)
    adjust(membership=member, employee=None, points=5, reason_code="GOODWILL", reason="Bye", by=a_manager(),
           now=OVER - timedelta(minutes=1))  # fmt: skip
    before = fingerprint()

    with pytest.raises(ProgramClosedError):
        adjust(membership=member, employee=None, points=5, reason_code="GOODWILL", reason="Bye", by=a_manager(),
               now=OVER)  # fmt: skip
    with pytest.raises(NotAllowedError):
        pass_on(actor=as_actor(user_of(admin)), membership=member, to=None, points=1, reason="All", key="k", now=OVER)

    assert {name: print_ for name, print_ in fingerprint().items() if name.startswith("loyalty")} == {
        name: print_ for name, print_ in before.items() if name.startswith("loyalty")
    }


def test_what_is_left_expires_by_an_act_of_its_own() -> None:
    member = ending()
    person = an_employee(member.company)
    bought(member, 300)
    adjust(membership=member, employee=person, points=20, reason_code="GOODWILL", reason="x", by=a_manager(), now=BEGIN)

    assert end_programs(now=OVER - timedelta(minutes=1)) == Ended(1, 0, 0)
    assert (balance(member), balance(member, person)) == (300, 20)
    assert end_programs(now=OVER) == Ended(0, 2, 320)
    assert end_programs(now=OVER) == Ended(0, 0, 0)

    assert (balance(member), balance(member, person)) == (0, 0)
    assert balance(member, kind="EXPIRED") == 320
    assert sorted(Lot.objects.values_list("remaining", "expired")) == [(0, 20), (0, 300)]
    acts = Transaction.objects.filter(kind="END")
    assert [(act.actor, act.company_id) for act in acts] == [(None, member.company_id)] * 2
    assert not HandedOver.objects.exists()
    close_books(now=OVER + timedelta(days=2))
    closed = closing(member.program, date(2026, 10, 1), now=OVER + timedelta(days=2)).row
    assert (closed.expired, closed.closing) == (320, 0)
    assert laws_broken() == {}


def test_what_is_left_is_handed_over_as_a_list_in_money() -> None:
    member = ending(rest="HAND_OVER")
    person = an_employee(member.company)
    bought(member, 333)
    adjust(membership=member, employee=person, points=20, reason_code="GOODWILL", reason="x", by=a_manager(), now=BEGIN)

    end_programs(now=OVER)
    end_programs(now=OVER + timedelta(hours=1))

    rows = HandedOver.objects.order_by("-points").values_list("employee", "points", "amount", "currency")
    assert list(rows) == [(None, 333, Decimal("11.66"), "GBP"), (person.pk, 20, Decimal("0.70"), "GBP")]
    assert (balance(member), balance(member, kind="SPENT"), balance(member, kind="EXPIRED")) == (0, 353, 0)
    close_books(now=OVER + timedelta(days=2))
    closed = closing(member.program, date(2026, 10, 1), now=OVER + timedelta(days=2)).row
    assert (closed.handed_over, closed.closing) == (353, 0)
    assert laws_broken() == {}


@pytest.mark.parametrize(("rest", "debt", "expired"), [("EXPIRE", 0, 200), ("HAND_OVER", -100, 0)])
def test_return_after_the_end_takes_from_what_expired_and_else_leaves_a_debt(
    rest: str, debt: int, expired: int
) -> None:
    member = ending(rest=rest)
    item, _outcome = bought(member, 300)
    end_programs(now=OVER)

    late = OVER + timedelta(days=3)
    [outcome] = record(a_purchase(member.company, 100, reverses=item.external_id, occurred_at=late), now=late)

    assert outcome.status is Status.RECORDED
    assert (balance(member), balance(member, kind="DEBT"), balance(member, kind="EXPIRED")) == (0, debt, expired)
    assert laws_broken() == {}


def test_cancelled_order_gives_back_after_the_end_and_goes_the_same_way() -> None:
    member = ending(rest="HAND_OVER")
    admin = an_admin(member.company)
    bought(member, 300)
    reward = a_reward(member.program, price=40)
    order = redeem(
        actor=as_actor(user_of(admin)), reward_id=reward.pk, payer=Owner(member.program_id, member.company_id),
        shown_price=40, key="one", now=BEGIN,
    ).redemption  # fmt: skip
    end_programs(now=OVER)

    cancel(redemption_id=order.pk, by_user_id=user_of(admin).pk, now=OVER + timedelta(hours=1))
    assert balance(member) == 40
    assert end_programs(now=OVER + timedelta(hours=2)).points == 40

    assert list(HandedOver.objects.order_by("pk").values_list("points", flat=True)) == [260, 40]
    assert laws_broken() == {}


def test_points_that_wait_go_once_their_day_has_come() -> None:
    member = ending(release="AFTER_DAYS", release_days=120)
    bought(member, 300, at=datetime(2026, 6, 20, 10, tzinfo=UTC))

    assert end_programs(now=OVER).points == 0
    later = OVER + timedelta(days=30)
    release_points(now=later)
    assert end_points(now=later).points == 300

    assert (balance(member), balance(member, kind="PENDING")) == (0, 0)
    assert laws_broken() == {}


def test_pages_count_what_is_left_as_gone_and_say_when_it_ends() -> None:
    member = ending()
    bought(member, 300)
    owner = Owner(member.program_id, member.company_id)

    [soon] = balances_of([owner], today=date(2026, 9, 10), expiring_until=date(2026, 10, 10))
    [over] = balances_of([owner], today=SPEND + timedelta(days=1))

    assert [(lot.points, lot.expires_on) for lot in soon.expiring] == [(300, SPEND)]
    assert (soon.available, over.available, soon.ends_on) == (300, 0, None)
    assert terms_in_words(member.program)[0] == (
        "The program ends: points are earned up to June 30, 2026 and can be spent up to Sept. 30, 2026. "
        "What is left then expires."
    )
    assert len(terms_in_words(a_program())) == 2


def test_idle_wallet_that_outlives_the_program_ends_with_it() -> None:
    member = ending(expiry="INACTIVITY", expiry_months=24)
    bought(member, 300)

    [found] = balances_of(
        [Owner(member.program_id, member.company_id)], today=date(2026, 9, 10), expiring_until=date(2026, 10, 10)
    )

    assert (found.ends_on, [(lot.points, lot.expires_on) for lot in found.expiring]) == (None, [(300, SPEND)])


@pytest.mark.parametrize(("earned_until", "ways"), [(-2, 0), (0, 1)])
def test_client_pages_say_that_it_ends_and_offer_ways_up_to_the_last_day_to_earn(
    client: Client, earned_until: int, ways: int
) -> None:
    today = timezone.now().astimezone(ZoneInfo("Asia/Tokyo")).date()
    member = ending(last_earn_on=today + timedelta(days=earned_until), last_spend_on=today + timedelta(days=30))
    client.force_login(user_of(an_admin(member.company)))

    home, rules, earn = (client.get(page).content.decode() for page in ("/", "/rules/", "/earn/"))

    for page in (home, rules):
        assert "The program ends: points are earned up to" in page
    assert earn.count("Rule 0") == ways


def test_everybody_is_told_at_once_and_again_before_each_day_once() -> None:
    member = ending()
    people = [an_admin(member.company), an_employee(member.company)]
    an_employee(member.company, login=False)
    an_employee(a_member(a_program()).company)

    june, september = datetime(2026, 6, 1, 16, tzinfo=UTC), datetime(2026, 9, 1, 16, tzinfo=UTC)
    moments = (
        BEGIN, june.replace(day=14), june.replace(day=15), september.replace(day=15), september.replace(day=20), OVER,
    )  # fmt: skip
    told = [[end_programs(now=now).notices, end_programs(now=now).notices] for now in moments]

    assert told == [[1, 0], [0, 0], [1, 0], [1, 0], [0, 0], [0, 0]]
    messages = Message.objects.order_by("pk").values_list("employee", "kind")
    assert list(messages) == [
        (person.pk, kind) for kind in ("program-ends", "earning-ends", "spending-ends") for person in people
    ]
    assert Message.objects.earliest("pk").facts == {
        "program": member.program.name, "earn": "June 30, 2026", "spend": "Sept. 30, 2026",
        "rest": "What is left then expires.",
    }  # fmt: skip


def test_new_days_are_told_anew_and_a_program_that_stopped_tells_nothing() -> None:
    member = ending()
    an_admin(member.company)
    program = member.program
    tell_of_end(program, now=BEGIN)
    Program.objects.filter(pk=program.pk).update(last_spend_on=SPEND + timedelta(days=10))
    program.refresh_from_db()

    assert tell_of_end(program, now=BEGIN) == 1
    program.is_active = False
    program.last_spend_on = SPEND + timedelta(days=20)
    assert tell_of_end(program, now=BEGIN) == 0

    assert EndNotice.objects.count() == Message.objects.count() == 2


def test_database_refuses_days_out_of_order_or_by_halves() -> None:
    program = a_program()
    for days in ((SPEND, EARN), (EARN, None), (None, SPEND)):
        with pytest.raises(IntegrityError, match="program_ends_in_order"), transaction.atomic():
            Program.objects.filter(pk=program.pk).update(last_earn_on=days[0], last_spend_on=days[1])
    program.last_earn_on, program.last_spend_on = SPEND, EARN

    with pytest.raises(ValidationError, match="Say both days where the program ends"):
        program.full_clean()

    Program.objects.filter(pk=program.pk).update(last_earn_on=EARN, last_spend_on=EARN)


def test_database_keeps_what_is_to_be_paid_as_it_is() -> None:
    member = ending(rest="HAND_OVER")
    bought(member, 300)
    end_programs(now=OVER)

    with pytest.raises(DatabaseError, match="append"), transaction.atomic():
        HandedOver.objects.update(points=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        HandedOver.objects.all().delete()

    assert HandedOver.objects.get().points == 300
