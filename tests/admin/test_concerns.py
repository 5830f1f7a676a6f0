"""A manager is told where people gain and their company nothing; nothing is forbidden."""

from typing import Any

import pytest
from django.test import Client

from loyalty.concerns import look_at
from loyalty.models import RuleSet
from loyalty.rulesets import activate
from tests.client.pages import words_of
from tests.examples.test_running import an_example
from tests.factories.world import EPOCH, NOW, a_manager, a_program, a_rule_set

SPEND = {"kind": "per", "points": 1, "step": "1", "of": "activity.amount"}
PIECES = {"kind": "per", "points": 1, "step": "1", "of": "activity.quantity"}
STEPS = {
    "kind": "steps",
    "of": "activity.amount",
    "applies": "to the whole",
    "bands": [{"from": 0, "points": 0}, {"from": 500, "points": 50}],
}
TABLE = {"kind": "lookup", "by": "activity.object", "table": [{"is": "SAW", "percent": 1, "of": "activity.amount"}]}
OTHERS = {
    "kind": "lookup",
    "by": "activity.object",
    "table": [{"is": "SAW", "points": 0}],
    "otherwise": {"points": 1, "step": 1, "of": "activity.quantity"},
}
ONCE = {"kind": "fixed", "points": 50}
PERSON, COMPANY, BOTH = ({"beneficiary": to} for to in ("EMPLOYEE", "COMPANY", "BOTH"))
KICKBACK = "that is a kickback"


def rules(*pairs: tuple[dict[str, Any], dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"code": f"r{place}", "formula": formula, **to} for place, (formula, to) in enumerate(pairs)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("drawn_up", "is_kickback"),
    [
        (rules((SPEND, PERSON)), True),
        (rules((ONCE, PERSON)), True),
        (rules((SPEND, PERSON), (ONCE, COMPANY)), True),  # the company gains, but not by what it buys
        (rules((SPEND, PERSON), (PIECES, PERSON), (ONCE, BOTH)), True),
        *((rules((table, PERSON), (ONCE, COMPANY)), True) for table in (STEPS, TABLE, OTHERS)),
        *((rules((table, BOTH), (ONCE, COMPANY)), False) for table in (STEPS, TABLE, OTHERS)),
        (rules((SPEND, COMPANY)), False),
        (rules((SPEND, BOTH)), False),
        (rules((SPEND, PERSON), (PIECES, COMPANY)), False),
        (rules((SPEND, COMPANY), (ONCE, PERSON)), False),
        (rules((SPEND, {"beneficiary": "SPLIT", "person_share": 20})), False),
        ([], False),
    ],
)
def test_rules_by_which_people_alone_gain_are_a_kickback(drawn_up: list[dict[str, Any]], is_kickback: bool) -> None:
    rule_set = a_rule_set(a_program(), drawn_up, status=RuleSet.Status.DRAFT)

    doubts = look_at(rule_set, now=NOW).doubts
    assert [KICKBACK in doubt.sentence for doubt in doubts] == [True] * is_kickback


def test_it_is_said_at_the_version_before_it_is_put_in_force_and_at_home(desk: Client) -> None:
    program = a_program(tiers={"basic": 0})
    draft = a_rule_set(program, rules((SPEND, PERSON)), starts_at=EPOCH, status=RuleSet.Status.DRAFT)
    an_example(program, {"gives_company": 0})
    page = f"/admin/loyalty/ruleset/{draft.pk}/"

    assert KICKBACK in words_of(desk.get(f"{page}change/"))
    assert KICKBACK in words_of(desk.get(f"{page}ask/"))
    assert KICKBACK not in words_of(desk.get("/admin/"))
    activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)
    draft.refresh_from_db()

    assert draft.status == RuleSet.Status.ACTIVE
    assert "By 1 version of rules people gain and their company nothing: that is a kickback." in words_of(
        desk.get("/admin/")
    )
    assert [row.pk for row in desk.get("/admin/loyalty/ruleset/", {"gain": "people"}).context["cl"].result_list] == [
        draft.pk
    ]
    desk.post(f"{page}retire/")
    assert KICKBACK not in words_of(desk.get("/admin/"))


def test_rules_that_give_to_the_company_raise_no_eyebrow(desk: Client) -> None:
    draft = a_rule_set(a_program(), rules((SPEND, BOTH)), starts_at=EPOCH, status=RuleSet.Status.DRAFT)

    answers = [desk.get(f"/admin/loyalty/ruleset/{draft.pk}/{page}/") for page in ("change", "ask")]

    assert not any(word in words_of(answer) for answer in answers for word in (KICKBACK, "second look"))
