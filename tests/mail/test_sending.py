"""E-mails: each sent once, tried again, given up, or uncertain; two workers, and one that is killed."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import connections
from django.utils import timezone

from accounts import messages
from accounts.mail import MailKind, NothingToSendError, kinds, queue_of_mail, register
from accounts.mail import send as write
from accounts.mail.sending import BACK_OFF, NO_SERVER
from accounts.messages import Telling
from accounts.models import Employee, Mail, Message, NotificationPreference, SuppressedAddress, User
from tests.factories.world import NOW, a_company, a_user, an_employee
from tests.loyalty.racing import race
from tests.mail.conftest import ORDERED, Carrier, Channel, Send, Topic

LATER = NOW + timedelta(minutes=1)


def told(*addresses: str) -> list[Mail]:
    """An e-mail to each address, written at NOW."""
    company = a_company()
    people = [an_employee(company, user=a_user(email=address, name=address[:1])) for address in addresses]
    messages.tell(ORDERED, [Telling(person.pk, 1, {"reward": "Drill", "points": 5}) for person in people], now=NOW)
    return list(Mail.objects.order_by("pk"))


def states() -> list[str]:
    return list(Mail.objects.order_by("pk").values_list("state", flat=True))


@pytest.mark.django_db
def test_what_is_due_is_sent_once(send: Send) -> None:
    told("a@example.com", "b@example.com", "c@example.com")

    assert send(NOW - timedelta(seconds=1)) == 0
    assert send(LATER) == 3
    assert send(LATER) == 0

    assert sorted(email.to[0] for email in outbox.outbox) == ["a@example.com", "b@example.com", "c@example.com"]
    assert list(Mail.objects.values_list("state", "ended_at", "claim", "tries").distinct()) == [
        ("SENT", LATER, None, 1)
    ]


@pytest.mark.django_db
def test_a_portion_costs_one_statement_an_e_mail(django_assert_max_num_queries: object) -> None:
    told(*(f"{number}@example.com" for number in range(50)))

    with django_assert_max_num_queries(50 + 12):  # type: ignore[operator]
        queue_of_mail().take(LATER)

    assert states() == ["SENT"] * 50


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("answer", "state", "why"),
    [
        (SMTPRecipientsRefused({"a@example.com": (550, b"no such user")}), "FAILED", "550 no such user"),
        (SMTPDataError(554, b"spam"), "FAILED", "554 spam"),
        (SMTPServerDisconnected("gone"), "UNCERTAIN", "The line broke"),
        (TimeoutError(), "UNCERTAIN", "The line broke"),
        (RuntimeError("a bug of a backend"), "UNCERTAIN", "The line broke"),
    ],
)
def test_an_e_mail_that_does_not_go_out_says_so_and_stops_no_other(
    carrier: type[Carrier], send: Send, answer: Exception, state: str, why: str
) -> None:
    told("a@example.com", "b@example.com")
    carrier.answers = {"a@example.com": answer}

    send(LATER)

    first, second = Mail.objects.order_by("pk")
    assert (first.state, second.state) == (state, "SENT")
    assert why in first.why
    assert send(LATER + timedelta(days=1)) == 0
    assert carrier.taken == ["b@example.com"]


@pytest.mark.django_db
def test_an_e_mail_that_is_refused_for_now_is_tried_again_later_and_later(carrier: type[Carrier], send: Send) -> None:
    [mail] = told("a@example.com")
    carrier.answers = {"a@example.com": SMTPDataError(451, b"later")}
    moment = LATER

    for pause in BACK_OFF:
        assert send(moment) == 1
        mail.refresh_from_db()
        assert (mail.state, mail.due_at) == ("WAITING", moment + pause)
        assert send(moment) == 0
        moment += pause
    send(moment)

    mail.refresh_from_db()
    assert (mail.state, mail.tries, mail.why) == ("FAILED", len(BACK_OFF) + 1, "The mail server refused it: 451 later")


@pytest.mark.django_db
def test_a_server_that_does_not_answer_costs_no_try(carrier: type[Carrier], send: Send) -> None:
    [mail] = told("a@example.com")
    carrier.is_away = True

    assert send(LATER) == 1

    mail.refresh_from_db()
    assert (mail.state, mail.tries, mail.claim, mail.due_at) == ("WAITING", 0, None, LATER + NO_SERVER)
    carrier.is_away = False
    assert send(LATER + NO_SERVER) == 1
    assert carrier.taken == ["a@example.com"]


@pytest.mark.django_db
def test_what_became_unwanted_meanwhile_is_not_sent(send: Send) -> None:
    told("off@example.com", "Bounced@example.com", "left@example.com", "shut@example.com", "fine@example.com")
    off, _bounced, left, shut, _fine = Employee.objects.order_by("pk")
    NotificationPreference.objects.create(employee=off, topic=Topic.ORDERS, channel=Channel.EMAIL, is_wanted=False)
    SuppressedAddress.objects.create(address="bounced@example.com", reason="BOUNCE")
    Employee.objects.filter(pk=left.pk).update(is_active=False)
    User.objects.filter(pk=shut.user_id).update(is_active=False)

    send(LATER)

    assert [email.to[0] for email in outbox.outbox] == ["fine@example.com"]
    assert states() == ["UNWANTED"] * 4 + ["SENT"]
    assert all(Mail.objects.filter(state="UNWANTED").values_list("why", flat=True))


@pytest.mark.django_db
def test_a_kind_makes_its_secrets_when_it_is_sent_and_may_find_that_it_is_over(send: Send) -> None:
    def prepare(mail: Mail, now: object) -> dict[str, str]:
        if mail.facts["is_over"]:
            raise NothingToSendError("It is over.")
        return {"link": "/join/secret/"}

    kind = MailKind("test-secret", "Subject", ("Text",), "Reason", "Button", prepare)
    register(kind)
    for is_over in (1, 0):
        write(kind, address="new@example.com", facts={"is_over": is_over}, now=NOW)

    send(LATER)

    assert states() == ["UNWANTED", "SENT"]
    assert "/join/secret/" in str(outbox.outbox[0].body)
    assert "secret" not in str(list(Mail.objects.values_list("facts", "why")))


@pytest.mark.django_db
def test_an_e_mail_that_nobody_can_put_together_fails_and_stops_no_other(send: Send) -> None:
    kind = MailKind("test-broken", "{there_is_no_such_fact}", (), "Reason")
    register(kind)
    write(kind, address="a@example.com", now=NOW)
    Mail.objects.create(kind="of-the-future", address="b@example.com", created_at=NOW, due_at=NOW)
    told("c@example.com")

    send(LATER)

    assert states() == ["FAILED", "FAILED", "SENT"]
    assert kinds.prepares(Mail.objects.earliest("pk")) is None


@pytest.mark.django_db(transaction=True)
def test_whom_a_dying_worker_was_writing_to_is_uncertain_and_the_rest_is_sent(
    carrier: type[Carrier], monkeypatch: pytest.MonkeyPatch, send: Send
) -> None:
    told("a@example.com", "b@example.com", "c@example.com")
    take = carrier.send_messages

    def dies_at_b(self: Carrier, emails: list[object]) -> int:
        count = take(self, emails)
        if self.taken[-1] == "b@example.com":
            connections["default"].close()  # what the kernel does for a process that is killed
            raise SystemExit
        return count

    monkeypatch.setattr(carrier, "send_messages", dies_at_b)
    with pytest.raises(SystemExit):
        send(LATER)

    assert states() == ["SENT", "SENDING", "WAITING"]
    monkeypatch.setattr(carrier, "send_messages", take)
    assert send(LATER) == 1
    assert states() == ["SENT", "UNCERTAIN", "SENT"]
    assert carrier.taken == ["a@example.com", "b@example.com", "c@example.com"]
    assert send(LATER + timedelta(days=9)) == 0


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lives_keeps_what_it_has_in_hand(carrier: type[Carrier], monkeypatch: pytest.MonkeyPatch) -> None:
    told("a@example.com", "b@example.com")
    take = carrier.send_messages
    others: list[object] = []

    def looks_around(self: Carrier, emails: list[object]) -> int:
        others.extend(race([lambda: queue_of_mail().take(LATER)]))
        return take(self, emails)

    monkeypatch.setattr(carrier, "send_messages", looks_around)
    queue_of_mail().take(LATER)

    assert others == [0, 0]
    assert states() == ["SENT", "SENT"]
    assert carrier.taken == ["a@example.com", "b@example.com"]


WORKER = """
import sys
import django
import loyalty.site.settings as ours
ours.DATABASES["default"]["NAME"] = sys.argv[1]
ours.EMAIL_BACKEND = "tests.mail.counting.CountingBackend"
django.setup()
from django.utils import timezone
from accounts.mail import queue_of_mail
queue = queue_of_mail()
while queue.take(timezone.now()):
    pass
