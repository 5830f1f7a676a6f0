"""Web, worker, broker and database die again and again under load, and nothing is lost, and nothing is done twice."""

import itertools
import json
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.services.killing import REDIS, Installation, insist, wait_until
from tests.services.killing_world import EARNED, PEOPLE, PRICE

KILLS = 20
POSTERS = 8
JOBS = 40

ASK_FOR_JOBS = f"""
from django.utils import timezone
from accounts import jobs
for _ in range({JOBS}):
    jobs.ask(kind="expire_points", parameters={{"asked_by": "the test"}}, asked_by_id=None, now=timezone.now())
"""

LOOK = """
import json
from collections import Counter
from django.db.models import Count, Sum
from accounts import laws
from accounts.models import Job
from loyalty.models import Activity, Wallet
from rewards.models import Redemption
available = Wallet.objects.filter(kind="AVAILABLE")
jobs = Job.objects.filter(parameters={"asked_by": "the test"})
print(json.dumps({
    "orders": Redemption.objects.count(),
    "activities": Activity.objects.filter(source__code="erp").count(),
    "people": available.filter(employee__isnull=False).aggregate(sum=Sum("balance"))["sum"],
    "company": available.filter(employee__isnull=True).aggregate(sum=Sum("balance"))["sum"],
    "broken": [finding.law.code for finding in laws.verify() if finding.count],
    "jobs": Counter(jobs.values_list("state", flat=True)),
}))
"""


@pytest.fixture
def installation() -> Iterator[Installation]:
    with tempfile.TemporaryDirectory(prefix="twofold-killed-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user than root
        made = Installation(Path(folder).resolve())
        try:
            yield made
        finally:
            made.stop()


@pytest.mark.long
@pytest.mark.services("redis")
@pytest.mark.skipif(REDIS is None, reason="redis-server is not installed")
def test_nothing_is_lost_and_nothing_is_done_twice_whatever_is_killed(installation: Installation) -> None:
    world = installation.build()
    signed = {"Authorization": f"Bearer {world['token']}"}
    is_over = threading.Event()
    now = datetime.now(UTC).isoformat()

    def redeems(person: str, number: int) -> int:
        body = {"program": "club", "reward": "mug", "company": "C-1", "employee": person, "points": PRICE}
        headers = {**signed, "Idempotency-Key": f"{person}-{number}"}
        return insist(installation.port, "/api/v1/redemptions/", body, headers, lambda status, _: status == 201)

    def posts(client: str, number: int) -> int:
        item = {
            "source": "erp", "id": f"{client}-{number}", "type": "purchase", "company": "C-1",
            "occurred_at": now, "amount": "1", "currency": "GBP",
        }  # fmt: skip
        return insist(installation.port, "/api/v1/activities/", {"items": [item]}, signed, _is_recorded)

    def goes_on(act: Callable[[str, int], int], who: str) -> list[int]:
        """Act again and again; return how often each act was sent until it was accepted."""
        sent = [act(who, 0)]
        while not is_over.is_set():
            sent.append(act(who, len(sent)))
        return sent

    recoveries: dict[str, list[float]] = {}
    with ThreadPoolExecutor(PEOPLE + POSTERS) as pool:
        orders = [pool.submit(goes_on, redeems, person) for person in world["people"]]
        activities = [pool.submit(goes_on, posts, f"A{client}") for client in range(POSTERS)]
        try:
            installation.run(ASK_FOR_JOBS)
            for name in itertools.islice(itertools.cycle(("web", "worker", "broker", "database")), KILLS):
                recoveries.setdefault(name, []).append(installation.kill_and_restart(name))
        finally:
            is_over.set()
        ordered = [len(future.result()) for future in orders]
        recorded = [len(future.result()) for future in activities]
        repeated = sum(sum(future.result()) for future in (*orders, *activities)) - sum(ordered) - sum(recorded)

    wait_until(lambda: _look(installation)["jobs"] == {"DONE": JOBS}, 60)
    found = _look(installation)
    slowest = {name: round(max(seconds), 1) for name, seconds in recoveries.items()}
    print(f"{sum(ordered)} orders, {sum(recorded)} activities, {repeated} repeats; slowest recoveries {slowest} s")  # noqa: T201
    assert found["broken"] == []
    assert found["orders"] == sum(ordered)
    assert found["activities"] == sum(recorded)
    assert found["people"] == PEOPLE * EARNED - PRICE * sum(ordered)
    assert found["company"] == PEOPLE * EARNED + sum(recorded)
    assert repeated > 0, "nobody noticed the kills: they prove nothing"
    assert max(max(seconds) for seconds in recoveries.values()) < 10


def _look(installation: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(installation.run(LOOK).splitlines()[-1])
    return found


def _is_recorded(status: int, answer: Any) -> bool:
    return status == 200 and answer["items"][0]["status"] in ("recorded", "duplicate")
