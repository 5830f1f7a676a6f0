"""The rule editor: plain forms become documents, buttons bring the page back and save nothing, one sentence is told."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry, Segment, StakeholderRole
from loyalty.earning import KINDS, MODIFIERS
from loyalty.effects import effects
from loyalty.models import (
    ActivityAttribute,
    ActivityType,
    Badge,
    Campaign,
    Program,
    Rule,
    RuleSet,
    SharedLimit,
)
from tests.admin.sending import fields_of
from tests.admin.test_rules import errors_of
from tests.earning.test_extending import dict_of_kinds, documented_kind
from tests.factories.world import a_benefit, a_program, a_purchase_type, a_rule_set

ADD = "/admin/loyalty/rule/add/"
GOLD = {"fact": "standing.tier", "op": "eq", "value": "gold"}


@pytest.fixture
def program(db: None) -> Program:
    """A program with tiers, roles, a segment, and purchases that tell their margin."""
    Segment.objects.create(code="key", name="Key accounts")
    StakeholderRole.objects.create(code="buyer", name="Buyer")
    program = a_program(name="Circle", tiers={"basic": 0, "gold": 500})
    ActivityAttribute.objects.create(activity_type=a_purchase_type(), code="margin", name="margin", type="NUMBER")
    return program


@pytest.fixture
def draft(program: Program) -> RuleSet:
    """A version without rules."""
    return RuleSet.objects.create(program=program, version=1)


def filled(rule_set: RuleSet, **fields: Any) -> dict[str, Any]:
    """What the editor sends for a rule without conditions that gives 2 points for each full 10 GBP."""
    sent = {
        "rule_set": rule_set.pk,
        "name": "Gold buyers",
        "code": "gold-buyers",
        "activity_type": a_purchase_type().pk,
        "condition-joins": "all",
        "formula-kind": "per",
        "formula-points": "2",
        "formula-step": "10",
        "formula-of": "activity.amount",
        "beneficiary": "COMPANY",
        "caps-TOTAL_FORMS": 0,
        "caps-INITIAL_FORMS": 0,
    }
    return {**sent, **{name.replace("__", "-"): value for name, value in fields.items()}}


def row(place: str, fact: str, op: str, *values: str) -> dict[str, Any]:
    """What a row of the condition sends."""
    return {f"condition-{place}-fact": fact, f"condition-{place}-op": op, f"condition-{place}-value": list(values)}


THREE_ROWS = {
    **row("0", "activity.amount", "gt", "100"),
    **row("1", "employee.roles", "has", "buyer"),
    **row("2", "standing.tier", "eq", "gold"),
    "caps-TOTAL_FORMS": 1,
    "caps-0-limit": "500",
    "caps-0-counts": "POINTS",
    "caps-0-period": "MONTH",
    "caps-0-subject": "COMPANY",
}
SENTENCE = (
    "Purchase, only if amount is more than 100 GBP and Buyer is among roles of the employee and tier of the company is "
    "Gold: 2 points for each full 10 GBP of amount to the company, at most 500 points a month per company."
)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", response.content.decode()))).strip()


def preview(desk: Client, sent: dict[str, Any], rule: Rule | None = None) -> str:
    return text_of(desk.post(reverse("admin:loyalty_rule_preview", args=[rule.pk] if rule else []), sent))


def test_rows_and_menu_become_documents(desk: Client, draft: RuleSet) -> None:
    response = desk.post(ADD, filled(draft, **THREE_ROWS))

    assert response.status_code == 302
    rule = Rule.objects.get()
    assert rule.condition == {
        "all": [
            {"fact": "activity.amount", "op": "gt", "value": 100},
            {"fact": "employee.roles", "op": "has", "value": "buyer"},
            GOLD,
        ]
    }
    assert rule.formula == {"kind": "per", "points": 2, "step": "10", "of": "activity.amount"}
    assert [*rule.caps.values_list("limit", "counts", "period", "subject")] == [(500, "POINTS", "MONTH", "COMPANY")]
    assert SENTENCE in unescape(desk.get(f"/admin/loyalty/rule/{rule.pk}/change/").content.decode())


def test_groups_and_values_of_every_type_become_a_document(desk: Client, draft: RuleSet) -> None:
    rows = {
        "condition-joins": "any",
        **row("0", "activity.day", "between", "2026-01-01", "2026-03-31"),
        "condition-1-joins": "none",
        **row("1-0", "standing.tier", "in", "gold", "basic"),
        **row("1-1", "activity.object", "in", "DRILL-9\r\n\r\n SAW-1 "),
        **row("2", "attribute.margin", "known", "false"),
        **row("3", "", "", ""),
    }

    desk.post(ADD, filled(draft, **rows))

    assert Rule.objects.get().condition == {
        "any": [
            {"fact": "activity.day", "op": "between", "value": ["2026-01-01", "2026-03-31"]},
            {
                "not": {
                    "any": [
                        {"fact": "standing.tier", "op": "in", "value": ["gold", "basic"]},
                        {"fact": "activity.object", "op": "in", "value": ["DRILL-9", "SAW-1"]},
                    ]
                }
            },
            {"fact": "attribute.margin", "op": "known", "value": False},
        ]
    }


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (row("1", "activity.amount", "has", "1"), "Row 2 of “Only if”: Choose how “amount” is compared."),
        (row("1", "activity.amount", "gt", "lots"), "Row 2 of “Only if”: “lots” is not a number for “amount”"),
        (row("1", "attribute.weight", "gt", "1"), "Row 2 of “Only if”: There is no fact 'attribute.weight'"),
        (row("1", "standing.tier", "eq", "gld"), "Row 2 of “Only if”: 'gld' is not a choice of 'standing.tier'"),
        (
            {"condition-1-joins": "any", **row("1-0", "standing.tier", "eq", "")},
            "Row 2.1 of “Only if”: Say with what “tier of the company” is compared: one value.",
        ),
        (
            {name: value for n in range(1, 21) for name, value in row(str(n), "activity.amount", "gt", "1").items()},
            "Row 21 of “Only if”: A condition has at most 20 comparisons; this is one more.",
        ),
    ],
)
def test_wrong_row_is_named_on_the_page_and_in_the_preview(
    desk: Client, draft: RuleSet, rows: dict[str, Any], said: str
) -> None:
    sent = filled(draft, **row("0", "activity.amount", "gt", "1"), **rows)

    refused = desk.post(ADD, sent)

    assert errors_of(refused)["condition"][0].startswith(said)
    assert preview(desk, sent).startswith(said)
    assert not Rule.objects.exists()


def test_condition_nested_deeper_than_the_form_is_refused_as_a_document(desk: Client, draft: RuleSet) -> None:
    deep: dict[str, Any] = GOLD
    for _level in range(4):
        deep = {"all": [deep]}
    sent = filled(draft, condition=json.dumps(deep))

    refused = desk.post(ADD, sent)

    assert errors_of(refused)["condition"] == ["all[0].all[0].all[0]: Groups nest at most 3 deep; bring this one up."]
    assert "edited as a document" in refused.content.decode()
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"formula-points": ""}, "“points”: missing."),
        ({"formula-step": "ten"}, "“for each full”: 'ten' is not a number from 0.0001 to 1,000,000,000."),
        ({"formula-kind": "none"}, "kind: 'none' is not one of"),
        ({"formula-multipliers-tier-gold": "0"}, "“factors”, “times, for a tier”, “gold”: '0' is not a number"),
        (
            {
                "formula-kind": "lookup",
                "formula-by": "standing.tier",
                "formula-table-0-is": "",
                "formula-table-1-is": "gold",
                "formula-table-1-points": "5",
                "formula-table-2-is": "gold",
                "formula-table-2-points": "9",
            },
            "Row 3 of “rates”, “where it is”: 'gold' stands in table[0].is already; one row counts for it.",
        ),
        (
            {
                "formula-kind": "steps",
                "formula-applies": "to the part",
                "formula-bands-0-from": "10",
                "formula-bands-0-percent": "1",
                "formula-bands-4-from": "5",
                "formula-bands-4-percent": "2",
            },
            "Row 2 of “steps”, “at least”: 5 is not above 10, where the band before begins.",
        ),
        ({"formula-kind": "badge", "formula-badge": "gone"}, "badge: there is no “gone” in this program"),
    ],
)
def test_wrong_answer_is_named_as_the_form_calls_it(
    desk: Client, draft: RuleSet, answers: dict[str, str], said: str
) -> None:
    sent = filled(draft, **answers)

    refused = desk.post(ADD, sent)

    assert errors_of(refused)["formula"][0].startswith(said)
    assert preview(desk, sent).startswith(said)
    assert not Rule.objects.exists()


MODIFIED = {
    "minimum_spend": "20",
    "multipliers": {"tier": {"gold": "1.5"}, "campaigns": ["spring"]},
    "rounding": "up",
    "at_least": 2,
    "at_most": 90,
}
DOCUMENTS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    *(({}, {**kind.example, **MODIFIED}) for kind in KINDS.values()),
    *(({}, dict(kind.example)) for kind in effects().values()),
    (GOLD, {"kind": "fixed", "points": 1}),
    ({"any": [GOLD, {"not": GOLD}]}, {"kind": "percent", "percent": 2.50, "of": "attribute.margin"}),
    (
        {"any": [{"not": {"all": [GOLD, GOLD]}}]},
        {"kind": "lookup", "by": "standing.tier", "table": [{"is": ["gold", "basic"], "points": 1}]},
    ),
]


@pytest.mark.parametrize(("condition", "formula"), DOCUMENTS)
def test_rule_that_is_opened_and_saved_stays_as_it_was(
    desk: Client, draft: RuleSet, condition: dict[str, Any], formula: dict[str, Any]
) -> None:
    assert set(MODIFIED) == MODIFIERS
    program = draft.program
    Badge.objects.create(program=program, code="first-order", name="First order")
    a_benefit(program, code="consulting-hour")
    program.tiers.filter(code="gold").update(is_invited=True)
    Campaign.objects.create(
        rule_set=draft, code="spring", name="Spring", starts_on="2026-03-01", ends_on="2026-03-31", factor=2
    )
    rule = Rule.objects.create(
        rule_set=draft, code="r", name="R", activity_type=a_purchase_type(), condition=condition, formula=formula
    )
    address = f"/admin/loyalty/rule/{rule.pk}/change/"
    page = desk.get(address).content.decode()

    response = desk.post(address, {**fields_of(page), "name": "Renamed"})

    assert response.status_code == 302
    rule.refresh_from_db()
    assert rule.name == "Renamed"
    assert json.dumps(rule.condition, sort_keys=True) == json.dumps(condition, sort_keys=True)
    assert json.dumps(rule.formula, sort_keys=True) == json.dumps(formula, sort_keys=True)
    assert ("edited as a document" in page) is ("'all'" in str(condition))


@pytest.mark.parametrize(
    ("asked", "facts"),
    [
        ("condition:add", ["activity.amount", "standing.tier", ""]),
        ("condition:drop:1", ["standing.tier"]),
        ("condition:up:2", ["standing.tier", "activity.amount"]),
        ("condition:down:1", ["standing.tier", "activity.amount"]),
        ("condition:show", ["activity.amount", "standing.tier"]),
        ("condition:drop:x", ["activity.amount", "standing.tier"]),
        ("condition:explode", ["activity.amount", "standing.tier"]),
        ("preview", ["activity.amount", "standing.tier"]),
    ],
)
def test_button_brings_the_page_back_with_what_was_typed_and_saves_nothing(
    desk: Client, draft: RuleSet, asked: str, facts: list[str]
) -> None:
    rows = {**row("0", "activity.amount", "gt", "1"), **row("1", "standing.tier", "eq", "gold")}

    response = desk.post(ADD, filled(draft, name="", _reshape=asked, **rows))

    assert response.status_code == 200
    assert errors_of(response) == {}
    sent = fields_of(response.content.decode())
    found = {name: values for name, values in sent.items() if re.fullmatch(r"condition-\d+-fact", name)}
    assert [values[0] for values in found.values()] == facts
    assert sent["code"] == ["gold-buyers"]
    assert sent["formula-points"] == ["2"]
    assert not Rule.objects.exists()


def test_group_is_added_with_a_row_and_takes_more(desk: Client, draft: RuleSet) -> None:
    group = desk.post(ADD, filled(draft, _reshape="condition:group")).content.decode()
    more = desk.post(ADD, {**filled(draft), **fields_of(group), "_reshape": "condition:add:1"}).content.decode()

    assert {"condition-0-joins", "condition-0-0-fact"} <= set(fields_of(group))
    assert {"condition-0-0-fact", "condition-0-1-fact"} <= set(fields_of(more))


def test_rows_of_a_table_are_added_moved_and_dropped(desk: Client, draft: RuleSet) -> None:
    table = {
        "formula-kind": "lookup",
        "formula-by": "activity.object",
        "formula-table-0-is": "A",
        "formula-table-0-points": "1",
        "formula-table-3-is": "B\nC",
        "formula-table-3-points": "2",
    }

    def keys(asked: str) -> list[str]:
        page = desk.post(ADD, filled(draft, _reshape=f"formula:{asked}", **table)).content.decode()
        sent = fields_of(page)
        return [values[0] for name, values in sent.items() if re.fullmatch(r"formula-table-\d+-is", name)]

    assert keys("show") == ["A", "B\nC"]
    assert keys("add:table") == ["A", "B\nC", ""]
    assert keys("up:table:2") == ["B\nC", "A"]
    assert keys("drop:table:1") == ["B\nC"]
    assert keys("drop:no-table:1") == ["A", "B\nC"]


def test_limit_is_added_by_a_button_with_what_most_limits_say(desk: Client, draft: RuleSet) -> None:
    page = desk.post(ADD, filled(draft, _reshape="caps:add")).content.decode()

    sent = fields_of(page)
    assert sent["caps-TOTAL_FORMS"] == ["1"]
    assert [sent[f"caps-0-{name}"] for name in ("limit", "counts", "period", "subject")] == [
        [""], ["POINTS"], ["MONTH"], ["COMPANY"],
    ]  # fmt: skip


def test_blank_limit_and_blank_rows_are_no_limit_and_no_condition(desk: Client, draft: RuleSet) -> None:
    page = desk.get(f"{ADD}?rule_set={draft.pk}").content.decode()

    response = desk.post(ADD, {**fields_of(page), "name": "All", "code": "all"})

    assert response.status_code == 302
    rule = Rule.objects.get()
    assert (rule.condition, rule.caps.count()) == ({}, 0)


def test_another_kind_of_activity_offers_its_own_facts_and_what_is_gone_is_kept_and_named(
    desk: Client, draft: RuleSet
) -> None:
    other = ActivityType.objects.create(code="training", name="Training")
    ActivityAttribute.objects.create(activity_type=other, code="hours", name="hours", type="NUMBER")
    sent = filled(draft, activity_type=other.pk, **row("0", "attribute.margin", "gt", "7"))

    shown = desk.post(ADD, {**sent, "_reshape": "condition:show"}).content.decode()
    saved = desk.post(ADD, fields_of(shown))

    assert '<option value="attribute.hours">hours</option>' in shown
    assert '<option value="attribute.margin" selected>attribute.margin (cannot be asked here)</option>' in shown
    assert fields_of(shown)["condition-0-value"] == ["7"]
    assert errors_of(saved)["condition"][0].startswith("Row 1 of “Only if”: There is no fact 'attribute.margin'")


def test_value_that_was_typed_for_another_fact_is_not_kept_for_this_one(desk: Client, draft: RuleSet) -> None:
    sent = {**row("0", "activity.quantity", "gt", "gold"), "condition-0-of": "standing.tier"}

    page = desk.post(ADD, filled(draft, _reshape="condition:show", **sent)).content.decode()

    assert fields_of(page)["condition-0-value"] == [""]


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
        ({"beneficiary": "ROLE"}, "Name the role where everybody of a role gets it"),
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


def test_new_rule_begins_with_when_most_are_asked_of_as_many_the_last_and_stands_last(
    desk: Client, draft: RuleSet
) -> None:
    training = ActivityType.objects.create(code="training", name="Training")
    desk.post(ADD, filled(draft))
    desk.post(ADD, filled(draft, code="second", activity_type=training.pk))

    page = desk.get(f"{ADD}?rule_set={draft.pk}").content.decode()

    assert fields_of(page)["activity_type"] == [str(training.pk)]
    assert [*Rule.objects.order_by("position").values_list("code", "position")] == [("gold-buyers", 0), ("second", 1)]
    desk.post(ADD, filled(draft, code="third", name="Third"))
    Rule.objects.filter(code="second").update(position=9)
    page = desk.get(f"{ADD}?rule_set={draft.pk}").content.decode()
    assert fields_of(page)["activity_type"] == [str(Rule.objects.get(code="third").activity_type_id)]


def test_rules_of_a_draft_move_up_and_down(desk: Client, draft: RuleSet) -> None:
    for code in ("a", "b", "c"):
        desk.post(ADD, filled(draft, name=code, code=code))
    Rule.objects.update(position=0)
    a, b, c = Rule.objects.order_by("code")

    def move(rule: Rule, direction: str) -> list[str]:
        response = desk.post(reverse("admin:loyalty_rule_move", args=[rule.pk], query={"way": direction}))
        assert response["Location"] == reverse("admin:loyalty_ruleset_change", args=[draft.pk])
        return [*Rule.objects.order_by("position").values_list("code", flat=True)]

    assert move(c, "up") == ["a", "c", "b"]
    assert move(a, "down") == ["c", "a", "b"]
    assert move(c, "up") == ["c", "a", "b"]
    assert move(b, "down") == ["c", "a", "b"]
    moved = AuditEntry.objects.filter(action="rule-moved").order_by("pk")
    assert [(entry.numbers["rule"], entry.numbers["places"]) for entry in moved] == [("c", -1), ("a", 1)]
    page = desk.get(reverse("admin:loyalty_ruleset_change", args=[draft.pk])).content.decode()
    assert re.findall(r"/rule/(\d+)/move/\?way=(\w+)", page) == [
        (str(c.pk), "down"), (str(a.pk), "up"), (str(a.pk), "down"), (str(b.pk), "up"),
    ]  # fmt: skip
    page = text_of(desk.get(reverse("admin:loyalty_rule_change", args=[a.pk])))
    assert "Rule 2 of 3 in its version" in page


def test_rules_in_force_stay_in_their_order(desk: Client, program: Program) -> None:
    rule_set = a_rule_set(program, [{"position": 0}, {"position": 1}])
    first, second = rule_set.rules.order_by("position")

    status = desk.post(reverse("admin:loyalty_rule_move", args=[second.pk], query={"way": "up"})).status_code

    assert status == 403
    assert [*rule_set.rules.order_by("position").values_list("pk", flat=True)] == [first.pk, second.pk]
    page = desk.get(reverse("admin:loyalty_ruleset_change", args=[rule_set.pk])).content.decode()
    assert "/move/" not in page


def test_page_of_a_rule_keeps_its_budget_of_queries(desk: Client, draft: RuleSet) -> None:
    desk.post(ADD, filled(draft, **THREE_ROWS))
    address = reverse("admin:loyalty_rule_change", args=[Rule.objects.get().pk])
    desk.get(address)

    with CaptureQueriesContext(connection) as queries:
        desk.get(address)

    assert len(queries) <= 20


def test_kind_that_is_new_on_the_menu_stands_in_the_form(
    desk: Client, draft: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = documented_kind()
    monkeypatch.setitem(dict_of_kinds(), net.kind, net)
    answers = {"formula-kind": "net", "formula-percent": "2", "formula-less": "activity.quantity"}

    page = desk.post(ADD, filled(draft, _reshape="formula:show", **answers)).content.decode()
    desk.post(ADD, fields_of(page))

    assert Rule.objects.get().formula == net.example
