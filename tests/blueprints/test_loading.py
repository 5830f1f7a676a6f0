"""Blueprints are loaded as drafts, all or nothing; a second time changes nothing."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection

from accounts.models import AuditEntry, SegmentMembership, User
from loyalty import benefits, rulesets
from loyalty.models import (
    Program,
    Rule,
    RuleSet,
    Tier,
)
from loyalty.proving import require_proven
from loyalty.site.blueprints import (
    SHIPPED,
    BlueprintError,
    Shipped,
    canonical,
    dump,
    foresee,
    load,
    read,
    text_of,
    write,
)
from surveys.models import Survey, SurveyVersion
from surveys.versions import publish
from tests.blueprints.club import CLUB, everything, loaded, told
from tests.factories.world import NOW, a_company, a_manager

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("one", SHIPPED, ids=lambda one: one.code)
def test_shipped_blueprints_load_twice_and_their_examples_come_true(one: Shipped, by: User) -> None:
    document = read(one.read())

    first = load(document=document, by=by, now=NOW)
    again = load(document=document, by=by, now=NOW)
    seen = foresee(document=read(text_of(first.program, now=NOW)), now=NOW)

    assert (first.is_new, again.is_new) == (True, False)
    assert (again.made, seen.made) == ([], [])
    assert (seen.examples, seen.failing) == (len(document.data["examples"]), [])
    assert dump(first.program, now=NOW) == canonical(document.data)
    assert list(RuleSet.objects.values_list("version", "status")) == [(1, "DRAFT")]
    assert AuditEntry.objects.filter(action="blueprint-loaded", actor=by).count() == 1


def test_a_document_of_everything_comes_back_as_it_went_in(by: User) -> None:
    company = a_company()

    seen = foresee(document=read(CLUB), now=NOW)
    nothing = everything()
    first = loaded(CLUB, by)

    assert (seen.examples, seen.failing, seen.is_new) == (1, [], True)
    assert all(rows == [] for rows in nothing)
    assert told(seen) == told(first)
    assert dump(first.program, now=NOW) == canonical(read(CLUB).data)
    assert read(text_of(first.program, now=NOW)).data == dump(first.program, now=NOW)
    assert loaded(write(dump(first.program, now=NOW)), by).made == []
    rule = Rule.objects.get(code="orders")
    assert rule.formula["bands"] == [{"from": "0", "to": "100", "percent": "1.5"}, {"from": "100", "percent": "2"}]
    assert Tier.objects.get(code="inner").fee_currency == "EUR"
    assert not SegmentMembership.objects.filter(company=company).exists()
    assert told(first) == [
        "program: New – Club: Currency: EUR; Time zone: Europe/Berlin; Tier metric: spend",
        "stakeholder roles: New – Buyer: buyer",
        "activity types: New – Purchase: purchase, margin (number), channel (code)",
        "activity types: New – Course: course, module (code)",
        "metrics: New – Spend: Adds up: money; Of: Purchase",
        "tiers: New – Basic: Rank: 1",
        "tiers: New – Gold: Rank: 2; From: 1,000; From, for “Named”: 500.5",
        "tiers: New – Inner: Rank: 3; Is earned: no; For a fee: yes; Open only if: Spend is at least 5 EUR; "
        "Fee: 100; Currency: EUR; Months that it pays for: 12",
        "badges: New – First: first",
        "benefits: New – Line: Kind: a direct line; Contact: 555",
        "benefit matrix: Basic, the company: “Line” is new, as often as wanted.",
        "benefit matrix: Gold, the company: “Line” is new, as often as wanted.",
        "benefit matrix: Gold, Buyer, Named: “Line” is new, 2 a month.",
        "rewards: New – Hamper: Category: for the team; Price (points): 400; Paid from: the company's points; "
        "Published: yes",
        "surveys: New – Your word: Who is asked: segments of the company include Named; Code: word",
        "surveys: New – Your word, again: Again?; scale; lowest number: 0; highest number: 10; "
        "measures: recommendation (NPS, 0 to 10)",
        "surveys: New – Your word, why: Why not?; choice; Price, Time; several answers allowed: yes; "
        "only if “Again?” is less than 7",
        "plan and goals: New – Plan: From: Jan. 1, 2026; Review: Dec. 31, 2026; Expected profit: 1,000; Budget as a "
        "share of the profit, in %: 7.5; Expected return: 90",
        "plan and goals: New – They stay: Aim: retention; Figure: share of the companies that is active, in %; "
        "Baseline: 60; Target: 90; By: Dec. 31, 2026",
        "plan and goals: New – They buy: Aim: growth; Figure: what a metric adds up to; Baseline: 0; Target: 5,000.5; "
        "By: Oct. 31, 2026; Metric: Spend",
        "rules: New – Orders: Purchase, only if amount is at least 10.50 EUR and (margin is more than 0 or "
        "not (segments of the company include Large)): the employee gets 30 % and the company the rest of "
        "1.5 % of amount in points for the part from 0 to 100 EUR; 2 % of amount in points for the part "
        "above 100 EUR, times 1.25 where tier of the company is Gold, times 1.5 from March 1, 2026 through "
        "March 31, 2026 (“Spring”, which adds at most 900 points for all companies together), of several factors "
        "the highest counts alone, only once per company for each product code, at most 60 points a month "
        "per person, at most 100 points a month per company from all rules for “A month” together.",
        "rules: New – Badge: Tier reached: the badge “First” to the company.",
        "rules: New – Word: Survey answered: 5 points, shared equally by everybody in the role Buyer who took part.",
        "rules: New – List: Purchase: the company gets 7 points where the product's lists include Tools; 1 "
        "point otherwise.",
        "rules: New – Tools: DRILL, SAW",
        "rules: New – Spring: 1.5 times, from March 1, 2026 to March 31, 2026, at most 900 points in all",
        "examples: New – An order: 2 steps",
        "segments: New – Large: number of people is at least 50",
        "segments: New – Named: listed by hand",
    ]


def test_a_live_program_gets_drafts_beside_what_holds_at_once(by: User) -> None:
    first = loaded(CLUB, by)
    assert first.rule_set is not None
    assert first.benefit_matrix is not None
    require_proven(first.rule_set)
    rulesets.activate(rule_set=first.rule_set, by=by, starts_at=NOW, now=NOW)
    benefits.activate(matrix=first.benefit_matrix, by=by, starts_at=NOW, now=NOW)
    changed = (
        CLUB.replace("threshold: 1000,", "threshold: 2000,")
        .replace("{is: tools, points: 7}", "{is: tools, points: 8}")
        .replace("role: buyer, segment: named, times: 2", "role: buyer, segment: named, times: 3")
        .replace("code: first, name: First", "code: second, name: Second")
        .replace("badge: first", "badge: second")
        .replace("then: {company: 7}", "then: {company: 8}")
        .replace("products: [SAW, DRILL]", "products: [DRILL, SAW]")
    )

    seen = foresee(document=read(changed), now=NOW)
    later = NOW + timedelta(days=1)
    load(document=read(changed), by=by, now=later)

    assert seen.is_running
    assert seen.failing == []
    assert [each.sentence for each in seen.at_once] == [
        "Changed – Gold: From: 2,000 Before: From: 1,000",
        "New – Second: second",
        "“An order” says something else now.",
    ]
    assert [each.sentence for each in seen.in_drafts] == [
        "Gold, Buyer, Named: “Line” from 2 a month to 3 a month.",
        "Changed – Badge: Tier reached: the badge “Second” to the company. "
        "Before: Tier reached: the badge “First” to the company.",
        "Changed – List: Purchase: the company gets 8 points where the product's lists include Tools; "
        "1 point otherwise. Before: Purchase: the company gets 7 points where the product's lists include Tools; "
        "1 point otherwise.",
    ]
    assert seen.left == [("badges", "First")]
    assert list(RuleSet.objects.order_by("version").values_list("version", "status")) == [(1, "ACTIVE"), (2, "DRAFT")]
    assert dump(first.program, now=later)["rule_set"] == canonical(read(CLUB).data)["rule_set"]
    assert load(document=read(changed), by=by, now=later).made == []
    with pytest.raises(BlueprintError, match="benefit_matrix: Version 2 is a draft already, and says something else"):
        load(document=read(changed.replace("times: 3", "times: 4")), by=by, now=later)
    with pytest.raises(BlueprintError, match="rule_set: Version 2 is a draft already, and says something else"):
        load(document=read(changed.replace("points: 8}", "points: 9}")), by=by, now=later)


def test_names_and_order_alone_are_a_change(by: User) -> None:
    first = loaded(CLUB, by)
    assert first.rule_set is not None
    rulesets.activate(rule_set=first.rule_set, by=by, starts_at=NOW, now=NOW)
    listed = CLUB[CLUB.index("    - code: list") : CLUB.index("examples:")]
    turned = CLUB.replace(listed, "").replace("  rules:\n", f"  rules:\n{listed}")

    seen = foresee(
        document=read(turned.replace("name: Basic", "name: Start").replace("name: Club", "name: C")), now=NOW
    )

    assert told(seen) == [
        "program: Changed – C: Name: C Before: Name: Club",
        "tiers: Changed – Start: Name: Start Before: Name: Basic",
        "rules: Each rule says the same; their order, names, or what no rule asks for is another.",
    ]


def test_questions_that_change_wait_in_a_draft_and_a_plan_holds_at_once(by: User) -> None:
    first = loaded(CLUB, by)
    publish(version=SurveyVersion.objects.get(), by=by, now=NOW)
    said = dump(first.program, now=NOW)
    changed = (
        CLUB.replace("text: Why not?", "text: What not?")
        .replace("name: Your word", "name: A word of yours")
        .replace("baseline: 60, target: 90", "baseline: 60, target: 95")
        .replace("review: 2026-12-31", "review: 2027-01-31")
    )

    seen = foresee(document=read(changed), now=NOW)
    load(document=read(changed), by=by, now=NOW)

    assert said == canonical(read(CLUB).data)
    assert [each.sentence for each in seen.at_once] == [
        "Changed – A word of yours: Name: A word of yours Before: Name: Your word",
        "Changed – Plan: Review: Jan. 31, 2027 Before: Review: Dec. 31, 2026",
        "Changed – They stay: Target: 95 Before: Target: 90",
    ]
    asked = "choice; Price, Time; several answers allowed: yes; only if “Again?” is less than 7"
    assert [each.sentence for each in seen.in_drafts] == [
        f"Changed – A word of yours, why: What not?; {asked} Before: Why not?; {asked}"
    ]
    assert list(SurveyVersion.objects.order_by("number").values_list("status", flat=True)) == ["PUBLISHED", "DRAFT"]
    assert load(document=read(changed), by=by, now=NOW).made == []
    other = changed.replace("text: Again?", "text: Once more?")
    with pytest.raises(BlueprintError, match="word › questions: Version 2 is a draft already, and asks something"):
        load(document=read(other), by=by, now=NOW)


def test_a_survey_whose_code_another_program_has_gets_its_own_unless_rules_name_it(by: User) -> None:
    loaded(CLUB, by)
    other = read(CLUB).with_program(code="circle")

    first = load(document=other, by=by, now=NOW)
    again = load(document=other, by=by, now=NOW)

    assert "Your word: Who is asked: segments of the company include Named; Code: word-circle" in str(first.made)
    assert again.made == []
    assert list(Survey.objects.order_by("pk").values_list("code", "program__code")) == [
        ("word", "club"), ("word-circle", "circle"),
    ]  # fmt: skip
    before = everything()
    named = CLUB.replace(
        "when: survey-answered,",
        "when: survey-answered, only_if: {fact: attribute.survey, op: in, value: [word, words]},",
    )
    with pytest.raises(BlueprintError, match="word › code: Another program has a survey “word”, and rules would mean"):
        load(document=read(named).with_program(code="square"), by=by, now=NOW)
    assert everything() == before


@pytest.mark.django_db(transaction=True)
def test_two_managers_load_the_same_blueprint_once() -> None:
    by, start = a_manager(), Barrier(2)
    came: list[str] = []

    def load_it() -> None:
        try:
            start.wait()
            came.append("made" if load(document=read(CLUB), by=by, now=NOW).made else "nothing")
        except BlueprintError as error:
            came.append(str(error))
        finally:
            connection.close()

    threads = [Thread(target=load_it) for _one in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refused = "Somebody else made some of this at the same moment. Nothing was changed: load it again."
    assert sorted(came) in ([refused, "made"], ["made", "nothing"])
    assert (Program.objects.count(), RuleSet.objects.count(), Rule.objects.count()) == (1, 1, 4)
    assert AuditEntry.objects.filter(action="blueprint-loaded").count() == 1
