"""Rules and metrics in the admin: documents are checked, sentences shown, and what is in force stays."""

import json
import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.conditions import registry
from accounts.models import Segment, StakeholderRole, User
from loyalty.earning import KINDS, Kind, Per, parse_formula
from loyalty.effects import effects
from loyalty.models import ActivityAttribute, Badge, Metric, Program, Rule, RuleCap, RuleSet, SharedLimit
from tests.admin.sending import fields_of
from tests.factories.world import a_program, a_purchase_type, a_rule_set

FIXED = {"kind": "fixed", "points": 50}


@pytest.fixture
def program(db: None) -> Program:
    """A program with tiers, a segment, and purchases that tell their margin."""
    Segment.objects.create(code="key", name="Key accounts")
    program = a_program(name="Circle", tiers={"basic": 0, "gold": 500})
    ActivityAttribute.objects.create(activity_type=a_purchase_type(), code="margin", name="margin", type="NUMBER")
    return program


@pytest.fixture
def draft(program: Program) -> RuleSet:
    """A version without rules."""
    return RuleSet.objects.create(program=program, version=1)


def posted(rule_set: RuleSet, **fields: Any) -> dict[str, Any]:
    """What the rule form sends; documents are given as they are or as text."""
    fields = {
        "rule_set": rule_set.pk,
        "name": "Welcome",
        "code": "welcome",
        "position": 0,
        "activity_type": a_purchase_type().pk,
        "condition": "",
        "formula": FIXED,
        "beneficiary": "COMPANY",
        "caps-TOTAL_FORMS": 0,
        "caps-INITIAL_FORMS": 0,
        **fields,
    }
    return {key: json.dumps(value) if isinstance(value, dict) else value for key, value in fields.items()}


def errors_of(response: Any) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = response.context["adminform"].form.errors
    return errors


def test_sound_rule_is_saved_with_its_limits(desk: Client, draft: RuleSet) -> None:
    condition = {"all": [{"fact": "standing.tier", "op": "eq", "value": "gold"}]}
    limits = {"caps-TOTAL_FORMS": 1, "caps-0-subject": "COMPANY", "caps-0-period": "MONTH", "caps-0-limit": 500}
    limits["caps-0-counts"] = "POINTS"

    response = desk.post(reverse("admin:loyalty_rule_add"), posted(draft, condition=condition, **limits))

    assert response.status_code == 302
    rule = Rule.objects.get()
    assert (rule.condition, rule.formula) == (condition, FIXED)
    assert RuleCap.objects.get().limit == 500


def test_empty_condition_means_always(desk: Client, draft: RuleSet) -> None:
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, condition=""))

    assert Rule.objects.get().condition == {}


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"all": [{"fact": "standing.tier", "op": "eq", "value": "gld"}]}, "all[0]: 'gld' is not a choice"),
        ({"fact": "company.segments", "op": "has", "value": "kye"}, "'kye' is not a choice"),
        ({"any": [{"fact": "attribute.margn", "op": "gt", "value": 1}]}, "any[0]: There is no fact 'attribute.margn'"),
        ({"fact": "employee.roles", "op": "has", "value": "buyer"}, "There is no fact 'employee.roles'"),
        ({"fact": "activity.amount", "op": "gte", "value": "100"}, "is compared with a number"),
        ("{", "This is not JSON: it cannot be read from line 1, character 2 on."),
        ("[" * 100_000, "The brackets nest too deep."),
        ("[]", "A condition is an object"),
        ("false", "A condition is an object"),
        ("NaN", "A condition is an object"),
    ],
)
def test_bad_condition_is_refused_and_the_place_named(
    desk: Client, draft: RuleSet, condition: dict[str, Any] | str, said: str
) -> None:
    response = desk.post(reverse("admin:loyalty_rule_add"), posted(draft, condition=condition))

    assert response.status_code == 200
    assert said in errors_of(response)["condition"][0]
    assert not Rule.objects.exists()


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        ({"kind": "fixd", "points": 1}, "kind: "),
        ({"kind": "fixed", "points": 0}, "points: 0 is not a whole number"),
        ({"kind": "fixed", "points": 1, "bonus": 2}, "bonus: "),
        ({"kind": "per", "points": 1, "step": "10"}, "of: missing"),
        ({"kind": "per", "points": 1, "step": "10", "of": "activity.object"}, "of: 'activity.object' is not a number"),
        ("[1]", "A formula is an object"),
        ("", "This field is required"),
        ({**FIXED, "at_most": "lots"}, "at_most: 'lots' is not a whole number"),
        ({**FIXED, "rounding": "sideways"}, "rounding: 'sideways' is not one of"),
        (
            {"kind": "lookup", "by": "standing.tier", "table": [{"is": "gld", "points": 1}]},
            "table[0].is: 'gld' is not one of basic, gold.",
        ),
        (
            {
                "kind": "steps",
                "of": "activity.amount",
                "applies": "to the part",
                "bands": [{"from": 0, "to": 9, "percent": 1}, {"from": 10, "percent": 2}],
            },
            "bands[1].from: from 9 to 10 there is a gap",
        ),
        ('{"kind": "percent", "percent": NaN, "of": "activity.amount"}', "percent: nan is not a number"),
    ],
)
def test_bad_formula_is_refused_and_the_key_named(
    desk: Client, draft: RuleSet, formula: dict[str, Any] | str, said: str
) -> None:
    response = desk.post(reverse("admin:loyalty_rule_add"), posted(draft, formula=formula))

    assert response.status_code == 200
    assert said in errors_of(response)["formula"][0]
    assert not Rule.objects.exists()


