"""Webhooks at the manager's desk: added with a key that is shown once, tested, changed, replayed after a count."""

import csv
import io
import socket
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from pytest_django import Settings

from accounts.models import (
    AuditEntry,
    User,
    WebhookDelivery,
    WebhookHealth,
    WebhookSecret,
    WebhookSubscription,
)
from accounts.secrets_at_rest import unseal
from tests.factories.canaries import fingerprint
from tests.factories.webhooks import a_subscription, happen, take
from tests.factories.world import NOW, a_company, a_user
from tests.webhooks.receiving import a_receiver, status

pytestmark = pytest.mark.django_db

WEBHOOKS = "/admin/accounts/webhooksubscription/"
DELIVERIES = "/admin/accounts/webhookdelivery/"


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: Settings) -> None:
    settings.WEBHOOK_PRIVATE_HOSTS = ["127.0.0.1"]


def filled(**changes: Any) -> dict[str, Any]:
    """A form as a manager fills it in."""
    form = {
        "name": "Warehouse",
        "url": "http://127.0.0.1:9/hook",
        "kinds": ["points.earned", "tier.changed"],
        "is_for_all_companies": "on",
        "is_active": "on",
    }
    return {name: value for name, value in {**form, **changes}.items() if value is not None}


def refusals(page: Any) -> list[str]:
    """The sentences on a page that was refused."""
    form = page.context["adminform"].form
    return [sentence for sentences in form.errors.values() for sentence in sentences]


def test_new_webhook_shows_its_key_once_and_keeps_it_sealed(desk: Client, manager: User) -> None:
    added = desk.post(f"{WEBHOOKS}add/", filled())

    [subscription], [kept] = WebhookSubscription.objects.all(), WebhookSecret.objects.all()
    key = added.context["key"]
    assert (added.status_code, key[:6]) == (200, "whsec_")
    assert "no-store" in added["Cache-Control"]
    assert added.content.decode().count(key) == 1
    assert (unseal(kept.sealed), key in kept.sealed) == (key, False)
    assert (subscription.created_by, subscription.kinds) == (manager, ["points.earned", "tier.changed"])
    assert AuditEntry.objects.get(action="webhook-added").actor == manager
    for path in (f"{WEBHOOKS}{subscription.pk}/change/", WEBHOOKS, f"{WEBHOOKS}{subscription.pk}/history/"):
        assert key not in desk.get(path).content.decode()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"url": "https://169.254.169.254/latest/meta-data/"}, "leads into an internal network"),
        ({"url": "https://2852039166/"}, "an odd way to write an address"),
        ({"url": "https://[::ffff:169.254.169.254]/"}, "leads into an internal network"),
        ({"url": "http://example.com/"}, "Only https is allowed"),
        ({"url": "https://user:word@example.com/"}, "a user name or a password is refused"),
        ({"kinds": None}, "This field is required"),
        ({"kinds": ["points.invented"]}, "not one of the available choices"),
        ({"is_for_all_companies": None}, "Choose the companies, or all of them"),
    ],
)
def test_webhook_that_cannot_be_is_refused_beside_its_field(
    desk: Client, changes: dict[str, Any], sentence: str
) -> None:
    refused = desk.post(f"{WEBHOOKS}add/", filled(**changes))

    assert any(sentence in said for said in refusals(refused))
    assert not WebhookSubscription.objects.exists()


