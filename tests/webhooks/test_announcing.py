"""What is announced: by every floor, in the transaction of what it speaks of, and to nobody else (law T1)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import queues, webhooks
from accounts.erasing import ask_to_erase, erase_now
from accounts.models import Company, Employee, WebhookAttempt, WebhookDelivery, WebhookEvent, WebhookSubscription
from accounts.people import Person, add_person
from accounts.webhooks.delivering import body_of
from loyalty.activities import confirm_activities
from loyalty.benefits import use
from loyalty.by_hand import adjust
from loyalty.ledger import Owner, end_points, expire_points
from loyalty.memberships import withdraw_consent
from loyalty.models import Adjustment, Membership, Program
from loyalty.transfers import pass_on
from rewards.progress import approve
from rewards.redemption import cancel, redeem
from tests.factories.canaries import POINTS, a_canary_world, user_of
from tests.factories.surveys import a_survey, actor_for, answer
from tests.factories.webhooks import a_subscription, happen
from tests.factories.world import (
    NOW,
    a_benefit,
    a_company,
    a_manager,
    a_matrix,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_role,
    a_rule_set,
    an_admin,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

OF_A_PERSON = {"wallets.[].employee.id", "wallets.[].employee.external_id"}


def kinds() -> list[str]:
    """What was announced, in order."""
    return list(WebhookEvent.objects.order_by("pk").values_list("kind", flat=True))


def facts_of(kind: str) -> Any:
    """The facts of the latest event of a kind."""
    return WebhookEvent.objects.filter(kind=kind).latest("pk").facts


def names_in(value: object, prefix: str = "") -> set[str]:
    """Every name in a value of JSON, with its path."""
    names: set[str] = set()
    if isinstance(value, dict):
        for name, one in value.items():
            names |= {f"{prefix}{name}"} | names_in(one, f"{prefix}{name}.")
    if isinstance(value, list):
        for one in value:
            names |= names_in(one, f"{prefix}[].")
    return names


def a_firm() -> tuple[Program, Company, Employee, Membership]:
    """A company with an admin who earns, too, in a program with a tier at 1,000."""
    program = a_program(code="club", tiers={"basic": 0, "gold": 1_000}, expiry_months=1, adjustment_limit=99)
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    company = a_company(external_id="C-1")
    person = an_admin(company, external_id="E-7")
    a_role(person, "buyer")
    return program, company, person, a_member(program, company)


def everything_happens(program: Program, company: Company, person: Employee, member: Membership) -> None:
    """Let a firm go through all that is announced."""
    manager, actor = a_manager(), actor_for(person)
    consent_to(member, by=user_of(person), roles=["buyer"], monthly_limit=5_000)
    Program.objects.filter(pk=program.pk).update(release="CONFIRMED")
    [bought] = record(a_purchase(company, 1_500, employee_id=person.pk, external_id="INV-1"), now=NOW)
    record(a_purchase(company, 100, external_id="INV-1-R", reverses="INV-1"), now=NOW)
    confirm_activities([bought.activity_id or 0], by_user_id=manager.pk, now=NOW)
    adjust(
        membership=member, employee=None, points=40, reason_code=Adjustment.Reason.GOODWILL, reason="Late", by=manager,
        now=NOW,
    )  # fmt: skip
    reward, payer = a_reward(program, price=200, code="headphones"), Owner(program.pk, company.pk)
    order = redeem(actor=actor, reward_id=reward.pk, payer=payer, shown_price=200, key="k", now=NOW).redemption
    approve(redemption_id=order.pk, by_user_id=manager.pk, now=NOW)
    cancel(redemption_id=order.pk, by_user_id=manager.pk, reason="Sold out", by_vendor=True, now=NOW)
    Program.objects.filter(pk=program.pk).update(transfers="BOTH")
    pass_on(actor=actor, membership=member, to=None, points=40, reason="For all", key="p", now=NOW)
    benefit = a_benefit(program)
    a_matrix(program, {"tier": "gold", "benefit": benefit, "role": "buyer"})
    use(actor=actor, benefit_id=benefit.pk, key="u", now=NOW)
    answer(person, a_survey(program), recommend="4", why="service", wish="Shorter waits")
    add_person(actor=actor, person=Person("Zoe", frozenset({"buyer"}), "USES", "MEMBER"), key="z", now=NOW)
    withdraw_consent(membership=member, by=user_of(person), now=NOW + timedelta(seconds=1))
    late = NOW + timedelta(days=90)
    expire_points(now=late)
    for rest in Program.Rest.values:
        Program.objects.filter(pk=program.pk).update(last_earn_on=None, last_spend_on=None, rest=rest)
        adjust(membership=member, employee=None, points=40, reason_code="GOODWILL", reason="Bye", by=a_manager(),
               now=late)  # fmt: skip
        Program.objects.filter(pk=program.pk).update(last_earn_on=late.date(), last_spend_on=late.date())
        end_points(now=late + timedelta(days=2))


def test_every_kind_is_announced_and_looks_as_documented() -> None:
    program, company, person, member = a_firm()
    a_subscription()

    everything_happens(program, company, person, member)

    announced = kinds()
    assert set(announced) == {kind.code for kind in webhooks.known_kinds()}
    assert announced[:4] == ["consent.changed", "points.earned", "tier.changed", "activity.recorded"]
    different = {
        kind.code: (names_in(kind.example) ^ names_in(facts_of(kind.code))) - OF_A_PERSON
        for kind in webhooks.known_kinds()
    }
    assert {code: names for code, names in different.items() if names} == {}


def test_facts_are_those_of_what_happened() -> None:
    program, company, person, member = a_firm()
    a_subscription()

    everything_happens(program, company, person, member)

    assert facts_of("points.earned")["wallets"] == [
        {"employee": None, "points": 1_500},
        {"employee": {"id": person.pk, "external_id": "E-7"}, "points": 1_500},
    ]
    assert facts_of("points.earned")["activity"]["external_id"] == "INV-1"
    assert {kind: facts_of(f"points.{kind}")["points"] for kind in ("earned", "returned", "spent", "refunded")} == {
        "earned": 3_000,
        "returned": -200,
        "spent": -200,
        "refunded": 200,
    }
    assert facts_of("points.adjusted")["points"] == 40
    assert (facts_of("tier.changed")["before"], facts_of("tier.changed")["after"]) == ("basic", "gold")
    orders = WebhookEvent.objects.filter(kind="redemption.changed").order_by("pk")
    assert [event.facts["state"] for event in orders] == ["REQUESTED", "APPROVED", "CANCELLED"]
    consents = WebhookEvent.objects.filter(kind="consent.changed").order_by("pk")
    assert [event.facts["is_given"] for event in consents] == [True, False]
    assert facts_of("employee.changed")["roles"] == ["buyer"]
    moved = WebhookEvent.objects.filter(kind__startswith="points.").exclude(kind="points.released")
    left = sum(event.facts["points"] for event in moved)
    assert left == 0  # everything that was not spent has expired


def test_batch_announces_in_order_with_as_many_statements_as_one() -> None:
    program, company, _person, _member = a_firm()
    others = [a_company() for _number in range(20)]
    for other in others:
        a_member(program, other)
        record(a_purchase(other))
    record(a_purchase(company))

    def queries_of(*bought: Any) -> int:
        with CaptureQueriesContext(connection) as queries:
            record(*bought)
        return len(queries)

    deaf = queries_of(a_purchase(company))
    a_subscription(kinds=["points.earned"])
    heard = queries_of(a_purchase(company))
    many = queries_of(*(a_purchase(other) for other in others))

    assert (heard - deaf, many - heard) == (3, 0)  # the names of programs and activities; then all in one statement
    events = list(WebhookEvent.objects.order_by("pk"))
    assert [event.company_id for event in events] == [company.pk, *(other.pk for other in others)]
    assert [event.facts["transaction"] for event in events] == sorted(event.facts["transaction"] for event in events)
    assert WebhookDelivery.objects.count() == 21


def test_what_nobody_listens_to_costs_one_query_and_is_not_written() -> None:
    company = a_company()
    a_subscription(kinds=["points.earned"])
    subscription, _secret = a_subscription(kinds=["tier.changed"])
    WebhookSubscription.objects.filter(pk=subscription.pk).update(is_active=False)

    with CaptureQueriesContext(connection) as queries:
        happen(company, "1", kind="tier.changed")

    assert len(queries) == 1
    assert WebhookEvent.objects.count() == 0


def test_event_goes_to_those_who_hear_of_its_company_and_its_kind() -> None:
    ours, theirs, strangers = a_company(), a_company(), a_company()
    of_ours, _secret = a_subscription(ours)
    of_both, _secret = a_subscription(ours, theirs)
    a_subscription(theirs, kinds=["points.earned"])

    happen(ours, "1")
    happen(theirs, "2")
    happen(strangers, "3")

    told = WebhookDelivery.objects.values_list("subscription", "event__company")
    assert set(told) == {(of_ours.pk, ours.pk), (of_both.pk, ours.pk), (of_both.pk, theirs.pk)}
    assert set(WebhookEvent.objects.values_list("company", flat=True)) == {ours.pk, theirs.pk}


def test_what_was_rolled_back_was_not_announced(django_capture_on_commit_callbacks: Any) -> None:
    woken: list[str] = []
    wakers = list(queues._wakers)
    queues.use_waker(woken.append)
    a_subscription()
    company = a_company()

    def happens_and_breaks() -> None:
        with transaction.atomic():
            happen(company, "1")
            raise ZeroDivisionError

    try:
        with django_capture_on_commit_callbacks(execute=True):
            with pytest.raises(ZeroDivisionError):
                happens_and_breaks()
            happen(company, "2")
    finally:
        queues._wakers[:] = wakers

    assert WebhookEvent.objects.get().facts == {"subject": "2"}
    assert woken == ["webhooks"]


def test_what_a_company_s_webhook_is_told_holds_no_word_of_another() -> None:
    world = a_canary_world()

    for side, other, letter in ((world.a, world.b, "b"), (world.b, world.a, "a")):
        deliveries = WebhookDelivery.objects.filter(subscription__name__startswith=side.canary)
        told = [body_of(delivery.event).decode().lower() for delivery in deliveries.select_related("event")]

        assert [body for body in told if other.canary in body or str(POINTS[letter]) in body] == []
        assert [body for body in told if "canary-internal" in body] == []
        assert sum(side.canary in body for body in told) > 10
        assert not deliveries.exclude(event__company=side.company).exists()


def test_erased_person_keeps_no_number_in_events_and_the_endpoints_are_told() -> None:
    _program, company, person, member = a_firm()
    consent_to(member, by=user_of(person))
    a_subscription()
    record(a_purchase(company, 50, employee_id=person.pk), now=NOW)
    happen(company, "1", employee={"id": person.pk, "external_id": "E-7"})
    happen(company, "2", employee={"id": person.pk + 1, "external_id": "E-8"})
    delivery = WebhookDelivery.objects.earliest("pk")
    WebhookAttempt.objects.create(delivery=delivery, at=NOW, answer="E-7 is not known")

    asked = ask_to_erase(employee_id=person.pk, by_user_id=user_of(person).pk, now=NOW)
    erase_now(erasure_id=asked.pk, by_user_id=None, now=NOW)

    texts = [json.dumps(event.facts) for event in WebhookEvent.objects.all()]
    assert ([text for text in texts if "E-7" in text], len([text for text in texts if "E-8" in text])) == ([], 1)
    assert set(WebhookAttempt.objects.values_list("answer", flat=True)) == {""}
    assert facts_of("employee.changed")["is_active"] is False