def test_both_documents_are_refused_at_once(desk: Client, draft: RuleSet) -> None:
    bad = {"condition": {"fact": "no.such", "op": "eq", "value": "x"}, "formula": {"kind": "none"}}

    response = desk.post(reverse("admin:loyalty_rule_add"), posted(draft, **bad))

    assert set(errors_of(response)) == {"condition", "formula"}


def test_second_rule_of_one_code_is_refused(desk: Client, draft: RuleSet) -> None:
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, code="first"))
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, code="second"))
    second = Rule.objects.get(code="second")

    response = desk.post(reverse("admin:loyalty_rule_change", args=[second.pk]), posted(draft, code="first"))

    assert "Another rule of this version has this code." in str(errors_of(response))
    second.refresh_from_db()
    assert second.code == "second"


def test_rule_is_shown_in_plain_words_in_form_list_and_version(desk: Client, draft: RuleSet) -> None:
    condition = {"fact": "standing.tier", "op": "eq", "value": "gold"}
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, condition=condition))
    rule = Rule.objects.get()
    sentence = "Purchase, only if tier of the company is Gold: 50 points to the company."

    pages = [
        desk.get(reverse("admin:loyalty_rule_change", args=[rule.pk])),
        desk.get(reverse("admin:loyalty_rule_changelist")),
        desk.get(reverse("admin:loyalty_ruleset_change", args=[draft.pk])),
    ]

    assert all(sentence in page.content.decode() for page in pages)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_formula_of_every_kind_with_all_modifiers_is_saved_and_said(
    desk: Client, draft: RuleSet, kind: type[Kind]
) -> None:
    formula = {**kind.example, "minimum_spend": "20", "rounding": "up", "at_least": 2, "at_most": 90}

    response = desk.post(reverse("admin:loyalty_rule_add"), posted(draft, formula=formula))

    assert response.status_code == 302
    rule = Rule.objects.get()
    assert rule.formula == formula
    page = desk.get(reverse("admin:loyalty_rule_change", args=[rule.pk])).content.decode()
    assert "nothing where amount is below 20 GBP, rounded up, at least 2 points each time, at most 90 points" in page


def test_form_shows_the_menu_of_formulas(desk: Client) -> None:
    page = unescape(desk.get(reverse("admin:loyalty_rule_add")).content.decode())

    titles = {code: kind.title for code, kind in KINDS.items()} | {code: kind.title for code, kind in effects().items()}
    for code, title in titles.items():
        assert re.search(rf'<option value="{code}"( selected)?>{re.escape(title)}</option>', page)