"""


def many(count: int) -> None:
    """Tell a hundred people `count` things between them."""
    company = a_company()
    people = [an_employee(company) for _ in range(100)]
    for number in range(count // 100):
        messages.tell(
            ORDERED, [Telling(person.pk, number, {"reward": "Drill", "points": number}) for person in people], now=NOW
        )


def a_worker(counted: Path) -> "subprocess.Popen[bytes]":
    name = str(connections["default"].settings_dict["NAME"])
    command = [sys.executable, "-W", "ignore", "-c", WORKER, name]
    return subprocess.Popen(
        command, env={**os.environ, "COUNTED_IN": str(counted), "DJANGO_SETTINGS_MODULE": "loyalty.site.settings"}
    )


def drained_by_two(count: int, tmp_path: Path, settings: Any, *, is_one_killed: bool) -> list[str]:
    """Let two workers send `count` e-mails, one of them killed in the middle of it; gives what went out."""
    many(count)
    counted = [tmp_path / "one", tmp_path / "two"]
    workers = [a_worker(path) for path in counted]
    if is_one_killed:
        while not (counted[0].exists() and counted[0].stat().st_size > 2_000):
            assert workers[0].poll() is None, "the worker ended before it could be killed"
        workers[0].send_signal(signal.SIGKILL)
    for worker in workers:
        worker.wait()
    if is_one_killed:
        settings.EMAIL_BACKEND = "tests.mail.counting.CountingBackend"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COUNTED_IN", str(tmp_path / "three"))
            sum(iter(lambda: queue_of_mail().take(timezone.now()), 0))
    return [line for path in [*counted, tmp_path / "three"] if path.exists() for line in path.read_text().split()]


def proven(count: int, sent: list[str]) -> None:
    """Nothing lost, nothing twice: neither in the inbox nor by e-mail."""
    rows = Mail.objects.values_list("state", flat=True)
    uncertain = sum(state == "UNCERTAIN" for state in rows)
    codes = {str(code) for code in Mail.objects.filter(state="SENT").values_list("code", flat=True)}
    assert Message.objects.filter(is_in_inbox=True).values("employee", "subject_id").distinct().count() == count
    assert Message.objects.count() == Mail.objects.count() == count
    assert {*rows} <= {"SENT", "UNCERTAIN"}
    assert uncertain <= 1
    assert len(sent) == len(set(sent))
    assert codes <= set(sent)
    assert len(codes) == count - uncertain


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_nothing_twice_and_lose_nothing_when_one_is_killed(tmp_path: Path, settings: Any) -> None:
    sent = drained_by_two(600, tmp_path, settings, is_one_killed=True)

    proven(600, sent)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_one_killed", [False, True])
def test_an_outbox_of_a_hundred_thousand_is_drained_by_two_workers(
    tmp_path: Path, settings: Any, is_one_killed: bool
) -> None:
    begun = timezone.now()
    sent = drained_by_two(100_000, tmp_path, settings, is_one_killed=is_one_killed)

    proven(100_000, sent)
    assert timezone.now() - begun < timedelta(minutes=20)
