"""Whether the process lives, whether it can work, and the numbers of `/metrics`."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from accounts import jobs
from accounts.models import Pulse
from loyalty.site import health

TOKEN = "t" * 40


@pytest.fixture(autouse=True)
def _a_broker_that_answers(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "memory://"
    health._migrated.clear()


def ready(client: Client) -> tuple[int, dict[str, Any]]:
    response = client.get("/readyz")
    return response.status_code, json.loads(response.content)


def test_a_living_process_says_so_without_a_database(client: Client) -> None:
    response = client.get("/healthz", HTTP_HOST="10.0.0.7")

    assert (response.status_code, response.content) == (200, b"alive\n")


@pytest.mark.django_db
def test_an_installation_that_can_work_is_ready_and_has_written_so(client: Client) -> None:
    status, body = ready(client)

    assert (status, body["state"]) == (200, "ready")
    assert {name: check["state"] for name, check in body["checks"].items()} == dict.fromkeys(
        ("database", "migrations", "work", "broker"), "ready"
    )
    assert Pulse.objects.get().code == "ready"


@pytest.mark.django_db
def test_a_database_that_refuses_writes_is_down(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")

    status, body = ready(client)

    assert (status, body["state"]) == (503, "down")
    assert body["checks"] == {"database": {"state": "down", "finding": "cannot be written to"}}


@pytest.mark.django_db
def test_a_schema_of_another_version_is_down(client: Client) -> None:
    MigrationRecorder.Migration.objects.filter(app="sessions").latest("pk").delete()

    status, body = ready(client)

    assert status == 503
    assert body["checks"]["migrations"]["finding"] == "1 not applied: run manage.py migrate"


@pytest.mark.django_db
def test_work_that_waits_too_long_degrades_and_turns_nobody_away(client: Client) -> None:
    long_ago = timezone.now() - timedelta(minutes=6)
    jobs.ask(kind="any", parameters={}, asked_by_id=None, now=long_ago)

    status, body = ready(client)

    assert (status, body["state"], body["checks"]["work"]["state"]) == (200, "degraded", "degraded")
    assert body["checks"]["work"]["finding"].endswith("s ago (jobs)")


@pytest.mark.django_db
def test_a_broker_that_is_down_degrades_and_turns_nobody_away(client: Client, settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

    status, body = ready(client)

    assert (status, body["state"], body["checks"]["broker"]["state"]) == (200, "degraded", "degraded")


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}])
def test_metrics_are_no_page_for_whoever_lacks_the_token(
    client: Client, settings: Any, headers: dict[str, str]
) -> None:
    settings.METRICS_TOKEN = TOKEN

    assert client.get("/metrics", headers=headers).status_code == 404
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.django_db
def test_metrics_count_requests_by_view_and_tell_what_waits(client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    jobs.ask(kind="any", parameters={}, asked_by_id=None, now=timezone.now() - timedelta(minutes=2))
    client.get("/accounts/login/")

    response = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})

    lines = dict(line.rsplit(" ", 1) for line in response.content.decode().splitlines() if not line.startswith("#"))
    assert response.status_code == 200
    assert float(lines['twofold_requests_total{method="GET",status="200",view="account_login"}']) >= 1
    assert float(lines['twofold_queue_due{queue="jobs"}']) == 1
    assert float(lines['twofold_queue_oldest_seconds{queue="jobs"}']) >= 120
    assert float(lines["twofold_jobs_failed"]) == 0
    assert float(lines["twofold_database_bytes"]) > 1_000_000


def test_a_lost_database_is_down_and_says_no_more_than_that(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*args: object, **kwargs: object) -> None:
        raise OperationalError("could not connect to server at db.internal")

    monkeypatch.setattr(connection, "ensure_connection", lost)
    monkeypatch.setattr(connection, "connect", lost)
    monkeypatch.setattr(connection, "cursor", lost)

    response = client.get("/readyz")

    assert response.status_code == 503
    assert b"db.internal" not in response.content