def test_rule_in_force_can_be_read_but_not_changed(desk: Client, program: Program) -> None:
    rule_set = a_rule_set(program, [{"caps": [("COMPANY", "DAY", 10)]}])
    rule = rule_set.rules.get()
    changed = posted(rule_set, name="Mine", code=rule.code)

    page = desk.get(reverse("admin:loyalty_rule_change", args=[rule.pk]))
    refusals = [
        desk.post(reverse("admin:loyalty_rule_change", args=[rule.pk]), changed).status_code,
        desk.post(reverse("admin:loyalty_rule_delete", args=[rule.pk]), {"post": "yes"}).status_code,
    ]

    assert "make a new draft from it" in page.content.decode()
    assert 'name="_save"' not in page.content.decode()
    assert refusals == [403, 403]
    rule.refresh_from_db()
    assert rule.name == "Rule 0"


def test_rule_cannot_be_added_to_a_version_in_force(desk: Client, program: Program) -> None:
    rule_set = a_rule_set(program)

    response = desk.post(reverse("admin:loyalty_rule_add"), posted(rule_set))

    assert "rule_set" in errors_of(response)
    assert rule_set.rules.count() == 1


def test_rules_in_force_survive_the_bulk_delete(desk: Client, program: Program) -> None:
    rule = a_rule_set(program).rules.get()
    chosen = {"action": "delete_selected", "_selected_action": [rule.pk], "post": "yes"}

    desk.post(reverse("admin:loyalty_rule_changelist"), chosen)

    assert Rule.objects.filter(pk=rule.pk).exists()


def test_rule_of_a_draft_can_be_deleted(desk: Client, draft: RuleSet) -> None:
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft))
    rule = Rule.objects.get()

    desk.post(reverse("admin:loyalty_rule_delete", args=[rule.pk]), {"post": "yes"})

    assert not Rule.objects.exists()


def test_rule_of_a_draft_goes_with_its_limits_and_so_does_the_draft(desk: Client, draft: RuleSet) -> None:
    limit = {"caps-TOTAL_FORMS": 1, "caps-0-limit": 9, "caps-0-counts": "POINTS", "caps-0-subject": "COMPANY"}
    limited = limit | {"caps-0-period": "MONTH"}
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, **limited))
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft, **limited, name="Other", code="other"))
    caps_then = RuleCap.objects.count()

    desk.post(reverse("admin:loyalty_rule_delete", args=[Rule.objects.get(code="other").pk]), {"post": "yes"})
    rules_left = list(Rule.objects.values_list("code", flat=True))
    desk.post(reverse("admin:loyalty_ruleset_delete", args=[draft.pk]), {"post": "yes"})

    assert caps_then == 2
    assert rules_left == ["welcome"]
    assert not RuleSet.objects.exists()
    assert not RuleCap.objects.exists()


def test_whoever_saved_a_rule_goes_on_with_its_version(desk: Client, draft: RuleSet) -> None:
    version = reverse("admin:loyalty_ruleset_change", args=[draft.pk])

    added = desk.post(reverse("admin:loyalty_rule_add"), posted(draft))
    address = reverse("admin:loyalty_rule_change", args=[Rule.objects.get().pk])
    changed = desk.post(address, posted(draft, name="Hello"))

    assert [added["Location"], changed["Location"]] == [version, version]
    assert Rule.objects.get().name == "Hello"


def test_condition_of_a_metric_is_checked_likewise(desk: Client, program: Program, manager: User) -> None:
    fields = {
        "program": program.pk,
        "code": "big",
        "name": "Big orders",
        "measure": "AMOUNT",
        "activity_type": a_purchase_type().pk,
    }
    bad = json.dumps({"fact": "standing.tier", "op": "eq", "value": "gld"})
    good = json.dumps({"fact": "standing.tier", "op": "eq", "value": "gold"})

    refused = desk.post(reverse("admin:loyalty_metric_add"), {**fields, "condition": bad})
    count_then = Metric.objects.filter(code="big").count()
    desk.post(reverse("admin:loyalty_metric_add"), {**fields, "condition": good})

    assert "'gld' is not a choice" in errors_of(refused)["condition"][0]
    assert count_then == 0
    assert Metric.objects.get(code="big").condition == json.loads(good)


