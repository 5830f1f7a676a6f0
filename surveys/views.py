"""The client's surveys: what is open, one question a page, a last look, and thanks with the points."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.middleware import actor_behind
from surveys.answering import (
    AlreadyAnsweredError,
    AnswerRefusedError,
    NotAskedError,
    NotPutError,
    SurveyError,
    UnansweredError,
    save_answer,
    start,
    submit,
)
from surveys.asking import PASSED_BY, Question
from surveys.forms import AnswerForm
from surveys.models import Response, Survey
from surveys.selectors import OpenSurvey, Stage, answered_by, earned_with, open_surveys_for, survey_for
from surveys.sheets import Sheet, sheet_of

ANSWERED_A_PAGE = 20


@require_safe
@employees_only
def surveys(request: HttpRequest) -> HttpResponse:
    """What is open to the reader, and what the reader has answered."""
    actor = actor_behind(request)
    page = Paginator(answered_by(actor), ANSWERED_A_PAGE).get_page(request.GET.get("page"))
    context = {"surveys": open_surveys_for(actor), "answered": page.object_list, "page": page}
    return render(request, "surveys/list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def survey(request: HttpRequest, pk: int) -> HttpResponse:
    """One survey: begin it or go on; once it is sent, thanks and what it brought."""
    actor = actor_behind(request)
    row = _in_sight(actor, pk)
    if request.method == "POST":
        try:
            response = start(actor=actor, survey_id=pk, now=timezone.now())
        except SurveyError as error:
            messages.warning(request, str(error))
            return _show(request, actor, row, status=409)
        return _go_on(pk, sheet_of(response))
    return _show(request, actor, row)


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def step(request: HttpRequest, pk: int, step: int) -> HttpResponse:
    """One question; Next and Back both keep what was answered."""
    actor = actor_behind(request)
    response = _response_in_sight(actor, pk)
    if response is None:
        if request.method == "POST" and answered_by(actor).filter(survey=pk).exists():
            messages.warning(request, str(AlreadyAnsweredError()))  # else thanks would look as if this counted
        return HttpResponseRedirect(reverse("survey", args=[pk]))
    sheet = sheet_of(response)
    question = sheet.at(step)
    if question is None:
        raise Http404
    if request.method == "POST":
        return _save(request, actor, response, sheet, question)
    if question not in sheet.reachable():
        return _go_on(pk, sheet)
    return _ask(request, response, sheet, question, None)


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """A last look at the answers, and the button that sends them."""
    actor = actor_behind(request)
    response = _response_in_sight(actor, pk)
    if response is None:
        return HttpResponseRedirect(reverse("survey", args=[pk]))
    if request.method == "POST":
        try:
            submit(actor=actor, survey_id=pk, now=timezone.now())
        except UnansweredError as error:
            messages.warning(request, str(error))
            return HttpResponseRedirect(reverse("survey-step", args=[pk, error.step]))
        except SurveyError as error:
            messages.warning(request, str(error))
        return HttpResponseRedirect(reverse("survey", args=[pk]))
    sheet = sheet_of(response)
    if sheet.next_open() is not None:
        return _go_on(pk, sheet)
    return render(request, "surveys/check.html", {"survey": response.survey, "lines": sheet.lines()})


def _in_sight(actor: Actor, pk: int) -> OpenSurvey:
    row = survey_for(actor, pk, at=actor.at)
    if row is None:
        raise Http404
    return row


def _response_in_sight(actor: Actor, pk: int) -> Response | None:
    """The actor's response that can still be changed; None where the survey's own page has something to say."""
    own = Response.objects.visible_to(actor).filter(survey=pk, employee=actor.employee_id).select_related("survey")
    response = own.first()
    if response is None and not Survey.objects.visible_to(actor).filter(pk=pk).exists():
        raise Http404
    if response is None or response.submitted_at is not None or not response.survey.is_open_at(actor.at):
        return None
    return response


def _show(request: HttpRequest, actor: Actor, row: OpenSurvey, *, status: int = 200) -> HttpResponse:
    """The page of a survey by where the reader stands; of one that is asked of others not even the name."""
    if row.stage is Stage.NOT_ASKED:
        return render(request, "surveys/not_asked.html", {"reason": str(NotAskedError())}, status=403)
    context: dict[str, object] = {"survey": row}
    if row.stage is Stage.ANSWERED and row.activity_id is not None and row.response_id is not None:
        response = Response.objects.visible_to(actor).get(pk=row.response_id)
        context |= {"earned": earned_with(row.activity_id, actor), "lines": sheet_of(response).lines()}
        return render(request, "surveys/thanks.html", context, status=status)
    return render(request, "surveys/survey.html", context, status=status)


def _save(request: HttpRequest, actor: Actor, response: Response, sheet: Sheet, question: Question) -> HttpResponse:
    pk, step = response.survey_id, sheet.step_of(question)
    raw, goes_back = request.POST.getlist("answer"), request.POST.get("go") == "back"
    try:
        sheet = save_answer(actor=actor, survey_id=pk, step=step, raw=raw, now=timezone.now())
    except AnswerRefusedError as error:
        if not goes_back:
            return _ask(request, response, sheet, question, raw, refusal=str(error))
    except NotPutError as error:
        messages.warning(request, str(error))
        return _go_on(pk, sheet)
    except SurveyError as error:
        messages.warning(request, str(error))
        return HttpResponseRedirect(reverse("survey", args=[pk]))
    if goes_back:
        return HttpResponseRedirect(_before(pk, sheet, question))
    if request.POST.get("then") == "check":
        return _go_on(pk, sheet)
    return HttpResponseRedirect(_after(pk, sheet, question))


def _ask(
    request: HttpRequest,
    response: Response,
    sheet: Sheet,
    question: Question,
    raw: list[str] | None,
    *,
    refusal: str = "",
) -> HttpResponse:
    step = sheet.step_of(question)
    given = sheet.answers.get(question.code, PASSED_BY)
    form = AnswerForm(raw, item=sheet.items[step - 1], question=question, given=given)
    if refusal:
        form.add_error("answer", refusal)
    put = sheet.shown()
    context = {
        "survey": response.survey,
        "form": form,
        "place": put.index(question) + 1,
        "places": len(put),
        "passed": put.index(question),
        "is_first": put[0] == question,
        "then": "check" if "check" in (request.GET.get("from"), request.POST.get("then")) else "",
    }
    return render(request, "surveys/step.html", context, status=422 if refusal else 200)


def _go_on(pk: int, sheet: Sheet) -> HttpResponse:
    """To the question that waits for its answer; where none does, to the last look."""
    question = sheet.next_open()
    if question is None:
        return HttpResponseRedirect(reverse("survey-check", args=[pk]))
    return HttpResponseRedirect(reverse("survey-step", args=[pk, sheet.step_of(question)]))


def _after(pk: int, sheet: Sheet, question: Question) -> str:
    put = sheet.shown()
    following = put[put.index(question) + 1 :]
    if not following:
        return reverse("survey-check", args=[pk])
    return reverse("survey-step", args=[pk, sheet.step_of(following[0])])


def _before(pk: int, sheet: Sheet, question: Question) -> str:
    put = sheet.shown()
    place = put.index(question)
    if place == 0:
        return reverse("survey", args=[pk])
    return reverse("survey-step", args=[pk, sheet.step_of(put[place - 1])])
