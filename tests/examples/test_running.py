"""Examples are run by the very judging of what arrives, say what came otherwise and why, and leave nothing behind."""

from datetime import date
from typing import Any

import pytest

from accounts.models import Company, Employee
from loyalty.examples import Ran, run_examples
from loyalty.models import (
    Activity,
    ActivityAttribute,
    Badge,
    CapUsage,
    Example,
    ExampleStep,
    Program,
    Rule,
    RuleSet,
)
from loyalty.own_activities import TIER_REACHED, ensure_derived_types
from tests.factories.world import a_member, a_program, a_purchase, a_purchase_type, a_rule_set, record

pytestmark = pytest.mark.django_db

PERCENT = {"kind": "percent", "percent": "10", "of": "activity.amount"}


def an_example(program: Program, *steps: dict[str, Any], **fields: Any) -> Example:
    """An example of purchases on consecutive days."""
    code = f"example-{program.examples.count()}"
    example = Example.objects.create(program=program, **{"code": code, "name": "Orders", **fields})
    for number, step in enumerate(steps, start=1):
        defaults = {"position": number, "activity_type": a_purchase_type(), "day": date(2026, 3, number), "amount": 100}
        ExampleStep.objects.create(example=example, **{**defaults, **step})
    return example


def run(rule_set: RuleSet) -> Ran:
    [ran] = run_examples(rule_set)
    return ran


def points(ran: Ran) -> list[tuple[int, int]]:
    return [(step.company_points, step.person_points) for step in ran.steps]


def a_draft(program: Program, *rules: dict[str, Any], **fields: Any) -> RuleSet:
    return a_rule_set(program, rules, status=RuleSet.Status.DRAFT, **fields)


def test_example_of_limits_and_returns_comes_true() -> None:
    program = a_program()
    an_example(
        program,
        {"amount": 80, "gives_company": 80},
        {"amount": 80, "gives_company": 20},
        {"amount": 40, "undoes": 1, "gives_company": -40},
        {"amount": 80, "gives_company": 40},
        gives_company=100,
    )

    ran = run(a_draft(program, {"caps": [("COMPANY", "MONTH", 100)]}))

    assert (ran.is_met, ran.in_words()) == (True, "")
    assert points(ran) == [(80, 0), (20, 0), (-40, 0), (40, 0)]


def test_example_that_fails_says_where_by_how_much_and_why() -> None:
    program = a_program()
    an_example(program, {"amount": 80, "gives_company": 100, "gives_person": 0}, gives_company=100)
    above = {"fact": "activity.amount", "op": "gt", "value": 90}

    ran = run(a_draft(program, {"code": "all"}, {"code": "large", "condition": above}))

    assert ran.in_words() == (
        "“Orders” fails – step 1, points of the company: expected 100, got 80; points of the company: "
        "expected 100, got 80."
    )
    [step] = ran.steps
    assert [(verdict.is_met, verdict.points) for verdict in step.verdicts] == [(True, 80), (False, 0)]
    assert "amount" in step.verdicts[1].reason


def test_step_says_what_each_rule_gave_for_all_times_and_what_followed() -> None:
    ensure_derived_types()
    program = a_program(tiers={"bronze": 0, "silver": 150})
    reached = a_purchase_type()._meta.model._default_manager.get(code=TIER_REACHED)
    an_example(program, {"times": 2}, {"amount": 10})
    Badge.objects.create(program=program, code="first", name="First")
    above = {"fact": "activity.amount", "op": "gt", "value": 90}

    ran = run(
        a_draft(
            program,
            {"code": "all", "caps": [("COMPANY", "MONTH", 150)]},
            {"code": "large", "condition": above, "formula": PERCENT},
            {"code": "badge", "formula": {"kind": "badge", "badge": "first"}},
            {"code": "reached", "formula": {"kind": "fixed", "points": 5}, "activity_type": reached},
        )
    )

    twice, small = ran.steps
    assert [points for _verdict, points in twice.rules] == [150, 20, None]
    assert [points for _verdict, points in small.rules] == [0, 0, None]
    assert (twice.company_points, twice.followed) == (175, 5)
    assert (small.company_points, small.followed) == (0, 0)
    assert "a limit let 50 through" in twice.verdicts[0].reason


