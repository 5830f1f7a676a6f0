"""What the database itself refuses, whoever asks."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, transaction

from accounts import laws
from loyalty.own_activities import internal_source
from surveys.models import Answer, Item, Response, Survey, SurveyVersion
from tests.factories.surveys import a_choice, a_scale, a_survey, a_text, a_version, answer, begin
from tests.factories.world import NOW, a_company, a_purchase, an_employee, record
from tests.surveys.conftest import Firm

pytestmark = pytest.mark.django_db


@contextmanager
def refused_by(constraint: str) -> Iterator[None]:
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        yield
    assert isinstance(error.value.__cause__, psycopg.Error)
    assert error.value.__cause__.diag.constraint_name == constraint


def test_second_version_cannot_be_published_beside_the_first(firm: Firm) -> None:
    draft = a_version(firm.survey)

    with refused_by("survey_version_one_published"):
        SurveyVersion.objects.filter(pk=draft.pk).update(status="PUBLISHED", published_at=NOW)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.update(status="DRAFT", published_at=None),
        lambda rows: rows.update(number=7),
        lambda rows: rows.update(published_at=NOW),
        lambda rows: rows._raw_delete("default"),
    ],
    ids=["back to draft", "another number", "another moment", "gone"],
)
@pytest.mark.parametrize("status", ["PUBLISHED", "RETIRED"])
def test_version_that_was_published_stays(firm: Firm, status: str, change: Callable[[Any], object]) -> None:
    version = SurveyVersion.objects.filter(survey=a_survey(firm.program, status=status))

    with refused_by("survey_version_published_is_immutable"):
        change(version)


def test_retired_version_is_not_published_again(firm: Firm) -> None:
    survey = a_survey(firm.program, status="RETIRED")

    with refused_by("survey_version_published_is_immutable"):
        SurveyVersion.objects.filter(survey=survey).update(status="PUBLISHED")


def test_version_is_published_at_some_moment(firm: Firm) -> None:
    draft = a_version(firm.survey)

    with refused_by("survey_version_published_has_moment"):
        SurveyVersion.objects.filter(pk=draft.pk).update(status="RETIRED")


def test_questions_of_a_published_version_neither_change_nor_come_nor_go(firm: Firm) -> None:
    published = SurveyVersion.objects.get(survey=firm.survey)
    draft = a_version(firm.survey)
    items = Item.objects.filter(version=published)

    with refused_by("survey_version_published_is_immutable"):
        items.update(text="Another question?")
    with refused_by("survey_version_published_is_immutable"):
        items.filter(code="wish").delete()
    with refused_by("survey_version_published_is_immutable"):
        Item.objects.create(version=published, position=9, **a_text("late"))
    with refused_by("survey_version_published_is_immutable"):
        items.update(version=draft)
    with refused_by("survey_version_published_is_immutable"):
        Item.objects.filter(version=draft).update(version=published)

    Item.objects.filter(version=draft, code="wish").update(text="Another question?")
    assert Item.objects.get(version=draft, code="wish").text == "Another question?"


@pytest.mark.parametrize(
    ("item", "constraint"),
    [
        (a_choice("a", options=[]), "survey_item_choice_has_options"),
        (a_text("a", is_multiple=True), "survey_item_choice_has_options"),
        (a_text("a", options=[{"code": "x", "label": "X"}]), "survey_item_choice_has_options"),
        (a_scale("a", low=None), "survey_item_scale_has_ends"),
        (a_scale("a", low=5, high=5), "survey_item_scale_has_ends"),
        (a_scale("a", low=0, high=11), "survey_item_scale_has_ends"),
        (a_text("a", low=1, high=2), "survey_item_scale_has_ends"),
        (a_scale("a", low=1, high=10, measures="NPS"), "survey_item_measure_fits_scale"),
        (a_text("a", measures="CSAT"), "survey_item_measure_fits_scale"),
        (a_text("wish"), "survey_item_code_unique"),
    ],
)
def test_question_that_makes_no_sense_is_refused(firm: Firm, item: dict[str, Any], constraint: str) -> None:
    draft = a_version(firm.survey)

    with refused_by(constraint):
        Item.objects.create(version=draft, **item)


def test_survey_closes_after_it_opens(firm: Firm) -> None:
    with refused_by("survey_closes_after_it_opens"):
        Survey.objects.filter(pk=firm.survey.pk).update(opens_at=NOW, closes_at=NOW.replace(year=2020))


def test_second_response_of_a_person_is_refused(firm: Firm) -> None:
    begin(firm.mia, firm.survey)
    first = Response.objects.get()
    copy = {"survey": first.survey, "version": first.version, "company": first.company, "employee": first.employee}

    with refused_by("survey_response_once_a_person"):
        Response.objects.create(**copy, started_at=NOW)


def test_response_belongs_to_its_survey_and_its_company(firm: Firm) -> None:
    begin(firm.mia, firm.survey)
    own = Response.objects.get()
    other = a_survey(firm.program)
    draft = a_version(firm.survey)
    fields = {"survey": own.survey, "version": own.version, "company": own.company, "employee": firm.tom}

    for wrong in ({"survey": other}, {"version": draft}, {"employee": an_employee(a_company())}):
        with refused_by("survey_response_belongs_together"):
            Response.objects.create(**{**fields, **wrong}, started_at=NOW)


def test_response_is_sent_with_its_activity_or_not_at_all(firm: Firm) -> None:
    begin(firm.mia, firm.survey)
    [outcome] = record(a_purchase(firm.mia.company))

    with refused_by("survey_response_sent_has_activity"):
        Response.objects.update(submitted_at=NOW)
    with refused_by("survey_response_sent_has_activity"):
        Response.objects.update(activity=outcome.activity_id)


def test_one_activity_is_behind_one_response(firm: Firm) -> None:
    sent = answer(firm.mia, firm.survey, recommend="9", wish="")
    begin(firm.tom, firm.survey)

    with pytest.raises(IntegrityError), transaction.atomic():
        Response.objects.filter(employee=firm.tom).update(submitted_at=NOW, activity=sent.response.activity_id)


def test_sent_response_and_its_answers_never_change(firm: Firm) -> None:
    answer(firm.mia, firm.survey, recommend="3", why="price", wish="Mia's boss is rude")
    response = Response.objects.get()
    answers = Answer.objects.filter(response=response)
    unasked = Item.objects.create(version=a_version(firm.survey, []), position=1, **a_text("late"))

    for change in (
        lambda: Response.objects.update(submitted_at=NOW.replace(year=2027)),
        lambda: Response.objects.update(submitted_at=None, activity=None),
        lambda: answers.update(number=10),
        lambda: answers.filter(item__code="why").update(choices=["service"]),
        lambda: answers.filter(item__code="wish").update(text="All is well"),
        lambda: answers.filter(item__code="wish").delete(),
        lambda: Answer.objects.create(response=response, item=unasked, text="One more"),
    ):
        with refused_by("survey_response_sent_is_immutable"):
            change()


def test_words_of_a_sent_response_can_be_erased_and_stay_so(firm: Firm) -> None:
    answer(firm.mia, firm.survey, recommend="3", why="price", wish="Mia's boss is rude")

    Answer.objects.filter(response__employee=firm.mia).update(text="")

    assert list(Answer.objects.order_by("item__position").values_list("choices", "number", "text")) == [
        ([], 3, ""),
        (["price"], None, ""),
        ([], None, ""),
    ]
    with refused_by("survey_response_sent_is_immutable"):
        Answer.objects.filter(item__code="wish").update(text="Back again")


def test_answer_is_to_a_question_of_its_version_and_given_once(firm: Firm) -> None:
    begin(firm.mia, firm.survey, recommend="9")
    response = Response.objects.get()
    foreign = Item.objects.get(version__survey=a_survey(firm.program, [a_text("foreign")]))
    answered = Item.objects.get(version=response.version, code="recommend")

    with refused_by("survey_answer_to_an_item_of_its_version"):
        Answer.objects.create(response=response, item=foreign, text="Slipped in")
    with refused_by("survey_answer_once_an_item"):
        Answer.objects.create(response=response, item=answered, number=1)
    with refused_by("survey_response_sent_is_immutable"):
        Answer.objects.update(item=foreign)


def test_response_that_was_begun_stays_whose_and_what_it_is(firm: Firm) -> None:
    begin(firm.mia, firm.survey)

    with refused_by("survey_response_sent_is_immutable"):
        Response.objects.update(employee=firm.tom)
    with refused_by("survey_response_sent_is_immutable"):
        Response.objects.update(survey=a_survey(firm.program))


def test_law_tells_of_points_without_a_response(firm: Firm) -> None:
    answer(firm.mia, firm.survey, recommend="9", wish="")
    assert broken() == set()
    item = a_purchase(
        firm.tom.company, None, type="survey-answered", employee_id=firm.tom.pk, attributes={"survey": "spring"}
    )
    record(item, source=internal_source())

    assert broken() == {"S1"}


def broken() -> set[str]:
    return {finding.law.code for finding in laws.verify() if finding.count}
