"""What a version of rules changes is said in the words of the rules themselves."""

import pytest
from django.test import Client
from django.urls import reverse

from loyalty.admin.rule_editor.preview import in_words
from loyalty.models import Rule, RuleCap, RuleSet
from loyalty.rule_changes import changes, predecessor_of
from loyalty.rulesets import activate, draft_from
from tests.factories.world import NOW, a_manager, a_program, a_rule_set

pytestmark = pytest.mark.django_db


def a_version() -> RuleSet:
    return a_rule_set(
        a_program(),
        [
            {"code": "spend", "name": "Spend"},
            {"code": "gone", "name": "Bonus", "formula": {"kind": "fixed", "points": 5}},
        ],
        lists={"tea": ["A", "B"]},
    )


def a_draft(version: RuleSet) -> RuleSet:
    return draft_from(rule_set=version, by=a_manager(), now=NOW)


def said(before: RuleSet | None, after: RuleSet) -> list[str]:
    return [str(change) for change in changes(before, after, in_words)]


def test_copy_changes_nothing() -> None:
    version = a_version()

    assert said(version, a_draft(version)) == []


def test_what_is_new_gone_and_changed_is_said() -> None:
    version = a_version()
    draft = a_draft(version)
    draft.rules.get(code="gone").delete()
    RuleCap.objects.create(rule=draft.rules.get(code="spend"), subject="COMPANY", period="MONTH", limit=500)
    spend = draft.rules.get(code="spend")
    Rule.objects.create(
        rule_set=draft, code="new", name="Thanks", position=9, activity_type=spend.activity_type,
        formula={"kind": "fixed", "points": 7},
    )  # fmt: skip
    draft.product_lists.update(products=["A"])

    found = said(version, draft)

    assert [line.partition(" – ")[0] for line in found] == ["Changed", "New", "Gone", "Gone"]
    assert "500" in found[0]
    assert found[0].index("500") < found[0].index("Before:")
    assert "7 points" in found[1]
    assert "5 points" in found[2]
    assert found[3] == "Gone – Tea: B"


def test_long_list_is_told_by_what_comes_and_goes() -> None:
    version = a_version()
    draft = a_draft(version)
    draft.product_lists.update(products=["A", *(f"N{number:02}" for number in range(25))])

    assert said(version, draft) == [
        f"Changed – Tea: {', '.join(f'N{number:02}' for number in range(20))} and 5 more Before: B"
    ]


def test_name_alone_is_no_change_of_what_a_rule_says() -> None:
    version = a_version()
    draft = a_draft(version)
    draft.rules.filter(code="spend").update(name="Called otherwise")

    assert said(version, draft) == []


def test_draft_is_read_beside_the_latest_version_that_held() -> None:
    version = a_version()
    other, draft = a_draft(version), a_draft(version)

    assert predecessor_of(draft) == predecessor_of(other) == version
    assert predecessor_of(version) is None

    activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)

    # The draft with the lower number would now take the place of the higher one.
    draft.refresh_from_db()
    assert predecessor_of(other) == draft
    assert predecessor_of(draft) == version


def test_page_of_a_draft_says_what_it_changes(client: Client) -> None:
    client.force_login(a_manager())
    version = a_version()
    draft = a_draft(version)
    page = reverse("admin:loyalty_ruleset_change", args=[draft.pk])
    assert "Nothing: it says what version 1 says." in client.get(page).content.decode()

    draft.rules.get(code="gone").delete()

    assert "Gone – Bonus" in client.get(page).content.decode()
    assert "Gone – Bonus" in client.get(reverse("admin:loyalty_ruleset_ask", args=[draft.pk])).content.decode()
