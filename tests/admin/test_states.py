"""One word for one state of rules, benefits and agreements: on their pages, in lists and filters, in setting up."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from loyalty import activation, agreements
from loyalty.models import Agreement, BenefitMatrix, Program, RuleSet
from loyalty.versions import State, in_state, state_of
from tests.admin.test_screens import address
from tests.client.pages import words_of
from tests.examples.test_running import an_example
from tests.factories.world import (
    EPOCH,
    a_draft_agreement,
    a_matrix,
    a_member,
    a_program,
    a_rule_set,
    an_agreement,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def versions_of(make: Any, program: Program, now: datetime) -> dict[int, str]:
    """One version in each state that dates make, and the word for it."""
    return {
        make(program, starts_at=EPOCH, ends_at=now - DAY, status="RETIRED").pk: "ended",
        make(program, starts_at=now - DAY, ends_at=now + DAY, status="ACTIVE").pk: "in force",
        make(program, starts_at=now + DAY, status="ACTIVE").pk: "to come",
        make(program, status="DRAFT").pk: "draft",
    }


def told(desk: Client, model: type[Model], state: State | None = None) -> dict[int, str]:
    """What the list says of each row's state, cut down to one state where one is given."""
    listed = desk.get(address(model, "changelist"), {"state": state} if state else {}).context["cl"]
    return {row.pk: listed.model_admin.state(row) for row in listed.result_list}


@pytest.mark.parametrize("model", [RuleSet, BenefitMatrix])
def test_lists_and_filters_of_versions_say_one_word_for_each_state(
    desk: Client, manager: User, model: type[RuleSet | BenefitMatrix]
) -> None:
    program, now = a_program(tiers={"basic": 0}), timezone.now()
    an_example(program, {})
    wanted = versions_of(a_rule_set if model is RuleSet else a_matrix, program, now)
    if model is RuleSet:
        waits = a_rule_set(program, status="DRAFT")
        activation.ask(rule_set=waits, by=manager, starts_at=now + 2 * DAY, reason="Spring", now=now)
        wanted[waits.pk] = "waits for approval"

    assert told(desk, model) == wanted
    for state in State:
        assert told(desk, model, state) == {pk: word for pk, word in wanted.items() if word == str(state.label)}


def test_agreements_have_the_same_words(desk: Client, manager: User) -> None:
    program, now = a_program(), timezone.now()
    rows: dict[int, str] = {}
    over, current, later, waits, draft = (a_member(program) for _number in range(5))
    ended = agreements.end(agreement=an_agreement(over, factor="2"), by=manager, now=now - DAY)
    rows[ended.pk] = "ended"
    rows[an_agreement(current, factor="2", starts_at=now - DAY).pk] = "in force"
    rows[an_agreement(later, factor="2", starts_at=now + DAY).pk] = "to come"
    asked = a_draft_agreement(waits, factor="2")
    rows[agreements.ask(agreement=asked, by=manager, starts_at=now, now=now).pk] = "waits for approval"
    rows[a_draft_agreement(draft).pk] = "draft"

    assert told(desk, Agreement) == rows
    for state in State:
        assert told(desk, Agreement, state) == {pk: word for pk, word in rows.items() if word == str(state.label)}


def test_setting_up_says_that_a_draft_waits(desk: Client, manager: User) -> None:
    program, now = a_program(tiers={"basic": 0}), timezone.now()
    an_example(program, {})
    matrix, draft = a_matrix(program), a_rule_set(program, status="DRAFT")
    activation.ask(rule_set=draft, by=manager, starts_at=None, reason="Begin", now=now)
    beside = a_rule_set(program, status="DRAFT")

    setup = words_of(desk.get(reverse("admin:loyalty_program_setup", args=[program.pk])))

    assert f"Rules, version {draft.version} waits for approval" in setup
    assert f"Rules, version {beside.version} draft" in setup
    assert f"Benefits, version {matrix.version} in force" in setup
    assert "in force" in words_of(desk.get(address(BenefitMatrix, "change", matrix.pk)))


def test_taking_out_of_force_says_first_what_holds_without_it(desk: Client) -> None:
    program, now = a_program(name="Club"), timezone.now()
    current = a_rule_set(program)
    page = address(RuleSet, "retire", current.pk)

    alone = words_of(desk.get(page))
    RuleSet.objects.filter(pk=current.pk).update(ends_at=now + DAY)
    later = a_rule_set(program, starts_at=now + DAY)
    followed = words_of(desk.get(page))
    of_the_later = words_of(desk.get(address(RuleSet, "retire", later.pk)))

    assert "No other version is to come: “Club” then gives nobody anything." in alone
    assert f"“Club” then gives nobody anything until version {later.version} begins on " in followed
    assert "gives nobody anything" not in of_the_later


def test_version_that_ended_before_it_began_is_over() -> None:
    now = timezone.now()
    never = a_rule_set(a_program(), starts_at=now + DAY, ends_at=now + DAY, status="RETIRED")

    assert state_of(never, now=now) == State.ENDED
    assert [*in_state(RuleSet.objects.all(), State.ENDED, now=now)] == [never]
    assert [*in_state(RuleSet.objects.all(), State.TO_COME, now=now)] == []
