"""Conditions in rows wherever the admin edits one: segments, tiers, metrics, audiences and questions of surveys."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Segment
from loyalty.models import Metric, Program
from surveys.models import Item, Survey
from tests.admin.sending import fields_of
from tests.factories.surveys import a_choice, a_survey, a_text
from tests.factories.world import a_company, a_program, a_purchase_type

pytestmark = pytest.mark.django_db

IS_DEALER = {"fact": "company.kind", "op": "eq", "value": "DEALER"}
DEEP = {"not": {"all": [IS_DEALER, {"any": [IS_DEALER]}]}}


def rows(name: str, *facts: tuple[str, str, str]) -> dict[str, Any]:
    """What rows of a condition send."""
    sent = {f"{name}-joins": "all"}
    for number, (fact, op, value) in enumerate(facts):
        sent |= {f"{name}-{number}-fact": fact, f"{name}-{number}-op": op, f"{name}-{number}-value": value}
    return sent


def test_segment_is_told_in_rows_counted_and_saved(desk: Client) -> None:
    a_company(kind="DEALER")
    sent = {"name": "Dealers", "code": "dealers", **rows("condition", ("company.kind", "eq", "DEALER"))}
    add = reverse("admin:accounts_segment_add")

    counted = desk.post(add, sent).content.decode()
    saved = desk.post(add, fields_of(counted))

    assert "This would put 1 company in" in counted
    assert saved.status_code == 302
    assert Segment.objects.get().condition == {"all": [IS_DEALER]}


def test_segment_that_rows_cannot_show_stays_a_document_and_what_it_was(desk: Client) -> None:
    segment = Segment.objects.create(code="deep", name="Deep", condition=DEEP)
    address = reverse("admin:accounts_segment_change", args=[segment.pk])
    page = desk.get(address).content.decode()

    again = desk.post(address, {**fields_of(page), "_reshape": "condition:rows"}).content.decode()
    saved = desk.post(address, {**fields_of(again), "name": "Deeper"})

    assert "edited as a document" in page
    assert "edited as a document" in again
    assert saved.status_code == 302
    segment.refresh_from_db()
    assert (segment.name, segment.condition) == ("Deeper", DEEP)


def test_document_that_rows_can_show_is_shown_as_rows_when_asked(desk: Client) -> None:
    sent = {"name": "Dealers", "code": "dealers", "condition": json.dumps(IS_DEALER), "_reshape": "condition:rows"}

    page = fields_of(desk.post(reverse("admin:accounts_segment_add"), sent).content.decode())

    assert (page["condition-0-fact"], page["condition-0-value"]) == (["company.kind"], ["DEALER"])
    assert "condition" not in page


def test_form_that_was_overtaken_may_be_reshaped_and_is_refused_when_it_is_saved(desk: Client) -> None:
    segment = Segment.objects.create(code="dealers", name="Dealers")
    address = reverse("admin:accounts_segment_change", args=[segment.pk])
    page = fields_of(desk.get(address).content.decode())
    Segment.objects.update(name="Traders")

    reshaped = desk.post(address, {**page, "_reshape": "condition:add"})
    saved = desk.post(address, fields_of(reshaped.content.decode()))

    assert (reshaped.status_code, saved.status_code) == (200, 409)
    segment.refresh_from_db()
    assert segment.name == "Traders"


def test_metric_and_tier_are_asked_of_their_own_facts(desk: Client) -> None:
    program = a_program(tiers={"basic": 0, "gold": 500})
    metric, tier = Metric.objects.get(), program.tiers.get(code="gold")
    addresses = {
        metric: reverse("admin:loyalty_metric_change", args=[metric.pk]),
        tier: reverse("admin:loyalty_tier_change", args=[tier.pk]),
    }

    for row, fact, op, value in ((metric, "activity.amount", "gt", "5"), (tier, f"metric.{metric.code}", "gte", "2")):
        page = fields_of(desk.get(addresses[row]).content.decode())
        response = desk.post(addresses[row], {**page, **rows("condition", (fact, op, value))})

        assert response.status_code == 302
        row.refresh_from_db()
        assert row.condition == {"all": [{"fact": fact, "op": op, "value": int(value)}]}


def test_new_metric_asks_for_its_activities_first(desk: Client) -> None:
    program = a_program()
    add = reverse("admin:loyalty_metric_add")
    page = desk.get(add).content.decode()
    chosen = {**fields_of(page), "program": program.pk, "activity_type": a_purchase_type().pk}

    went_on = desk.post(add, {**chosen, "_reshape": "condition:show"}).content.decode()

    assert "Choose first what it is about" in page
    assert "Choose first what it is about" not in went_on
    assert '<option value="activity.amount">amount</option>' in went_on


def test_audience_and_questions_of_a_survey_are_told_in_rows(desk: Client) -> None:
    program: Program = a_program()
    survey: Survey = a_survey(program, [a_choice("why"), a_text("wish")], status="DRAFT")
    item = Item.objects.get(code="wish")
    for row, name, fact, value in (
        (survey, "audience", "company.kind", "DEALER"),
        (item, "show_if", "answer.why", "price"),
    ):
        address = reverse(f"admin:surveys_{row._meta.model_name}_change", args=[row.pk])
        page = fields_of(desk.get(address).content.decode())
        response = desk.post(address, {**page, **rows(name, (fact, "eq", value))})

        assert response.status_code == 302, response.context["adminform"].form.errors
        row.refresh_from_db()
        assert getattr(row, name) == {"all": [{"fact": fact, "op": "eq", "value": value}]}
