"""Which questions are put, as tables: no database."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.conditions import ConditionError
from surveys.asking import (
    MOST_TEXT,
    PASSED_BY,
    AnswerError,
    Given,
    ItemKind,
    Question,
    next_open,
    parse_show_if,
    read_answer,
    shown,
)

OPTIONS = (("price", "The price"), ("service", "The service"))
LIKE = Question("like", ItemKind.SCALE, "How likely?", low=0, high=10)
WHY = Question("why", ItemKind.CHOICE, "Why?", options=OPTIONS)
WHICH = Question("which", ItemKind.CHOICE, "Which?", is_multiple=True, options=OPTIONS)
WISH = Question("wish", ItemKind.TEXT, "A wish?", is_required=False)


def put_if(question: Question, document: Any, *earlier: Question) -> Question:
    return Question(
        question.code, question.kind, question.text, question.is_required, question.is_multiple, question.options,
        question.low, question.high, parse_show_if(document, earlier),
    )  # fmt: skip


WHY_NOT = put_if(WHY, {"fact": "answer.like", "op": "lte", "value": 6}, LIKE)
ON_PRICE = put_if(WISH, {"fact": "answer.why", "op": "eq", "value": "price"}, LIKE, WHY)
CHAIN = [LIKE, WHY_NOT, ON_PRICE]


@pytest.mark.parametrize(
    ("answers", "put", "following"),
    [
        ({}, ["like"], "like"),
        ({"like": Given(number=9)}, ["like"], None),
        ({"like": Given(number=6)}, ["like", "why"], "why"),
        ({"like": Given(number=0), "why": Given(choices=("service",))}, ["like", "why"], None),
        ({"like": Given(number=0), "why": Given(choices=("price",))}, ["like", "why", "wish"], "wish"),
        (
            {"like": Given(number=0), "why": Given(choices=("price",)), "wish": PASSED_BY},
            ["like", "why", "wish"],
            None,
        ),
        # A change of mind: the answer to what is no longer put opens nothing.
        ({"like": Given(number=10), "why": Given(choices=("price",))}, ["like"], None),
        # A required question that was passed by still waits.
        ({"like": PASSED_BY}, ["like"], "like"),
    ],
)
def test_questions_that_are_put_follow_from_the_answers(
    answers: dict[str, Given], put: list[str], following: str | None
) -> None:
    waiting = next_open(CHAIN, answers)

    assert [question.code for question in shown(CHAIN, answers)] == put
    assert (waiting.code if waiting else None) == following


@pytest.mark.parametrize(
    ("question", "given", "value"),
    [
        (LIKE, Given(number=0), Decimal(0)),
        (WHY, Given(choices=("price",)), "price"),
        (WHICH, Given(choices=("price", "service")), frozenset({"price", "service"})),
        (WISH, Given(text="More"), "More"),
        (WISH, PASSED_BY, None),
        (WHICH, PASSED_BY, None),
    ],
)
def test_answer_is_a_value_that_conditions_read(question: Question, given: Given, value: object) -> None:
    assert given.value(question) == value


@pytest.mark.parametrize(
    ("document", "path", "sentence"),
    [
        ({"fact": "answer.wish", "op": "known", "value": True}, "", "There is no fact 'answer.wish'"),
        ({"fact": "answer.why", "op": "eq", "value": "prize"}, "", "'prize' is not a choice of 'answer.why'"),
        ({"fact": "company.kind", "op": "eq", "value": "CLIENT"}, "", "There is no fact 'company.kind'"),
        (
            {
                "all": [
                    {"fact": "answer.like", "op": "gte", "value": 1},
                    {"fact": "answer.like", "op": "has", "value": 2},
                ]
            },
            "all[1]",
            "'has' cannot compare the number fact",
        ),
    ],
)
def test_show_if_refers_to_what_comes_before_alone(document: object, path: str, sentence: str) -> None:
    with pytest.raises(ConditionError) as refused:
        parse_show_if(document, [LIKE, WHY])

    assert refused.value.path == path
    assert refused.value.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("question", "raw", "given"),
    [
        (LIKE, ["0"], Given(number=0)),
        (LIKE, [" 10 "], Given(number=10)),
        (WHY, ["service"], Given(choices=("service",))),
        (WHICH, ["service", "price", "price"], Given(choices=("price", "service"))),
        (WISH, [" A\r\nwish "], Given(text="A\nwish")),
        (WISH, [""], PASSED_BY),
        (WISH, [], PASSED_BY),
        (WISH, ["x" * MOST_TEXT], Given(text="x" * MOST_TEXT)),
    ],
)
def test_answer_is_read(question: Question, raw: list[str], given: Given) -> None:
    assert read_answer(question, raw) == given


@pytest.mark.parametrize(
    ("question", "raw", "sentence"),
    [
        (LIKE, [], "Choose a number."),
        (LIKE, ["  "], "Choose a number."),
        (LIKE, ["11"], "Choose one number from 0 to 10."),
        (LIKE, ["-1"], "Choose one number from 0 to 10."),
        (LIKE, ["07"], "Choose one number from 0 to 10."),
        (LIKE, ["7.0"], "Choose one number from 0 to 10."),
        (LIKE, ["٣"], "Choose one number from 0 to 10."),
        (LIKE, ["1", "2"], "Choose one number from 0 to 10."),
        (LIKE, ["9" * 5_000], "Choose one number from 0 to 10."),
        (WHY, [], "Choose an answer."),
        (WHY, ["prize"], "This answer is not offered. Choose one of those below."),
        (WHY, ["price", "service"], "Choose one answer only."),
        (WHICH, ["price", "The service"], "This answer is not offered. Choose one of those below."),
        (WISH, ["one", "two"], "Write one answer only."),
        (
            WISH,
            ["x" * (MOST_TEXT + 1)],
            "The answer has 2,001 characters; 2,000 is the most. Shorten it a little.",
        ),
        (Question("must", ItemKind.TEXT), ["\n"], "Write an answer."),
    ],
)
def test_answer_that_cannot_be_taken_is_refused_with_a_sentence(
    question: Question, raw: list[str], sentence: str
) -> None:
    with pytest.raises(AnswerError) as refused:
        read_answer(question, raw)

    assert str(refused.value) == sentence
    assert refused.value.translated(lambda template: f"» {template}") == f"» {sentence}"
