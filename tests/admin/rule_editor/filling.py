"""What the rule editor sends, and what it says."""

import re
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse

from loyalty.models import (
    Rule,
    RuleSet,
)
from tests.factories.world import a_purchase_type

ADD = "/admin/loyalty/rule/add/"
GOLD = {"fact": "standing.tier", "op": "eq", "value": "gold"}


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
    "Purchase, only if amount is more than 100 GBP and roles of the employee include Buyer and tier of the company is "
    "Gold: 2 points for each full 10 GBP of amount to the company, at most 500 points a month per company."
)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", response.content.decode()))).strip()


def preview(desk: Client, sent: dict[str, Any], rule: Rule | None = None) -> str:
    return text_of(desk.post(reverse("admin:loyalty_rule_preview", args=[rule.pk] if rule else []), sent))
