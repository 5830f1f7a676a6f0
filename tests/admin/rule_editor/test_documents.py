"""The rule editor: plain forms become documents and back, and what is wrong is named as the form calls it."""

import json
from html import unescape
from typing import Any

import pytest
from django.test import Client

from loyalty.earning import KINDS, MODIFIERS
from loyalty.effects import effects
from loyalty.models import (
    Badge,
    Campaign,
    Rule,
    RuleSet,
)
from tests.admin.rule_editor.filling import ADD, GOLD, SENTENCE, THREE_ROWS, filled, preview, row
from tests.admin.sending import fields_of
from tests.admin.test_rules import errors_of
from tests.earning.test_extending import dict_of_kinds, documented_kind
from tests.factories.world import a_benefit, a_purchase_type


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

    assert errors_of(refused)["condition"] == ["all[0].all[0].all[0]: Groups nest at most 3 deep; move this one up."]
    assert "edited as a document" in refused.content.decode()
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"formula-points": ""}, "“points”: missing."),
        ({"formula-step": "ten"}, "“for each full”: 'ten' is not a number from 0.0001 to 1,000,000,000."),
        ({"formula-kind": "none"}, "kind: 'none' is not one of"),
        ({"formula-multipliers-tier-gold": "0"}, "“factors”, “factor for each tier”, “gold”: '0' is not a number"),
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
            "Row 3 of “rates”, “where it is”: 'gold' stands in Row 2 of “rates”, “where it is” already;",
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
            "Row 2 of “steps”, “at least”: 5 is not above 10, where the step before begins.",
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


def test_kind_that_is_new_on_the_menu_stands_in_the_form(
    desk: Client, draft: RuleSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    net = documented_kind()
    monkeypatch.setitem(dict_of_kinds(), net.kind, net)
    answers = {"formula-kind": "net", "formula-percent": "2", "formula-less": "activity.quantity"}

    page = desk.post(ADD, filled(draft, _reshape="formula:show", **answers)).content.decode()
    desk.post(ADD, fields_of(page))

    assert Rule.objects.get().formula == net.example
