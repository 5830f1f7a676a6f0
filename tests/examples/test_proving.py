"""A draft is put in force once its examples come true and what happened was replayed; every refusal names the place."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import jobs
from loyalty.activation import ask
from loyalty.models import ActivityAttribute, Badge, Example, ExampleStep, Program, Rule, RuleSet
from loyalty.proving import ExampleFailsError, NotProvenError, missing_proofs
from loyalty.replaying import ask_for_replay, job_kinds
from loyalty.rulesets import activate
from tests.examples.test_running import an_example
from tests.factories.world import NOW, a_manager, a_member, a_program, a_purchase, a_purchase_type, a_rule_set, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def program() -> Program:
    """A program in which something has happened."""
    program = a_program(name="Club", tiers={"bronze": 0})
    a_rule_set(program)
    record(a_purchase(a_member(program).company))
    return program


def a_draft(program: Program, **rule: Any) -> RuleSet:
    return a_rule_set(program, [{"code": "spend", **rule}], status=RuleSet.Status.DRAFT)


def replay(draft: RuleSet) -> None:
    ask_for_replay(rule_set=draft, days=0, by=a_manager(), now=NOW)
    assert jobs.queue_of(job_kinds(), lambda: NOW).take(NOW) == 1


def test_failing_example_keeps_a_draft_out_of_force(program: Program) -> None:
    an_example(program, {"gives_company": 5})
    draft = a_draft(program)
    before = [*RuleSet.objects.values()]

    with pytest.raises(ExampleFailsError) as refused:
        activate(rule_set=draft, by=a_manager(), starts_at=NOW, now=NOW)

    assert str(refused.value) == "“Orders” fails – step 1, points of the company: expected 5, got 100."
    assert [*RuleSet.objects.values()] == before


def test_manager_needs_examples_and_a_replay_newer_than_the_last_edit(program: Program) -> None:
    draft = a_draft(program)
    no_examples = "“Club” has no examples. Say in at least one what a client gets."
    no_replay = "Version 2 was not replayed since its last edit. Replay history, and read what it says."
    assert [*map(str, missing_proofs(draft))] == [no_examples, no_replay]
    with pytest.raises(NotProvenError, match="has no examples"):
        ask(rule_set=draft, by=a_manager(), starts_at=None, reason="Spring", now=NOW)

    an_example(program, {"gives_company": 100})
    replay(draft)
    assert missing_proofs(draft) == []

    Rule.objects.filter(rule_set=draft).update(name="Called otherwise")
    assert [*map(str, missing_proofs(draft))] == [no_replay]
    replay(draft)

    assert ask(rule_set=draft, by=a_manager(), starts_at=None, reason="Spring", now=NOW).approval is not None


def test_program_without_a_past_needs_no_replay() -> None:
    program = a_program()
    draft = a_draft(program)
    an_example(program, {"gives_company": 100})

    assert missing_proofs(draft) == []


def test_pages_say_what_is_missing_what_fails_and_why(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    draft = a_draft(program, condition={"fact": "activity.amount", "op": "gt", "value": 150})
    page = reverse("admin:loyalty_ruleset_examples", args=[draft.pk])
    to_replay = f'<a href="{reverse("admin:loyalty_ruleset_replay", args=[draft.pk])}">Replay history</a>'
    to_add = f'<a href="{reverse("admin:loyalty_example_add")}?program={program.pk}&amp;rule_set={draft.pk}">'
    for address in (page, reverse("admin:loyalty_ruleset_ask", args=[draft.pk])):
        lacking = client.get(address).content.decode()
        assert "has no examples" in lacking
        assert to_replay in lacking
        assert to_add in lacking
    an_example(program, {"times": 2}, gives_company=100)

    shown = client.get(page).content.decode()
    refused = client.post(reverse("admin:loyalty_ruleset_ask", args=[draft.pk]), {"reason": "Spring"})

    assert "Fails" in shown
    assert "Points of the company" in shown
    assert "but was 100 GBP." in shown
    assert "(2 times; the reasons are those of the last)" in shown
    assert '<strong><bdi>Rule 0</bdi></strong>: <bdi class="amount amount-none" dir="ltr">0</bdi>' in shown
    assert refused.status_code == 409
    draft.refresh_from_db()
    assert draft.status == RuleSet.Status.DRAFT


def the_form(program: Program, **fields: str) -> dict[str, str]:
    """A filled form of an example with one step."""
    return {
        "program": str(program.pk), "name": "First order", "code": "first", "position": "0", "company_kind": "CLIENT",
        "may_earn": "on", "gives_company": "100", "segments": "", "roles": "", "favours": "",
        "steps-TOTAL_FORMS": "1", "steps-INITIAL_FORMS": "0", "steps-0-position": "1",
        "steps-0-activity_type": str(a_purchase_type().pk), "steps-0-day": "2026-03-01", "steps-0-times": "1",
        "steps-0-amount": "100", "steps-0-by_person": "on", **fields,
    }  # fmt: skip


def test_manager_writes_an_example_in_plain_forms(program: Program, client: Client) -> None:
    ActivityAttribute.objects.create(activity_type=a_purchase_type(), code="online", name="Online", type="BOOLEAN")
    client.force_login(a_manager())

    answer = client.post(
        reverse("admin:loyalty_example_add"), the_form(program, **{"steps-0-attributes": "online = yes"})
    )

    assert answer.status_code == 302, answer.context["errors"]
    step = ExampleStep.objects.get()
    assert (step.example.gives_company, step.day, step.attributes) == (100, date(2026, 3, 1), {"online": True})
    shown = client.get(reverse("admin:loyalty_example_change", args=[step.example.pk])).content.decode()
    assert "online = true" in shown


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"tier": "gold"}, "There is no “gold” here. There is: bronze."),
        ({"roles": "king"}, "There is no “king” here. There is: –."),
        ({"favours": "badge:gone"}, "There is no “badge:gone” here. There is: badge:first."),
        ({"steps-0-attributes": "colour = red"}, "“Purchase” has no attribute “colour”. It has: –."),
        ({"steps-0-attributes": "red"}, "Each line is a code, “=” and a value: “red” is not."),
        ({"steps-0-undoes": "1"}, "A return names an earlier step, and happens once."),
        ({"steps-0-times": "1001"}, "less than or equal to 1000"),
    ],
)
def test_example_that_cannot_be_is_refused_at_its_place(
    program: Program, client: Client, fields: dict[str, str], sentence: str
) -> None:
    client.force_login(a_manager())
    Badge.objects.create(program=program, code="first", name="First")

    answer = client.post(reverse("admin:loyalty_example_add"), the_form(program, **fields))

    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Example.objects.exists()


def test_running_an_example_costs_what_making_a_client_and_recording_costs(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    draft = a_draft(program)
    page = reverse("admin:loyalty_ruleset_examples", args=[draft.pk])
    counts = []
    for number in range(1, 4):
        an_example(program, {"gives_company": 100})
        client.get(page)
        if number > 1:
            with CaptureQueriesContext(connection) as asked:
                client.get(page)
            counts.append(len(asked))

    one_more = counts[1] - counts[0]
    assert one_more <= 48
    assert counts[0] - 2 * one_more <= 20


def test_blank_step_begins_with_the_next_number_and_the_day_of_the_one_before(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    add = reverse("admin:loyalty_example_add", query={"program": program.pk})

    today = timezone.localdate()
    new = client.get(add).context["inline_admin_formsets"][0].formset
    filled = the_form(program, **{"steps-0-position": "", "steps-TOTAL_FORMS": "3"})
    # The second is a blank one as it came, the third one as "Add another" copies it: neither was filled in.
    blank = {"day": today.isoformat(), "times": "1", "by_person": "on"}
    for number, position in ((1, "2"), (2, "")):
        filled |= {f"steps-{number}-{name}": value for name, value in ({"position": position} | blank).items()}
    saved = client.post(add, filled)
    example = Example.objects.get()
    change = reverse("admin:loyalty_example_change", args=[example.pk])
    next_one = client.get(change).context["inline_admin_formsets"][0].formset

    assert [(form["position"].value(), form["day"].value()) for form in new.forms] == [(1, today)]
    assert (new.empty_form["position"].value(), new.empty_form["day"].value()) == (None, today)
    assert saved.status_code == 302
    assert [*example.steps.values_list("position", "day")] == [(1, date(2026, 3, 1))]
    assert [(form["position"].value(), form["day"].value()) for form in next_one.extra_forms] == [(2, date(2026, 3, 1))]


def test_saving_an_example_leads_back_to_the_version_that_led_there(program: Program, client: Client) -> None:
    client.force_login(a_manager())
    draft, elsewhere = a_draft(program), a_draft(a_program())
    page = reverse("admin:loyalty_ruleset_examples", args=[draft.pk])
    add = client.get(page).context["add_url"]

    made = client.post(add, the_form(program))
    example = Example.objects.get()
    change = reverse("admin:loyalty_example_change", args=[example.pk])
    its_step = {
        "steps-INITIAL_FORMS": "1",
        "steps-0-id": str(example.steps.get().pk),
        "steps-0-example": str(example.pk),
    }
    ways = [
        client.post(f"{change}?rule_set={named}", the_form(program, name=f"Order {number}", **its_step))
        for number, named in enumerate((draft.pk, elsewhere.pk, "x", ""))
    ]

    assert f'href="{change}?rule_set={draft.pk}"' in client.get(page).content.decode()
    more = client.post(add, the_form(program, code="second", _addanother="1"))
    longer = client.post(f"{change}?rule_set={draft.pk}", the_form(program, _continue="1", **its_step))

    assert made.headers["Location"] == page
    assert more.headers["Location"] == add
    assert longer.headers["Location"] == f"{change}?rule_set={draft.pk}"
    the_list = reverse("admin:loyalty_example_changelist")
    assert [way.headers["Location"] for way in ways] == [page, the_list, the_list, the_list]
