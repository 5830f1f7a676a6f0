"""docs/webhooks.md: what it says is what arrives, and what it tells a developer to write works."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from email.message import Message
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.models import WebhookDelivery
from accounts.webhooks import known_kinds, rotate_secret
from accounts.webhooks.waiting import DELAYS, LAST_CALL, LONGEST_ASKED
from tests.factories.webhooks import a_subscription, happen, take
from tests.factories.world import a_company, a_manager
from tests.webhooks.receiving import a_receiver

PAGE = (Path(settings.BASE_DIR) / "docs" / "webhooks.md").read_text()


def documented_check() -> Callable[[str, Message, bytes], bool]:
    """The function that the page gives."""
    [snippet] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Callable[[str, Message, bytes], bool]] = {}
    exec(snippet, names)  # noqa: S102  the page is ours
    return names["is_ours"]


@pytest.mark.django_db
def test_documented_check_takes_what_we_send_and_nothing_else() -> None:
    is_ours, now = documented_check(), timezone.now()
    with a_receiver() as receiver:
        subscription, secret = a_subscription(url=receiver.url)
        happen(a_company(name="Zürich, Ελλάδα"), "1", word="naïve")
        take(now)
        new = rotate_secret(subscription=subscription, is_leaked=False, by=a_manager(), now=now)
        happen(a_company(), "2")
        take(now)
    first, second = receiver.got

    assert is_ours(secret, first.headers, first.body)
    assert is_ours(secret, second.headers, second.body)
    assert is_ours(new, second.headers, second.body)
    assert not is_ours(new, first.headers, first.body)
    assert not is_ours(secret, first.headers, first.body + b" ")
    assert not is_ours(secret, first.headers, second.body)
    first.headers.replace_header("webhook-timestamp", str(int(first.headers["webhook-timestamp"]) - 1))
    assert not is_ours(secret, first.headers, first.body)


@pytest.mark.django_db
def test_documented_check_refuses_what_is_old() -> None:
    is_ours = documented_check()
    with a_receiver() as receiver:
        _subscription, secret = a_subscription(url=receiver.url)
        happen(a_company(), "1")
        happened_long_ago = timezone.now() - timedelta(minutes=6)
        WebhookDelivery.objects.update(due_at=happened_long_ago)
        take(happened_long_ago)
    [got] = receiver.got

    assert not is_ours(secret, got.headers, got.body)


@pytest.mark.django_db
def test_body_has_the_documented_fields() -> None:
    [example] = re.findall(r"```json\n(\{\n  \"id\".*?\n\})\n```", PAGE, re.DOTALL)
    with a_receiver() as receiver:
        a_subscription(url=receiver.url)
        happen(a_company(), "1")
        take()
    [got] = receiver.got

    documented = json.loads(example)
    assert list(got.told) == list(documented)
    assert list(got.told["company"]) == list(documented["company"])
    assert re.fullmatch(r"msg_[0-9a-f]{32}", documented["id"])
    assert re.fullmatch(r"msg_[0-9a-f]{32}", got.told["id"])


def test_every_kind_is_documented_with_its_example() -> None:
    documented = dict(re.findall(r"### `([a-z.]+)`\n.*?```json\n(.*?)```", PAGE, re.DOTALL))

    assert {code: json.loads(example) for code, example in documented.items()} == {
        kind.code: kind.example for kind in known_kinds()
    }


def test_documented_retries_are_those_that_are_made() -> None:
    assert "10 seconds, 1, 5 and 30 minutes, 2, 5, 10, 14, 20 and 20 hours" in PAGE
    assert [delay.total_seconds() for delay in DELAYS] == [
        10, 60, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 20 * 3_600,
    ]  # fmt: skip


def test_documented_limits_of_what_an_endpoint_may_ask_for_hold() -> None:
    assert "at most 24 hours" in PAGE
    assert "an hour before the three days are over" in PAGE
    assert [limit.total_seconds() for limit in (LONGEST_ASKED, LAST_CALL)] == [24 * 3_600, 3_600]
