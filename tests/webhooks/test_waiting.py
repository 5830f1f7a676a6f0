"""Waiting: an endpoint that says how long it wants to be left alone is, within bounds."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from accounts.models import WebhookDelivery, WebhookHealth
from accounts.webhooks.delivering import AILING
from accounts.webhooks.waiting import DELAYS, LAST_CALL, LONGEST_ASKED, asked_until, due_again
from tests.factories.webhooks import a_subscription, happen, take
from tests.factories.world import NOW, a_company
from tests.webhooks.receiving import Receiver, a_receiver, status

HOUR = timedelta(hours=1)
DAYS_LATER = NOW + timedelta(days=3)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that takes everything."""
    with a_receiver() as running:
        yield running


def moments() -> tuple[datetime, datetime | None]:
    """When the first delivery is due, and until when its endpoint is left alone."""
    return WebhookDelivery.objects.earliest("pk").due_at, WebhookHealth.objects.get().paused_until


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("Mon, 15 Jun 2026 14:30:00 GMT", 2.5 * HOUR),
        ("Monday, 15-Jun-26 14:30:00 GMT", 2.5 * HOUR),
        ("Mon Jun 15 14:30:00 2026", 2.5 * HOUR),
        ("86401", LONGEST_ASKED),
        ("9" * 5_000, LONGEST_ASKED),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_ASKED),
    ],
)
def test_header_asks_for_seconds_or_until_a_date_and_for_a_day_at_most(header: str, wait: timedelta) -> None:
    assert asked_until(header, at=NOW, give_up_at=DAYS_LATER) == NOW + wait


@pytest.mark.parametrize(
    "header",
    ["", "0", "-5", "1.5", "soon", "120, 60", "Mon, 15 Jun 2026 11:59:59 GMT", "Mon, 35 Jun 2026 12:00:00 GMT"],
)
def test_header_that_asks_for_nothing_or_in_no_known_way_is_passed_over(header: str) -> None:
    assert asked_until(header, at=NOW, give_up_at=DAYS_LATER) is None


def test_delivery_is_tried_once_more_before_it_is_given_up_whatever_its_endpoint_asks_for() -> None:
    assert asked_until("86400", at=NOW, give_up_at=NOW + 5 * HOUR) == NOW + 5 * HOUR - LAST_CALL
    assert asked_until("86400", at=NOW, give_up_at=NOW + LAST_CALL) is None


def test_own_delay_is_the_least_that_is_waited() -> None:
    assert due_again(tries=3, asked_until=None, now=NOW) == NOW + DELAYS[2]
    assert due_again(tries=3, asked_until=NOW + DELAYS[2] / 2, now=NOW) == NOW + DELAYS[2]
    assert due_again(tries=3, asked_until=NOW + DELAYS[2] * 2, now=NOW) == NOW + DELAYS[2] * 2


@pytest.mark.django_db
@pytest.mark.parametrize("code", [429, 503])
def test_endpoint_that_asks_for_it_is_left_alone_until_a_date_and_then_gets_everything(
    receiver: Receiver, code: int
) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1", "2", "3")
    receiver.replies = [status(code, **{"Retry-After": "Mon, 15 Jun 2026 12:05:00 GMT"})]
    until = NOW + timedelta(minutes=5)

    assert (take(), take(until - timedelta(seconds=1))) == (1, 0)
    assert moments() == (until, until)
    assert take(until) == 3

    assert len(receiver.got) == 4
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"DELIVERED"}
    assert WebhookHealth.objects.get().paused_until is None


@pytest.mark.django_db
def test_seconds_count_from_the_answer(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1")
    receiver.otherwise = status(503, **{"Retry-After": "3600"})

    take()

    due_at, paused_until = moments()
    assert due_at == paused_until
    assert NOW + HOUR < due_at < NOW + HOUR + timedelta(minutes=1)  # the answer took a moment


@pytest.mark.django_db
@pytest.mark.parametrize(("code", "wait"), [(500, "3600"), (301, "3600"), (503, "soon"), (429, "9")])
def test_delay_stays_ours_where_nothing_else_is_asked_for(receiver: Receiver, code: int, wait: str) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1")
    receiver.otherwise = status(code, **{"Retry-After": wait})

    take()

    assert moments()[0] == NOW + DELAYS[0]


@pytest.mark.django_db
def test_pause_of_an_ailing_endpoint_is_not_shortened_by_what_it_asks_for(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1")
    WebhookHealth.objects.update(failures=AILING + 4)
    receiver.otherwise = status(503, **{"Retry-After": "60"})

    take()

    assert moments()[1] == NOW + timedelta(minutes=16)


@pytest.mark.django_db
def test_endpoint_that_asks_for_a_day_each_time_is_asked_to_the_end_of_three(receiver: Receiver) -> None:
    a_subscription(url=receiver.url)
    happen(a_company(), "1")
    receiver.otherwise = status(503, **{"Retry-After": "86400"})
    tried: list[datetime] = []

    while (due_at := moments()[0]) < DAYS_LATER:
        tried.append(due_at)
        assert take(due_at) == 1
    take(DAYS_LATER)

    days = [round((at - NOW) / timedelta(days=1), 2) for at in tried]
    assert days == [0, 1, 2, 2.96, 2.98]  # an hour before the end, and after our own next delay
    assert len(receiver.got) == 5
    assert WebhookDelivery.objects.get().state == "DEAD"
