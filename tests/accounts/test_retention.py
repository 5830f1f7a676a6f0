"""What is kept for a time goes when the time is over, and not before."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import jobs, messages
from accounts.models import Job, Mail, Message
from loyalty.site.work import JOB_KINDS
from tests.factories.callers import a_caller, a_token
from tests.factories.world import a_company, a_user, an_employee

pytestmark = pytest.mark.django_db


def test_what_was_kept_long_enough_is_gone_after_the_night_and_the_rest_is_there() -> None:
    now = timezone.now()
    person = an_employee(a_company(), user=a_user())
    for days in (731, 729):
        Message.objects.create(
            employee=person, kind="any", subject_id=days, facts={}, created_at=now - timedelta(days=days)
        )
    for days, state in ((91, "SENT"), (89, "SENT"), (91, "UNCERTAIN")):
        Mail.objects.create(
            kind="any", user=person.user, address="a@example.com", state=state, ended_at=now - timedelta(days=days)
        )
    caller = a_caller()
    a_token(caller.client, lasts=-timedelta(days=2))
    job = jobs.ask(kind="tidy_up", parameters={}, asked_by_id=None, now=now)

    jobs.queue_of(JOB_KINDS).take(now)

    job.refresh_from_db()
    assert (job.state, job.result["messages"], job.result["mails"], job.result["tokens"]) == (Job.State.DONE, 1, 1, 1)
    assert list(Message.objects.values_list("subject_id", flat=True)) == [729]
    assert sorted(Mail.objects.values_list("state", flat=True)) == ["SENT", "UNCERTAIN"]
    assert caller.get("/activities/").status_code == 200
    assert messages.forget_old(now=now) == 0
