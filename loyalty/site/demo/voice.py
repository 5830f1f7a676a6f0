"""What the demo's people are asked and what they answered."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from accounts.actors import Actor, actor_of
from accounts.models import User
from loyalty.models import Program
from loyalty.site.demo.calendar import Calendar, Deed
from loyalty.site.demo.settling import Settled, Staff
from surveys.answering import save_answer, start, submit
from surveys.models import Item, Survey, SurveyVersion
from surveys.sheets import sheet_of
from surveys.versions import first_draft, publish

_ITEMS: tuple[dict[str, Any], ...] = (
    {
        "code": "recommend",
        "kind": Item.Kind.SCALE,
        "text": "How likely are you to recommend Halden to a colleague in another firm?",
        "low": 0,
        "high": 10,
        "low_label": "not at all",
        "high_label": "certainly",
        "measures": Item.Measures.NPS,
    },
    {
        "code": "disappointed",
        "kind": Item.Kind.CHOICE,
        "text": "What disappointed you most?",
        "options": [
            {"code": "delivery", "label": "Delivery times"},
            {"code": "papers", "label": "Missing papers"},
            {"code": "price", "label": "Prices"},
            {"code": "other", "label": "Something else"},
        ],
        "show_if": {"fact": "answer.recommend", "op": "lte", "value": 6},
    },
    {
        "code": "learn",
        "kind": Item.Kind.CHOICE,
        "text": "What would help your work most?",
        "is_multiple": True,
        "options": [
            {"code": "training", "label": "Training at your place"},
            {"code": "online", "label": "Short lessons online"},
            {"code": "engineer", "label": "An hour with an engineer"},
            {"code": "samples", "label": "Tools to try"},
        ],
    },
    {
        "code": "effort",
        "kind": Item.Kind.SCALE,
        "text": "How easy is it to order from us?",
        "low": 1,
        "high": 5,
        "low_label": "hard",
        "high_label": "easy",
        "measures": Item.Measures.CSAT,
    },
    {
        "code": "words",
        "kind": Item.Kind.TEXT,
        "text": "What should we do differently?",
        "hint": "A word is enough. You may also leave it empty.",
        "is_required": False,
    },
)
_WORDS = (
    "Tell us two days earlier when something is late.",
    "The order page forgets my delivery address.",
    "Nothing. Keep the engineers.",
    "More lessons for the night shift, please.",
)


def ask(calendar: Calendar, program: Program, firms: Iterable[Settled], staff: Staff) -> None:
    """Write down one survey that is open and one that is over, and who answered what."""
    opened = calendar.until - timedelta(days=16)
    calendar.on(opened, _publishing(program, "autumn", "How is it to work with us?", staff.manager, ends_after=45))
    earlier = calendar.until - timedelta(days=120)
    calendar.on(
        earlier, _publishing(program, "spring", "Your word on the spring delivery", staff.manager, ends_after=30)
    )
    chance = random.Random(7)
    for settled in firms:
        for employee in settled.people:
            if employee.user is None or employee.user.email == "employee@demo.example":
                continue
            for code, first, share in (("spring", earlier, 0.8), ("autumn", opened, 0.6)):
                at = first + timedelta(days=chance.randrange(1, 14), hours=chance.randrange(9))
                answers = _answers(chance)
                is_there = settled.joined_at < at < calendar.until - settled.quiet_from
                if chance.random() < share and is_there:
                    calendar.on(at, _answering(employee.user, code, answers))


def _publishing(program: Program, code: str, name: str, by: User, *, ends_after: int) -> Deed:
    def open_(at: datetime) -> None:
        survey = Survey.objects.create(
            program=program,
            code=code,
            name=name,
            introduction="Four questions, two minutes. We read every answer and tell you what came of it.",
            minutes=2,
            opens_at=at,
            closes_at=at + timedelta(days=ends_after),
        )
        draft: SurveyVersion = first_draft(survey=survey, by=by, now=at)
        for position, fields in enumerate(_ITEMS):
            Item.objects.create(version=draft, position=position, **fields)
        publish(version=draft, by=by, now=at)

    return open_


def _answers(chance: random.Random) -> dict[str, list[str]]:
    return {
        "recommend": [str(chance.choice((3, 6, 7, 8, 8, 9, 9, 9, 10, 10)))],
        "disappointed": [chance.choice(("delivery", "papers", "price"))],
        "learn": chance.sample(("training", "online", "engineer", "samples"), 2),
        "effort": [str(chance.choice((2, 3, 4, 4, 5, 5)))],
        "words": [chance.choice(_WORDS)] if chance.random() < 0.4 else [],
    }


def _answering(user: User, code: str, answers: dict[str, list[str]]) -> Deed:
    def answer(at: datetime) -> None:
        actor: Actor = actor_of(user, now=at)
        survey_id = Survey.objects.get(code=code).pk
        sheet = sheet_of(start(actor=actor, survey_id=survey_id, now=at))
        while (question := sheet.next_open()) is not None:
            step = sheet.step_of(question)
            sheet = save_answer(actor=actor, survey_id=survey_id, step=step, raw=answers[question.code], now=at)
        submit(actor=actor, survey_id=survey_id, now=at)

    return answer
