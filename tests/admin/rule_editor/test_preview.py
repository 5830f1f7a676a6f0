"""The rule editor: one sentence is told while the rule is written, or the first thing that is wrong."""

from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from loyalty.models import (
    Badge,
    Program,
    Rule,
    RuleSet,
    SharedLimit,
)
from tests.admin.rule_editor.filling import ADD, SENTENCE, THREE_ROWS, filled, preview, row
from tests.factories.world import a_purchase_type, a_rule_set


def test_preview_says_the_sentence_and_saves_nothing(desk: Client, draft: RuleSet) -> None:
    assert preview(desk, filled(draft, name="", code="", **THREE_ROWS)) == SENTENCE
    assert not Rule.objects.exists()


def test_preview_of_a_rule_is_of_what_is_typed_and_not_of_what_is_saved(desk: Client, draft: RuleSet) -> None:
    desk.post(ADD, filled(draft, **THREE_ROWS))
    rule = Rule.objects.get()
    cap = rule.caps.get()
    limits: dict[str, Any] = {
        "caps-TOTAL_FORMS": 1,
        "caps-INITIAL_FORMS": 1,
        "caps-0-id": cap.pk,
        "caps-0-rule": rule.pk,
    }
    limits |= {"caps-0-limit": 7, "caps-0-counts": "TIMES", "caps-0-period": "DAY", "caps-0-subject": "COMPANY"}
    sent = filled(draft, **limits)

    assert preview(desk, sent, rule) == (
        "Purchase: 2 points for each full 10 GBP of amount to the company, at most 7 times a day per company."
    )
    assert preview(desk, {**sent, "caps-0-DELETE": "on"}, rule) == (
        "Purchase: 2 points for each full 10 GBP of amount to the company."
    )
    assert preview(desk, {**sent, "caps-0-limit": "x"}, rule) == "Limit 1: Enter a whole number."
    cap.refresh_from_db()
    assert cap.limit == 500


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"activity_type": ""}, "Choose a version, and when the rule is asked."),
        ({"rule_set": "99999999999999999999"}, "Choose a version, and when the rule is asked."),
        ({"beneficiary": "SPLIT"}, "Say how much of it the employee gets, from 1 to 99 in a hundred."),
        ({"person_share": "5"}, "Only where company and employee share it: say 0 here."),
        ({"beneficiary": "ROLE"}, "Name the role where everybody in a role gets it"),
        ({"beneficiary": "NOBODY"}, "Select a valid choice."),
        ({"shared_limits": ["gone"]}, "There is no shared limit “gone” in this version."),
        (
            {"formula-kind": "badge", "formula-badge": "first", "caps-TOTAL_FORMS": 1, "caps-0-limit": 1,
             "caps-0-counts": "POINTS", "caps-0-period": "DAY", "caps-0-subject": "COMPANY"},
            "A rule that gives no points is limited by times, not by points.",
        ),
    ],
)  # fmt: skip
def test_preview_says_the_first_thing_that_is_wrong(
    desk: Client, draft: RuleSet, fields: dict[str, Any], said: str
) -> None:
    Badge.objects.create(program=draft.program, code="first", name="First order")

    assert preview(desk, {**filled(draft), **fields}).startswith(said)


def test_preview_says_what_is_odd_about_a_rule_that_can_be_run(desk: Client, draft: RuleSet) -> None:
    apart = {**row("0", "activity.amount", "gt", "100"), **row("1", "activity.amount", "lt", "50")}
    nothing = {"caps-TOTAL_FORMS": 1, "caps-0-limit": 0, "caps-0-counts": "POINTS", "caps-0-period": "DAY"}

    said = preview(desk, filled(draft, name="", **apart, **nothing, **{"caps-0-subject": "COMPANY"}))

    assert (
        "at most 0 points a day per company. “This rule” can never give anything: “amount is more than 100 GBP” and"
        in said
    )
    assert said.endswith(
        "“amount is less than 50 GBP” exclude each other. “This rule” gives nothing: one of its limits is 0."
    )


def test_shared_limits_are_ticked_and_said(desk: Client, draft: RuleSet) -> None:
    SharedLimit.objects.create(
        rule_set=draft, code="money", name="Money back", subject="COMPANY", period="MONTH", limit=100
    )

    page = unescape(desk.get(f"{ADD}?rule_set={draft.pk}").content.decode())

    assert "Money back: at most 100 points a month per company from all rules for “Money back” together" in page
    assert preview(desk, filled(draft, shared_limits=["money"])).endswith(
        "at most 100 points a month per company from all rules for “Money back” together."
    )


def test_preview_costs_few_queries_however_many_rules_there_are(
    desk: Client, draft: RuleSet, django_assert_max_num_queries: Any
) -> None:
    sent = filled(draft, **THREE_ROWS)
    address = reverse("admin:loyalty_rule_preview")
    desk.post(address, sent)
    with CaptureQueriesContext(
        connection,
    ) as few:
        desk.post(address, sent)
    Rule.objects.bulk_create(
        Rule(
            rule_set=draft,
            code=f"r{n}",
            name="R",
            activity_type=a_purchase_type(),
            formula={"kind": "fixed", "points": 1},
        )
        for n in range(30)
    )

    with CaptureQueriesContext(connection) as many:
        desk.post(address, sent)

    assert len(many) == len(few) <= 14


def test_preview_of_a_rule_that_is_in_force_or_not_there_is_refused(desk: Client, program: Program) -> None:
    rule = a_rule_set(program).rules.get()

    statuses = [desk.post(reverse("admin:loyalty_rule_preview", args=[pk]), {}).status_code for pk in (rule.pk, 10**6)]

    assert statuses == [403, 404]
    assert desk.get(reverse("admin:loyalty_rule_preview")).status_code == 405