def test_client_of_an_example_is_what_it_says() -> None:
    program = a_program(tiers={"bronze": 0, "silver": 500})
    conditions = [
        {"fact": "company.kind", "op": "eq", "value": "DEALER"},
        {"fact": "company.country", "op": "eq", "value": "Malta"},
        {"fact": "employee.roles", "op": "has", "value": "buyer"},
        {"fact": "company.segments", "op": "has", "value": "key"},
        {"fact": "standing.tier", "op": "eq", "value": "silver"},
    ]
    an_example(
        program, {}, company_kind="DEALER", country="Malta", roles=["buyer"], segments=["key"], tier="silver",
        gives_company=50, tier_after="silver",
    )  # fmt: skip
    an_example(program, {}, gives_company=0, tier_after="bronze")
    draft = a_draft(program, *({"formula": PERCENT, "condition": condition} for condition in conditions))

    assert [ran.in_words() for ran in run_examples(draft)] == ["", ""]


@pytest.mark.parametrize(("may_earn", "person"), [(True, 10), (False, 0)])
def test_person_earns_where_the_company_lets_people_earn(may_earn: bool, person: int) -> None:
    program = a_program()
    an_example(program, {}, may_earn=may_earn, gives_person=person, gives_company=0)

    assert run(a_draft(program, {"formula": PERCENT, "beneficiary": "EMPLOYEE"})).is_met


def test_tiers_and_what_follows_are_part_of_it() -> None:
    ensure_derived_types()
    program = a_program(tiers={"bronze": 0, "silver": 150})
    Badge.objects.create(program=program, code="first", name="First")
    reached = a_purchase_type()._meta.model._default_manager.get(code=TIER_REACHED)
    an_example(
        program, {}, {"gives_company": 5}, {"amount": None, "undoes": 2, "gives_company": -5},
        tier_after="bronze", favours=["badge:first"],
    )  # fmt: skip
    draft = a_draft(
        program,
        {"formula": {"kind": "badge", "badge": "first"}},
        {"formula": {"kind": "fixed", "points": 5}, "activity_type": reached},
    )

    assert run(draft).in_words() == ""


def test_what_is_given_beside_points_is_called_by_its_name_and_told_apart_by_its_code() -> None:
    program = a_program()
    for code, name in (("first", "First"), ("second", "First"), ("third", "Third")):
        Badge.objects.create(program=program, code=code, name=name)
    an_example(program, {}, favours=["badge:second", "badge:third", "badge:gone"])
    badges = [{"formula": {"kind": "badge", "badge": code}} for code in ("first", "third")]

    [said] = run(a_draft(program, *badges)).expectations

    assert not said.is_met
    assert said.expected == "badge:gone, a badge “First” (badge:second), a badge “Third”"
    assert said.found == "a badge “First” (badge:first), a badge “Third”"


def test_step_happens_so_many_times() -> None:
    program = a_program()
    an_example(program, {"amount": 30, "times": 5, "gives_company": 100})

    assert run(a_draft(program, {"caps": [("COMPANY", "MONTH", 100)]})).is_met


def test_what_others_used_up_of_a_limit_is_not_the_examples_and_nothing_is_left_behind() -> None:
    program = a_program()
    rule = {"caps": [("PROGRAM", "EVER", 100)]}
    a_rule_set(program, [rule])
    record(a_purchase(a_member(program).company, 90))
    an_example(program, {"gives_company": 100})
    draft = a_draft(program, rule)
    before = [*CapUsage.objects.values()], Activity.objects.count(), Company.objects.count(), Employee.objects.count()

    assert run(draft).is_met

    after = [*CapUsage.objects.values()], Activity.objects.count(), Company.objects.count(), Employee.objects.count()
    assert after == before


def test_draft_that_is_edited_is_run_as_it_stands() -> None:
    program = a_program()
    an_example(program, {"gives_company": 7})
    draft = a_draft(program, {"formula": {"kind": "fixed", "points": 6}})
    assert not run(draft).is_met

    Rule.objects.filter(rule_set=draft).update(formula={"kind": "fixed", "points": 7})

    assert run(draft).is_met


def test_example_that_cannot_be_run_says_why() -> None:
    program = a_program(tiers={"bronze": 0})
    ActivityAttribute.objects.create(activity_type=a_purchase_type(), code="pages", name="Pages", type="NUMBER")
    an_example(program, name="Nothing")
    an_example(program, {}, tier="gold", name="No such tier")
    an_example(program, {"attributes": {"pages": "many"}}, name="No number")
    an_example(program, {}, {"undoes": 1}, {"undoes": 2}, name="Return of a return")

    assert [ran.in_words() for ran in run_examples(a_draft(program, {}))] == [
        "“Nothing” cannot be run: it has no steps.",
        "“No such tier” cannot be run: there is no tier “gold”; choose one of: bronze.",
        "“No number” cannot be run: step 1, attributes.pages: This is not a value of the type “number”.",
        "“Return of a return” cannot be run: step 3 returns step 2, which cannot be returned: "
        "name an earlier step that is no return itself.",
    ]
