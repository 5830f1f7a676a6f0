"""Versions and the end of a survey: what each step writes, whom it tells, what it refuses."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.messages import address_of, title_of
from accounts.models import AuditEntry, Employee, Message, User
from loyalty.models import ActivityType
from surveys.models import Item, Survey, SurveyVersion
from surveys.versions import (
    AlreadyClosedError,
    NoQuestionsError,
    NotADraftError,
    NotPublishedError,
    UnsoundQuestionError,
    VersionError,
    announce,
    close,
    draft_from,
    first_draft,
    publish,
    retire,
)
from tests.factories.canaries import fingerprint
from tests.factories.surveys import a_choice, a_scale, a_survey, a_text, a_version, answer, begin
from tests.factories.world import EPOCH, NOW, a_role, an_employee
from tests.surveys.conftest import Firm

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def states(survey: Survey) -> list[tuple[int, str]]:
    return list(SurveyVersion.objects.filter(survey=survey).order_by("number").values_list("number", "status"))


def refused(error: type[VersionError], take: Any, /, **arguments: Any) -> VersionError:
    before = fingerprint()
    with pytest.raises(error) as raised:
        take(**arguments)
    assert fingerprint() == before
    return raised.value


def test_new_survey_has_an_empty_draft_and_rules_can_be_made_for_it(firm: Firm, manager: User) -> None:
    survey = Survey.objects.create(program=firm.program, code="new", name="New")

    draft = first_draft(survey=survey, by=manager, now=NOW)

    assert states(survey) == [(1, "DRAFT")]
    assert not draft.items.exists()
    assert ActivityType.objects.filter(code="survey-answered", attributes__code="survey").exists()
    entry = AuditEntry.objects.get(action="survey-drafted")
    assert (entry.actor, entry.numbers) == (manager, {"number": 1})


def test_draft_copies_every_question(firm: Firm, manager: User) -> None:
    original = SurveyVersion.objects.get()
    columns = [field.name for field in Item._meta.concrete_fields if field.name not in ("id", "version")]

    draft = draft_from(version=original, by=manager, now=NOW)

    assert states(firm.survey) == [(1, "PUBLISHED"), (2, "DRAFT")]
    assert list(draft.items.order_by("position").values(*columns)) == list(
        original.items.order_by("position").values(*columns)
    )
    assert AuditEntry.objects.get(action="survey-drafted").numbers == {"number": 2, "copied_from": 1}


def test_published_version_takes_the_place_of_the_one_before(firm: Firm, manager: User) -> None:
    draft = a_version(firm.survey)

    published = publish(version=draft, by=manager, now=NOW)

    assert states(firm.survey) == [(1, "RETIRED"), (2, "PUBLISHED")]
    assert published.published_at == NOW
    assert AuditEntry.objects.get(action="survey-published").numbers == {"number": 2, "takes_the_place_of": 1}


def test_those_who_are_asked_are_told_once(firm: Firm, manager: User) -> None:
    a_role(firm.tom, "buyer")
    anna = an_employee(firm.mia.company, name="Anna")
    a_role(anna, "buyer")
    for unreachable in (an_employee(firm.mia.company, login=False), an_employee(firm.mia.company, is_active=False)):
        a_role(unreachable, "buyer")
    audience = {"fact": "employee.roles", "op": "has", "value": "buyer"}
    survey = a_survey(firm.program, status="DRAFT", audience=audience, name="Buying")
    begin_other(anna, firm)

    publish(version=survey.versions.get(), by=manager, now=NOW)
    announce(survey=survey, now=NOW + HOUR)

    told = Message.objects.filter(kind="survey-open")
    assert {message.employee for message in told} == {firm.tom, anna}
    assert {title_of(message) for message in told} == {"A survey is open: Buying"}


def begin_other(person: Employee, firm: Firm) -> None:
    begin(person, firm.survey)


def test_survey_that_opens_later_is_announced_when_it_is_open(firm: Firm, manager: User) -> None:
    survey = a_survey(firm.program, status="DRAFT", opens_at=NOW + HOUR)

    publish(version=survey.versions.get(), by=manager, now=NOW)
    before = Message.objects.filter(subject_id=survey.pk, kind="survey-open").count()
    begin(firm.mia, survey, at=NOW + HOUR)
    asked = announce(survey=survey, now=NOW + HOUR)

    assert (before, asked) == (0, 1)
    assert Message.objects.get(kind="survey-open", subject_id=survey.pk).employee == firm.tom


def test_command_announces_what_has_opened_and_tells_nobody_twice(firm: Firm) -> None:
    a_survey(firm.program, status="RETIRED")
    a_survey(firm.program, closes_at=EPOCH + HOUR)

    said = StringIO()
    call_command("announce_surveys", stdout=said)
    call_command("announce_surveys", stdout=said)

    assert said.getvalue() == "1 open surveys announced.\n" * 2
    told = Message.objects.filter(kind="survey-open").values_list("employee__name", "subject_id").order_by("pk")
    assert list(told) == [("Mia", firm.survey.pk), ("Tom", firm.survey.pk)]
    assert {address_of(message) for message in Message.objects.all()} == {f"/surveys/{firm.survey.pk}/"}


def test_version_that_is_taken_back_is_begun_by_nobody(firm: Firm, manager: User) -> None:
    version = retire(version=SurveyVersion.objects.get(), by=manager, now=NOW)

    assert states(firm.survey) == [(1, "RETIRED")]
    assert AuditEntry.objects.get(action="survey-retired").subject_id == version.pk
    assert str(refused(NotPublishedError, retire, version=version, by=manager, now=NOW)) == (
        "Version 1 is not published, so there is nothing to take back."
    )


def test_survey_is_closed_now_and_once(firm: Firm, manager: User) -> None:
    survey = close(survey=firm.survey, by=manager, now=NOW)

    assert survey.closes_at == NOW
    assert AuditEntry.objects.get(action="survey-closed").subject_id == survey.pk
    refused(AlreadyClosedError, close, survey=survey, by=manager, now=NOW)
    later = close(survey=a_survey(firm.program, opens_at=NOW + HOUR), by=manager, now=NOW)
    assert later.closes_at == NOW + HOUR
    assert not later.is_open_at(NOW + HOUR)


def test_version_is_published_once(firm: Firm, manager: User) -> None:
    error = refused(NotADraftError, publish, version=SurveyVersion.objects.get(), by=manager, now=NOW)

    assert str(error) == "Version 1 was published already. To change it, make a new draft from it."


def test_version_without_questions_is_not_published(firm: Firm, manager: User) -> None:
    draft = a_version(firm.survey, [])

    error = refused(NoQuestionsError, publish, version=draft, by=manager, now=NOW)

    assert str(error) == "Version 2 has no questions: it would ask nothing. Add one first."


@pytest.mark.parametrize(
    ("items", "code", "sentence"),
    [
        (
            [a_text("first", show_if={"fact": "answer.second", "op": "eq", "value": 1}), a_scale("second")],
            "first",
            "The question “What of first?” cannot be put. There is no fact 'answer.second' here.",
        ),
        (
            [a_choice("first"), a_text("second", show_if={"not": {"fact": "answer.first", "op": "eq", "value": "x"}})],
            "second",
            "The question “What of second?” cannot be put. not: 'x' is not a choice of 'answer.first'; choose one of "
            "'price', 'service', 'other'.",
        ),
    ],
)
def test_question_that_cannot_be_put_is_named(
    firm: Firm, manager: User, items: list[dict[str, Any]], code: str, sentence: str
) -> None:
    draft = a_version(firm.survey, items)

    error = refused(UnsoundQuestionError, publish, version=draft, by=manager, now=NOW)

    assert isinstance(error, UnsoundQuestionError)
    assert (error.item_code, str(error)) == (code, sentence)


def test_answers_stay_with_the_version_they_were_given_to(firm: Firm, manager: User) -> None:
    answer(firm.mia, firm.survey, recommend="9", wish="")

    publish(version=a_version(firm.survey), by=manager, now=NOW)

    [response] = firm.survey.responses.select_related("version")
    assert (response.version.number, response.version.status) == (1, "RETIRED")
