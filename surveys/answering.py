"""Answering: begin, save as one goes, send once; what it brings is up to the program's rules."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.text import validate_plain_text
from loyalty.activities import ActivityItem, record_activities
from loyalty.own_activities import internal_source
from surveys.activity import SURVEY_ATTRIBUTE, TYPE_CODE, ensure_activity_type, external_id
from surveys.asking import AnswerError, read_answer
from surveys.models import Answer, Response, Survey
from surveys.selectors import Stage, survey_for
from surveys.sheets import Sheet, sheet_of
from surveys.webhooks import announce_response

__all__ = [
    "AlreadyAnsweredError",
    "AnswerRefusedError",
    "NotAskedError",
    "NotBegunError",
    "NotOpenYetError",
    "NotPutError",
    "Submitted",
    "SurveyClosedError",
    "SurveyError",
    "UnansweredError",
    "save_answer",
    "start",
    "submit",
]


class SurveyError(Exception):
    """A step that cannot be taken; `str()` says why and what to do, in the language in force."""


class NotAskedError(SurveyError):
    """The survey is asked of others, or there is none."""

    def __init__(self) -> None:
        super().__init__(_("This survey is asked of others. If you think that you should be asked, tell your contact."))


class NotOpenYetError(SurveyError):
    """The survey opens later."""

    def __init__(self, opens_at: datetime) -> None:
        super().__init__(
            _("This survey is not open yet. From %(day)s on you can answer it.") % {"day": _moment(opens_at)}
        )


class SurveyClosedError(SurveyError):
    """The survey takes no more answers."""

    def __init__(self, closes_at: datetime | None) -> None:
        if closes_at is None:
            super().__init__(_("This survey is not open at the moment. Nothing was sent."))
        else:
            text = _("This survey is closed since %(day)s and what was not sent by then is not counted.")
            super().__init__(text % {"day": _moment(closes_at)})


class AlreadyAnsweredError(SurveyError):
    """The person sent the answers before."""

    def __init__(self) -> None:
        super().__init__(_("You have sent your answers to this survey. Each person answers it once."))


class NotBegunError(SurveyError):
    """There is nothing yet to save or to send."""

    def __init__(self) -> None:
        super().__init__(_("You have not begun this survey yet. Start it first."))


class NotPutError(SurveyError):
    """The question is not put to the person, or not yet."""

    def __init__(self) -> None:
        super().__init__(_("This question is not the one to be answered now. Go on with the one that is shown."))


class AnswerRefusedError(SurveyError):
    """The question does not take this answer."""


class UnansweredError(SurveyError):
    """A question still waits for its answer; `step` says which."""

    def __init__(self, step: int) -> None:
        super().__init__(_("One question still waits for your answer. Answer it, then send."))
        self.step = step


@dataclass(frozen=True, slots=True)
class Submitted:
    """A response that was sent, and the points that it brought in all wallets."""

    response: Response
    points: int


def start(*, actor: Actor, survey_id: int, now: datetime) -> Response:
    """Begin a survey, or return the response that was begun before.

    Raises NotAskedError, NotOpenYetError, SurveyClosedError or AlreadyAnsweredError; then nothing has changed.
    """
    survey = survey_for(actor, survey_id, at=now) if actor.is_employee else None
    if survey is None:
        raise NotAskedError
    match survey.stage:
        case Stage.NOT_ASKED:
            raise NotAskedError
        case Stage.NOT_YET:
            raise NotOpenYetError(survey.opens_at)
        case Stage.CLOSED:
            raise SurveyClosedError(survey.closes_at)
        case Stage.ANSWERED:
            raise AlreadyAnsweredError
        case Stage.OPEN:
            # Two clicks at once begin one response: the second insert finds the first.
            Response.objects.bulk_create(
                [
                    Response(
                        survey_id=survey_id,
                        version_id=survey.version_id or 0,  # what is open has a version
                        company_id=actor.company_id,
                        employee_id=actor.employee_id,
                        started_at=now,
                    )
                ],
                ignore_conflicts=True,
            )
    return Response.objects.get(survey=survey_id, employee=actor.employee_id)


def save_answer(*, actor: Actor, survey_id: int, step: int, raw: Sequence[str], now: datetime) -> Sheet:
    """Keep what the person answers at `step` in place of what was answered there before; returns the sheet of now.

    `raw` holds the texts that a form sent: codes of options, one number, or words; none passes an optional question by.
    Raises NotBegunError, AlreadyAnsweredError, SurveyClosedError, NotPutError or AnswerRefusedError; then nothing has
    changed.
    """
    with transaction.atomic():
        response = _open_response(actor, survey_id, now)
        sheet = sheet_of(response)
        question = sheet.at(step)
        if question is None or question not in sheet.reachable():
            raise NotPutError
        try:
            given = read_answer(question, raw)
            validate_plain_text(given.text)
        except AnswerError as error:
            raise AnswerRefusedError(error.translated(_)) from error
        except ValidationError as error:
            raise AnswerRefusedError(" ".join(error.messages)) from error
        Answer.objects.update_or_create(
            response=response,
            item=sheet.items[step - 1],
            defaults={"choices": list(given.choices), "number": given.number, "text": given.text},
        )
    return replace(sheet, answers={**sheet.answers, question.code: given})


def submit(*, actor: Actor, survey_id: int, now: datetime) -> Submitted:
    """Send a response: drop answers to what is not put any more, record the one activity that rules may reward.

    Raises NotBegunError, AlreadyAnsweredError, SurveyClosedError or UnansweredError; then nothing has changed.
    """
    with transaction.atomic():
        response = _open_response(actor, survey_id, now)
        sheet = sheet_of(response)
        unanswered = sheet.next_open()
        if unanswered is not None:
            raise UnansweredError(sheet.step_of(unanswered))
        put = {question.code for question in sheet.shown()}
        Answer.objects.filter(response=response).exclude(item__code__in=put).delete()
        ensure_activity_type()
        item = ActivityItem(
            external_id=external_id(survey_id=survey_id, employee_id=actor.employee_id),
            type=TYPE_CODE,
            company_id=response.company_id,
            employee_id=response.employee_id,
            occurred_at=now,
            attributes={SURVEY_ATTRIBUTE: response.survey.code},
        )
        [outcome] = record_activities([item], source=internal_source(), now=now)
        if outcome.error is not None:
            raise SurveyError(outcome.error.sentence)
        response.submitted_at, response.activity_id = now, outcome.activity_id
        response.save(update_fields=["submitted_at", "activity"])
        announce_response(response, points=outcome.points, now=now)
    return Submitted(response, outcome.points)


def _open_response(actor: Actor, survey_id: int, now: datetime) -> Response:
    """The actor's response, locked: two requests at once change it one after the other."""
    response = (
        Response.objects.visible_to(actor)
        .select_for_update(of=("self",))
        .select_related("survey")
        .filter(survey=survey_id, employee=actor.employee_id)
        .first()
    )
    if response is None:
        raise NotBegunError
    if response.submitted_at is not None:
        raise AlreadyAnsweredError
    survey: Survey = response.survey
    if not survey.is_open_at(now):
        raise SurveyClosedError(survey.closes_at)
    return response


def _moment(at: datetime) -> str:
    return date_format(localtime(at), "DATETIME_FORMAT")
