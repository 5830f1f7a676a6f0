"""Makers of surveys, and people who answer them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from accounts.actors import Actor, actor_of
from accounts.models import Employee
from loyalty.models import Program, Rule
from surveys.activity import ensure_activity_type
from surveys.answering import Submitted, save_answer, start, submit
from surveys.models import Item, Survey, SurveyVersion
from surveys.sheets import items_of
from tests.factories.world import EPOCH, NOW

_numbers = count(1)

REASONS: list[dict[str, str]] = [
    {"code": "price", "label": "The price"},
    {"code": "service", "label": "The service"},
    {"code": "other", "label": "Something else"},
]


def a_choice(code: str, **fields: Any) -> dict[str, Any]:
    """A question with options."""
    return {"code": code, "kind": "CHOICE", "text": f"Which {code}?", "options": REASONS, **fields}


def a_scale(code: str, **fields: Any) -> dict[str, Any]:
    """A question answered from 0 to 10."""
    return {"code": code, "kind": "SCALE", "text": f"How {code}?", "low": 0, "high": 10, **fields}


def a_text(code: str, **fields: Any) -> dict[str, Any]:
    """A question answered in words, which can be left open."""
    return {"code": code, "kind": "TEXT", "text": f"What of {code}?", "is_required": False, **fields}


THREE: list[dict[str, Any]] = [
    a_scale("recommend", measures="NPS", low_label="never", high_label="at once"),
    a_choice("why", show_if={"fact": "answer.recommend", "op": "lte", "value": 6}),
    a_text("wish"),
]
"""How likely somebody recommends us; why, of those who do not; and a wish."""


def a_survey(
    program: Program,
    items: Sequence[Mapping[str, Any]] = THREE,
    *,
    status: str = SurveyVersion.Status.PUBLISHED,
    **fields: Any,
) -> Survey:
    """A survey that is open, with one version in `status`; `items` as keyword arguments of each."""
    number = next(_numbers)
    survey = Survey.objects.create(
        **{"program": program, "code": f"survey-{number}", "name": f"Survey {number}", "opens_at": EPOCH, **fields}
    )
    a_version(survey, items, status=status)
    return survey


def a_version(
    survey: Survey, items: Sequence[Mapping[str, Any]] = THREE, *, status: str = SurveyVersion.Status.DRAFT
) -> SurveyVersion:
    """The next version of a survey."""
    version = SurveyVersion.objects.create(survey=survey, number=survey.versions.count() + 1)
    for position, item in enumerate(items, start=1):
        Item.objects.create(**{"version": version, "position": position, **item})
    if status != SurveyVersion.Status.DRAFT:
        version.status, version.published_at = SurveyVersion.Status(status), EPOCH
        version.save()
    return version


def a_survey_rule(survey_code: str, points: int, *, to: str = Rule.To.EMPLOYEE, **fields: Any) -> dict[str, Any]:
    """A rule, for `a_rule_set`, that gives points for answers to one survey."""
    return {
        "code": f"answers-{survey_code}",
        "name": f"Answers to {survey_code}",
        "activity_type": ensure_activity_type(),
        "condition": {"fact": "attribute.survey", "op": "eq", "value": survey_code},
        "formula": {"kind": "fixed", "points": points},
        "beneficiary": to,
        **fields,
    }


def actor_for(employee: Employee, at: datetime = NOW) -> Actor:
    """Somebody as of a moment."""
    return actor_of(employee.user, now=at)


def answer(employee: Employee, survey: Survey, *, at: datetime = NOW, **given: str | list[str]) -> Submitted:
    """Answer a survey from the beginning to the end; `given` by the codes of items, passed by where it has none."""
    begin(employee, survey, at=at, **given)
    return submit(actor=actor_for(employee, at), survey_id=survey.pk, now=at)


def begin(employee: Employee, survey: Survey, *, at: datetime = NOW, **given: str | list[str]) -> None:
    """Begin a survey and answer the items of `given`, in their order."""
    actor = actor_for(employee, at)
    response = start(actor=actor, survey_id=survey.pk, now=at)
    for step, item in enumerate(items_of(response.version_id), start=1):
        if item.code in given:
            raw = given[item.code]
            texts = [raw] if isinstance(raw, str) else raw
            save_answer(actor=actor, survey_id=survey.pk, step=step, raw=texts, now=at)
