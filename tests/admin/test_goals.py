"""A manager says what a program is to bring, sees what came true, and decides; nobody else is told of it."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.groups import VIEWER, ensure_groups
from loyalty.figures import take_figures
from loyalty.models import Goal, Program, ProgramPlan, ProgramReview
from tests.admin.sending import fields_of
from tests.client.pages import words_of
from tests.factories.world import (
    a_goal,
    a_member,
    a_plan,
    a_program,
    a_purchase,
    a_rule_set,
    a_user,
    an_account_manager,
    an_admin,
    record,
)

pytestmark = pytest.mark.django_db

ADD = "/admin/loyalty/programplan/add/"
TODAY = timezone.localdate


def page(plan: ProgramPlan | None, name: str = "change") -> str:
    assert plan is not None
    return reverse(f"admin:loyalty_programplan_{name}", args=[plan.pk])


@pytest.fixture
def program(db: None) -> Program:
    """A program in pounds whose one company has bought for 100 today; a point costs 5 pence."""
    program = a_program(name="Workshop", point_value=Decimal("0.05"), time_zone="UTC")
    a_rule_set(program)
    now = timezone.now()
    record(a_purchase(a_member(program).company, 100, occurred_at=now), now=now)
    take_figures(now=now)
    return program


def filled_in(program: Program, **fields: Any) -> dict[str, Any]:
    today = TODAY()
    later = (today + timedelta(days=90)).isoformat()
    return {
        "program": program.pk, "starts_on": today.isoformat(), "review_on": later, "currency": "",
        "expected_profit": "1000", "budget_percent": "10", "expected_return": "300",
        "goals-TOTAL_FORMS": "1", "goals-INITIAL_FORMS": "0", "profits-TOTAL_FORMS": "0", "profits-INITIAL_FORMS": "0",
        "goals-0-aim": "GROWTH", "goals-0-name": "More spend", "goals-0-figure": "METRIC",
        "goals-0-metric": program.metrics.get().pk, "goals-0-unit": "NUMBER", "goals-0-baseline": "50",
        "goals-0-target": "500", "goals-0-by_on": later,
        **fields,
    }  # fmt: skip


def test_plan_is_drawn_up_watched_and_reviewed(desk: Client, program: Program) -> None:
    program_page = reverse("admin:loyalty_program_change", args=[program.pk])
    first = desk.get(program_page)
    assert f"{ADD}?program={program.pk}" in first.content.decode()
    assert "This program has no goals" in words_of(first)
    assert "1 program has no goals" in words_of(desk.get("/admin/"))

    assert desk.post(ADD, filled_in(program)).status_code == 302

    plan = ProgramPlan.objects.get()
    assert [plan.currency, plan.goals.get().target] == ["GBP", 500]
    program_shown = desk.get(program_page)
    assert page(plan) in program_shown.content.decode()
    assert "has no goals" not in words_of(program_shown)
    shown = desk.get(page(plan, "came-true"))
    [goal] = shown.context["goals"]
    assert (goal.baseline, goal.target, goal.actual, goal.state) == ("50 GBP", "500 GBP", "100 GBP", "not yet")
    sums = {row.label: (row.planned, row.actual) for row in shown.context["sums"]}
    assert sums["Points issued"] == ("", "5 GBP (100)")
    assert sums["Cost: issued less expired"] == ("100 GBP", "5 GBP")
    assert sums["Return"] == ("300 GBP", "not known yet")

    answer = desk.post(page(plan, "review"), {"outcome": "KEEP", "reason": "Early", "next_review_on": ""})
    assert answer.status_code == 409
    assert "Say when the program is looked at next" in words_of(answer)
    assert desk.post(page(plan, "review"), {"outcome": "KEEP"}).status_code == 422
    later = (TODAY() + timedelta(days=30)).isoformat()
    kept = desk.post(page(plan, "review"), {"outcome": "KEEP", "reason": "Early", "next_review_on": later}, follow=True)
    assert "Decided to keep" in kept.content.decode()
    changed = desk.post(page(plan, "review"), {"outcome": "CHANGE", "reason": "Slow", "next_review_on": later})
    assert changed["Location"] == reverse("admin:loyalty_ruleset_draft", args=[program.rule_sets.get().pk])
    assert desk.post(page(plan), filled_in(program)).status_code == 403  # what is closed stays
    follows = ProgramPlan.objects.latest("pk")
    stopped = desk.post(page(follows, "review"), {"outcome": "STOP", "reason": "No use"})
    assert stopped["Location"] == program_page
    review = ProgramReview.objects.earliest("pk")
    told = desk.get(reverse("admin:loyalty_programreview_change", args=[review.pk]))
    assert [row.actual for row in told.context["goals"]] == ["100 GBP"]
    assert "Early" in words_of(told)


def test_program_that_is_to_stop_asks_for_its_last_days_and_no_longer_for_goals(desk: Client, program: Program) -> None:
    plan = a_plan(program, starts_on=TODAY())
    program_page = reverse("admin:loyalty_program_change", args=[program.pk])
    desk.post(page(plan, "review"), {"outcome": "STOP", "reason": "No use"})

    again = desk.post(page(plan, "review"), {"outcome": "STOP", "reason": "No use"})
    assert again.status_code == 409
    assert "This plan was closed on" in words_of(again)
    goes_on = "It was decided to stop this program, and it goes on: set its last day to earn and to spend."
    assert goes_on in words_of(desk.get(program_page))
    assert "1 program goes on that it was decided to stop" in words_of(desk.get("/admin/"))
    assert "no goals" not in words_of(desk.get("/admin/"))
    assert desk.get("/admin/loyalty/program/", {"goals": "stop"}).context["cl"].result_count == 1
    Program.objects.update(last_earn_on=TODAY(), last_spend_on=TODAY())
    assert goes_on not in words_of(desk.get(program_page))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"goals-0-target": "50"}, "A goal of growth has a target above its baseline."),
        ({"review_on": "2020-01-01", "starts_on": "2019-01-01"}, "This day is over. Choose a day after today"),
        ({"starts_on": "2199-01-01"}, "The review comes after the first day"),
        ({"budget_percent": "100.01"}, "less than or equal to 100"),
        ({"budget_percent": "0"}, "greater than or equal to 0.01"),
        ({"currency": "USD"}, "“Workshop” counts in GBP, not in USD: give all money in GBP."),
        ({"goals-0-by_on": "2020-01-01"}, "nothing can come true by then"),
        ({"goals-0-metric": ""}, "Name the metric where the figure is one of a metric"),
        ({"goals-0-figure": "REACH", "goals-0-metric": "", "goals-0-target": "101"}, "between 0 and 100 percent"),
        ({"goals-0-typed": "5", "goals-0-typed_on": "2020-01-01"}, "only where no system tells us"),
        (
            {"profits-TOTAL_FORMS": "2", **{
                f"profits-{number}-{name}": value
                for number in (0, 1)
                for name, value in (("starts_on", "2026-01-01"), ("ends_on", "2026-01-31"), ("profit", "1"))
            }},
            "The profit of some of these days is typed in already.",
        ),
        (
            {"profits-TOTAL_FORMS": "1", "profits-0-starts_on": "2026-01-01", "profits-0-ends_on": "2199-01-31",
             "profits-0-profit": "1"},
            "type the profit in once it is known",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(desk: Client, program: Program, fields: dict[str, Any], sentence: str) -> None:
    answer = desk.post(ADD, filled_in(program, **fields))

    assert answer.status_code == 200
    assert sentence in words_of(answer)
    assert not ProgramPlan.objects.exists()


def test_second_plan_and_metric_of_another_program_are_refused(desk: Client, program: Program) -> None:
    other = a_program(name="Second")
    foreign = desk.post(ADD, filled_in(program, **{"goals-0-metric": other.metrics.get().pk}))
    a_plan(program)
    second = desk.post(ADD, filled_in(program))

    assert "This metric is another program" in words_of(foreign)
    assert "“Workshop” has an open plan" in words_of(second)
    assert ProgramPlan.objects.count() == 1


def test_every_number_leads_to_its_rows(desk: Client, program: Program) -> None:
    plan = a_plan(program, starts_on=TODAY() - timedelta(days=5), review_on=TODAY() + timedelta(days=5))
    for figure in Goal.Figure:
        a_goal(plan, figure)

    shown = desk.get(page(plan, "came-true"))

    goals = {goal.name: goal for goal in shown.context["goals"]}
    for url in [goal.url for goal in goals.values() if goal.url] + [row.url for row in shown.context["sums"]]:
        assert desk.get(url).status_code == 200, url
    rows = {name: desk.get(goals[name].url).context["cl"].result_count for name in ("Members", "Active", "Metric")}
    assert rows == {"Members": 1, "Active": 1, "Metric": 1}
    assert goals["Metric_growth"].url == ""  # no month of the plan is over


def test_what_is_due_stands_on_the_managers_home_alone(desk: Client, program: Program, client: Client) -> None:
    plan = a_plan(program, starts_on=TODAY() - timedelta(days=9), review_on=TODAY(), expected_profit=10)
    a_goal(plan, Goal.Figure.MEMBERS)

    home = desk.get("/admin/")

    words = words_of(home)
    assert "Programs to review: keep, change or stop 1" in re.sub(r"\s+", " ", words)
    assert "1 program costs more than its budget." in words
    assert "over its budget" in words_of(desk.get(page(plan, "came-true")))
    assert "over its budget" in words_of(desk.get(reverse("admin:loyalty_program_change", args=[program.pk])))
    for look in ("due", "budget"):
        assert desk.get("/admin/loyalty/programplan/", {"look": look}).context["cl"].result_count == 1
    company = program.memberships.get().company
    for user in (an_account_manager(company), an_admin(company).user):
        assert user is not None
        other = Client()
        other.force_login(user)
        assert "to review" not in words_of(other.get("/", follow=True))
        assert other.get(page(plan, "came-true"), follow=True).status_code == 403
    ensure_groups()
    viewer = a_user(is_staff=True)
    viewer.groups.add(Group.objects.get(name=VIEWER))
    client.force_login(viewer)
    assert client.get(page(plan, "came-true")).status_code == 200
    assert client.post(page(plan, "review"), {"outcome": "STOP", "reason": "No"}).status_code == 403


def test_form_as_a_browser_sends_it_saves_what_stands(desk: Client, program: Program) -> None:
    plan = a_plan(program, review_on=TODAY() + timedelta(days=9), starts_on=TODAY())
    a_goal(plan, Goal.Figure.TYPED, typed=3, typed_on=TODAY())

    sent = fields_of(desk.get(page(plan)).content.decode())

    assert desk.post(page(plan), sent).status_code == 302
    assert plan.goals.get().typed == 3


def test_a_goal_is_added_by_the_form_as_it_comes(desk: Client, program: Program) -> None:
    """Where no script adds rows, an empty one stands there."""
    plan = a_plan(program, review_on=TODAY() + timedelta(days=9), starts_on=TODAY())
    sent = fields_of(desk.get(page(plan)).content.decode())
    goal = {name: [value] for name, value in filled_in(program).items() if name.startswith("goals-0-")}

    assert desk.post(page(plan), {**sent, **goal}).status_code == 302
    assert (plan.goals.get().name, plan.profits.count()) == ("More spend", 0)
