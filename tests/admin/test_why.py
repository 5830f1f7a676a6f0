"""The manager's why: an evaluation says by names what was known, and each rule leads to itself and to what it gave."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from loyalty.models import Evaluation, Metric, Rule
from tests.client.pages import links_of, words_of
from tests.factories.world import a_member, a_program, a_purchase, a_rule_set, record

pytestmark = pytest.mark.django_db


def test_evaluation_says_what_was_known_and_leads_to_rules_and_awards(desk: Client) -> None:
    program = a_program(tiers={"basic": 0})
    above = {"all": [{"fact": "activity.amount", "op": "gte", "value": 50},
                     {"fact": "standing.tier", "op": "eq", "value": "basic"}]}  # fmt: skip
    a_rule_set(program, [{"code": "spend", "name": "Spend"}, {"code": "large", "name": "Large", "condition": above}])
    Metric.objects.filter(program=program).update(name="Sales")
    record(a_purchase(a_member(program).company, 40))
    evaluation = Evaluation.objects.get()

    shown = desk.get(reverse("admin:loyalty_evaluation_change", args=[evaluation.pk]))

    words = words_of(shown)
    assert "amount: 40 GBP" in words
    assert "tier of the company: Basic" in words
    assert "Sales: 40" in words
    assert "Spend : 40" in words
    assert "Large : 0" in words
    assert not re.findall(r"activity\.|standing\.|employee\.", words)
    for rule in Rule.objects.all():
        assert reverse("admin:loyalty_rule_change", args=[rule.pk]) in links_of(shown, r".*/rule/.*")
    [given] = [link for link in links_of(shown, r".*/award/.*") if link.endswith("q=spend")]
    assert [award.granted for award in desk.get(given).context["cl"].result_list] == [40]


def test_evaluation_after_the_last_day_says_so(desk: Client) -> None:
    program = a_program(tiers={"basic": 0}, last_earn_on="2026-06-01", last_spend_on="2026-12-31")
    a_rule_set(program)
    record(a_purchase(a_member(program).company, 40))

    shown = desk.get(reverse("admin:loyalty_evaluation_change", args=[Evaluation.objects.get().pk]))

    assert shown.status_code == 200
    assert "last day to earn" in words_of(shown)
