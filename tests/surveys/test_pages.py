"""The client's pages: what is open, one question a page, a last look, thanks; and what pages may cost."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actors import Actor
from surveys.models import Answer, Response, Survey
from surveys.selectors import open_surveys_for
from tests.client.pages import links_of, source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.surveys import a_choice, a_survey, a_survey_rule, a_text, actor_for, answer, begin
from tests.factories.world import (
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_promotion,
    a_role,
    a_rule_set,
    an_agreement,
    an_employee,
    consent_to,
)
from tests.surveys.conftest import Firm, SignIn

HOUR = timedelta(hours=1)
CLIENT_PAGE = 12


@pytest.fixture
def mia(firm: Firm, sign_in: SignIn) -> Client:
    """Mia's phone."""
    return sign_in(firm.mia)


def page(survey: Survey, rest: str = "") -> str:
    return f"/surveys/{survey.pk}/{rest}"


def test_list_says_what_is_open_and_what_it_brings(firm: Firm, mia: Client) -> None:
    Survey.objects.filter(pk=firm.survey.pk).update(minutes=3, closes_at=timezone.now() + HOUR)

    shown = words_of(mia.get("/surveys/"))

    assert "Spring survey" in shown
    assert "50 points for you" in shown
    assert "about 3 minutes" in shown
    assert "open until" in shown


def test_survey_is_answered_from_the_first_page_to_the_thanks(firm: Firm, mia: Client) -> None:
    intro = words_of(mia.get(page(firm.survey)))
    begun = mia.post(page(firm.survey))
    first = words_of(mia.get(begun["Location"]))
    second = mia.post(page(firm.survey, "1/"), {"answer": "3", "go": "next"})
    third = mia.post(page(firm.survey, "2/"), {"answer": "price", "go": "next"})
    last = mia.post(page(firm.survey, "3/"), {"answer": "Faster", "go": "next"})
    look = words_of(mia.get(last["Location"]))
    sent = mia.post(page(firm.survey, "check/"))
    thanks = mia.get(sent["Location"])

    assert "Answering brings 50 points for you and 20 points for your company" in intro
    assert begun["Location"] == page(firm.survey, "1/")
    assert "Question 1 of 2" in first
    assert "0 means: never" in first
    assert "10 means: at once" in first
    assert second["Location"] == page(firm.survey, "2/")
    assert third["Location"] == page(firm.survey, "3/")
    assert last["Location"] == page(firm.survey, "check/")
    assert "How recommend? 3 Change" in look
    assert "Which why? The price Change" in look
    assert "What of wish? Faster Change" in look
    assert sent["Location"] == page(firm.survey)
    assert "Thank you for your answers" in words_of(thanks)
    assert "You got 50 points" in words_of(thanks)
    assert "Your company got" not in words_of(thanks)
    [why] = set(links_of(thanks, r"/points/\d+/"))
    assert "Answers to spring" in words_of(mia.get(why))


def test_progress_counts_what_is_put(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey, recommend="3")

    second = mia.get(page(firm.survey, "2/"))

    assert "Question 2 of 3" in words_of(second)
    assert '<progress max="3" value="1"' in source_of(second)


def test_phone_that_lost_its_connection_goes_on_where_it_was(firm: Firm, sign_in: SignIn) -> None:
    sign_in(firm.mia).post(page(firm.survey))
    sign_in(firm.mia).post(page(firm.survey, "1/"), {"answer": "9", "go": "next"})

    other = sign_in(firm.mia)
    shown = words_of(other.get(page(firm.survey)))
    on = other.post(page(firm.survey))

    assert "1 answer is saved. You go on where you were. Go on" in shown
    assert on["Location"] == page(firm.survey, "3/")
    assert Response.objects.count() == 1


def test_missing_answer_is_asked_for_in_place(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey)
    before = fingerprint()

    refused = mia.post(page(firm.survey, "1/"), {"go": "next"})

    assert refused.status_code == 422
    assert "Please correct this first How recommend?: Choose a number." in words_of(refused)
    assert fingerprint() == before


