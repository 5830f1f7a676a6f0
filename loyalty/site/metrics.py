"""Numbers for a monitoring system, at `/metrics`, for whoever shows METRICS_TOKEN.

What is asked of the installation is counted in each process, or in all of them where PROMETHEUS_MULTIPROC_DIR names a
folder; what waits is read from the database when it is asked for.
"""

import hmac
import os
from collections.abc import Callable, Iterator
from time import perf_counter

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from accounts.models import Job
from loyalty.site.backlogs import backlogs

REQUESTS = Counter("twofold_requests", "Requests answered", ["view", "method", "status"])
SECONDS = Histogram(
    "twofold_request_seconds", "Seconds to answer", ["view"], buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
)


class MetricsMiddleware:
    """Counts and times requests by the name of their view: an address would make a series of every row."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer and count."""
        began = perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = (match.view_name or "unnamed") if match is not None else "none"
        REQUESTS.labels(view, request.method if request.method in _METHODS else "other", response.status_code).inc()
        SECONDS.labels(view).observe(perf_counter() - began)
        return response


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class WaitingWork(Collector):
    """What waits, from the database."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield how many rows are due a queue, how long the oldest has been, and jobs by state."""
        now = timezone.now()
        due = GaugeMetricFamily("twofold_queue_due", "Rows that are due", labels=["queue"])
        age = GaugeMetricFamily("twofold_queue_oldest_seconds", "How long the oldest has been due", labels=["queue"])
        for backlog in backlogs(now=now):
            due.add_metric([backlog.code], backlog.due)
            waited = (now - backlog.oldest_due_at).total_seconds() if backlog.oldest_due_at else 0
            age.add_metric([backlog.code], waited)
        failed = GaugeMetricFamily("twofold_jobs_failed", "Jobs that failed and were not sent again")
        failed.add_metric([], Job.objects.filter(state=Job.State.FAILED).count())
        size = GaugeMetricFamily("twofold_database_bytes", "Size of the database")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            size.add_metric([], cursor.fetchone()[0])
        yield from (due, age, failed, size)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the numbers; without the right token, or where none is set, there is no such page."""
    shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
    expected = settings.METRICS_TOKEN
    if not expected or not hmac.compare_digest(shown.encode(), expected.encode()):
        raise Http404
    waiting = CollectorRegistry(auto_describe=False)
    waiting.register(WaitingWork())
    return HttpResponse(generate_latest(_requests()) + generate_latest(waiting), content_type=CONTENT_TYPE_LATEST)


def _requests() -> CollectorRegistry:
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
