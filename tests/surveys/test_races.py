"""Races for the one response: sent twice at once, begun twice at once, answered while it is sent."""

from collections import Counter
from functools import partial
from typing import Any, Self

import psycopg
import pytest
from django.db import IntegrityError

from accounts import laws
from loyalty.models import Activity
from surveys import answering
from surveys.answering import AlreadyAnsweredError, Submitted, save_answer, start, submit
from surveys.models import Answer, Item, Response, SurveyVersion
from surveys.models.responses import ResponseQuerySet
from surveys.versions import publish
from tests.factories.surveys import a_version, actor_for, begin
from tests.factories.world import NOW, a_manager, balance
from tests.loyalty.racing import meet_before, race
from tests.surveys.conftest import Firm, a_firm

pytestmark = pytest.mark.django_db(transaction=True)


def broken_laws() -> set[str]:
    return {finding.law.code for finding in laws.verify() if finding.count}


def a_firm_that_answered() -> tuple[Firm, dict[str, Any]]:
    """Mia has answered everything and not sent it yet."""
    firm = a_firm()
    begin(firm.mia, firm.survey, recommend="3", why="price", wish="")
    return firm, {"actor": actor_for(firm.mia), "survey_id": firm.survey.pk, "now": NOW}


def test_response_sent_twice_at_once_is_paid_once() -> None:
    firm, mine = a_firm_that_answered()

    results = race([partial(submit, **mine)] * 2, held=lambda: Response.objects.select_for_update().get())

    assert Counter(map(type, results)) == {Submitted: 1, AlreadyAnsweredError: 1}
    assert (balance(firm.membership, firm.mia), balance(firm.membership)) == (50, 20)
    assert Activity.objects.count() == 1
    assert broken_laws() == set()


def test_response_sent_twice_without_the_lock_is_kept_by_the_database_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    firm, mine = a_firm_that_answered()

    def as_it_is(self: ResponseQuerySet, **_options: object) -> Self:  # type: ignore[misc]
        return self

    monkeypatch.setattr(ResponseQuerySet, "select_for_update", as_it_is)
    meet_before(monkeypatch, answering, "sheet_of", 2)

    results = race([partial(submit, **mine)] * 2)

    [refused] = [result for result in results if isinstance(result, Exception)]
    assert isinstance(refused, IntegrityError)
    assert isinstance(refused.__cause__, psycopg.Error)
    assert refused.__cause__.diag.constraint_name == "survey_response_sent_is_immutable"
    assert (balance(firm.membership, firm.mia), balance(firm.membership)) == (50, 20)
    assert Activity.objects.count() == 1
    assert broken_laws() == set()


def test_survey_begun_twice_at_once_is_one_response() -> None:
    firm = a_firm()

    results = race([partial(start, actor=actor_for(firm.mia), survey_id=firm.survey.pk, now=NOW)] * 4)

    assert {result.pk for result in results} == {Response.objects.get().pk}


def test_answer_that_comes_while_the_response_is_sent_comes_too_late_or_in_time() -> None:
    firm, mine = a_firm_that_answered()

    results = race(
        [partial(submit, **mine), partial(save_answer, **mine, step=3, raw=["Wait"])],
        held=lambda: Response.objects.select_for_update().get(),
    )

    text = Answer.objects.get(item__code="wish").text
    assert isinstance(results[0], Submitted)
    assert text == ("" if isinstance(results[1], AlreadyAnsweredError) else "Wait")
    assert balance(firm.membership, firm.mia) == 50
    assert broken_laws() == set()


def test_question_that_changes_while_its_version_is_published_is_refused_or_published() -> None:
    firm = a_firm()
    draft, manager = a_version(firm.survey), a_manager()
    change = partial(Item.objects.filter(version=draft, code="wish").update, text="Changed?")

    results = race(
        [partial(publish, version=draft, by=manager, now=NOW), change],
        held=lambda: SurveyVersion.objects.select_for_update().get(pk=draft.pk),
    )

    assert SurveyVersion.objects.get(pk=draft.pk).status == "PUBLISHED"
    text = Item.objects.get(version=draft, code="wish").text
    assert text == ("What of wish?" if isinstance(results[1], IntegrityError) else "Changed?")
