"""People to write to, and a worker to send it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage
from django.utils import timezone

from accounts import messages
from accounts.mail import queue_of_mail
from accounts.messages import MessageKind
from accounts.models import NotificationPreference

ORDERED = MessageKind("test-mail-ordered", "{reward} is ordered for {points} points", topic="ORDERS")
ALWAYS = MessageKind("test-mail-always", "{person} asks you to decide")

Topic, Channel = NotificationPreference.Topic, NotificationPreference.Channel
Send = Callable[..., int]


@pytest.fixture(autouse=True)
def _kinds() -> None:
    """Kinds that these tests tell."""
    messages.register(ORDERED, ALWAYS)


class Carrier(BaseEmailBackend):
    """A mail server that answers each e-mail as it was told to: None takes it."""

    answers: dict[str, Exception] = {}
    taken: list[str] = []
    is_away = False

    def open(self) -> bool:
        """Answer the call."""
        if type(self).is_away:
            raise ConnectionRefusedError
        return True

    def send_messages(self, email_messages: object) -> int:
        """Take one e-mail, or not."""
        assert isinstance(email_messages, list)
        for email in email_messages:
            assert isinstance(email, EmailMessage)
            answer = self.answers.get(email.to[0])
            if answer is not None:
                raise answer
            self.taken.append(email.to[0])
        return 1


@pytest.fixture
def carrier(settings: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Carrier]:
    """The mail server of the test."""
    monkeypatch.setattr(Carrier, "answers", {})
    monkeypatch.setattr(Carrier, "taken", [])
    monkeypatch.setattr(Carrier, "is_away", False)
    settings.EMAIL_BACKEND = f"{__name__}.Carrier"  # type: ignore[attr-defined]
    return Carrier


@pytest.fixture
def send() -> Send:
    """A worker that sends what is due; gives how many e-mails it dealt with."""

    def of(now: datetime | None = None) -> int:
        moment = now or timezone.now() + timedelta(seconds=1)
        queue = queue_of_mail(lambda: moment)
        return sum(iter(lambda: queue.take(moment), 0))

    return of
