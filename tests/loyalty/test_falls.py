"""How tiers fall in a program: by a step or to what is earned, after a grace; thresholds by segment; which are due."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import SegmentMembership
from loyalty.benefits import standing_ahead
from loyalty.models import (
    ActivityAttribute,
    Membership,
    Metric,
    MetricBucket,
    MetricPerson,
    Program,
    Tier,
    TierAssignment,
    TierThreshold,
)
from loyalty.selectors import standing_of
from loyalty.standing import review_tiers, tier_plans_of
from loyalty.standing.due import due_for_review
from tests.factories.world import a_company, a_member, a_program, a_purchase, a_segment, an_employee, record

pytestmark = pytest.mark.django_db

TIERS = {"bronze": 0, "silver": 100, "gold": 500}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/London"))


def tiers_of(member: Membership) -> list[tuple[str, datetime]]:
    rows = TierAssignment.objects.filter(membership=member).order_by("starts_at", "pk")
    return list(rows.values_list("tier__code", "starts_at"))


def held(member: Membership) -> str | None:
    row = TierAssignment.objects.filter(membership=member, ends_at=None).select_related("tier").first()
    return row.tier.code if row else None


def spent(amount: int, when: str, **fields: Any) -> Membership:
    """A member of a new program who spent `amount` at a moment."""
    member = a_member(a_program(tiers=TIERS, **fields), starts_at=at("2024-03-15"))
    record(a_purchase(member.company, amount, occurred_at=at(when)), now=at(when))
    return member


def test_window_of_a_year_of_membership_falls_with_its_own_month() -> None:
    member = spent(500, "2024-04-10", tier_window=Program.Window.MEMBERSHIP_YEAR)

    assert review_tiers(now=at("2026-02-28T23:59:59")) == 0
    assert review_tiers(now=at("2026-03-01T00:00")) == 1

    assert tiers_of(member)[-1] == ("bronze", at("2026-03-01"))


def test_tier_for_ever_stays() -> None:
    member = spent(500, "2024-04-10", tier_window=Program.Window.FOR_EVER)

    assert review_tiers(now=at("2060-01-01")) == 0
    assert held(member) == "gold"


def test_tier_for_ever_ends_by_a_return() -> None:
    member = spent(400, "2024-04-10", tier_window=Program.Window.FOR_EVER)
    purchase = a_purchase(member.company, 100, occurred_at=at("2026-01-05"))
    record(purchase, now=at("2026-01-05"))

    record(
        a_purchase(member.company, 1, occurred_at=at("2026-03-03"), reverses=purchase.external_id), now=at("2026-03-03")
    )

    assert tiers_of(member)[-2:] == [("gold", at("2026-01-05")), ("silver", at("2026-03-03"))]


def test_fall_by_one_step_takes_one_a_period() -> None:
    member = spent(500, "2026-01-10", tier_months=1, tier_fall=Program.Fall.ONE_STEP)

    for day in ("2026-02-01", "2026-02-15", "2026-02-28T23:59", "2026-03-01", "2026-03-02", "2026-04-01"):
        review_tiers(now=at(day))

    assert tiers_of(member)[2:] == [("silver", at("2026-02-01")), ("bronze", at("2026-03-01"))]


def test_fall_by_one_step_takes_one_a_year_of_a_window_of_years() -> None:
    member = spent(500, "2026-01-10", tier_window=Program.Window.CALENDAR_YEAR, tier_fall=Program.Fall.ONE_STEP)

    for day in ("2027-12-31", "2028-01-01", "2028-06-01", "2028-12-31", "2029-01-01"):
        review_tiers(now=at(day))

    assert tiers_of(member)[2:] == [("silver", at("2028-01-01")), ("bronze", at("2029-01-01"))]


def test_fall_to_what_is_earned_takes_all_steps_at_once() -> None:
    member = spent(500, "2026-01-10", tier_months=1)

    review_tiers(now=at("2026-02-01"))

    assert tiers_of(member)[2:] == [("bronze", at("2026-02-01"))]


@pytest.mark.parametrize(("more", "tier"), [(499, "bronze"), (500, "gold"), (150, "silver")])
def test_grace_keeps_a_tier_to_its_end_and_what_is_counted_in_it_may_keep_it_on(more: int, tier: str) -> None:
    member = spent(500, "2026-06-10", tier_window=Program.Window.CALENDAR_YEAR, tier_grace_months=3)

    assert review_tiers(now=at("2028-01-02")) == 0
    assert review_tiers(now=at("2028-03-31T23:59")) == 0
    if more != 499:
        record(a_purchase(member.company, more, occurred_at=at("2028-03-31T12:00")), now=at("2028-03-31T12:00"))
    review_tiers(now=at("2028-04-01"))

    assert held(member) == tier
    assert (tiers_of(member)[-1][1] == at("2028-04-01")) is (tier != "gold")


def test_upgrade_comes_at_once_in_a_time_of_grace() -> None:
    member = spent(100, "2026-06-10", tier_window=Program.Window.CALENDAR_YEAR, tier_grace_months=3)

    record(a_purchase(member.company, 500, occurred_at=at("2028-02-01")), now=at("2028-02-01"))

    assert tiers_of(member)[-1] == ("gold", at("2028-02-01"))


def test_return_of_what_keeps_a_tier_in_its_grace_ends_it_at_once() -> None:
    member = a_member(
        a_program(tiers=TIERS, tier_window=Program.Window.CALENDAR_YEAR, tier_grace_months=3),
        starts_at=at("2024-01-01"),
    )
    purchase = a_purchase(member.company, 500, occurred_at=at("2026-05-05"))
    record(purchase, now=at("2026-05-05"))

    record(
        a_purchase(member.company, 400, occurred_at=at("2028-02-02"), reverses=purchase.external_id),
        now=at("2028-02-02"),
    )

    assert tiers_of(member)[-1] == ("silver", at("2028-02-02"))


def test_client_sees_until_when_the_grace_lasts_and_what_keeps_the_tier() -> None:
    member = spent(500, "2026-06-10", tier_window=Program.Window.CALENDAR_YEAR, tier_grace_months=3)
    record(a_purchase(member.company, 60, occurred_at=at("2028-01-20")), now=at("2028-01-20"))

    ahead = standing_ahead(member, at=at("2028-02-01"))

    assert ahead.holds_until is not None
    assert ahead.holds_until.isoformat() == "2028-03-31"
    assert (ahead.missing, ahead.is_grace) == (Decimal(440), True)
    assert ahead.then is not None
    assert ahead.then.code == "bronze"


def in_segment(member: Membership, code: str, starts: str, ends: str | None = None, **thresholds: int) -> None:
    segment = a_segment(code)
    SegmentMembership.objects.create(
        segment=segment, company=member.company, starts_at=at(starts), ends_at=at(ends) if ends else None
    )
    for tier, threshold in thresholds.items():
        TierThreshold.objects.create(
            tier=Tier.objects.get(program=member.program_id, code=tier), segment=segment, threshold=threshold
        )


def test_company_of_a_segment_rises_by_the_segments_threshold_and_others_do_not() -> None:
    program = a_program(tiers=TIERS)
    small, other = (a_member(program, starts_at=at("2024-01-01")) for _ in range(2))
    in_segment(small, "small", "2025-01-01", silver=50)

    for member in (small, other):
        record(a_purchase(member.company, 60, occurred_at=at("2026-02-02")), now=at("2026-02-02"))

    assert (held(small), held(other)) == ("silver", "bronze")
    assert standing_of(small, at=at("2026-02-03")).plan.step_for(Decimal(50)) is not None
    assert [step.threshold for step in standing_of(small, at=at("2026-02-03")).tiers] == [0, 50, 500]
    assert [step.threshold for step in standing_of(other, at=at("2026-02-03")).tiers] == [0, 100, 500]


def test_segment_counts_as_of_the_activity() -> None:
    member = a_member(a_program(tiers=TIERS), starts_at=at("2024-01-01"))
    in_segment(member, "small", "2025-01-01", "2026-02-01", silver=50)

    record(a_purchase(member.company, 60, occurred_at=at("2026-02-02")), now=at("2026-02-02"))

    assert held(member) == "bronze"


def test_company_that_comes_into_a_segment_rises_with_the_next_review_and_falls_at_a_turn_after_it_left() -> None:
    member = spent(60, "2026-02-02")
    in_segment(member, "small", "2026-02-10", "2026-03-10", silver=50)

    assert review_tiers(now=at("2026-02-09")) == 0
    assert review_tiers(now=at("2026-02-10T06:00")) == 1
    assert review_tiers(now=at("2026-03-20")) == 0
    assert review_tiers(now=at("2026-04-01")) == 1

    assert tiers_of(member)[1:] == [("silver", at("2026-02-10T06:00")), ("bronze", at("2026-04-01"))]


def a_metric(program: Program, measure: str, **fields: Any) -> Metric:
    """The program's tier metric from now on: another measure of the same purchases."""
    type_ = program.metrics.get(code="spend").activity_type
    metric = Metric.objects.create(
        program=program, code="other", name="Other", measure=measure, activity_type=type_, **fields
    )
    program.tier_metric = "other"
    program.save()
    return metric