def test_rejected_answer_is_kept_to_be_corrected(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey, recommend="9")
    long = "y" * 2_001

    refused = mia.post(page(firm.survey, "3/"), {"answer": long, "go": "next"})

    assert refused.status_code == 422
    assert long in source_of(refused)
    assert Answer.objects.filter(item__code="wish").count() == 0


@pytest.mark.parametrize("value", ["", "11", "free", "\0", "9" * 5_000, "<b>"])
def test_answer_of_ones_own_making_is_refused(firm: Firm, mia: Client, value: str) -> None:
    begin(firm.mia, firm.survey, recommend="3")
    before = fingerprint()

    statuses = {mia.post(page(firm.survey, step), {"answer": value}).status_code for step in ("1/", "2/")}

    assert statuses == {422}
    assert fingerprint() == before


def test_optional_question_is_passed_by(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey, recommend="9")

    on = mia.post(page(firm.survey, "3/"), {"answer": "", "go": "next"})

    assert on["Location"] == page(firm.survey, "check/")
    assert "What of wish? Not answered" in words_of(mia.get(on["Location"]))


def test_back_keeps_what_was_answered_and_next_comes_again(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey, recommend="3")

    back = mia.post(page(firm.survey, "2/"), {"answer": "service", "go": "back"})
    shown = source_of(mia.get(back["Location"]))
    again = mia.post(page(firm.survey, "1/"), {"answer": "4", "go": "next"})
    kept = source_of(mia.get(again["Location"]))

    assert back["Location"] == page(firm.survey, "1/")
    assert re.findall(r'value="(\d+)"[^>]* checked', shown) == ["3"]
    assert again["Location"] == page(firm.survey, "2/")
    assert Answer.objects.get(item__code="why").choices == ["service"]
    assert re.findall(r'value="(\w+)"[^>]* checked', kept) == ["service"]


def test_back_with_nothing_answered_leads_back_all_the_same(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey, recommend="3")

    back = mia.post(page(firm.survey, "2/"), {"go": "back"})
    out = mia.post(page(firm.survey, "1/"), {"go": "back", "answer": "3"})

    assert (back["Location"], out["Location"]) == (page(firm.survey, "1/"), page(firm.survey))


def test_change_from_the_last_look_leads_back_to_it_or_to_what_it_opens(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey, recommend="9", wish="")

    asked = source_of(mia.get(page(firm.survey, "1/?from=check")))
    same = mia.post(page(firm.survey, "1/"), {"answer": "10", "go": "next", "then": "check"})
    opens = mia.post(page(firm.survey, "1/"), {"answer": "2", "go": "next", "then": "check"})

    assert '<input type="hidden" name="then" value="check">' in asked
    assert same["Location"] == page(firm.survey, "check/")
    assert opens["Location"] == page(firm.survey, "2/")


def test_page_ahead_leads_to_the_question_that_waits(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey)

    ahead = [mia.get(page(firm.survey, rest))["Location"] for rest in ("2/", "3/", "check/")]
    sent = mia.post(page(firm.survey, "3/"), {"answer": "Slipped in"})
    early = mia.post(page(firm.survey, "check/"))

    assert set(ahead) == {page(firm.survey, "1/")}
    assert sent["Location"] == early["Location"] == page(firm.survey, "1/")
    assert not Answer.objects.exists()
    assert mia.get(page(firm.survey, "4/")).status_code == 404
    assert mia.get(page(firm.survey, "0/")).status_code == 404


def test_step_before_the_start_leads_to_the_survey(firm: Firm, mia: Client) -> None:
    assert mia.get(page(firm.survey, "1/"))["Location"] == page(firm.survey)
    assert mia.post(page(firm.survey, "1/"), {"answer": "1"})["Location"] == page(firm.survey)
    assert mia.post(page(firm.survey, "check/"))["Location"] == page(firm.survey)
    assert not Response.objects.exists()


