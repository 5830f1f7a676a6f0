"""Segments by condition: dated rows that follow from facts of companies, and that nobody writes by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import company_facts, segments
from accounts.conditions import ConditionError
from accounts.jobs import Run
from accounts.models import Company, Job, Segment, SegmentMembership
from accounts.segments import Count, Refreshed, SegmentError, count, refresh_segments, save_condition
from loyalty.models import Membership, Tier, TierThreshold
from tests.factories.world import (
    EPOCH,
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_employee,
    balance,
    record,
)

pytestmark = pytest.mark.django_db

IS_DEALER = {"fact": "company.kind", "op": "eq", "value": "DEALER"}
LATER = NOW + timedelta(days=1)


def asked(fact: str, op: str, value: object) -> dict[str, object]:
    return {"fact": fact, "op": op, "value": value}


def a_conditional(condition: dict[str, Any], code: str = "told") -> Segment:
    segment = Segment(code=code, name=code.capitalize(), condition=condition)
    save_condition(segment=segment, by_id=a_manager().pk, now=NOW)
    return segment


def inside(segment: Segment, at: Any = NOW) -> list[int]:
    rows = SegmentMembership.objects.filter(segment=segment).in_force(at)
    return [*rows.order_by("company").values_list("company", flat=True)]


def test_saved_condition_lets_companies_in_from_now_on() -> None:
    dealer, _client = a_company(kind="DEALER"), a_company()

    segment = a_conditional(IS_DEALER)

    row = SegmentMembership.objects.get()
    assert (row.segment, row.company, row.source) == (segment, dealer, "CONDITION")
    assert (row.starts_at, row.ends_at) == (NOW, None)


def test_refreshing_writes_only_what_changed_and_twice_is_once() -> None:
    stays, leaves, enters = a_company(kind="DEALER"), a_company(kind="DEALER"), a_company()
    segment = a_conditional(IS_DEALER)
    first = SegmentMembership.objects.get(company=stays)
    Company.objects.filter(pk=leaves.pk).update(kind="AGENT")
    Company.objects.filter(pk=enters.pk).update(kind="DEALER")

    done = refresh_segments(now=LATER)
    again = refresh_segments(now=LATER + timedelta(hours=1))

    assert (done, again) == (Refreshed(1, 1), Refreshed(0, 0))
    assert inside(segment, NOW) == [stays.pk, leaves.pk]
    assert inside(segment, LATER) == [stays.pk, enters.pk]
    assert SegmentMembership.objects.get(company=stays) == first
    assert SegmentMembership.objects.get(company=leaves).ends_at == LATER


def test_one_company_is_looked_at_alone() -> None:
    one, other = a_company(), a_company()
    segment = a_conditional(IS_DEALER)
    Company.objects.update(kind="DEALER")

    refresh_segments(now=LATER, company_ids=[one.pk])

    assert inside(segment, LATER) == [one.pk]
    assert other.pk not in inside(segment, LATER)


@pytest.fixture
def member() -> Membership:
    program = a_program(code="club", tiers={"base": 0, "gold": 100})
    a_rule_set(program)
    a_company()  # takes part in nothing: of it nothing is known
    membership = a_member(program, starts_at=EPOCH)
    for _person in range(2):
        an_employee(membership.company, login=False)
    an_employee(membership.company, login=False, is_active=False)
    record(a_purchase(membership.company, 60, occurred_at=NOW - timedelta(days=400)))
    record(a_purchase(membership.company, 120))
    return membership


@pytest.mark.parametrize(
    ("condition", "is_in"),
    [
        (asked("company.people", "eq", 2), True),
        (asked("company.people", "gte", 3), False),
        (asked("program.club.tier", "eq", "gold"), True),
        (asked("program.club.tier", "eq", "base"), False),
        (asked("program.club.tier_rank", "gte", 2), True),
        (asked("program.club.since", "before", (EPOCH + timedelta(days=2)).date().isoformat()), True),
        (asked("program.club.since", "on_or_after", (EPOCH + timedelta(days=2)).date().isoformat()), False),
        (asked("program.club.last_12_months.spend", "eq", 120), True),
        (asked("program.club.last_12_months.spend", "lt", 120), False),
        ({"not": asked("program.club.since", "known", True)}, False),
    ],
)
def test_condition_asks_for_the_place_in_a_program(member: Membership, condition: Any, is_in: bool) -> None:
    segment = a_conditional(condition)

    assert (member.company_id in inside(segment)) is is_in


def test_who_takes_no_part_has_no_spend_not_even_none(member: Membership) -> None:
    quiet = a_member(member.program)

    segment = a_conditional(asked("program.club.last_12_months.spend", "eq", 0))

    assert inside(segment) == [quiet.company_id]


def test_benefits_thresholds_and_rules_read_the_rows_as_of_their_moment(member: Membership) -> None:
    dealer = a_member(member.program, a_company(kind="DEALER"))
    segment = a_conditional(IS_DEALER)
    TierThreshold.objects.create(tier=Tier.objects.get(code="gold"), segment=segment, threshold=Decimal(10))
    for_dealers = {"fact": "company.segments", "op": "has", "value": "told"}
    program = member.program
    program.rule_sets.update(ends_at=NOW - timedelta(minutes=5), status="RETIRED")
    a_rule_set(program, [{"condition": for_dealers}], starts_at=NOW - timedelta(minutes=5))

    record(a_purchase(dealer.company, 20, occurred_at=NOW - timedelta(minutes=1)))
    assert balance(dealer) == 0

    record(a_purchase(dealer.company, 20, occurred_at=NOW + timedelta(minutes=1)), now=NOW + timedelta(minutes=1))
    assert balance(dealer) == 20
    assert dealer.tiers.get(ends_at=None).tier.code == "gold"


def test_count_says_what_a_condition_would_do_and_does_nothing() -> None:
    a_company(kind="DEALER"), a_company(kind="DEALER"), a_company(kind="AGENT")
    segment = a_conditional(IS_DEALER)

    counted = count(segment=segment, document=asked("company.kind", "in", ["AGENT"]), now=NOW)

    assert counted == Count(inside=1, entering=1, leaving=2)
    assert len(inside(segment)) == 2


def test_condition_takes_the_place_of_a_list_and_never_the_other_way_round() -> None:
    listed, dealer = a_company(), a_company(kind="DEALER")
    segment = Segment.objects.create(code="key", name="Key")
    for company in (listed, dealer):
        SegmentMembership.objects.create(segment=segment, company=company, starts_at=EPOCH)
    SegmentMembership.objects.create(segment=segment, company=a_company(), starts_at=LATER)

    segment.condition = IS_DEALER
    save_condition(segment=segment, by_id=a_manager().pk, now=NOW)

    assert inside(segment) == [dealer.pk]
    assert inside(segment, LATER) == [dealer.pk]
    ended = SegmentMembership.objects.filter(source="LISTED").order_by("starts_at")
    assert [*ended.values_list("ends_at", flat=True)] == [NOW, NOW, LATER]

    segment.condition = {}
    with pytest.raises(SegmentError):
        save_condition(segment=segment, by_id=a_manager().pk, now=NOW)
    assert Segment.objects.get().condition == IS_DEALER


def test_database_refuses_a_row_that_the_segment_does_not_say() -> None:
    company = a_company()
    told, listed = a_conditional(IS_DEALER), Segment.objects.create(code="key", name="Key")
    rows: list[dict[str, Any]] = [{"segment": told}, {"segment": listed, "source": "CONDITION"}]

    for fields in rows:
        with pytest.raises(IntegrityError, match="either listed by hand"), transaction.atomic():
            SegmentMembership.objects.create(company=company, starts_at=NOW, **fields)

    row = SegmentMembership.objects.create(company=company, segment=listed, starts_at=NOW)
    with pytest.raises(IntegrityError, match="either listed by hand"), transaction.atomic():
        SegmentMembership.objects.filter(pk=row.pk).update(segment=told)
    with pytest.raises(IntegrityError, match="either listed by hand"), transaction.atomic():
        SegmentMembership.objects.filter(pk=row.pk).update(source="CONDITION")
    Segment.objects.filter(pk=listed.pk).update(condition=IS_DEALER)
    SegmentMembership.objects.filter(pk=row.pk).update(ends_at=LATER)
    with pytest.raises(IntegrityError, match="either listed by hand"), transaction.atomic():
        SegmentMembership.objects.filter(pk=row.pk).update(ends_at=None)

    assert SegmentMembership.objects.get().ends_at == LATER


@pytest.mark.parametrize(
    "condition",
    [
        asked("company.segments", "has", "key"),
        {"any": [IS_DEALER, {"not": asked("company.segments", "has", "key")}]},
        asked("activity.amount", "gte", 1),
        asked("company.shoe_size", "gte", 1),
    ],
)
def test_condition_that_asks_for_segments_or_what_companies_have_not_is_refused(condition: dict[str, Any]) -> None:
    with pytest.raises(ConditionError):
        segments.parse_condition(condition, company_facts.catalogue())


def test_condition_that_can_no_longer_be_asked_leaves_its_segment_as_it_is(member: Membership) -> None:
    segment = a_conditional(asked("program.club.tier", "eq", "gold"))
    other = a_conditional(IS_DEALER, "other")
    assert inside(segment) == [member.company_id]
    Company.objects.filter(pk=member.company_id).update(kind="DEALER")

    type(member.program).objects.update(code="renamed")
    done = refresh_segments(now=LATER)

    assert done == Refreshed(1, 0, {"told"})
    assert inside(segment, LATER) == inside(other, LATER) == [member.company_id]
    assert "can no longer be asked" in segments.condition_in_words(segment)


def test_many_companies_are_left_to_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "AT_ONCE", 2)
    companies = [a_company(kind="DEALER") for _number in range(5)]
    segment = Segment(code="told", name="Told", condition=IS_DEALER)

    job = save_condition(segment=segment, by_id=a_manager().pk, now=NOW)

    assert isinstance(job, Job)
    assert (job.kind, inside(segment)) == ("refresh_segment", [])
    job.started_at = LATER
    [kind] = segments.job_kinds()
    assert kind.do(Run(job)) == {"begun": 5, "ended": 0, "broken": []}
    assert inside(segment, LATER) == [company.pk for company in companies]


def test_refreshing_costs_the_same_for_twice_as_many(member: Membership) -> None:
    a_conditional(asked("program.club.last_12_months.spend", "gte", 1))
    a_conditional({"all": [asked("company.people", "gte", 0), asked("program.club.tier_rank", "gte", 1)]}, "ranked")

    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            refresh_segments(now=LATER)
        return len(queries)

    first = cost()
    for _number in range(10):
        a_member(member.program)

    assert cost() <= first + 1  # those who enter are one statement


def test_day_counts_where_the_program_is() -> None:
    program = a_program(code="far", time_zone="Pacific/Auckland")
    a_member(program, starts_at=NOW.replace(hour=13))

    segment = a_conditional(asked("program.far.since", "on_or_after", (NOW.date() + timedelta(days=1)).isoformat()))
    refresh_segments(now=LATER)

    assert len(inside(segment, LATER)) == 1
