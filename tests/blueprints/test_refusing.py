"""What cannot be loaded is named with line, column and place, and changes nothing."""

import pytest

from accounts.models import User
from loyalty.site.blueprints import (
    BlueprintError,
    Document,
    foresee,
    load,
    read,
    shipped,
)
from tests.blueprints.club import CLUB, everything, loaded
from tests.factories.world import NOW, a_manager

pytestmark = pytest.mark.django_db


WRONG: dict[str, tuple[str, str, str]] = {
    "a question that looks ahead": (
        "{fact: answer.again, op: lt, value: 7}",
        "{fact: answer.why, op: has, value: price}",
        "Line 80, column 129, surveys › word › questions › why › only_if: There is no fact",
    ),
    "a question under a code that another has": (
        "{code: why, text",
        "{code: again, text",
        "Line 80, column 16, surveys › word › questions › again › code: The code “again” stands in line 79 already.",
    ),
    "a choice with nothing to choose from": (
        "options: [{code: price, label: Price}, {code: time, label: Time}], ",
        "",
        "Line 80, column 9, surveys › word › questions › why: A choice needs options, and nothing else has any.",
    ),
    "an audience that cannot be": (
        "op: has, value: named}\n    questions",
        "op: has, value: nobody}\n    questions",
        "Line 77, column 14, surveys › word › only_if",
    ),
    "a goal of no metric": (
        "figure: metric, metric: spend",
        "figure: metric, metric: spent",
        "Line 89, column 61, plan › goals › 2 › metric: There is no “spent”. Did you mean “spend”?",
    ),
    "growth that shrinks": (
        "baseline: 0, target: 5000.5",
        "baseline: 6000, target: 5000.5",
        "Line 89, column 7, plan › goals › 2: A goal of growth has a target above its baseline.",
    ),
    "a goal that stands twice": (
        "name: They buy",
        "name: They stay",
        "Line 89, column 14, plan › goals › 2 › name: There is a goal “They stay” already.",
    ),
    "a review before the first day": (
        "review: 2026-12-31",
        "review: 2025-12-31",
        "Line 82, column 3, plan: The review comes after the first day: choose a later day.",
    ),
    "a metric that nothing counts": (
        "tier_metric: spend",
        "tier_metric: spent",
        "Line 2, column 89, program › tier_metric: There is no metric “spent”. Did you mean “spend”?",
    ),
    "an unknown time zone": (
        "Europe/Berlin",
        "Europe/Berlino",
        "Line 2, column 61, program › time_zone: “Europe/Berlino” is not a time zone.",
    ),
    "a currency in small letters": (
        "currency: EUR",
        "currency: Eur",
        "Line 2, column 45, program › currency: “Eur” is not a currency. Write the code of one, such as EUR",
    ),
    "a currency that there is not": (
        "currency: EUR",
        "currency: XXQ",
        "Line 2, column 45, program › currency: “XXQ” is not a currency. Write the code of one, such as EUR",
    ),
    "months without a way": (
        "tier_metric: spend}",
        "tier_metric: spend, expiry: months}",
        "Line 2, column 10, program: Say how many months (1 to 240) where points expire so many months",
    ),
    "a fact of the wrong type": (
        "{fact: activity.amount, op: gte, value: 10.5}",
        "{fact: activity.amount, op: has, value: x}",
        "Line 40, column 13, rule_set › rules › orders › only_if › all › 1: 'has' cannot compare the number",
    ),
    "a value of the wrong type": (
        "op: gte, value: 10.5}",
        "op: gte, value: ten}",
        "Line 40, column 13, rule_set › rules › orders › only_if › all › 1: 'activity.amount' is compared",
    ),
    "an unknown fact": (
        "{fact: activity.amount, op: gte",
        "{fact: activity.amounts, op: gte",
        "Line 40, column 13, rule_set › rules › orders › only_if › all › 1: There is no fact",
    ),
    "an unreachable fact": (
        "{fact: attribute.margin, op: gt, value: 0}",
        "{fact: attribute.module, op: eq, value: a}",
        "Line 42, column 24, rule_set › rules › orders › only_if › all › 2 › any › 1 › fact:",
    ),
    "depth 4": (
        "{fact: company.segments, op: has, value: large}",
        "{all: [{fact: company.segments, op: has, value: large}]}",
        "Line 43, column 22, rule_set › rules › orders › only_if › all › 2 › any › 2 › not: Groups nest at",
    ),
    "21 leaves": (
        "          - {fact: activity.amount, op: gte, value: 10.5}\n",
        "          - {fact: activity.amount, op: gte, value: 10.5}\n" * 19,
        "Line 61, column 22, rule_set › rules › orders › only_if › all › 20 › any › 2 › not: A condition has at",
    ),
    "an unreachable row": (
        "{from: 100, percent: 2}",
        "{from: 90, percent: 2}",
        "Line 48, column 58, rule_set › rules › orders › give › bands › 2 › from: 90 overlaps the step",
    ),
    "an unknown tier of a factor": (
        "{gold: 1.25}",
        "{golden: 1.25}",
        "Line 49, column 29, rule_set › rules › orders › give › multipliers › tier: 'golden' is not one of",
    ),
    "an unknown campaign": (
        "campaigns: [spring]",
        "campaigns: [sprung]",
        "Line 49, column 55, rule_set › rules › orders › give › multipliers › campaigns › 1: 'sprung' is not",
    ),
    "an unknown kind of formula": (
        "kind: steps",
        "kind: stairs",
        "Line 45, column 9, rule_set › rules › orders › give: Kind: 'stairs' is not one of fixed, per,",
    ),
    "half a point": (
        "points: 5}",
        "points: 5.5}",
        "Line 55, column 83, rule_set › rules › word › give › points: 5.5 is not a whole number from 1 to",
    ),
    "an unknown badge": (
        "badge: first}",
        "badge: fist}",
        "Line 54, column 60, rule_set › rules › badge › give: Badge: there is no “fist” in this program;",
    ),
    "an unknown list": (
        "{is: tools",
        "{is: tool",
        "Line 62, column 22, rule_set › rules › list › give › table › 1 › is: 'tool' is not one of tools.",
    ),
    "an unknown shared limit": (
        "shared_limits: [monthly]",
        "shared_limits: [yearly]",
        "Line 53, column 22, rule_set › rules › orders › shared_limits: There is no shared limit “yearly”",
    ),
    "an unknown type of activities": (
        "when: survey-answered",
        "when: survey-answer",
        "Line 55, column 38, rule_set › rules › word › when: There is no “survey-answer”. Did you mean",
    ),
    "a share of nobody's": (
        "person_share: 30",
        "person_share: 0",
        "Line 35, column 7, rule_set › rules › orders: Where company and employee share, the employee's part",
    ),
    "points of an effect in a limit": (
        "give: {kind: badge, badge: first}}",
        "give: {kind: badge, badge: first}, limits: [{at_most: 5, for: company, per: day}]}",
        "Line 54, column 60, rule_set › rules › badge › give: A rule that gives no points is limited by",
    ),
    "an unknown attribute of a metric": (
        "measure: amount, of: purchase",
        "measure: sum, attribute: margins, of: purchase",
        "Line 14, column 57, metrics › spend › attribute: “Purchase” has no attribute “margins” that is a",
    ),
    "a metric of nothing": (
        "measure: amount, of: purchase}",
        "measure: amount}",
        "Line 14, column 5, metrics › spend: “of” is missing here.",
    ),
    "a tier that asks for nothing there is": (
        "{fact: metric.spend, op: gte, value: 5}",
        "{fact: metric.spent, op: gte, value: 5}",
        "Line 18, column 94, tiers › inner › only_if: There is no fact 'metric.spent'; did you mean 'metric.spend'?",
    ),
    "half a fee": (
        "fee: 100, ",
        "",
        "Line 18, column 5, tiers › inner: Give the fee, its currency and for how many months it pays where",
    ),
    "an unknown segment": (
        "thresholds: [{segment: named",
        "thresholds: [{segment: names",
        "Line 17, column 70, tiers › gold › thresholds › 1 › segment: There is no “names”. Did you mean “named”?",
    ),
    "a benefit without what its kind needs": (
        ', contact: "555"',
        "",
        "Line 22, column 5, benefits › line: Fill in what this kind needs: an address to read, a contact to",
    ),
    "an unknown benefit": (
        "{benefit: line, tiers: [basic",
        "{benefit: lime, tiers: [basic",
        "Line 24, column 15, benefit_matrix › 1 › benefit: There is no “lime”. Did you mean “line”?",
    ),
    "a benefit twice in a cell": (
        "tiers: [basic, gold]}",
        "tiers: [basic, basic]}",
        "Line 24, column 5, benefit_matrix › 1: This benefit stands in the cell already.",
    ),
    "a segment's condition": (
        "{fact: company.people, op: gte, value: 50}",
        "{fact: company.people, op: has, value: x}",
        "Line 6, column 41, segments › large › only_if: 'has' cannot compare the number fact",
    ),
    "an unknown tier of an example": (
        "tier: basic}\n",
        "tier: bassic}\n",
        "Line 71, column 41, examples › an-order › then › tier: There is no “bassic”. Did you mean “basic”?",
    ),
    "a return of what is to come": (
        "returns: 1}",
        "returns: 2}",
        "Line 70, column 9, examples › an-order › when › 2: A return names an earlier step, and happens once.",
    ),
    "a day that there is not": (
        "2026-04-03",
        "2026-04-31",
        "Line 70, column 31, examples › an-order › when › 2 › day: “2026-04-31” value has the correct format",
    ),
    "a campaign of no day": (
        "until: 2026-03-31",
        "until: 2026-02-28",
        "Line 31, column 7, rule_set › campaigns › spring: The last day is before the first.",
    ),
    "what the installation brings itself": (
        "{code: course, name: Course,",
        "{code: tier-reached, name: Course,",
        "Line 12, column 5, activity_types › tier-reached: “tier-reached” is brought by this installation",
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_loaded_is_named_with_its_place_and_changes_nothing(old: str, new: str, sentence: str) -> None:
    by, before = a_manager(), everything()
    assert old in CLUB

    with pytest.raises(BlueprintError) as caught:
        load(document=read(CLUB.replace(old, new, 1)), by=by, now=NOW)

    assert str(caught.value.faults[0])[: len(sentence)] == sentence
    assert everything() == before


def test_what_there_is_keeps_its_meaning(by: User) -> None:
    loaded(CLUB, by)
    other = CLUB.replace("code: club, name: Club", "code: other, name: Other").replace("name: Buyer", "name: Purchaser")

    seen = foresee(document=read(other), now=NOW)

    assert seen.is_new
    assert seen.same == {"stakeholder roles": 1, "segments": 2, "activity types": 2}
    for old, new, sentence in (
        ("value: 50", "value: 60", "segments › large › only_if: There is a segment “large” already"),
        ("type: number", "type: date", "activity_types › purchase › attributes › margin › type: “margin” of"),
        ("currency: EUR", "currency: USD", "program › currency: “Club” counts in EUR, and this blueprint in USD."),
        ("measure: amount", "measure: quantity", "metrics › spend › measure: “measure” of “Spend” stays money"),
        ("of: purchase", "of: course", "metrics › spend › of: “Spend” counts “purchase”, and goes on with that."),
    ):
        with pytest.raises(BlueprintError) as caught:
            load(document=read(CLUB.replace(old, new, 1)), by=by, now=NOW)
        assert str(caught.value.faults[0]).partition(", column ")[2].partition(", ")[2].startswith(sentence)


def test_a_document_made_in_memory_is_loaded_without_marks(by: User) -> None:
    one = shipped("officemax-maxperks")
    assert one is not None

    with pytest.raises(BlueprintError) as caught:
        load(document=Document({**read(one.read()).data, "badges": [{"code": "a"}]}), by=by, now=NOW)

    assert str(caught.value) == "badges › a: “name” is missing here."
