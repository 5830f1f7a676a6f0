"""A manager is told where people gain and their company nothing; nothing is forbidden."""

from time import perf_counter
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from loyalty.concerns import look_at
from loyalty.models import RuleSet
from loyalty.rulesets import activate
from tests.client.pages import words_of
from tests.examples.test_running import an_example
from tests.factories.world import (
    EPOCH,
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_role,
    a_rule_set,
    a_segment,
    an_employee,
)

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


@pytest.mark.django_db
def test_what_never_gives_overlaps_or_has_no_limit_is_said_and_leads_to_its_rules() -> None:
    program = a_program(tiers={"basic": 0, "gold": 500})
    a_segment("empty")
    a_segment("key")
    a_role(an_employee(a_member(program).company), "buyer")
    a_role(an_employee(a_company()), "owner")  # not of the program
    amount, limit = "activity.amount", [("COMPANY", "MONTH", 500)]
    draft = a_rule_set(
        program,
        [
            {"name": "Base", "caps": limit},
            {"name": "Large", "condition": {"fact": amount, "op": "gt", "value": 100}},
            {"name": "Small", "condition": {"fact": amount, "op": "lt", "value": 50}, "caps": limit},
            {"name": "Nobody", "condition": {"fact": "company.segments", "op": "has", "value": "empty"}, "caps": limit},
            {"name": "Owners", "beneficiary": "ROLE", "role": "owner", "caps": [("EMPLOYEE", "DAY", 0)]},
            {"name": "Past", "condition": {"fact": "activity.day", "op": "before", "value": "2026-01-01"},
             "beneficiary": "EMPLOYEE", "caps": limit},
            {"name": "Gone", "condition": {"fact": "standing.tier", "op": "eq", "value": "platinum"}, "caps": limit},
        ],
        status=RuleSet.Status.DRAFT,
    )  # fmt: skip
    a_rule_set(program, status=RuleSet.Status.DRAFT)

    with CaptureQueriesContext(connection) as few:
        look = look_at(draft, now=NOW)

    assert [(doubt.sentence, [rule.name for rule in doubt.rules]) for doubt in look.doubts] == [
        ("“Gone” cannot be run. 'platinum' is not a choice of 'standing.tier'; choose one of 'basic', 'gold'.",
         ["Gone"]),
        ("“Nobody” gives nothing for now: nobody in the program meets “segments of the company include Empty”.",
         ["Nobody"]),
        ("“Owners” gives nothing for now: nobody in the program has the role that it gives to.", ["Owners"]),
        ("“Owners” gives nothing: one of its limits is 0.", ["Owners"]),
        ("“Past” gives nothing from June 15, 2026 on: “day is before Jan. 1, 2026” leaves no day to come on which "
         "points are earned.", ["Past"]),
        ("There are further drafts of this program: version 2 (draft). What one of them changes, the others do not "
         "have: whichever begins later holds alone.", []),
    ]  # fmt: skip
    gives, apart = "gives for the same activity (Purchase) as", "never gives for the same activity (Purchase) as"
    assert [(note.sentence.partition(":")[0], [rule.name for rule in note.rules]) for note in look.notes] == [
        ("Nothing limits what these rules give over time.", ["Large"]),
        (f"“Base” {gives} “Large”, “Small” and “Nobody”", ["Base", "Large", "Small", "Nobody"]),
        (f"“Large” {gives} “Nobody”", ["Large", "Nobody"]),
        (f"“Small” {gives} “Nobody”", ["Small", "Nobody"]),
        (f"“Owners” {gives} “Past”", ["Owners", "Past"]),
        (f"“Large” {apart} “Small”", ["Large", "Small"]),
    ]

    rule = draft.rules.get(name="Nobody")
    for number in range(40):
        rule.pk, rule.code, rule.name = None, f"more-{number}", f"More {number}"
        rule.save()
    with CaptureQueriesContext(connection) as many:
        begun = perf_counter()
        look_at(draft, now=NOW)
        took = perf_counter() - begun

    assert len(many) == len(few) <= 13
    assert took < 1  # of 47 rules each is held against every other
