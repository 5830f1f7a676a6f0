"""Deliveries: at least once, in order about one thing, patiently, and without one endpoint holding up another."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEntry, WebhookAttempt, WebhookDelivery, WebhookHealth, WebhookSubscription
from accounts.outside import Reach
from accounts.secrets_at_rest import seal
from accounts.webhooks import delivering, ping, replay, rotate_secret, tidy
from accounts.webhooks.delivering import AILING, LANES, LEASE
from accounts.webhooks.waiting import DELAYS
from tests.factories.webhooks import LOOPBACK, a_subscription, happen, take
from tests.factories.world import NOW, a_company, a_manager
from tests.loyalty.racing import PATIENCE, race
from tests.webhooks.receiving import Receiver, a_receiver, status

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with a_receiver() as running:
        yield running


def states() -> list[str]:
    """What has become of the deliveries, in the order of their events."""
    return list(WebhookDelivery.objects.order_by("event", "subscription").values_list("state", flat=True))


def subjects(receiver: Receiver) -> list[str]:
    """What the events were about that a receiver got."""
    return [one.told["data"]["subject"] for one in receiver.got]


def drain(now: datetime, reach: Reach = LOOPBACK) -> int:
    """Take until nothing is due."""
    total = 0
    while count := take(now, reach):
        total += count
    return total


def test_event_is_delivered_once_with_everything_a_receiver_needs(receiver: Receiver) -> None:
    company = a_company(external_id="C-77")
    a_subscription(url=receiver.url)
    happen(company, "4", kind="consent.changed", amount=3)

    assert (take(), take()) == (1, 0)

    [got], delivery = receiver.got, WebhookDelivery.objects.get()
    assert got.told == {
        "id": got.headers["webhook-id"],
        "kind": "consent.changed",
        "occurred_at": "2026-06-15T12:00:00.000Z",
        "company": {"id": company.pk, "external_id": "C-77"},
        "sequence": delivery.event_id,
        "data": {"subject": "4", "amount": 3},
    }
    assert got.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert (delivery.state, delivery.tries, delivery.ended_at) == ("DELIVERED", 1, NOW)
    assert WebhookAttempt.objects.get().status == 204
    assert WebhookHealth.objects.get().delivered_at == NOW


def test_failure_is_tried_again_later_and_later_for_three_days(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1")
    receiver.otherwise = status(503, "Busy")

    while WebhookDelivery.objects.filter(state="WAITING").exists():
        WebhookHealth.objects.update(paused_until=None)  # the pauses have a test of their own
        due_at = WebhookDelivery.objects.get().due_at
        assert (take(due_at - timedelta(seconds=1)), take(due_at)) == (0, 1)

    assert len(receiver.got) == len(DELAYS) + 1 == 11
    assert sum(DELAYS, timedelta()) < timedelta(days=3) < sum(DELAYS, timedelta()) + HOUR
    assert len(set(receiver.ids())) == 1
    assert len({one.body for one in receiver.got}) == 1
    assert states() == ["DEAD"]
    attempts = WebhookAttempt.objects.order_by("pk")
    assert {(one.status, one.failure, one.answer) for one in attempts} == {(503, "STATUS", "Busy")}
    assert [later.at - one.at for one, later in pairwise(attempts)] == list(DELAYS)


def test_events_about_one_thing_wait_for_each_other_and_others_do_not(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    company = a_company()
    happen(company, "same", "same", "other")
    receiver.replies = [status(500)]

    assert drain(NOW) == 2
    assert subjects(receiver) == ["same", "other"]

    assert drain(NOW + DELAYS[0]) == 2
    assert subjects(receiver) == ["same", "other", "same", "same"]
    sequences = [one.told["sequence"] for one in receiver.got if one.told["data"]["subject"] == "same"]
    assert sequences == sorted(sequences)
    assert states() == ["DELIVERED"] * 3


def test_event_that_is_given_up_lets_the_next_one_go(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "same", "same")
    receiver.replies = [status(500)]
    drain(NOW)

    drain(NOW + timedelta(days=3))

    assert states() == ["DEAD", "DELIVERED"]


def test_two_subscriptions_do_not_wait_for_each_other(receiver: Receiver) -> None:
    with a_receiver() as other:
        a_subscription(url=receiver.url)
        a_subscription(url=other.url)
        receiver.otherwise = status(500)
        happen(a_company(), "same", "same")

        drain(NOW)

        assert (len(receiver.got), subjects(other)) == (1, ["same", "same"])


def test_endpoints_whose_events_wait_their_turn_take_no_lane_from_others(receiver: Receiver) -> None:
    ours, theirs = a_company(), a_company()
    with a_receiver() as failing:
        failing.otherwise = status(500)
        for _lane in range(LANES):
            a_subscription(ours, url=failing.url)
        a_subscription(theirs, url=receiver.url)
        happen(ours, "same", "same")
        happen(theirs, "1")
        drain(NOW)
        happen(theirs, "2")

        assert take(NOW) == 1

        assert (len(failing.got), subjects(receiver)) == (LANES, ["1", "2"])


def test_ailing_endpoint_is_not_left_alone_longer_for_what_only_waits_its_turn(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    company = a_company()
    happen(company, "same", "same")
    receiver.replies = [status(500)]
    drain(NOW)
    WebhookHealth.objects.update(failures=AILING, paused_until=NOW)

    assert take(NOW) == 0

    assert WebhookHealth.objects.get().paused_until == NOW


@pytest.mark.django_db(transaction=True)
def test_two_workers_keep_the_order_and_send_nothing_twice(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    company = a_company()
    for _round in range(4):
        happen(company, *map(str, range(5)))

    counts = race([lambda: drain(NOW), lambda: drain(NOW), lambda: drain(NOW)])
    drain(NOW)

    assert all(isinstance(count, int) for count in counts)
    assert len(receiver.got) == len(set(receiver.ids())) == 20
    for subject in map(str, range(5)):
        of_one = [one.told["sequence"] for one in receiver.got if one.told["data"]["subject"] == subject]
        assert of_one == sorted(of_one)


@pytest.mark.django_db(transaction=True)
def test_nothing_overtakes_what_another_worker_is_sending(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "same", "same")
    arrived, go_on = threading.Event(), threading.Event()

    def takes_its_time(handler: BaseHTTPRequestHandler) -> None:
        arrived.set()
        go_on.wait(PATIENCE)
        status(204)(handler)

    def looks_meanwhile() -> int:
        arrived.wait(PATIENCE)
        try:
            return take(NOW)
        finally:
            go_on.set()

    receiver.replies = [takes_its_time]

    assert race([lambda: take(NOW), looks_meanwhile]) == [1, 0]
    assert states() == ["DELIVERED", "WAITING"]


def test_twin_without_the_order_overtakes(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "same", "same")
    receiver.replies = [status(500)]
    monkeypatch.setattr(
        delivering,
        "_heads",
        lambda now: delivering._unclaimed(now).filter(due_at__lte=now),
    )

    take(NOW)
    take(NOW)

    assert states() == ["WAITING", "DELIVERED"]


def test_claim_of_a_worker_that_died_is_over_after_a_while(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1")

    def dies(*arguments: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(delivering, "_settle", dies)
        with pytest.raises(SystemExit):
            take(NOW)

    assert take(NOW + LEASE - timedelta(seconds=1)) == 0
    assert take(NOW + LEASE) == 1
    assert receiver.ids() == [receiver.ids()[0]] * 2  # at least once: the receiver tells the repeat by its id
    assert states() == ["DELIVERED"]


def test_endpoint_that_keeps_failing_is_left_alone_and_asked_with_one(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), *map(str, range(50)))
    receiver.otherwise = status(500)

    drain(NOW)
    assert len(receiver.got) == AILING
    assert take(NOW + timedelta(seconds=29)) == 0
    assert take(NOW + timedelta(seconds=30)) == 1
    assert take(NOW + timedelta(seconds=89)) == 0
    receiver.otherwise = status(204)
    assert take(NOW + timedelta(seconds=90)) == 1
    drain(NOW + timedelta(seconds=90))

    health = WebhookHealth.objects.get()
    assert (health.failures, health.paused_until) == (0, None)
    assert states().count("DELIVERED") == 50 - WebhookDelivery.objects.filter(state="WAITING").count() >= 46
    drain(NOW + timedelta(hours=1))
    assert states() == ["DELIVERED"] * 50


def test_pauses_grow_to_an_hour(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), *map(str, range(30)))
    receiver.otherwise = status(500)

    now, pauses = NOW, []
    for _failure in range(14):
        drain(now)
        until = WebhookHealth.objects.get().paused_until
        assert until is not None
        pauses.append(until - now)
        now = until

    assert [pause.total_seconds() for pause in pauses[:9]] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_slow_endpoint_does_not_hold_up_the_others(receiver: Receiver) -> None:
    over = threading.Event()
    with a_receiver() as slow:

        def keeps_waiting(handler: BaseHTTPRequestHandler) -> None:
            over.wait(PATIENCE)

        slow.otherwise = keeps_waiting
        a_subscription(url=slow.url)
        a_subscription(url=receiver.url)
        happen(a_company(), *map(str, range(3)))

        take(NOW, Reach(inside=LOOPBACK.inside, in_all=0.2))
        over.set()

        assert (len(slow.got), len(receiver.got)) == (1, 3)
        assert set(WebhookAttempt.objects.values_list("failure", "delivery__subscription__url")) == {
            ("TIMEOUT", slow.url),
            ("", receiver.url),
        }


def test_endpoint_that_is_gone_is_switched_off(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1", "2")
    receiver.otherwise = status(410)

    drain(NOW)

    assert len(receiver.got) == 1
    assert not WebhookSubscription.objects.get().is_active
    assert states() == ["DEAD", "WAITING"]
    assert AuditEntry.objects.get(action="webhook-gone").actor_id is None
    happen(a_company(), "3")
    assert len(states()) == 2  # what happens while it is off is not written


def test_what_could_not_be_tried_in_three_days_is_given_up_and_says_why(receiver: Receiver) -> None:
    subscription, _secret = a_subscription(url=receiver.url)
    happen(a_company(), "1", "2")
    WebhookSubscription.objects.filter(pk=subscription.pk).update(is_active=False)

    assert take(NOW + timedelta(days=3) - timedelta(seconds=1)) == 0
    assert take(NOW + timedelta(days=3)) == 2

    assert (states(), receiver.got) == (["DEAD", "DEAD"], [])
    assert set(WebhookAttempt.objects.values_list("failure", "status")) == {("UNTRIED", None)}


def test_workers_that_were_away_for_a_week_still_deliver(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1")

    drain(NOW + timedelta(days=7))

    assert states() == ["DELIVERED"]


def test_company_that_a_subscription_was_cut_down_from_is_not_told_any_more(receiver: Receiver) -> None:
    ours, theirs = a_company(), a_company()
    subscription, _secret = a_subscription(ours, theirs, url=receiver.url)
    happen(ours, "ours")
    happen(theirs, "theirs")
    subscription.companies.remove(theirs)

    drain(NOW)

    assert subjects(receiver) == ["ours"]
    assert states() == ["DELIVERED", "SET_ASIDE"]
    assert WebhookAttempt.objects.get(delivery__state="SET_ASIDE").failure == "COMPANY"


def test_two_keys_sign_while_the_receiver_changes_over(receiver: Receiver) -> None:
    subscription, _old = a_subscription(url=receiver.url)
    manager = a_manager()
    happen(a_company(), "1", "2", "3")

    def signatures() -> int:
        take(NOW)
        signed: str = receiver.got[-1].headers["webhook-signature"]
        return len(signed.split())

    assert signatures() == 1
    rotate_secret(subscription=subscription, is_leaked=False, by=manager, now=NOW)
    happen(a_company(), "4")
    assert signatures() == 2
    rotate_secret(subscription=subscription, is_leaked=True, by=manager, now=NOW)
    happen(a_company(), "5")
    assert signatures() == 1


def test_key_that_cannot_be_read_fails_and_is_not_sent_unsigned(receiver: Receiver) -> None:
    subscription, _secret = a_subscription(url=receiver.url)
    happen(a_company(), "1")
    subscription.secrets.update(sealed=seal("x")[:-8])

    assert take(NOW) == 1

    assert receiver.got == []
    assert (WebhookAttempt.objects.get().failure, states()) == ("KEY", ["WAITING"])


def test_test_of_an_endpoint_goes_the_way_of_everything(receiver: Receiver) -> None:
    subscription, _secret = a_subscription(url=receiver.url)

    delivery = ping(subscription=subscription, by=a_manager(), now=NOW)
    take(NOW)

    [got] = receiver.got
    assert (got.told["kind"], got.told["company"]) == ("ping", None)
    assert got.told["data"] == {"subscription": subscription.pk}
    assert WebhookDelivery.objects.get(pk=delivery.pk).state == "DELIVERED"


def test_replayed_delivery_keeps_its_id_and_its_body(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1")
    take(NOW)
    [delivery] = WebhookDelivery.objects.all()

    assert replay(delivery_ids=[delivery.pk], by=a_manager(), now=NOW + HOUR) == 1
    assert take(NOW + HOUR) == 1

    first, second = receiver.got
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]  # at another time


def test_what_is_over_is_deleted_after_a_while_and_what_waits_is_not(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1", "2")
    receiver.replies = [status(204), status(500)]
    take(NOW)

    assert tidy(now=NOW + timedelta(days=90), days=90) == 0
    assert tidy(now=NOW + timedelta(days=90, seconds=1), days=90) == 1
    assert tidy(now=NOW + timedelta(days=900), days=90) == 0

    assert (states(), WebhookAttempt.objects.count()) == (["WAITING"], 1)


def test_portion_costs_the_same_queries_however_many_it_holds(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    company = a_company()

    def queries_of(count: int) -> int:
        happen(company, *map(str, range(count)))
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert take(NOW) == count
        return len(queries)

    assert queries_of(2) == queries_of(16)


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"state": "DEAD"}, "webhook_delivery_ended_has_a_moment"),
        ({"ended_at": NOW}, "webhook_delivery_ended_has_a_moment"),
        ({"state": "DELIVERED", "ended_at": NOW, "claimed_until": NOW}, "webhook_delivery_ended_has_a_moment"),
    ],
)
def test_the_database_refuses_a_delivery_that_makes_no_sense(wrong: dict[str, object], constraint: str) -> None:
    a_subscription()
    happen(a_company(), "1")

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        WebhookDelivery.objects.update(**wrong)
    assert states() == ["WAITING"]
