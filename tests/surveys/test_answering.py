"""Answering: what each step writes, what it brings, and what is refused without leaving a trace."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Employee, RoleAssignment
from loyalty.models import Activity, Award
from surveys.answering import (
    AlreadyAnsweredError,
    AnswerRefusedError,
    NotAskedError,
    NotBegunError,
    NotOpenYetError,
    NotPutError,
    SurveyClosedError,
    SurveyError,
    UnansweredError,
    save_answer,
    start,
    submit,
)
from surveys.models import Answer, Response, Survey, SurveyVersion
from tests.factories.canaries import fingerprint
from tests.factories.surveys import a_choice, a_survey, a_text, a_version, actor_for, answer, begin
from tests.factories.world import (
    NOW,
    a_company,
    a_manager,
    a_member,
    a_program,
    a_role,
    an_account_manager,
    an_employee,
    balance,
)
from tests.surveys.conftest import Firm

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("laws_hold")]

HOUR = timedelta(hours=1)


def given(employee: Employee) -> dict[str, tuple[list[str], int | None, str]]:
    rows = Answer.objects.filter(response__employee=employee)
    return {row.item.code: (row.choices, row.number, row.text) for row in rows.select_related("item")}


def refused(error: type[SurveyError], take: Any, /, **arguments: Any) -> SurveyError:
    """Take a step that is refused and leaves everything as it was."""
    before = fingerprint()
    with pytest.raises(error) as raised:
        take(**arguments)
    assert fingerprint() == before
    return raised.value


def test_answers_that_are_sent_bring_points_once_through_an_activity(firm: Firm) -> None:
    sent = answer(firm.mia, firm.survey, recommend="3", why="price", wish="Faster\r\ndelivery")

    assert sent.points == 70
    assert balance(firm.membership, firm.mia) == 50
    assert balance(firm.membership) == 20
    activity = Activity.objects.get()
    assert (activity.external_id, activity.source.code) == (f"survey-{firm.survey.pk}-{firm.mia.pk}", "twofold")
    assert (activity.type.code, activity.attributes, activity.occurred_at) == (
        "survey-answered",
        {"survey": "spring"},
        NOW,
    )
    response = Response.objects.get()
    assert (response.submitted_at, response.activity, response.company) == (NOW, activity, firm.mia.company)
    assert given(firm.mia) == {
        "recommend": ([], 3, ""),
        "why": (["price"], None, ""),
        "wish": ([], None, "Faster\ndelivery"),
    }


def test_each_person_answers_for_herself(firm: Firm) -> None:
    answer(firm.mia, firm.survey, recommend="9", wish="")
    answer(firm.tom, firm.survey, recommend="2", why="other", wish="")

    assert (balance(firm.membership, firm.mia), balance(firm.membership, firm.tom)) == (50, 50)
    assert balance(firm.membership) == 40
    assert Response.objects.filter(submitted_at=NOW).count() == 2


def test_rules_of_the_program_decide_what_a_survey_brings(firm: Firm) -> None:
    other = a_survey(firm.program, code="summer")

    sent = answer(firm.mia, other, recommend="9", wish="")

    assert sent.points == 0
    assert sent.response.activity_id is not None
    assert not Award.objects.exists()


def test_survey_that_was_begun_goes_on_where_it_was(firm: Firm) -> None:
    begin(firm.mia, firm.survey, recommend="4")

    again = start(actor=actor_for(firm.mia), survey_id=firm.survey.pk, now=NOW + HOUR)

    assert Response.objects.get() == again
    assert again.started_at == NOW
    assert given(firm.mia) == {"recommend": ([], 4, "")}


def test_answer_takes_the_place_of_the_one_before(firm: Firm) -> None:
    begin(firm.mia, firm.survey, recommend="4", why="price")

    save_answer(actor=actor_for(firm.mia), survey_id=firm.survey.pk, step=1, raw=["10"], now=NOW)
    save_answer(actor=actor_for(firm.mia), survey_id=firm.survey.pk, step=3, raw=[], now=NOW)
    submit(actor=actor_for(firm.mia), survey_id=firm.survey.pk, now=NOW)

    # Why she would not recommend us is no longer asked, and her word on it is gone.
    assert given(firm.mia) == {"recommend": ([], 10, ""), "wish": ([], None, "")}


def test_whoever_has_begun_goes_on_with_the_version_of_then(firm: Firm) -> None:
    begin(firm.mia, firm.survey, recommend="9")
    old = SurveyVersion.objects.get()
    SurveyVersion.objects.filter(pk=old.pk).update(status="RETIRED")
    new = a_version(firm.survey, [a_text("only")], status="PUBLISHED")

    save_answer(actor=actor_for(firm.mia), survey_id=firm.survey.pk, step=3, raw=["More"], now=NOW)
    submit(actor=actor_for(firm.mia), survey_id=firm.survey.pk, now=NOW)
    answer(firm.tom, firm.survey, only="Less")

    assert Response.objects.get(employee=firm.mia).version == old
    assert Response.objects.get(employee=firm.tom).version == new


def test_survey_answered_twice_is_refused(firm: Firm) -> None:
    answer(firm.mia, firm.survey, recommend="9", wish="")
    mine = {"actor": actor_for(firm.mia), "survey_id": firm.survey.pk, "now": NOW}

    errors = [
        refused(AlreadyAnsweredError, start, **mine),
        refused(AlreadyAnsweredError, save_answer, **mine, step=1, raw=["1"]),
        refused(AlreadyAnsweredError, submit, **mine),
    ]

    assert {str(error) for error in errors} == {
        "You have sent your answers to this survey. Each person answers it once."
    }


def test_survey_that_closed_meanwhile_is_refused(firm: Firm) -> None:
    begin(firm.mia, firm.survey, recommend="9", wish="")
    Survey.objects.filter(pk=firm.survey.pk).update(closes_at=NOW + HOUR)
    late = {"survey_id": firm.survey.pk, "now": NOW + HOUR}

    refused(SurveyClosedError, save_answer, actor=actor_for(firm.mia), **late, step=1, raw=["1"])
    refused(SurveyClosedError, submit, actor=actor_for(firm.mia), **late)
    error = refused(SurveyClosedError, start, actor=actor_for(firm.tom), **late)

    assert str(error) == (
        "This survey is closed since June 15, 2026, 1 p.m. and what was not sent by then is not counted."
    )
    last_moment = submit(actor=actor_for(firm.mia), survey_id=firm.survey.pk, now=NOW + HOUR - timedelta(seconds=1))
    assert last_moment.points == 70


def test_survey_that_opens_later_or_was_taken_back_is_refused(firm: Firm) -> None:
    later = a_survey(firm.program, opens_at=NOW + HOUR)
    gone = a_survey(firm.program, status="RETIRED")
    draft = a_survey(firm.program, status="DRAFT")
    mia = actor_for(firm.mia)

    error = refused(NotOpenYetError, start, actor=mia, survey_id=later.pk, now=NOW)
    refused(SurveyClosedError, start, actor=mia, survey_id=gone.pk, now=NOW)
    refused(NotAskedError, start, actor=mia, survey_id=draft.pk, now=NOW)

    assert str(error) == "This survey is not open yet. From June 15, 2026, 1 p.m. on you can answer it."
    start(actor=mia, survey_id=later.pk, now=NOW + HOUR)


def test_survey_is_for_those_who_are_asked(firm: Firm) -> None:
    a_role(firm.tom, "buyer")
    audience = {"all": [
        {"fact": "employee.roles", "op": "has", "value": "buyer"},
        {"fact": "company.kind", "op": "eq", "value": "CLIENT"},
    ]}  # fmt: skip
    for_buyers = a_survey(firm.program, audience=audience)
    stranger = an_employee(a_company())
    outsider = an_employee(a_member(a_program()).company)

    error = refused(NotAskedError, start, actor=actor_for(firm.mia), survey_id=for_buyers.pk, now=NOW)
    for somebody in (stranger, outsider):
        refused(NotAskedError, start, actor=actor_for(somebody), survey_id=firm.survey.pk, now=NOW)
    refused(NotAskedError, start, actor=actor_for(firm.mia), survey_id=987_654_321, now=NOW)

    assert str(error) == "This survey is asked of others. If you think that you should be asked, tell your contact."
    assert start(actor=actor_for(firm.tom), survey_id=for_buyers.pk, now=NOW).employee == firm.tom


def test_role_of_yesterday_counts_no_more_but_what_was_begun_goes_on(firm: Firm) -> None:
    role = a_role(firm.tom, "buyer")
    a_role(firm.mia, "buyer")
    for_buyers = a_survey(firm.program, audience={"fact": "employee.roles", "op": "has", "value": "buyer"})
    begin(firm.mia, for_buyers, recommend="9")
    RoleAssignment.objects.update(ends_at=NOW)

    refused(NotAskedError, start, actor=actor_for(firm.tom), survey_id=for_buyers.pk, now=NOW)

    assert role.employee == firm.tom
    start(actor=actor_for(firm.mia), survey_id=for_buyers.pk, now=NOW)


def test_nobody_but_employees_answers(firm: Firm) -> None:
    for user in (a_manager(), an_account_manager(firm.mia.company)):
        from_outside = {"actor": actor_for(an_employee(a_company(), user=user), NOW), "survey_id": firm.survey.pk}
        refused(NotAskedError, start, **from_outside, now=NOW)


def test_response_of_somebody_else_is_out_of_reach(firm: Firm) -> None:
    begin(firm.mia, firm.survey, recommend="9", wish="")
    as_tom = {"actor": actor_for(firm.tom), "survey_id": firm.survey.pk, "now": NOW}

    refused(NotBegunError, save_answer, **as_tom, step=1, raw=["1"])
    refused(NotBegunError, submit, **as_tom)


@pytest.mark.parametrize("step", [0, 2, 3, 4, -1, 10**9])
def test_question_that_is_not_put_takes_no_answer(firm: Firm, step: int) -> None:
    begin(firm.mia, firm.survey)

    refused(
        NotPutError, save_answer, actor=actor_for(firm.mia), survey_id=firm.survey.pk, step=step, raw=["1"], now=NOW
    )


def test_response_with_a_question_left_is_not_sent(firm: Firm) -> None:
    begin(firm.mia, firm.survey, recommend="3")

    error = refused(UnansweredError, submit, actor=actor_for(firm.mia), survey_id=firm.survey.pk, now=NOW)

    assert isinstance(error, UnansweredError)
    assert error.step == 2


@pytest.mark.parametrize(
    ("step", "raw", "sentence"),
    [
        (1, [], "Choose a number."),
        (1, ["11"], "Choose one number from 0 to 10."),
        (2, ["free"], "This answer is not offered. Choose one of those below."),
        (3, ["x" * 2_001], "The answer has 2,001 characters; 2,000 is the most. Shorten it a little."),
        (3, ["a\0b"], "Remove the invisible character U+0000: it would change how the text around it reads."),
        (3, ["exe\u202egpj"], "Remove the invisible character U+202E: it would change how the text around it reads."),
    ],
)
def test_answer_that_cannot_be_taken_is_refused(firm: Firm, step: int, raw: list[str], sentence: str) -> None:
    begin(firm.mia, firm.survey, recommend="3", why="price")

    error = refused(
        AnswerRefusedError,
        save_answer,
        actor=actor_for(firm.mia),
        survey_id=firm.survey.pk,
        step=step,
        raw=raw,
        now=NOW,
    )

    assert str(error) == sentence


def test_several_answers_are_kept_in_the_order_in_which_they_are_offered(firm: Firm) -> None:
    survey = a_survey(firm.program, [a_choice("reasons", is_multiple=True)])

    answer(firm.mia, survey, reasons=["service", "price"])

    assert given(firm.mia) == {"reasons": (["price", "service"], None, "")}


def test_people_without_consent_answer_and_get_nothing_themselves(firm: Firm) -> None:
    member = a_member(firm.program)
    somebody = an_employee(member.company)

    sent = answer(somebody, firm.survey, recommend="9", wish="")

    assert sent.points == 20
    assert (balance(member), balance(member, somebody)) == (20, 0)