def test_name_that_leads_inside_is_refused_when_saved(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("169.254.169.254", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **how: found)

    refused = desk.post(f"{WEBHOOKS}add/", filled(url="https://receiver.example/"))

    assert refused.status_code == 409
    assert "leads into an internal network" in refused.content.decode()
    assert not WebhookSubscription.objects.exists()


def test_all_companies_and_a_list_of_them_is_one_too_many(desk: Client) -> None:
    company = a_company()

    both = desk.post(f"{WEBHOOKS}add/", filled(companies=[company.pk]))
    desk.post(f"{WEBHOOKS}add/", filled(companies=[company.pk], is_for_all_companies=None))

    assert "Choose the companies, or all of them: one of the two." in refusals(both)
    assert list(WebhookSubscription.objects.get().companies.all()) == [company]


def test_change_asks_a_failing_endpoint_again_and_stands_in_the_history(desk: Client) -> None:
    subscription, _secret = a_subscription()
    WebhookHealth.objects.update(failures=9, paused_until=NOW + timedelta(days=900))
    page = desk.get(f"{WEBHOOKS}{subscription.pk}/change/")
    assert "failed 9 times in a row; left alone until" in page.content.decode()

    saved = desk.post(
        f"{WEBHOOKS}{subscription.pk}/change/", filled(name="Stock", shown=page.context["stamp"], is_active=None)
    )

    assert saved.status_code == 302
    subscription.refresh_from_db()
    assert (subscription.name, subscription.is_active) == ("Stock", False)
    assert WebhookHealth.objects.values_list("failures", "paused_until").get() == (0, None)
    assert "Warehouse" in desk.get(f"{WEBHOOKS}{subscription.pk}/history/").content.decode()
    assert WebhookSecret.objects.count() == 1


def test_test_of_an_endpoint_leads_to_its_delivery(desk: Client) -> None:
    with a_receiver() as receiver:
        receiver.otherwise = status(500, "<b>Out of order</b>")
        subscription, _secret = a_subscription(url=receiver.url)

        sent = desk.post(f"{WEBHOOKS}{subscription.pk}/ping/")
        delivery = WebhookDelivery.objects.get()
        take(delivery.due_at)
        page = desk.get(sent["Location"]).content.decode()

    assert sent["Location"] == f"{DELIVERIES}{delivery.pk}/change/"
    assert "500 it answered with an error" in page
    assert "&lt;b&gt;Out of order&lt;/b&gt;" in page


def test_webhook_that_is_not_active_is_not_tested(desk: Client) -> None:
    subscription, _secret = a_subscription(is_active=False)

    refused = desk.post(f"{WEBHOOKS}{subscription.pk}/ping/")

    assert refused.status_code == 409
    assert "Switch it on first" in refused.content.decode()
    assert not WebhookDelivery.objects.exists()


def test_changed_key_is_shown_once_and_the_old_one_goes_on_for_a_day(desk: Client) -> None:
    subscription, old = a_subscription()

    changed = desk.post(f"{WEBHOOKS}{subscription.pk}/rotate/")

    newest, oldest = WebhookSecret.objects.order_by("-pk")
    assert changed.status_code == 200
    assert "no-store" in changed["Cache-Control"]
    assert unseal(newest.sealed) == changed.context["key"] != old
    assert oldest.ends_at is not None
    assert oldest.ends_at - newest.created_at == timedelta(days=1)
    assert changed.context["key"] not in desk.get("/admin/").content.decode()


def test_span_is_sent_again_only_after_its_count_was_confirmed(desk: Client) -> None:
    subscription, _secret = a_subscription()
    happen(a_company(), "1", "2", "3")
    WebhookDelivery.objects.update(state="DEAD", ended_at=NOW)
    url = f"{WEBHOOKS}{subscription.pk}/replay/"
    span = {"since_0": "2026-06-15", "since_1": "00:00", "until_0": "2026-06-16", "until_1": "00:00"}

    asked = desk.post(url, span)
    wrong = desk.post(url, {**span, "count": "2"})
    before = set(WebhookDelivery.objects.values_list("state", flat=True))
    done = desk.post(url, {**span, "count": "3"})

    assert "These are 3 deliveries. Nothing is sent yet" in asked.content.decode()
    assert (asked.status_code, wrong.status_code, before, done.status_code) == (409, 409, {"DEAD"}, 302)
    assert set(WebhookDelivery.objects.values_list("state", "tries", "ended_at")) == {("WAITING", 0, None)}
    assert AuditEntry.objects.get(action="webhook-span-replayed").numbers["count"] == 3


def test_list_says_when_a_delivery_is_tried_next_and_exports_plain_names(desk: Client) -> None:
    subscription, _secret = a_subscription()
    happen(a_company(name="Hill Farm"), "1", "2", "3")
    waits, paused, ended = WebhookDelivery.objects.order_by("pk")
    other, _secret = a_subscription(name="CRM")
    WebhookDelivery.objects.filter(pk=paused.pk).update(subscription=other)
    WebhookHealth.objects.filter(subscription=other).update(failures=3, paused_until=NOW + timedelta(hours=1))
    WebhookHealth.objects.filter(subscription=subscription).update(paused_until=NOW - timedelta(hours=1))
    WebhookDelivery.objects.filter(pk=ended.pk).update(state="DELIVERED", ended_at=NOW)

    page = desk.get(DELIVERIES).content.decode()
    sent = b"".join(desk.post(f"{DELIVERIES}export/")).decode("utf-8-sig")

    assert "tier.<wbr>changed" in page
    assert '<bdi class="calm">receiver.<wbr>example</bdi>' in page
    rows = list(csv.DictReader(io.StringIO(sent)))
    assert [(row["Event"], row["Webhook"], row["Company"]) for row in rows] == [
        ("tier.changed", "Warehouse", "Hill Farm"),
        ("tier.changed", "CRM", "Hill Farm"),
        ("tier.changed", "Warehouse", "Hill Farm"),
    ]
    tries = [row["Next try"] and datetime.fromisoformat(row["Next try"]) for row in rows]
    assert tries == ["", NOW + timedelta(hours=1), waits.due_at]


def test_chosen_deliveries_are_counted_first_and_those_that_wait_stay(desk: Client) -> None:
    a_subscription()
    happen(a_company(), "1", "2", "3")
    rows = list(WebhookDelivery.objects.order_by("pk"))
    WebhookDelivery.objects.filter(pk__in=[rows[0].pk, rows[1].pk]).update(state="DEAD", ended_at=NOW)
    chosen = {"action": "replay", "index": 0, "_selected_action": [row.pk for row in rows]}

    asked = desk.post(DELIVERIES, chosen)
    still = WebhookDelivery.objects.filter(state="DEAD").count()
    done = desk.post(DELIVERIES, {**chosen, "confirm": "yes"}, follow=True)

    assert (asked.context["title"], still) == ("Send again: 2 deliveries", 2)
    assert "Send again: 2 deliveries." in done.content.decode()
    assert set(WebhookDelivery.objects.values_list("state", flat=True)) == {"WAITING"}


def test_what_was_given_up_stands_on_the_home_until_it_is_set_aside(desk: Client) -> None:
    def queues() -> dict[str, int]:
        return {queue.label: queue.count for queue in desk.get("/admin/").context["queues"]}

    a_subscription()
    happen(a_company(), "1")
    [delivery] = WebhookDelivery.objects.all()
    assert "Webhooks that never arrived" not in queues()
    WebhookDelivery.objects.update(state="DEAD", ended_at=NOW)
    WebhookHealth.objects.update(failures=3)
    assert queues()["Webhooks that never arrived"] == 1
    assert "1 webhook keeps failing" in desk.get("/admin/").content.decode()

    desk.post(f"{DELIVERIES}{delivery.pk}/set_aside/")

    assert "Webhooks that never arrived" not in queues()
    delivery.refresh_from_db()
    assert delivery.state == "SET_ASIDE"
    again = desk.post(f"{DELIVERIES}{delivery.pk}/set_aside/")
    assert again.status_code == 409


def test_viewer_looks_and_changes_nothing(client: Client) -> None:
    subscription, _secret = a_subscription()
    happen(a_company(), "1")
    WebhookDelivery.objects.update(state="DEAD", ended_at=NOW)
    [delivery] = WebhookDelivery.objects.all()
    viewer = a_user(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    before = fingerprint()

    seen = [client.get(f"{DELIVERIES}{delivery.pk}/change/").status_code, client.get(WEBHOOKS).status_code]
    refused = [client.post(f"{WEBHOOKS}{subscription.pk}/{step}/").status_code for step in ("ping", "rotate", "replay")]
    refused += [client.post(f"{DELIVERIES}{delivery.pk}/{step}/").status_code for step in ("replay", "set_aside")]

    assert (seen, set(refused)) == ([200, 200], {403})
    assert fingerprint() == before