def test_survey_that_was_sent_thanks_again_and_takes_nothing_more(firm: Firm, mia: Client) -> None:
    answer(firm.mia, firm.survey, recommend="9", wish="")
    before = fingerprint()

    again = mia.post(page(firm.survey))
    steps = [mia.post(page(firm.survey, rest), {"answer": "1"})["Location"] for rest in ("check/", "1/")]
    told = words_of(mia.get(page(firm.survey)))

    assert again.status_code == 409
    assert "You have sent your answers to this survey. Each person answers it once." in words_of(again)
    assert set(steps) == {page(firm.survey)}
    assert told.count("You have sent your answers to this survey.") == 1
    assert fingerprint() == before


def test_answered_survey_is_listed_with_its_day(firm: Firm, mia: Client) -> None:
    answer(firm.mia, firm.survey, recommend="9", wish="")

    shown = words_of(mia.get("/surveys/"))

    assert "Nothing to answer at the moment" in shown
    assert "Answered by you Spring survey June 15, 2026" in shown


def test_survey_that_closed_says_so_and_refuses(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey, recommend="9", wish="")
    Survey.objects.filter(pk=firm.survey.pk).update(closes_at=NOW)
    before = fingerprint()

    shown = mia.get(page(firm.survey))
    late = mia.post(page(firm.survey, "check/"))
    start = mia.post(page(firm.survey))

    assert "This survey is closed" in words_of(shown)
    assert late["Location"] == page(firm.survey)
    assert start.status_code == 409
    assert fingerprint() == before


def test_survey_of_others_says_so_without_its_name(firm: Firm, mia: Client) -> None:
    audience = {"fact": "company.kind", "op": "eq", "value": "DEALER"}
    secret = a_survey(firm.program, audience=audience, name="What dealers think")
    begin_of_tom = a_survey(firm.program)
    begin(firm.tom, begin_of_tom, recommend="1")

    refused = mia.get(page(secret))

    assert refused.status_code == 403
    assert "This survey is asked of others." in words_of(refused)
    assert "What dealers think" not in source_of(refused) + source_of(mia.get("/surveys/"))
    assert mia.post(page(secret)).status_code == 403
    assert mia.get(page(begin_of_tom, "1/"))["Location"] == page(begin_of_tom)
    assert Response.objects.filter(employee=firm.mia).count() == 0


def test_survey_of_another_program_or_none_is_a_page_that_does_not_exist(firm: Firm, mia: Client) -> None:
    foreign = a_survey(a_program())
    draft = a_survey(firm.program, status="DRAFT")

    for row in (foreign, draft):
        for rest in ("", "1/", "check/"):
            assert mia.get(page(row, rest)).status_code == mia.post(page(row, rest)).status_code == 404
    assert mia.get("/surveys/987654321/").status_code == 404


def test_several_answers_are_offered_as_boxes(firm: Firm, mia: Client) -> None:
    survey = a_survey(firm.program, [a_choice("reasons", is_multiple=True, hint="Think of last month")])
    mia.post(page(survey))

    shown = mia.get(page(survey, "1/"))
    mia.post(page(survey, "1/"), {"answer": ["price", "other"], "go": "next"})

    assert source_of(shown).count('type="checkbox"') == 3
    assert "Think of last month You can choose several." in words_of(shown)
    assert Answer.objects.get().choices == ["price", "other"]


def test_what_a_manager_typed_is_text_and_never_markup(firm: Firm, mia: Client) -> None:
    nasty = "<script>alert(1)</script>"
    survey = a_survey(firm.program, [a_text("a", text=nasty, hint=nasty)], name=nasty, introduction=nasty)

    pages = [source_of(mia.get("/surveys/")), source_of(mia.get(page(survey)))]
    mia.post(page(survey))
    pages.append(source_of(mia.get(page(survey, "1/"))))
    mia.post(page(survey, "1/"), {"answer": nasty})
    pages.append(source_of(mia.get(page(survey, "check/"))))

    assert [nasty in shown for shown in pages] == [False] * 4
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages[3]


