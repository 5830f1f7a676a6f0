"""Lists of products in the admin: written a line each, checked, asked for by rules, and kept once in force."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from loyalty.models import MOST_PRODUCTS, ProductList, Program, Rule, RuleSet
from tests.admin.test_rules import errors_of, posted
from tests.factories.world import a_program, a_rule_set

ADD = "admin:loyalty_productlist_add"


@pytest.fixture
def program(db: None) -> Program:
    return a_program()


@pytest.fixture
def draft(program: Program) -> RuleSet:
    """A version without rules."""
    return RuleSet.objects.create(program=program, version=1)


def typed(rule_set: RuleSet, products: str, **fields: Any) -> dict[str, Any]:
    return {"rule_set": rule_set.pk, "name": "Tools", "code": "tools", "products": products, **fields}


def test_list_is_written_a_line_each_without_blanks_and_repetitions(desk: Client, draft: RuleSet) -> None:
    response = desk.post(reverse(ADD), typed(draft, " SAW-1 \r\n\r\nDRILL 9\r\nSAW-1\r\n"))

    assert response.status_code == 302
    row = ProductList.objects.get()
    assert row.products == ["SAW-1", "DRILL 9"]
    page = desk.get(reverse("admin:loyalty_productlist_change", args=[row.pk]))
    assert "SAW-1\nDRILL 9</textarea>" in page.content.decode()


@pytest.mark.parametrize(
    ("products", "said"),
    [
        ("", "This field is required."),
        (" \r\n ", "This field is required."),
        ("A\r\n" + "x" * 201, "Line 2 is longer than the 200 characters that a product code has."),
        (
            "\r\n".join(map(str, range(MOST_PRODUCTS + 1))),
            "There are 10001 product codes; 10000 is the most of one list.",
        ),
        ("a\0", "Null characters are not allowed."),
    ],
)
def test_list_that_is_none_is_refused(desk: Client, draft: RuleSet, products: str, said: str) -> None:
    response = desk.post(reverse(ADD), typed(draft, products))

    assert errors_of(response)["products"] == [said]
    assert not ProductList.objects.exists()


def test_second_list_of_one_code_is_refused(desk: Client, draft: RuleSet) -> None:
    desk.post(reverse(ADD), typed(draft, "SAW-1"))

    response = desk.post(reverse(ADD), typed(draft, "DRILL-9"))

    assert "Another list of this version has this code." in str(errors_of(response))
    assert ProductList.objects.get().products == ["SAW-1"]


def test_rule_asks_for_the_lists_of_its_own_version_alone(desk: Client, program: Program, draft: RuleSet) -> None:
    a_rule_set(a_program(), lists={"far": ["SAW-1"]})
    desk.post(reverse(ADD), typed(draft, "SAW-1"))
    asked = {"fact": "activity.product_lists", "op": "has", "value": "far"}
    rate = {"kind": "lookup", "by": "activity.product_lists", "table": [{"is": "tools", "points": 5}]}

    refused = desk.post(reverse("admin:loyalty_rule_add"), posted(draft, condition=asked))
    count_then = Rule.objects.filter(rule_set=draft).count()
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, condition={**asked, "value": "tools"}, formula=rate))

    assert "'far' is not a choice of 'activity.product_lists'" in errors_of(refused)["condition"][0]
    assert count_then == 0
    page = desk.get(reverse("admin:loyalty_ruleset_change", args=[draft.pk])).content.decode()
    assert "only if the product&#x27;s lists include Tools" in page
    assert "5 points where the product&#x27;s lists include Tools" in page


def test_list_that_a_rule_lacks_afterwards_is_said_where_the_rule_stands(desk: Client, draft: RuleSet) -> None:
    desk.post(reverse(ADD), typed(draft, "SAW-1"))
    asked = {"fact": "activity.product_lists", "op": "has", "value": "tools"}
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, condition=asked))

    desk.post(reverse("admin:loyalty_productlist_delete", args=[ProductList.objects.get().pk]), {"post": "yes"})

    page = desk.get(reverse("admin:loyalty_ruleset_change", args=[draft.pk])).content.decode()
    assert "There is no fact" in page


def test_list_in_force_can_be_read_but_not_changed(desk: Client, program: Program) -> None:
    rule_set = a_rule_set(program, lists={"tools": ["SAW-1"]})
    row = ProductList.objects.get()

    page = desk.get(reverse("admin:loyalty_productlist_change", args=[row.pk]))
    refusals = [
        desk.post(reverse("admin:loyalty_productlist_change", args=[row.pk]), typed(rule_set, "DRILL-9")).status_code,
        desk.post(reverse("admin:loyalty_productlist_delete", args=[row.pk]), {"post": "yes"}).status_code,
        len(errors_of(desk.post(reverse(ADD), typed(rule_set, "DRILL-9", code="more")))["rule_set"]),
    ]

    assert "make a new draft from it" in page.content.decode()
    assert 'name="_save"' not in page.content.decode()
    assert refusals == [403, 403, 1]
    row.refresh_from_db()
    assert row.products == ["SAW-1"]


def test_page_of_a_draft_leads_to_a_new_list(desk: Client, draft: RuleSet) -> None:
    page = desk.get(reverse("admin:loyalty_ruleset_change", args=[draft.pk])).content.decode()

    assert reverse(ADD, query={"rule_set": draft.pk}) in page
