"""When the surveys of the demo's blueprint are open, and what people answered."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from accounts.actors import Actor, actor_of
from accounts.models import User
from loyalty.models import Program
from loyalty.site.demo.calendar import Calendar, Deed
from loyalty.site.demo.settling import Settled, Staff
from surveys.answering import save_answer, start, submit
from surveys.models import Survey
from surveys.sheets import sheet_of
from surveys.versions import publish

_WORDS = (
    "Tell us two days earlier when something is late.",
    "The order page forgets my delivery address.",
    "Nothing. Keep the engineers.",
    "More lessons for the night shift, please.",
)


def ask(calendar: Calendar, program: Program, firms: Iterable[Settled], staff: Staff) -> None:
    """Write down one survey that is open and one that is over, and who answered what."""
    opened = calendar.until - timedelta(days=16)
    calendar.on(opened, _publishing(program, "autumn", staff.manager, ends_after=45))
    earlier = calendar.until - timedelta(days=120)
    calendar.on(earlier, _publishing(program, "spring", staff.manager, ends_after=30))
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


def _publishing(program: Program, code: str, by: User, *, ends_after: int) -> Deed:
    def open_(at: datetime) -> None:
        survey = Survey.objects.get(program=program, code=code)
        survey.opens_at, survey.closes_at = at, at + timedelta(days=ends_after)
        survey.save()
        publish(version=survey.versions.get(), by=by, now=at)

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
