"""The rule editor: buttons and choices bring the page back with what was typed, and save nothing."""

import re

import pytest
from django.test import Client

from loyalty.models import (
    ActivityAttribute,
    ActivityType,
    Rule,
    RuleSet,
)
from tests.admin.rule_editor.filling import ADD, filled, row
from tests.admin.sending import fields_of
from tests.admin.test_rules import errors_of


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
