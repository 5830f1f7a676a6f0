"""Which messages become e-mails: wanted ones, once, with the row they speak of."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import messages
from accounts.inbox import inbox_of
from accounts.mail import leave_to_the_past
from accounts.messages import Telling
from accounts.models import Employee, Mail, Message, NotificationPreference
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import NOW, a_company, a_user, an_employee
from tests.mail.conftest import ALWAYS, ORDERED, Channel, Topic

pytestmark = pytest.mark.django_db


def wants(person: Employee, channel: str, is_wanted: bool, topic: str = Topic.ORDERS) -> None:
    NotificationPreference.objects.create(employee=person, topic=topic, channel=channel, is_wanted=is_wanted)


def tell(person: Employee, subject_id: int = 1) -> None:
    messages.tell(ORDERED, [Telling(person.pk, subject_id, {"reward": "Drill", "points": 5})], now=NOW)


def test_a_message_that_is_wanted_by_e_mail_has_one_beside_it() -> None:
    person = an_employee(a_company(), user=a_user(email="mia@example.com"))

    tell(person)

    mail = Mail.objects.get()
    assert (mail.message, mail.user, mail.address) == (Message.objects.get(), person.user, "mia@example.com")
    assert (mail.state, mail.due_at, mail.tries) == ("WAITING", NOW, 0)


@pytest.mark.parametrize(
    ("inbox", "email", "in_inbox", "mails"),
    [(True, True, 1, 1), (True, False, 1, 0), (False, True, 0, 1), (False, False, 0, 0)],
)
def test_each_channel_has_its_own_switch(inbox: bool, email: bool, in_inbox: int, mails: int) -> None:
    person = an_employee(a_company())
    wants(person, Channel.INBOX, inbox)
    wants(person, Channel.EMAIL, email)

    tell(person)

    actor = as_actor(user_of(person))
    assert (inbox_of(actor).count(), actor.unread_messages, Mail.objects.count()) == (in_inbox, in_inbox, mails)
    assert Message.objects.count() == max(in_inbox, mails)


def test_history_that_is_written_down_later_counts_as_sent_when_it_happened() -> None:
    company, before = a_company(), NOW - timedelta(days=90)
    people = [an_employee(company, user=a_user()) for _number in range(3)]
    for person, at in zip(people, (before, NOW, NOW + timedelta(seconds=1)), strict=True):
        messages.tell(ORDERED, [Telling(person.pk, 1, {"reward": "Drill", "points": 5})], now=at)
    tried = Mail.objects.create(
        kind="x", address="a@example.com", created_at=before, state="FAILED", why="Full", ended_at=NOW
    )

    assert leave_to_the_past(until=NOW) == 2

    rows = Mail.objects.exclude(pk=tried.pk).order_by("created_at").values_list("state", "ended_at", "tries")
    assert list(rows) == [("SENT", before, 1), ("SENT", NOW, 1), ("WAITING", None, 0)]
    tried.refresh_from_db()
    assert (tried.state, tried.ended_at) == ("FAILED", NOW)
    assert [inbox_of(as_actor(user_of(person))).count() for person in people] == [1, 1, 1]


def test_what_cannot_be_switched_off_is_written_to_everybody() -> None:
    person = an_employee(a_company())
    for topic in Topic.values:
        wants(person, Channel.EMAIL, False, topic)

    messages.tell(ALWAYS, [Telling(person.pk, 1, {"person": "Bo"})], now=NOW)

    assert Mail.objects.count() == 1


def test_nobody_is_written_to_without_a_login_that_is_let_in() -> None:
    company = a_company()
    an_employee(company, login=False)
    an_employee(company, is_active=False)
    an_employee(company, user=a_user(is_active=False))

    for person in Employee.objects.all():
        tell(person)

    assert (Message.objects.count(), Mail.objects.count()) == (3, 0)


def test_what_was_told_before_e_mails_were_wanted_is_not_sent_later() -> None:
    person = an_employee(a_company())
    wants(person, Channel.EMAIL, False)
    tell(person)
    NotificationPreference.objects.update(is_wanted=True)

    messages.tell(ORDERED, [Telling(person.pk, 1, {}), Telling(person.pk, 2, {})], now=timezone.now())
    messages.tell(ORDERED, [Telling(person.pk, 2, {})], now=timezone.now())

    assert [mail.message and mail.message.subject_id for mail in Mail.objects.all()] == [2]


def test_nothing_is_sent_of_what_was_rolled_back() -> None:
    person = an_employee(a_company())

    with transaction.atomic():
        tell(person)
        transaction.set_rollback(True)

    assert not Mail.objects.exists()


def test_telling_many_costs_as_much_as_telling_few(django_assert_num_queries: object) -> None:
    company = a_company()
    people = [an_employee(company) for _ in range(20)]

    for few in (people[:2], people):
        with django_assert_num_queries(5):  # type: ignore[operator]
            messages.tell(ORDERED, [Telling(person.pk, len(few), {}) for person in few], now=NOW)


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"state": "SENT"}, "mail_ended_has_a_moment_and_no_holder"),
        ({"state": "SENT", "ended_at": NOW, "claim": 5}, "mail_ended_has_a_moment_and_no_holder"),
        ({"ended_at": NOW}, "mail_ended_has_a_moment_and_no_holder"),
        ({"state": "SENDING"}, "mail_sent_by_somebody"),
        ({"state": "FAILED", "ended_at": NOW}, "mail_not_sent_says_why"),
        ({"address": ""}, "mail_has_address"),
    ],
)
def test_the_database_refuses_an_e_mail_that_makes_no_sense(wrong: dict[str, object], constraint: str) -> None:
    tell(an_employee(a_company()))

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Mail.objects.update(**wrong)
    assert Mail.objects.get().state == "WAITING"