def bucket(member: Membership) -> Decimal:
    return MetricBucket.objects.get(membership=member, metric="other").value


def people_by_month() -> dict[int, int]:
    return {row.month.month: int(row.value) for row in MetricBucket.objects.filter(metric="other")}


def test_margin_is_a_sum_of_an_attribute_and_may_be_a_loss() -> None:
    program = a_program(tiers=TIERS)
    metric = a_metric(program, Metric.Measure.SUM, attribute="margin")
    ActivityAttribute.objects.create(
        activity_type=metric.activity_type, code="margin", name="Margin", type=ActivityAttribute.Type.NUMBER
    )
    member = a_member(program, starts_at=at("2024-01-01"))
    now = at("2026-02-20")
    loss = a_purchase(member.company, 900, occurred_at=at("2026-02-01"), attributes={"margin": "-40.5"})
    gain = a_purchase(member.company, 300, occurred_at=at("2026-02-02"), attributes={"margin": "140.5"})

    record(loss, now=now)
    assert bucket(member) == Decimal("-40.5")
    record(gain, now=now)
    assert (bucket(member), held(member)) == (Decimal(100), "silver")

    # thirds that do not come out even are off to the last part
    for _ in range(3):
        record(a_purchase(member.company, 100, occurred_at=at("2026-02-05"), reverses=gain.external_id), now=now)
    assert (bucket(member), held(member)) == (Decimal("-40.5"), "bronze")
    record(a_purchase(member.company, 900, occurred_at=at("2026-02-06"), reverses=loss.external_id), now=now)
    assert bucket(member) == 0


