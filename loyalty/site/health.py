"""Whether this process lives (`/healthz`) and whether it can do its work (`/readyz`); read by machines.

Answered before anything else: a balancer asks by address and without HTTPS, and needs neither session nor language.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import Pulse
from loyalty.site.backlogs import backlogs
from loyalty.site.celery import app

log = logging.getLogger(__name__)

OLDEST_ALLOWED = timedelta(minutes=5)
"""How long work that is due may wait before the installation counts as degraded."""

_BROKER_PATIENCE = 2  # seconds


class State(StrEnum):
    """Down: send nobody here. Degraded: people are served, but somebody should look."""

    READY = "ready"
    DEGRADED = "degraded"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found."""

    name: str
    state: State
    finding: str


class HealthMiddleware:
    """Answers the two addresses of health, and passes everything else on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._answers = {"/healthz": _alive, "/readyz": _ready}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer GET and HEAD of the two addresses."""
        answer = self._answers.get(request.path_info) if request.method in ("GET", "HEAD") else None
        return self.get_response(request) if answer is None else answer()


def _alive() -> HttpResponse:
    return HttpResponse("alive\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


def _ready() -> HttpResponse:
    checks = look(now=timezone.now())
    state = worst_of(checks)
    body = {
        "state": state,
        "checks": {check.name: {"state": check.state, "finding": check.finding} for check in checks},
    }
    return HttpResponse(
        json.dumps(body) + "\n",
        content_type="application/json",
        status=503 if state is State.DOWN else 200,
        headers={"Cache-Control": "no-store"},
    )


def worst_of(checks: list[Check]) -> State:
    """Return the state of the whole."""
    states = {check.state for check in checks}
    return next((state for state in (State.DOWN, State.DEGRADED) if state in states), State.READY)


def look(*, now: datetime) -> list[Check]:
    """Check the database by writing to it, the migrations, the age of work that waits, and the broker.

    A database that cannot be written to or has another schema is down; work that waits too long or a broker that does
    not answer only degrades: what is asked for is written down, and is done later.
    """
    database = _check_database(now)
    if database.state is State.DOWN:
        return [database]
    return [database, _check_migrations(), _check_backlog(now), _check_broker()]


def _check_database(now: datetime) -> Check:
    try:
        Pulse.objects.bulk_create(
            [Pulse(code="ready", at=now)], update_conflicts=True, unique_fields=["code"], update_fields=["at"]
        )
    except Error as error:
        log.warning("not_ready", extra={"database": type(error).__name__})
        return Check("database", State.DOWN, "cannot be written to")
    return Check("database", State.READY, "written to")


_migrated: list[bool] = []


def _check_migrations() -> Check:
    """Once everything is applied, it stays so for as long as this process has this code."""
    if not _migrated:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            return Check("migrations", State.DOWN, f"{len(plan)} not applied: run manage.py migrate")
        _migrated.append(True)
    return Check("migrations", State.READY, "applied")


def _check_backlog(now: datetime) -> Check:
    waiting = [(backlog, now - backlog.oldest_due_at) for backlog in backlogs(now=now) if backlog.oldest_due_at]
    code, age = max(
        ((backlog.code, age) for backlog, age in waiting), key=lambda pair: pair[1], default=("", timedelta())
    )
    finding = f"oldest due {age.total_seconds():.0f} s ago ({code})" if code else "nothing is due"
    return Check("work", State.DEGRADED if age > OLDEST_ALLOWED else State.READY, finding)


def _check_broker() -> Check:
    try:
        with app.connection_for_write(settings.CELERY_BROKER_URL, connect_timeout=_BROKER_PATIENCE) as broker:
            broker.ensure_connection(max_retries=1, timeout=_BROKER_PATIENCE, interval_start=0, interval_step=0)
    except Exception as error:  # each broker's client fails in a way of its own
        log.warning("broker_silent", extra={"broker": type(error).__name__})
        return Check("broker", State.DEGRADED, "does not answer; work waits in its rows until it does")
    return Check("broker", State.READY, "answers")
