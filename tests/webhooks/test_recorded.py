"""Activities that were recorded are announced, once each; recording asks for nothing more where nobody listens."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection

from accounts.models import Company, WebhookEvent
from loyalty.activities import ActivityItem, Status
from tests.factories.webhooks import a_subscription
from tests.factories.world import (
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    a_source,
    an_employee,
    record,
)

pytestmark = pytest.mark.django_db

LISTENER = "accounts_webhooksubscription"


def a_firm() -> Company:
    """A company whose purchases bring a point a pound."""
    program = a_program()
    a_rule_set(program)
    company = a_company()
    a_member(program, company)
    return company


def told() -> list[tuple[Any, ...]]:
    """What was announced, in order: the id, what it reverses, whether it waits, its points."""
    facts = WebhookEvent.objects.filter(kind="activity.recorded").order_by("pk").values_list("facts", flat=True)
    return [(one["activity"]["external_id"], one["reverses"], one["is_waiting"], one["points"]) for one in facts]


def statements_of(*items: ActivityItem) -> list[str]:
    """The statements that recording makes."""
    made: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *how: Any) -> Any:
        made.append(sql)
        return execute(sql, *how)

    with connection.execute_wrapper(note):
        outcomes = record(*items)
    assert {outcome.status for outcome in outcomes} == {Status.RECORDED}
    return made


def test_announced_activity_says_what_was_recorded() -> None:
    company = a_firm()
    person = an_employee(company, external_id="E-7")
    a_subscription(kinds=["activity.recorded"])
    bought = a_purchase(
        company,
        "149.90",
        external_id="INV-1",
        employee_id=person.pk,
        quantity=Decimal(2),
        occurred_at=NOW - timedelta(minutes=2),
    )

    [outcome] = record(bought)

    event = WebhookEvent.objects.get()
    assert (event.company_id, event.object_key) == (company.pk, f"activity:{outcome.activity_id}")
    assert event.facts == {
        "activity": {"id": outcome.activity_id, "source": a_source().code, "external_id": "INV-1"},
        "type": "purchase",
        "occurred_at": "2026-06-15T11:58:00.000Z",
        "employee": {"id": person.pk, "external_id": "E-7"},
        "quantity": "2",
        "amount": "149.9",
        "currency": "GBP",
        "reverses": None,
        "is_waiting": False,
        "points": 149,
    }


def test_repeats_and_refused_items_are_not_announced() -> None:
    company = a_firm()
    a_subscription(kinds=["activity.recorded"])
    first, refused = a_purchase(company, 10, external_id="1"), a_purchase(company, 10, type="dance")

    record(first, refused, first, a_purchase(company, 5, external_id="2"))
    record(first)

    assert told() == [("1", None, False, 10), ("2", None, False, 5)]


def test_return_is_announced_when_it_is_recorded_and_not_again_when_it_is_applied() -> None:
    company = a_firm()
    a_subscription(kinds=["activity.recorded"])

    record(a_purchase(company, 10, external_id="early", reverses="late"))
    record(a_purchase(company, 10, external_id="late"), a_purchase(company, 40, external_id="other"))
    record(a_purchase(company, 30, external_id="back", reverses="other"))

    assert told() == [
        ("early", "late", True, 0),
        ("late", None, False, 10),
        ("other", None, False, 40),
        ("back", "other", False, -30),
    ]


@pytest.mark.parametrize("is_member", [True, False])
def test_recording_makes_no_statement_more_where_nobody_listens_to_activities(is_member: bool) -> None:
    firm = a_firm()
    company = firm if is_member else a_company()
    a_subscription(kinds=["consent.changed"])
    record(a_purchase(company))

    statements = statements_of(a_purchase(company))

    asking = [sql for sql in statements if LISTENER in sql and not sql.startswith('INSERT INTO loyalty_activity ("')]
    assert len(asking) == is_member  # points that moved asked before there were events of activities
    assert WebhookEvent.objects.count() == 0


def test_batch_is_announced_with_as_many_statements_as_one_activity() -> None:
    company = a_firm()
    people = [an_employee(company, external_id=f"E-{number}") for number in range(20)]
    record(*(a_purchase(company, employee_id=person.pk) for person in people))
    deaf = len(statements_of(a_purchase(company, employee_id=people[0].pk)))
    a_subscription(kinds=["activity.recorded"])

    one = len(statements_of(a_purchase(company, employee_id=people[0].pk)))
    many = len(statements_of(*(a_purchase(company, employee_id=person.pk) for person in people)))

    assert (one - deaf, many - one) == (3, 0)  # who listens, the numbers of people, then all in one statement
    assert WebhookEvent.objects.count() == 21