def test_looking_writes_nothing(firm: Firm, mia: Client) -> None:
    begin(firm.mia, firm.survey, recommend="9", wish="")
    before = fingerprint()

    for rest in ("", "1/", "3/", "check/"):
        assert mia.get(page(firm.survey, rest)).status_code == 200
        mia.head(page(firm.survey, rest))
    mia.get("/surveys/")

    assert fingerprint() == before


def test_open_surveys_come_with_progress_and_points_in_two_queries(firm: Firm) -> None:
    begin(firm.mia, firm.survey, recommend="3")
    a_survey(firm.program, closes_at=NOW + HOUR, name="Closes soon", minutes=2)
    actor = actor_for(firm.mia)
    open_surveys_for(actor)

    with CaptureQueriesContext(connection) as captured:
        soon, spring = open_surveys_for(actor)

    assert len(captured) == 2
    assert (soon.name, soon.minutes, soon.points, soon.is_begun) == ("Closes soon", 2, 0, False)
    assert (spring.name, spring.points, spring.company_points, spring.is_begun) == ("Spring survey", 50, 20, True)
    assert (spring.answered, spring.steps, spring.url) == (1, 3, page(firm.survey))


def test_open_surveys_are_those_that_the_person_is_asked(firm: Firm) -> None:
    answer(firm.tom, firm.survey, recommend="9", wish="")
    a_survey(firm.program, audience={"fact": "company.kind", "op": "eq", "value": "DEALER"})
    a_survey(firm.program, opens_at=NOW + HOUR)
    a_survey(firm.program, status="RETIRED")
    a_survey(a_program())
    ended = a_program(is_active=False)
    a_member(ended, firm.mia.company)
    a_survey(ended)

    assert [survey.name for survey in open_surveys_for(actor_for(firm.mia))] == ["Spring survey"]
    assert open_surveys_for(actor_for(firm.tom)) == []
    assert open_surveys_for(Actor(at=NOW, user_id=a_manager().pk, is_manager=True)) == []
    assert open_surveys_for(actor_for(an_employee(a_company()))) == []


def test_promise_follows_the_rules_that_read_who_answers(firm: Firm) -> None:
    program = a_program(tiers={"basic": 0})
    by_role = a_survey_rule(
        "summer",
        30,
        code="buyers",
        condition={"all": [
            {"fact": "attribute.survey", "op": "eq", "value": "summer"},
            {"fact": "employee.roles", "op": "has", "value": "buyer"},
            {"fact": "standing.tier", "op": "eq", "value": "basic"},
        ]},
        caps=[("EMPLOYEE", "YEAR", 25)],
    )  # fmt: skip
    a_rule_set(program, [by_role, a_survey_rule("summer", 7, to="COMPANY", code="any")])
    consent_to(a_member(program, firm.mia.company))
    a_survey(program, code="summer")
    a_role(firm.tom, "buyer")

    of_mia, of_tom = (
        next(survey for survey in open_surveys_for(actor_for(person)) if survey.name != "Spring survey")
        for person in (firm.mia, firm.tom)
    )

    assert (of_mia.points, of_mia.company_points, of_mia.is_limited) == (0, 7, False)
    assert (of_tom.points, of_tom.company_points, of_tom.is_limited) == (25, 7, True)


@pytest.mark.parametrize(("budget", "points", "is_limited"), [(10, 40, True), (None, 60, False)])
def test_promise_counts_a_campaign_as_far_as_its_budget_goes(
    firm: Firm, budget: int | None, points: int, is_limited: bool
) -> None:
    program = a_program()
    rule = a_survey_rule("summer", 30)
    rule["formula"]["multipliers"] = {"campaigns": ["spring"]}
    a_rule_set(program, [rule], campaigns=[{"code": "spring", "budget": budget}])
    consent_to(a_member(program, firm.mia.company))
    a_survey(program, code="summer")

    [survey] = [each for each in open_surveys_for(actor_for(firm.mia)) if each.name != "Spring survey"]

    assert (survey.points, survey.is_limited) == (points, is_limited)


