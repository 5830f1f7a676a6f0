"""Campaigns in the admin: written for a draft, checked, named by rules, kept once in force; how factors combine."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loyalty.models import Campaign, Program, Rule, RuleSet
from tests.admin.test_rules import errors_of, posted
from tests.factories.world import a_member, a_program, a_purchase, a_rule_set, record

ADD = "admin:loyalty_campaign_add"
TWICE = {"kind": "fixed", "points": 5, "multipliers": {"campaigns": ["spring"]}}


@pytest.fixture
def program(db: None) -> Program:
    return a_program(tiers={"basic": 0})


@pytest.fixture
def draft(program: Program) -> RuleSet:
    """A version without rules."""
    return RuleSet.objects.create(program=program, version=1)


def typed(rule_set: RuleSet, **fields: Any) -> dict[str, Any]:
    return {
        "rule_set": rule_set.pk,
        "name": "Spring",
        "code": "spring",
        "starts_on": "2026-03-01",
        "ends_on": "2026-03-31",
        "factor": "1.5",
        "budget": "1000",
        **fields,
    }


def test_sound_campaign_is_saved_and_a_rule_that_names_it_says_it(desk: Client, draft: RuleSet) -> None:
    desk.post(reverse(ADD), typed(draft))
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, formula=TWICE))

    campaign = Campaign.objects.get()
    assert (campaign.starts_on, campaign.factor, campaign.budget) == (date(2026, 3, 1), Decimal("1.5"), 1_000)
    page = desk.get(reverse("admin:loyalty_ruleset_change", args=[draft.pk])).content.decode()
    assert (
        "Purchase: 5 points to the company, times 1.5 from March 1, 2026 through March 31, 2026 (“Spring”, which "
        "adds at most 1,000 points for all companies together)."
    ) in page
    assert reverse(ADD, query={"rule_set": draft.pk}) in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ends_on": "2026-02-28"}, "The last day is before the first."),
        ({"factor": "1"}, "The factor of a campaign is more than 1, and 100 at most."),
        ({"factor": "0.5"}, "The factor of a campaign is more than 1, and 100 at most."),
        ({"factor": "101"}, "The factor of a campaign is more than 1, and 100 at most."),
        ({"factor": "NaN"}, "Enter a number."),
        ({"factor": "1.23456"}, "no more than 4 decimal places"),
        ({"budget": "0"}, "A budget has at least 1 point."),
        ({"budget": "-1"}, "greater than or equal to 0"),
        ({"starts_on": "soon"}, "Enter a valid date."),
        ({"code": "campaign:spring"}, "valid “slug”"),
    ],
)
def test_campaign_that_is_none_is_refused(desk: Client, draft: RuleSet, fields: dict[str, str], said: str) -> None:
    response = desk.post(reverse(ADD), typed(draft, **fields))

    assert said in str(errors_of(response))
    assert not Campaign.objects.exists()


def test_rule_names_campaigns_of_its_own_version_alone(desk: Client, draft: RuleSet) -> None:
    a_rule_set(a_program(), campaigns=[{"code": "spring"}])

    response = desk.post(reverse("admin:loyalty_rule_add"), posted(draft, formula=TWICE))

    assert "multipliers.campaigns[0]: 'spring' is not a campaign of this version" in errors_of(response)["formula"][0]
    assert not Rule.objects.filter(rule_set=draft).exists()


def test_list_tells_what_of_the_budget_is_spent_over_all_versions(desk: Client, program: Program) -> None:
    campaigns = [{"code": "spring", "budget": 100}]
    a_rule_set(program, [{"formula": TWICE}], campaigns=campaigns)
    a_rule_set(program, [{"formula": TWICE}], campaigns=campaigns, status="DRAFT")
    record(a_purchase(a_member(program).company))

    page = desk.get(reverse("admin:loyalty_campaign_changelist")).content.decode()

    assert page.count('<td class="field-used">5</td>') == 2


def test_campaign_in_force_can_be_read_but_not_changed(desk: Client, program: Program) -> None:
    rule_set = a_rule_set(program, campaigns=[{"code": "spring", "budget": 100}])
    row = Campaign.objects.get()

    page = desk.get(reverse("admin:loyalty_campaign_change", args=[row.pk]))
    refusals = [
        desk.post(reverse("admin:loyalty_campaign_change", args=[row.pk]), typed(rule_set)).status_code,
        desk.post(reverse("admin:loyalty_campaign_delete", args=[row.pk]), {"post": "yes"}).status_code,
        len(errors_of(desk.post(reverse(ADD), typed(rule_set, code="more")))["rule_set"]),
    ]

    assert "make a new draft from it" in page.content.decode()
    assert refusals == [403, 403, 1]
    row.refresh_from_db()
    assert row.budget == 100


def test_how_factors_combine_is_said_once_for_a_draft(desk: Client, program: Program) -> None:
    desk.post(reverse("admin:loyalty_ruleset_add"), {"program": program.pk, "combining": "HIGHEST"})
    made = RuleSet.objects.get()
    then = made.combining

    desk.post(reverse("admin:loyalty_ruleset_change", args=[made.pk]), {"combining": "MULTIPLY"})
    refused = desk.post(reverse("admin:loyalty_ruleset_change", args=[made.pk]), {"combining": "NEVER"})

    assert (then, made.version) == ("HIGHEST", 1)
    assert "combining" in errors_of(refused)
    made.refresh_from_db()
    assert (made.combining, made.status, made.version) == ("MULTIPLY", "DRAFT", 1)


def test_how_factors_combine_stays_once_in_force(desk: Client, program: Program) -> None:
    rule_set = a_rule_set(program)
    address = reverse("admin:loyalty_ruleset_change", args=[rule_set.pk])

    page = desk.get(address).content.decode()
    desk.post(address, {"combining": "HIGHEST"})

    assert 'name="_save"' not in page
    rule_set.refresh_from_db()
    assert rule_set.combining == "MULTIPLY"
