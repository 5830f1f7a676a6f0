"""Jobs at the manager's desk: looked at, sent again, cancelled; and for whoever asked for one, on a page of its own."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import jobs, queues
from accounts.groups import VIEWER, ensure_groups
from accounts.models import Job, PeriodicWork, User
from tests.factories.canaries import fingerprint
from tests.factories.world import a_company, a_user, an_employee

pytestmark = pytest.mark.django_db

JOBS = "/admin/accounts/job/"
NOW = timezone.now()


def a_job(state: str = "QUEUED", by: User | None = None, **values: Any) -> Job:
    """A job in a state, the longest possible way round."""
    job = jobs.ask(kind="expire_points", parameters={"program": 7}, asked_by_id=by.pk if by else None, now=NOW)
    is_over = state in ("DONE", "FAILED", "CANCELLED")
    values = {"failure": "The file is empty." if state == "FAILED" else "", **values}
    Job.objects.filter(pk=job.pk).update(state=state, ended_at=NOW if is_over else None, tries=3, **values)
    job.refresh_from_db()
    return job


def chosen(*rows: Job, **more: str) -> dict[str, Any]:
    return {"action": "send_many_again", "index": "0", "_selected_action": [str(row.pk) for row in rows], **more}


def states() -> list[str]:
    return list(Job.objects.order_by("pk").values_list("state", flat=True))


def test_page_of_a_job_says_how_far_it_is_and_looks_again_by_itself(desk: Client) -> None:
    runs = a_job("RUNNING", done=250, total=1_000)

    page = desk.get(f"{JOBS}{runs.pk}/change/").content.decode()

    assert '<progress max="1000" value="250"' in page
    assert "250 of 1,000 steps are done." in page
    assert f'hx-get="/jobs/{runs.pk}/progress/"' in page
    assert 'href="">Look again</a>' in page
    assert "htmx-2.min.js" in page
    assert "Expire points" in page


def test_page_of_a_job_that_failed_says_why_and_asks_nothing_more(desk: Client, manager: User) -> None:
    failed = a_job("FAILED", by=manager)

    page = desk.get(f"{JOBS}{failed.pk}/change/").content.decode()

    assert "The file is empty." in page
    assert "Maxine Manager" in page
    assert "hx-get" not in page
    assert f"{JOBS}{failed.pk}/send_again/" in page


def test_job_that_failed_is_sent_again_after_a_look(desk: Client) -> None:
    failed = a_job("FAILED")
    address = f"{JOBS}{failed.pk}/send_again/"
    before = fingerprint()
    assert desk.get(address).status_code == 200
    assert fingerprint() == before

    done = desk.post(address, follow=True)

    failed.refresh_from_db()
    assert (failed.state, failed.tries, failed.failure, failed.ended_at) == ("QUEUED", 0, "", None)
    assert "is in line again" in done.content.decode()
    assert desk.post(address).status_code == 409


@pytest.mark.parametrize(
    ("state", "offered"),
    [
        ("QUEUED", ["cancel"]),
        ("RUNNING", ["cancel"]),
        ("FAILED", ["send_again"]),
        ("CANCELLED", ["send_again"]),
        ("DONE", []),
    ],
)
def test_job_is_offered_the_steps_that_its_state_allows(desk: Client, state: str, offered: list[str]) -> None:
    job = a_job(state)

    page = desk.get(f"{JOBS}{job.pk}/change/").content.decode()

    assert [step for step in ("cancel", "send_again") if f"{JOBS}{job.pk}/{step}/" in page] == offered


def test_job_that_is_done_is_neither_cancelled_nor_sent_again(desk: Client) -> None:
    done = a_job("DONE")
    before = fingerprint()

    answers = {step: desk.post(f"{JOBS}{done.pk}/{step}/").status_code for step in ("cancel", "send_again")}

    assert answers == {"cancel": 409, "send_again": 409}
    assert fingerprint() == before


def test_many_are_sent_again_after_a_look_at_how_many_can_be(desk: Client) -> None:
    rows = [a_job("FAILED"), a_job("DONE"), a_job("FAILED"), a_job("CANCELLED"), a_job("RUNNING")]
    before = fingerprint()

    page = desk.post(JOBS, chosen(*rows))
    assert page.context["facts"] == [
        ("Jobs to send again", "3"),
        ("Not to be sent again: done, waiting or running", "2"),
    ]
    assert fingerprint() == before
    done = desk.post(JOBS, chosen(*rows, confirm="yes"), follow=True)

    assert states() == ["QUEUED", "DONE", "QUEUED", "QUEUED", "RUNNING"]
    assert [str(message) for message in done.context["messages"]] == ["3 jobs are in line again."]


def test_whoever_may_only_look_sends_nothing_again(client: Client) -> None:
    ensure_groups()
    viewer = a_user(is_staff=True)
    viewer.groups.add(Group.objects.get(name=VIEWER))
    client.force_login(viewer)
    failed = a_job("FAILED")
    before = fingerprint()

    page = client.get(f"{JOBS}{failed.pk}/change/")
    answers = [client.post(f"{JOBS}{failed.pk}/send_again/").status_code]
    client.post(JOBS, chosen(failed, confirm="yes"))

    assert (page.status_code, answers) == (200, [403])
    assert "send_again" not in page.content.decode()
    assert states() == ["FAILED"]
    assert {key: value for key, value in fingerprint().items() if value != before[key]} == {}


def test_home_counts_jobs_that_failed_and_leads_to_them(desk: Client) -> None:
    assert "Jobs that failed" not in desk.get("/admin/").content.decode()
    a_job("FAILED")
    a_job("FAILED")
    a_job("DONE")
    Job.objects.filter(state="FAILED").update(ended_at=timezone.now())  # the module was read some minutes ago

    queue = next(queue for queue in desk.get("/admin/").context["queues"] if queue.label == "Jobs that failed")

    assert (queue.count, queue.age) == (2, "under a minute")
    assert desk.get(queue.url).context["cl"].result_count == 2


def test_work_that_comes_round_shows_when_it_is_due_and_how_it_went(desk: Client) -> None:
    PeriodicWork.objects.create(code="expire_points", next_due_at=NOW, job=a_job("FAILED"))

    page = desk.get("/admin/accounts/periodicwork/").content.decode()

    assert "Expire points" in page
    assert ">failed</a>" in page


def test_whoever_asked_looks_and_stops_and_nobody_else_does() -> None:
    asker, other = (an_employee(a_company(), user=a_user()).user for _number in range(2))
    assert asker is not None
    assert other is not None
    job = a_job(by=asker)
    strangers = Client()
    strangers.force_login(other)
    answers = [strangers.get(f"/jobs/{job.pk}/"), strangers.post(f"/jobs/{job.pk}/cancel/")]
    assert [answer.status_code for answer in answers] == [404, 404]
    theirs = Client()
    theirs.force_login(asker)
    with CaptureQueriesContext(connection) as queries:
        page = theirs.get(f"/jobs/{job.pk}/").content.decode()
    assert "It waits for its turn." in page
    assert len(queries) <= 12

    theirs.post(f"/jobs/{job.pk}/cancel/")

    job.refresh_from_db()
    assert (job.state, job.is_cancel_asked) == ("CANCELLED", True)


def test_piece_of_a_page_has_the_page_come_anew_once_the_job_has_ended(desk: Client, manager: User) -> None:
    runs, done = a_job("RUNNING", by=manager), a_job("DONE", by=manager)

    looked = [desk.get(f"/jobs/{job.pk}/progress/", headers={"HX-Request": "true"}) for job in (runs, done)]

    assert [answer.headers.get("HX-Refresh") for answer in looked] == [None, "true"]
    assert "It runs." in looked[0].content.decode()


def test_what_is_sent_again_wakes_a_worker(desk: Client, django_capture_on_commit_callbacks: Any) -> None:
    failed, woken = a_job("FAILED"), list[str]()
    queues.use_waker(woken.append)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            desk.post(f"{JOBS}{failed.pk}/send_again/")
    finally:
        queues.use_waker(lambda code: None)

    assert woken == ["jobs"]
