"""Standing is replayed from what is on record to the very same tiers and months, whatever happened."""

import random
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actors import actor_of
from accounts.models import Employee, SegmentMembership
from loyalty.activities import ActivityItem
from loyalty.models import (
    Evaluation,
    Membership,
    Metric,
    MetricBucket,
    MetricPerson,
    Program,
    StandingEvent,
    Tier,
    TierAssignment,
    TierThreshold,
    TierTitle,
)
from loyalty.standing import Rebuilt, rebuild_standing, review_tiers
from loyalty.standing.rebuilding import stored_dump
from loyalty.titles import cancel, choose, end_title, give_by_hand, record_payment, subscribe
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_purchase_type,
    a_segment,
    a_user,
    an_admin,
    record,
)

pytestmark = pytest.mark.django_db

BEGIN = datetime(2026, 1, 20, 22, 30, tzinfo=ZoneInfo("Europe/London"))


class History:
    """Two years of a company's life in several programs, drawn by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = BEGIN
        self.manager = a_user()
        self.programs = [
            self._program(tier_months=2, tier_grace_months=1, tier_fall=Program.Fall.ONE_STEP),
            self._program(tier_window=Program.Window.MEMBERSHIP_YEAR, time_zone="Asia/Tokyo"),
            self._program(tier_window=Program.Window.FOR_EVER, tier_metric="people"),
            self._program(tier_window=Program.Window.CALENDAR_YEAR, tier_grace_months=2),
        ]
        self.admins: list[Employee] = []
        for number in range(3):
            admin = an_admin(a_company())
            self.admins.append(admin)
            for program in self.programs:
                a_member(program, admin.company, starts_at=BEGIN - timedelta(days=70 * number + 10))
        SegmentMembership.objects.create(
            segment=a_segment("small"), company=self.admins[0].company, starts_at=BEGIN + timedelta(days=100),
            ends_at=BEGIN + timedelta(days=300),
        )  # fmt: skip
        self.bought: list[ActivityItem] = []

    def _program(self, **fields: object) -> Program:
        program = a_program(tiers={"bronze": 0, "silver": 300, "gold": 900}, **fields)
        if program.tier_metric == "people":
            Tier.objects.filter(program=program, code="silver").update(threshold=1)
            Tier.objects.filter(program=program, code="gold").update(threshold=2)
        for code, measure in (("people", "PEOPLE"), ("orders", "COUNT")):
            Metric.objects.create(
                program=program, code=code, name=code, measure=measure, activity_type=a_purchase_type()
            )
        Tier.objects.filter(program=program, code="gold").update(
            is_paid=True, is_chosen=True, fee=Decimal(10), fee_currency="EUR", fee_months=3, fee_grace_days=5
        )
        TierThreshold.objects.create(
            tier=Tier.objects.get(program=program, code="silver"), segment=a_segment("small"), threshold=200
        )
        return program

    def unfold(self, steps: int) -> None:
        """Let so many things happen, each some days after the one before."""
        for _number in range(steps):
            self.now += timedelta(days=self.random.randint(0, 9), hours=self.random.randint(1, 9))
            act = self.random.choices(
                [self.buy, self.give_back, self.review, self.title, self.end], weights=[8, 4, 4, 3, 2]
            )[0]
            act()

    def buy(self) -> None:
        admin = self.random.choice(self.admins)
        item = a_purchase(
            admin.company, self.random.randint(1, 500),
            occurred_at=self.now - timedelta(days=self.random.choice([0, 0, 0, 1, 9, 40])),
            employee_id=self.random.choice([None, admin.pk]),
        )  # fmt: skip
        self.bought.append(item)
        record(item, now=self.now)

    def give_back(self) -> None:
        if self.bought:
            item = self.bought.pop(self.random.randrange(len(self.bought)))
            amount = self.random.choice([None, item.amount and item.amount / 2])
            record(
                ActivityItem(
                    external_id=f"back-{item.external_id}", type=item.type, company_id=item.company_id,
                    occurred_at=max(item.occurred_at, self.now - timedelta(days=self.random.choice([0, 0, 3]))),
                    amount=amount, currency="GBP" if amount else "", reverses=item.external_id,
                ),
                now=self.now,
            )  # fmt: skip

    def review(self) -> None:
        review_tiers(now=self.now)

    def title(self) -> None:
        admin = self.random.choice(self.admins)
        member = Membership.objects.get(company=admin.company, program=self.random.choice(self.programs))
        held = set(TierTitle.objects.filter(membership=member).in_force(self.now).values_list("source", flat=True))
        gold, silver = (Tier.objects.get(program=member.program, code=code) for code in ("gold", "silver"))
        actor = actor_of(admin.user, now=self.now)
        match self.random.choice(["FLOOR", "NEGOTIATED", "CHOSEN", "PAID"]):
            case "CHOSEN":
                choose(actor=actor, membership=member, tier=gold, now=self.now)
            case "PAID" if "PAID" not in held:
                subscribe(actor=actor, membership=member, tier=gold, now=self.now)
            case source if source not in held and source != "PAID":
                give_by_hand(
                    membership=member, tier=self.random.choice([gold, silver]), source=source, reason="So agreed",
                    until=(self.now + timedelta(days=self.random.randint(1, 90))).date(), by_id=self.manager.pk,
                    now=self.now,
                )  # fmt: skip

    def end(self) -> None:
        titles = list(TierTitle.objects.in_force(self.now).select_related("membership").order_by("pk"))
        if not titles:
            return
        title = self.random.choice(titles)
        if title.source != "PAID":
            end_title(title=title, reason="Over", by_id=self.manager.pk, now=self.now)
        elif title.cancelled_at is None and self.random.random() < 0.6:
            record_payment(
                title=title, amount=Decimal(10), currency="EUR", reference=f"R{self.now.timestamp():.0f}",
                by_id=self.manager.pk, now=self.now,
            )  # fmt: skip
        else:
            admin = next(one for one in self.admins if one.company_id == title.membership.company_id)
            cancel(actor=actor_of(admin.user, now=self.now), title=title, now=self.now)


def rebuilt(history: History, *, only_check: bool) -> Rebuilt:
    return rebuild_standing(programs=history.programs, only_check=only_check)


@pytest.mark.parametrize("seed", range(2))
def test_random_history_is_replayed_to_the_very_same_standing(seed: int) -> None:
    history = History(seed)

    history.unfold(70)

    assert rebuilt(history, only_check=True) == Rebuilt(12, [])
    assert {"EARNED", "CHOSEN", "FLOOR"} <= set(TierAssignment.objects.values_list("source", flat=True))
    assert TierAssignment.objects.filter(beneath__isnull=False).exists()
    assert set(StandingEvent.objects.values_list("kind", flat=True)) == {"GIVEN", "CHANGED", "REVIEWED"}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 110))
def test_long_random_history_is_replayed_to_the_very_same_standing(seed: int) -> None:
    history = History(seed)

    history.unfold(600)

    assert rebuilt(history, only_check=True) == Rebuilt(12, [])
    sources = set(TierAssignment.objects.values_list("source", flat=True))
    assert sources == {"EARNED", "FLOOR", "NEGOTIATED", "CHOSEN", "PAID"}


def test_history_that_misses_an_event_is_replayed_otherwise() -> None:
    """The red twin: the replay rests on the events, and a check that always agreed would say nothing."""
    history = History(1)
    history.unfold(60)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM loyalty_standingevent WHERE kind = 'REVIEWED'")
        cursor.execute("SET session_replication_role = origin")

    assert rebuilt(history, only_check=True).different != []


def test_what_was_damaged_is_put_right_and_nothing_else_is_touched() -> None:
    history = History(2)
    history.unfold(40)
    ids = list(Membership.objects.values_list("pk", flat=True))
    before = stored_dump(ids)
    hurt = MetricBucket.objects.exclude(value=0).filter(metric="spend").earliest("pk").membership_id
    MetricBucket.objects.filter(membership=hurt, metric="spend").update(value=7)
    MetricPerson.objects.filter(membership=hurt).update(count=9)
    TierAssignment.objects.filter(membership=hurt).delete()
    kept = list(TierAssignment.objects.order_by("pk").values())

    assert rebuilt(history, only_check=True).different == [hurt]
    assert stored_dump(ids) != before
    assert rebuilt(history, only_check=False).different == [hurt]

    assert stored_dump(ids) == before
    assert list(TierAssignment.objects.exclude(membership=hurt).order_by("pk").values()) == kept
    assert rebuilt(history, only_check=True).different == []


def test_replay_reads_history_as_a_stream_in_as_many_statements_however_long_it_is() -> None:
    history = History(3)

    def statements() -> int:
        with CaptureQueriesContext(connection) as queries:
            rebuilt(history, only_check=True)
        return len(queries)

    history.unfold(20)
    few = statements()
    history.unfold(40)

    assert statements() == few
    assert Evaluation.objects.count() > 60


def test_command_compares_puts_right_and_says_which(capsys: pytest.CaptureFixture[str]) -> None:
    member = a_member(a_program(tiers={"bronze": 0, "silver": 100}))
    record(a_purchase(member.company, 150))
    call_command("rebuild_standing", "--check")
    assert capsys.readouterr().out == "1 memberships replayed, 0 of them stood otherwise.\n"
    TierAssignment.objects.filter(ends_at=None).delete()

    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("rebuild_standing", "--check", "--program", member.program.code)
    call_command("rebuild_standing")

    assert f"Memberships: {member.pk}\n" in capsys.readouterr().out
    assert TierAssignment.objects.get(ends_at=None).tier.code == "silver"
    with pytest.raises(CommandError, match="There is no program"):
        call_command("rebuild_standing", "--program", "none")