def test_active_people_are_counted_once_and_come_off_with_their_last_activity() -> None:
    program = a_program(tiers={"bronze": 0, "silver": 2})
    a_metric(program, Metric.Measure.PEOPLE)
    member = a_member(program, starts_at=at("2024-01-01"))
    first, second = (an_employee(member.company) for _ in range(2))
    now = at("2026-03-20")
    purchases = [
        a_purchase(member.company, 10, employee_id=person, occurred_at=at(day))
        for person, day in [
            (first.pk, "2026-01-10"), (first.pk, "2026-02-10"), (None, "2026-02-11"), (second.pk, "2026-02-12"),
            (second.pk, "2026-02-13"),
        ]
    ]  # fmt: skip

    record(*purchases, now=now)
    assert tiers_of(member)[-1] == ("silver", at("2026-02-12"))
    assert people_by_month() == {1: 1, 2: 2}

    returns = [
        a_purchase(member.company, None, occurred_at=at("2026-03-01"), reverses=p.external_id) for p in purchases
    ]
    record(returns[1], returns[3], now=now)
    assert held(member) == "silver"
    assert people_by_month() == {1: 1, 2: 1}
    record(returns[4], now=now)
    assert (held(member), set(MetricPerson.objects.values_list("count", flat=True))) == ("bronze", {0, 1})
    assert standing_of(member, at=now).plan.value(standing_of(member, at=now).months, 2026 * 12 + 2) == 1


def test_count_of_a_type_under_a_condition_raises_a_tier() -> None:
    program = a_program(tiers={"bronze": 0, "silver": 2})
    a_metric(program, Metric.Measure.COUNT, condition={"fact": "activity.object", "op": "eq", "value": "TRAINING"})
    member = a_member(program, starts_at=at("2024-01-01"))
    items = [a_purchase(member.company, 10, object=code) for code in ("TRAINING", "PAPER", "TRAINING", "PAPER")]

    record(*items[:2])
    assert (bucket(member), held(member)) == (Decimal(1), "bronze")
    record(*items[2:])
    assert (bucket(member), held(member)) == (Decimal(2), "silver")


def test_database_names_those_that_are_due_and_nobody_else() -> None:
    """The statement of the review says the same as the board: it leaves out nobody whom the board would move."""
    for fields in (
        {"tier_months": 2}, {"tier_months": 2, "tier_grace_months": 1}, {"tier_window": "CALENDAR_YEAR"},
        {"tier_window": "MEMBERSHIP_YEAR", "tier_grace_months": 2}, {"tier_window": "FOR_EVER"},
        {"tier_months": 1, "tier_fall": "ONE_STEP"},
    ):  # fmt: skip
        program = a_program(tiers=TIERS, **fields)
        members = [
            a_member(program, a_company(), starts_at=at("2024-01-15") + timedelta(days=40 * n)) for n in range(8)
        ]
        for number, member in enumerate(members):
            when = at("2025-02-10") + timedelta(days=31 * (number % 4))
            record(a_purchase(member.company, 90 * number, occurred_at=when), now=when)
        plan = tier_plans_of([program])[program.pk]
        moved = 0
        for month in range(30):
            now = at("2025-07-01") + timedelta(days=31 * month)
            due = due_for_review(plan, now=now)
            before = {member.pk: tiers_of(member) for member in members}
            review_tiers(now=now)
            changed = {member.pk for member in members if tiers_of(member) != before[member.pk]}
            assert changed == set(due), (fields, now)
            moved += len(changed)
        assert moved or fields == {"tier_window": "FOR_EVER"}