def test_condition_of_a_metric_is_told_beside_its_program_and_edited_on_a_page_of_its_own(
    desk: Client, program: Program
) -> None:
    metric = Metric.objects.get()
    Metric.objects.update(condition={"fact": "standing.tier", "op": "eq", "value": "gold"})
    address = reverse("admin:loyalty_program_change", args=[program.pk])
    page = desk.get(address).content.decode()
    sent = {**fields_of(page), "metrics-0-condition": '{"fact": "x", "op": "eq"}'}

    response = desk.post(address, sent)

    assert response.status_code == 302
    assert "tier of the company is Gold" in page
    assert reverse("admin:loyalty_metric_change", args=[metric.pk]) in page
    metric.refresh_from_db()
    assert metric.condition == {"fact": "standing.tier", "op": "eq", "value": "gold"}


def test_form_of_a_new_rule_starts_from_a_formula_that_is_one(desk: Client) -> None:
    page = desk.get(reverse("admin:loyalty_rule_add"))

    shown = page.context["adminform"].form.initial["formula"]
    assert parse_formula(shown, registry.catalogue()) == Per(points=1, step=Decimal(10), of="activity.amount")


@pytest.mark.parametrize(
    "wrong",
    [
        {"formula": {"kind": "magic"}},
        {"formula": "{"},
        {"condition": {"fact": "nowhere", "op": "eq", "value": 1}},
        {"activity_type": ""},
        {"name": ""},
    ],
)
def test_sentence_stands_under_the_form_also_when_the_form_is_refused(
    desk: Client, draft: RuleSet, wrong: dict[str, Any]
) -> None:
    desk.post(reverse("admin:loyalty_rule_add"), posted(draft))
    rule = Rule.objects.get()

    refused = desk.post(reverse("admin:loyalty_rule_change", args=[rule.pk]), posted(draft, **wrong))

    assert refused.status_code == 200
    assert list(errors_of(refused)) == list(wrong)
    assert "Purchase: 50 points to the company." in refused.content.decode()


def test_rule_that_gives_a_badge_is_saved_said_and_refused_for_a_badge_that_is_not_there(
    desk: Client, draft: RuleSet
) -> None:
    Badge.objects.create(program=draft.program, code="first", name="First order")
    address = reverse("admin:loyalty_rule_add")

    refused = desk.post(address, posted(draft, formula={"kind": "badge", "badge": "gone"}))
    saved = desk.post(address, posted(draft, formula={"kind": "badge", "badge": "first"}))

    assert errors_of(refused) == {"formula": ["badge: there is no “gone” in this program; there is: first."]}
    assert saved.status_code == 302
    page = desk.get(reverse("admin:loyalty_rule_change", args=[Rule.objects.get().pk])).content.decode()
    assert "Purchase: the badge “First order” to the company." in page


def test_rule_for_a_role_with_shared_and_counted_limits_is_saved_and_said(desk: Client, draft: RuleSet) -> None:
    StakeholderRole.objects.create(code="buyer", name="Buyer")
    SharedLimit.objects.create(
        rule_set=draft, code="money", name="Money back", subject="COMPANY", period="MONTH", limit=100
    )
    limits = {"caps-TOTAL_FORMS": 1, "caps-0-subject": "EMPLOYEE", "caps-0-period": "EVER", "caps-0-limit": 1}
    limits |= {"caps-0-counts": "TIMES", "caps-0-is_per_object": "on"}
    to = {"beneficiary": "ROLE", "role": "buyer", "is_divided": "on"}
    address = reverse("admin:loyalty_rule_add")

    refused = desk.post(address, posted(draft, shared_limits="gold", **to, **limits))
    nobody = desk.post(address, posted(draft, beneficiary="ROLE"))
    saved = desk.post(address, posted(draft, shared_limits="money", **to, **limits))

    assert errors_of(refused) == {"shared_limits": ["This version has no shared limit “gold”. There is: money."]}
    assert "Name the role where everybody in a role gets it" in nobody.content.decode()
    assert saved.status_code == 302
    page = desk.get(reverse("admin:loyalty_rule_change", args=[Rule.objects.get().pk])).content.decode()
    assert (
        "Purchase: 50 points, shared equally by everybody in the role Buyer who took part, only once per person for "
        "each product code, at most 100 points a month per company from all rules for “Money back” together."
    ) in page
