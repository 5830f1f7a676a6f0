"""A sheet: the questions of a version with what one person has answered so far."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from accounts.wording import listed
from surveys.asking import (
    Answers,
    Given,
    ItemKind,
    Question,
    is_open,
    next_open,
    parse_show_if,
    shown,
)
from surveys.models import Answer, Item, Response


def plain_question(item: Item) -> Question:
    """Return an item as it is asked, its `show_if` left out."""
    return Question(
        code=item.code,
        kind=ItemKind(item.kind),
        text=item.text,
        is_required=item.is_required,
        is_multiple=item.is_multiple,
        options=tuple((option["code"], option["label"]) for option in item.options),
        low=item.low or 0,
        high=item.high or 0,
    )


def questions_of(items: Sequence[Item]) -> list[Question]:
    """Return the items of a version, in their order, ready for the calculation.

    Raises ConditionError where a `show_if` is none or refers to what does not come before.
    """
    plain = [plain_question(item) for item in items]
    return [
        replace(question, show_if=parse_show_if(item.show_if, plain[:position]))
        for position, (item, question) in enumerate(zip(items, plain, strict=True))
    ]


def items_of(version_id: int) -> list[Item]:
    """Return the items of a version in the order in which they are put."""
    return list(Item.objects.filter(version=version_id).order_by("position", "pk"))


@dataclass(frozen=True, slots=True)
class Line:
    """A question that was put, the step where it is answered, and the answer in words; none where it was passed by."""

    step: int
    question: Question
    answer: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """The items of a version, the same as questions, and a person's answers; steps count the items from 1."""

    items: list[Item]
    questions: list[Question]
    answers: Answers

    def step_of(self, question: Question) -> int:
        """Return the step at which a question is put."""
        return self.questions.index(question) + 1

    def at(self, step: int) -> Question | None:
        """Return the question of a step; None where there is no such step."""
        return self.questions[step - 1] if 1 <= step <= len(self.questions) else None

    def shown(self) -> list[Question]:
        """Return the questions that are put, in view of the answers."""
        return shown(self.questions, self.answers)

    def next_open(self) -> Question | None:
        """Return the question where the person goes on; None where all are answered."""
        return next_open(self.questions, self.answers)

    def reachable(self) -> list[Question]:
        """Return the questions that can be opened: those behind the person and the one that comes next."""
        reachable = []
        for question in self.shown():
            reachable.append(question)
            if is_open(question, self.answers):
                break
        return reachable

    def lines(self) -> list[Line]:
        """Return what is put with the answers in words."""
        return [
            Line(self.step_of(question), question, in_words(question, self.answers.get(question.code, Given())))
            for question in self.shown()
        ]


def sheet_of(response: Response) -> Sheet:
    """Return the sheet of a response; two queries."""
    items = items_of(response.version_id)
    codes = {item.pk: item.code for item in items}
    answers = {
        codes[answer.item_id]: Given(tuple(answer.choices), answer.number, answer.text)
        for answer in Answer.objects.filter(response=response)
    }
    return Sheet(items, questions_of(items), answers)


def in_words(question: Question, given: Given) -> str:
    """Return an answer as it is read again: labels rather than codes."""
    if given.choices:
        labels = dict(question.options)
        return listed((labels.get(code, code) for code in given.choices), gettext)
    return given.text if given.number is None else str(given.number)
