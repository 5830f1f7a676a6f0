"""Limits that agreements have of their own: over rules, per object, in the program's place; counted, given back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts import laws
from accounts.actors import actor_of
from loyalty import agreements
from loyalty.agreements import UnfitError, UnknownRuleError
from loyalty.explaining import plain_rules, verdicts_of
from loyalty.models import Badge, CapUsage, EffectAward, Evaluation, Membership, RuleSet, SharedLimit
from loyalty.rulesets import UnfitForAgreementError, activate, draft_from
from tests.factories.world import (
    NOW,
    a_draft_agreement,
    a_manager,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_agreement,
    record,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
A_MONTH = {"subject": "COMPANY", "period": "MONTH"}
TEN = {"kind": "fixed", "points": 10}
BOTH = {"scope": "RULES", "rule_codes": ["spend", "fixed"], "shared_as": "both", "name": "Both", **A_MONTH}
ALL = {"scope": "ALL", **A_MONTH}
TOGETHER = {"scope": "SHARED", "shared_as": "together", **A_MONTH}


@pytest.fixture(autouse=True)
def _laws_hold() -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def a_partner() -> Membership:
    """1 point for each full 1, at most 80 a month; 10 for every purchase, and 10 more, which share 100 a month."""
    program = a_program()
    a_rule_set(
        program,
        [
            {"code": "spend", "caps": [("COMPANY", "MONTH", 80)]},
            {"code": "fixed", "formula": TEN, "shared_limits": ["together"]},
            {"code": "more", "formula": TEN, "shared_limits": ["together"]},
        ],
        shared=[{"code": "together", "limit": 100, **A_MONTH}],
    )
    return a_member(program)


def points(member: Membership, amount: int = 100, **fields: Any) -> int:
    return record(a_purchase(member.company, amount, **fields))[0].points


def used() -> dict[str, int]:
    return dict(CapUsage.objects.exclude(used=0).values_list("rule_code", "used"))


@pytest.mark.parametrize(
    ("limit", "first", "second", "sentence"),
    [
        ({**BOTH, "limit": 35}, 30 + 5 + 10, 10, "at most 35 points a month per company from all rules for “Both”"),
        (
            {**BOTH, "limit": 1, "counts": "TIMES"},
            30 + 0 + 10,
            10,
            "once a month per company from all rules for “Both”",
        ),
        ({**ALL, "limit": 45}, 30 + 10 + 5, 0, "at most 45 points a month per company from all rules together"),
        ({**ALL, "limit": 4, "counts": "TIMES"}, 50, 30, "at most 4 times a month per company from all rules together"),
        (
            {**TOGETHER, "limit": 25},
            30 + 20,
            30 + 5,
            "at most 25 points a month per company from all rules for “Together”",
        ),
        ({**TOGETHER, "limit": 250}, 50, 50, "at most 250 points a month per company from all rules for “Together”"),
        ({**TOGETHER, "limit": 250, "is_lower": True}, 50, 50, ""),
        ({"rule_code": "spend", "limit": 50, **A_MONTH}, 50, 20 + 20, "at most 50 points a month per company"),
        ({"rule_code": "spend", "limit": 50, "is_lower": True, **A_MONTH}, 50, 20 + 20, "at most 50 points a month"),
        ({"rule_code": "spend", "limit": 85, "is_lower": True, **A_MONTH}, 50, 50, ""),
        (
            {"rule_code": "fixed", "limit": 1, "counts": "TIMES", "is_per_object": True, **A_MONTH},
            50,
            40,
            "once a month per company for each product code",
        ),
    ],
)
def test_limit_of_every_kind_lets_through_what_it_says_and_is_said(
    limit: dict[str, Any], first: int, second: int, sentence: str
) -> None:
    member = a_partner()
    other = a_member(member.program)
    agreement = an_agreement(member, factor="1.0001", limits=[limit])

    brought = [points(member, 30, object="A"), points(member, 30, object="A")]
    caps = [cap for rule in plain_rules(RuleSet.objects.get(), member.program, agreement) for cap in rule.caps]

    assert brought == [first, second]
    assert [points(other, 30), points(other, 30), points(other, 30)] == [50, 50, 40]
    assert any(cap.startswith(sentence) for cap in caps) if sentence else "at most 85" not in " ".join(caps)


def test_lower_one_follows_the_program_down_and_another_stands_in_its_place() -> None:
    member, other = a_partner(), None
    other = a_member(member.program)
    an_agreement(member, limits=[{"rule_code": "spend", "limit": 60, "is_lower": True, **A_MONTH}])
    an_agreement(other, limits=[{"rule_code": "spend", "limit": 60, **A_MONTH}])
    draft = draft_from(rule_set=RuleSet.objects.get(), by=a_manager(), now=NOW)
    draft.rules.get(code="spend").caps.update(limit=20)
    activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)

    assert (points(member), points(other)) == (20 + 20, 60 + 20)


def test_why_says_the_limit_and_goes_on_saying_it_after_the_agreement() -> None:
    member = a_partner()
    agreement = an_agreement(member, limits=[{**ALL, "limit": 45}])
    points(member, 30)
    agreements.end(agreement=agreement, by=a_manager(), now=NOW + DAY)

    evaluation = Evaluation.objects.select_related("activity__type", "program").get()
    verdicts = verdicts_of(evaluation, actor_of(a_manager(), now=NOW))

    assert [(verdict.points, verdict.is_capped) for verdict in verdicts] == [(30, False), (10, False), (5, True)]
    assert verdicts[2].sentence.endswith(
        "at most 45 points a month per company from all rules together, by your agreement."
    )
    assert verdicts[2].reason == ("Applies: 10 points, by your agreement would be 10; a limit let 5 through.")


def test_own_limit_counts_from_the_agreement_s_start_and_the_program_s_go_on_beside_and_after_it() -> None:
    member = a_partner()
    before = points(member, 30, occurred_at=NOW - 3 * DAY)
    agreement = an_agreement(member, limits=[{**BOTH, "limit": 45}, {**TOGETHER, "limit": 30}], starts_at=NOW - 2 * DAY)
    late = points(member, 5, occurred_at=NOW - 3 * DAY)
    during = [points(member, 30, occurred_at=NOW - DAY), points(member, 30, occurred_at=NOW - DAY)]
    counted = used()
    agreements.end(agreement=agreement, by=a_manager(), now=NOW)
    after = points(member, 30)

    assert (before, late) == (30 + 20, 5 + 20)
    assert during == [30 + 0 + 0, 15 + 0 + 0]
    assert counted == {"spend": 80, "shared:together": 40, "agreed:both": 45}
    assert after == 0 + 20


@pytest.mark.parametrize("at_once", [True, False], ids=["one call", "many calls"])
def test_return_gives_back_to_the_counters_in_which_its_original_stands(at_once: bool) -> None:
    member = a_partner()
    agreement = an_agreement(
        member,
        limits=[
            {**BOTH, "limit": 60, "is_per_object": True},
            {**ALL, "limit": 200, "subject": "COMPANY", "period": "YEAR"},
            {**ALL, "limit": 9, "counts": "TIMES"},
        ],
        starts_at=NOW - 5 * DAY,
        until=NOW - DAY,
    )
    early = a_purchase(member.company, 10, occurred_at=NOW - 6 * DAY, object="A")
    under = a_purchase(member.company, 20, occurred_at=NOW - 2 * DAY, object="A")
    other = a_purchase(member.company, 20, occurred_at=NOW - 2 * DAY, object="B")
    whole = a_purchase(member.company, 10, occurred_at=NOW, reverses=early.external_id)
    half = a_purchase(member.company, 10, occurred_at=NOW, reverses=under.external_id)
    items = [early, under, other, whole, half]

    outcomes = record(*items) if at_once else [record(item)[0] for item in items]

    assert agreement.ends_at == NOW - DAY
    assert [outcome.points for outcome in outcomes] == [30, 40, 40, -30, -20]
    of_objects = CapUsage.objects.filter(rule_code="object:agreed:both").values_list("object", "used")
    assert sorted(of_objects) == [("A", 15), ("B", 30)]
    assert {code: count for code, count in used().items() if not code.startswith("object")} == {
        "spend": 30,
        "shared:together": 30,
        "agreed:*": 60,
        "times:agreed:*": 6,
    }


def test_next_agreement_goes_on_counting_what_it_calls_the_same() -> None:
    member = a_partner()
    an_agreement(member, limits=[{**BOTH, "limit": 45}], starts_at=NOW - 2 * DAY)
    before = points(member, 30, occurred_at=NOW - DAY)

    an_agreement(member, limits=[{**BOTH, "limit": 50, "rule_codes": ["spend", "more"]}], starts_at=NOW)

    assert (before, points(member, 30)) == (50, 10 + 10 + 0)


def test_limit_over_all_rules_leaves_alone_what_gives_no_points() -> None:
    program = a_program()
    Badge.objects.create(program=program, code="first", name="First")
    a_rule_set(program, [{"code": "spend"}, {"code": "badge", "formula": {"kind": "badge", "badge": "first"}}])
    member = a_member(program)
    an_agreement(member, limits=[{**ALL, "limit": 0}, {**ALL, "limit": 0, "counts": "TIMES"}])

    assert points(member) == 0
    assert EffectAward.objects.get().is_given


@pytest.mark.parametrize(
    ("limit", "error", "sentence"),
    [
        ({**BOTH, "rule_codes": ["spend", "gone"]}, UnknownRuleError, "no rule “gone”.*there is: badge, fixed"),
        ({**TOGETHER, "shared_as": "gone"}, UnknownRuleError, "no limit “gone” that rules of this program share"),
        ({**TOGETHER, "period": "YEAR"}, UnfitError, "shared limit “together” counts for another subject, period"),
        ({**BOTH, "rule_codes": ["spend", "badge"]}, UnfitError, "limited by times alone"),
    ],
)
def test_limit_that_fits_no_rule_is_refused(limit: dict[str, Any], error: type[Exception], sentence: str) -> None:
    member = a_partner()
    RuleSet.objects.filter(program=member.program).update(status="RETIRED", ends_at=NOW - DAY)
    Badge.objects.create(program=member.program, code="first", name="First")
    a_rule_set(
        member.program,
        [
            {"code": "spend"},
            {"code": "fixed", "formula": TEN, "shared_limits": ["together"]},
            {"code": "badge", "formula": {"kind": "badge", "badge": "first"}},
        ],
        shared=[{"code": "together", "limit": 100, **A_MONTH}],
        starts_at=NOW - DAY,
    )
    draft = a_draft_agreement(member, limits=[{"limit": 5, **limit}])

    with pytest.raises(error, match=sentence):
        agreements.ask(agreement=draft, by=draft.drafted_by, starts_at=NOW, now=NOW)

    draft.refresh_from_db()
    assert (draft.status, draft.approval) == ("DRAFT", None)


def test_version_that_shares_a_limit_otherwise_is_not_put_in_force_and_one_without_it_says_so() -> None:
    member = a_partner()
    an_agreement(member, limits=[{**TOGETHER, "limit": 25}, {**BOTH, "limit": 9}])
    draft = draft_from(rule_set=RuleSet.objects.get(), by=a_manager(), now=NOW)
    SharedLimit.objects.filter(rule_set=draft).update(period="WEEK")

    with pytest.raises(UnfitForAgreementError, match=r"would not fit: .* agree on its number alone"):
        activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)

    draft.rules.update(shared_limits=[])
    SharedLimit.objects.filter(rule_set=draft).delete()
    draft.rules.filter(code="fixed").delete()
    [said] = agreements.asleep_under(draft, at=NOW)
    assert "speaks of “fixed”, “together”, which this version does not have" in said


def test_limit_below_what_was_let_through_says_so_and_lets_nothing_more_through() -> None:
    member = a_partner()
    points(member, 70, occurred_at=NOW - DAY)
    low = {"rule_code": "spend", "limit": 50, **A_MONTH}
    draft = a_draft_agreement(member, limits=[low, {**TOGETHER, "limit": 21}, {**ALL, "limit": 500}])

    assert agreements.used_up_by(draft, at=NOW) == [
        "Used up already: at most 50 points a month per company (70 so far)."
    ]
    agreements.ask(agreement=draft, by=draft.drafted_by, starts_at=NOW, now=NOW)
    agreements.decide(agreement_id=draft.pk, by=a_manager(), is_approved=True, now=NOW)
    assert points(member) == 0 + 1 + 0
    assert agreements.used_up_by(draft, at=NOW + 40 * DAY) == []


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "RULES", "shared_as": "x", "name": "X", "rule_codes": ["spend"]},
        {"scope": "RULES", "shared_as": "x", "name": "", "rule_codes": ["spend", "more"]},
        {"scope": "RULE", "rule_code": ""},
        {"scope": "ALL", "shared_as": "x"},
        {"scope": "ALL", "is_lower": True},
        {"scope": "SHARED", "shared_as": "x", "is_per_object": True},
    ],
)
def test_database_refuses_limits_of_nothing(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="agreement_limit_of_something"), transaction.atomic():
        a_draft_agreement(a_partner(), limits=[{"limit": 1, **A_MONTH, **fields}])
