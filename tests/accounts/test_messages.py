"""What people want to be told, and where a message leads."""

import pytest
from django.urls import reverse
from django.utils import translation

from accounts import messages
from accounts.messages import MessageKind, Telling
from accounts.models import Message, NotificationPreference
from tests.factories.world import NOW, a_company, an_employee

pytestmark = pytest.mark.django_db

Topic, Channel = NotificationPreference.Topic, NotificationPreference.Channel


def told(kind: MessageKind, topic: str, channel: str, *, is_wanted: bool) -> int:
    """How many of two people are told, one of whom has said what they want."""
    people = [an_employee(a_company()) for _ in range(2)]
    NotificationPreference.objects.create(employee=people[0], topic=topic, channel=channel, is_wanted=is_wanted)
    messages.tell(kind, [Telling(person.pk, 1, {}) for person in people], now=NOW)
    return Message.objects.filter(is_in_inbox=True).count()


@pytest.mark.parametrize(
    ("topic", "channel", "is_wanted", "count"),
    [
        (Topic.ORDERS, Channel.INBOX, False, 1),
        (Topic.ORDERS, Channel.INBOX, True, 2),
        (Topic.ORDERS, Channel.EMAIL, False, 2),
        (Topic.NEWS, Channel.INBOX, False, 2),
    ],
)
def test_whoever_does_not_want_a_topic_in_the_inbox_is_left_out(
    topic: str, channel: str, is_wanted: bool, count: int
) -> None:
    kind = MessageKind("test-topic", "", topic=Topic.ORDERS)

    assert told(kind, topic, channel, is_wanted=is_wanted) == count


def test_what_has_no_topic_cannot_be_switched_off() -> None:
    assert told(MessageKind("test-always", ""), Topic.ORDERS, Channel.INBOX, is_wanted=False) == 2


@pytest.mark.parametrize(
    ("language", "written"),
    [
        ("en", "1,200 until March 31, 2026, not 2026-3-1"),
        ("id", "1.200 until 31 Maret 2026, not 2026-3-1"),
        ("ar", "1.200 until 31 مارس 2026, not 2026-3-1"),
    ],
)
def test_numbers_and_days_are_written_as_whoever_reads_writes_them(language: str, written: str) -> None:
    messages.register(MessageKind("test-facts", "{points} until {day}, not {word}"))
    message = Message(kind="test-facts", facts={"points": 1_200, "day": "2026-03-31", "word": "2026-3-1"})

    with translation.override(language):
        assert messages.title_of(message) == written


def test_message_leads_to_its_row_its_page_or_nowhere() -> None:
    kinds = [
        MessageKind("test-row", "", "order"),
        MessageKind("test-page", "", "orders", names_subject=False),
        MessageKind("test-nowhere", ""),
    ]
    messages.register(*kinds)

    addresses = [
        messages.address_of(Message(kind=code, subject_id=5))
        for code in (*(kind.code for kind in kinds), "of-the-future")
    ]

    assert addresses == [reverse("order", args=[5]), reverse("orders"), "", ""]
