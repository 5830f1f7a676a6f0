"""Asking: which questions are put to somebody, in view of the answers so far. Pure calculation, no Django.

The same code decides what a page shows next, what may be sent, and what a manager's `show_if` may refer to.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from accounts.conditions import ALWAYS, Catalogue, Condition, Fact, FactType, Value, parse
from accounts.wording import N_

ANSWER_PREFIX = "answer."
MOST_TEXT = 2_000
"""Characters of a text answer."""


class ItemKind(StrEnum):
    """How an item is answered."""

    CHOICE = "CHOICE"
    SCALE = "SCALE"
    TEXT = "TEXT"


class Measure(StrEnum):
    """What the answers to a scale are added up to."""

    NONE = "NONE"
    NPS = "NPS"
    CSAT = "CSAT"


@dataclass(frozen=True, slots=True)
class Question:
    """An item as the calculation needs it; `options` are pairs of code and label, `low` and `high` the scale's ends."""

    code: str
    kind: ItemKind
    text: str = ""
    is_required: bool = True
    is_multiple: bool = False
    options: tuple[tuple[str, str], ...] = ()
    low: int = 0
    high: int = 0
    show_if: Condition = ALWAYS

    @property
    def fact(self) -> Fact:
        """What later questions may ask about the answer."""
        code, label = f"{ANSWER_PREFIX}{self.code}", f"“{self.text or self.code}”"
        match self.kind:
            case ItemKind.CHOICE:
                kind = FactType.SET if self.is_multiple else FactType.CHOICE
                return Fact(code, kind, label, choices=self.options)
            case ItemKind.SCALE:
                return Fact(code, FactType.NUMBER, label)
            case ItemKind.TEXT:
                return Fact(code, FactType.TEXT, label)


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody answered: codes of options, a number or words; nothing of them where the question was passed by."""

    choices: tuple[str, ...] = ()
    number: int | None = None
    text: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the question was passed by."""
        return not self.choices and self.number is None and not self.text

    def value(self, question: Question) -> Value:
        """Return the answer as a condition reads it; one that was passed by is not known."""
        if self.is_empty:
            return None
        match question.kind:
            case ItemKind.CHOICE:
                return frozenset(self.choices) if question.is_multiple else self.choices[0]
            case ItemKind.SCALE:
                return None if self.number is None else Decimal(self.number)
            case ItemKind.TEXT:
                return self.text


PASSED_BY = Given()
Answers = Mapping[str, Given]
"""Code of an item to what was answered. A code that is absent was not reached yet."""


class AnswerError(ValueError):
    """An answer that the question does not take; `str()` is English, `translated` the same in a reader's language."""

    def __init__(self, template: str, **words: str) -> None:
        super().__init__(template.format(**words))
        self._template = template
        self._words = words

    def translated(self, translate: Callable[[str], str]) -> str:
        """Return the sentence in the language of `translate`."""
        return translate(self._template).format(**self._words)


def catalogue_of(questions: Iterable[Question]) -> Catalogue:
    """Return the facts that a question which comes after `questions` may ask."""
    facts = (question.fact for question in questions)
    return MappingProxyType({fact.code: fact for fact in facts})


def parse_show_if(document: object, earlier: Iterable[Question]) -> Condition:
    """Return the condition under which a question is put; ConditionError where it is none or looks ahead."""
    return parse(document, catalogue_of(earlier))


def shown(questions: Sequence[Question], answers: Answers) -> list[Question]:
    """Return the questions that are put, in their order.

    A condition reads the answers to questions that are put themselves: what somebody answered before a change of mind
    took the question away counts for nothing.
    """
    values: dict[str, Value] = {}
    put = []
    for question in questions:
        if not question.show_if.holds(values):
            continue
        put.append(question)
        if question.code in answers:
            values[question.fact.code] = answers[question.code].value(question)
    return put


def next_open(questions: Sequence[Question], answers: Answers) -> Question | None:
    """Return the first question that is put and has no answer yet, a required one that was passed by included."""
    return next((question for question in shown(questions, answers) if is_open(question, answers)), None)


def is_open(question: Question, answers: Answers) -> bool:
    """Whether a question still waits for its answer."""
    given = answers.get(question.code)
    return given is None or (question.is_required and given.is_empty)


def read_answer(question: Question, raw: Sequence[str]) -> Given:
    """Return what the texts of a form say in answer to `question`; AnswerError where it cannot be taken."""
    texts = [text for text in (text.replace("\r\n", "\n").strip() for text in raw) if text]
    if not texts:
        if question.is_required:
            raise AnswerError(_NOTHING[question.kind])
        return PASSED_BY
    match question.kind:
        case ItemKind.CHOICE:
            return Given(choices=_choices(question, texts))
        case ItemKind.SCALE:
            return Given(number=_number(question, texts))
        case ItemKind.TEXT:
            return Given(text=_text(texts))


_NOTHING = {
    ItemKind.CHOICE: N_("Choose an answer."),
    ItemKind.SCALE: N_("Choose a number."),
    ItemKind.TEXT: N_("Write an answer."),
}


def _choices(question: Question, texts: Sequence[str]) -> tuple[str, ...]:
    offered = [code for code, _label in question.options]
    if not set(texts) <= set(offered):
        raise AnswerError(N_("This answer is not offered. Choose one of those below."))
    chosen = tuple(code for code in offered if code in texts)
    if len(chosen) > 1 and not question.is_multiple:
        raise AnswerError(N_("Choose one answer only."))
    return chosen


def _number(question: Question, texts: Sequence[str]) -> int:
    offered = {str(number): number for number in range(question.low, question.high + 1)}
    if len(texts) > 1 or texts[0] not in offered:
        template = N_("Choose one number from {low} to {high}.")
        raise AnswerError(template, low=str(question.low), high=str(question.high))
    return offered[texts[0]]


def _text(texts: Sequence[str]) -> str:
    if len(texts) > 1:
        raise AnswerError(N_("Write one answer only."))
    if len(texts[0]) > MOST_TEXT:
        template = N_("The answer has {length} characters; {most} is the most. Shorten it a little.")
        raise AnswerError(template, length=f"{len(texts[0]):,}", most=f"{MOST_TEXT:,}")
    return texts[0]