def test_promise_without_consent_is_nothing_for_the_person(firm: Firm, sign_in: SignIn) -> None:
    somebody = an_employee(a_member(firm.program).company)

    [survey] = open_surveys_for(actor_for(somebody))

    assert (survey.points, survey.company_points) == (0, 20)
    assert "20 points for your company" in words_of(sign_in(somebody).get("/surveys/"))


def test_promise_is_what_answering_brings(firm: Firm) -> None:
    [promised] = open_surveys_for(actor_for(firm.mia))

    sent = answer(firm.mia, firm.survey, recommend="9", wish="")

    assert sent.points == promised.points + promised.company_points


def test_pages_cost_the_same_with_ten_times_the_rows(firm: Firm, mia: Client) -> None:
    def costs() -> dict[str, int]:
        counts = {}
        for path in paths:
            mia.get(path)
            with CaptureQueriesContext(connection) as captured:
                assert mia.get(path).status_code == 200
            counts[path] = len(captured)
        return counts

    sent = a_survey(firm.program)
    answer(firm.mia, sent, recommend="9", wish="")
    begin(firm.mia, firm.survey, recommend="9", wish="")
    paths = ["/surveys/", page(firm.survey), page(firm.survey, "3/"), page(firm.survey, "check/"), page(sent)]
    few = costs()
    for _number in range(10):
        answer(firm.mia, a_survey(firm.program), recommend="9", wish="")
        answer(an_employee(firm.mia.company), firm.survey, recommend="9", wish="")
        a_survey(firm.program)

    many = costs()

    assert many == few
    assert {path: count for path, count in many.items() if count > CLIENT_PAGE} == {}


@pytest.mark.django_db
def test_promise_is_true_for_the_very_reader_with_promotion_agreement_and_limits_as_far_as_they_are_used() -> None:
    """Everybody gets 30 and the company 20, by the agreement half as much again; Mia twice, by a budget of 40."""
    program = a_program()
    asked = [("summer", "asked"), ("autumn", "asked-again"), ("winter", "asked-last")]
    rules = [
        rule
        for survey, code in asked
        for rule in (
            a_survey_rule(survey, 30, code=code, shared_limits=["month"]),
            a_survey_rule(survey, 20, to="COMPANY", code=f"{code}-ours"),
        )
    ]
    shared = {"code": "month", "subject": "EMPLOYEE", "period": "MONTH", "limit": 40}
    a_rule_set(program, rules, shared=[shared])
    member = a_member(program)
    consent_to(member, monthly_limit=110, unearned="COMPANY")
    mia, tom = an_employee(member.company), an_employee(member.company)
    surveys = [a_survey(program, code=code) for code, _rule in asked]
    limits = [
        {"scope": "SHARED", "shared_as": "month", "subject": "EMPLOYEE", "period": "MONTH", "limit": 100},
        {"scope": "ALL", "subject": "COMPANY", "period": "YEAR", "limit": 200},
    ]
    an_agreement(member, factor="1.5", limits=limits)
    a_promotion(member, employee=mia, factor="2", budget=40)

    of_tom = [(each.points, each.company_points) for each in open_surveys_for(actor_for(tom))]
    said, brought = [], []
    for survey in surveys:
        shown = {each.id: each for each in open_surveys_for(actor_for(mia))}[survey.pk]
        said.append((shown.points, shown.company_points, shown.is_limited))
        brought.append(answer(mia, survey, recommend="9", wish="").points)

    assert of_tom == [(45, 30)] * 3
    assert said == [(85, 30, True), (15, 30, True), (0, 30, True)]
    assert brought == [points + company for points, company, _limited in said]
    assert {each.points for each in open_surveys_for(actor_for(tom))} == {10}
