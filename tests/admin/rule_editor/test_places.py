"""The rule editor: with what a new rule begins, where it stands, and how rules move."""

import re

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from loyalty.models import (
    ActivityType,
    Program,
    Rule,
    RuleSet,
)
from tests.admin.rule_editor.filling import ADD, THREE_ROWS, filled, text_of
from tests.admin.sending import fields_of
from tests.factories.world import a_rule_set


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
