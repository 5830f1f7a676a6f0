"""The Celery app: messages are wake-ups that name a queue, the work is rows, and beat is only a metronome.

`celery -A loyalty.site.celery worker` starts a worker, `celery -A loyalty.site.celery beat` the metronome; any number
may run of either.
"""

import logging
import os
from typing import Any

from celery import Celery
from celery.bootsteps import StartStopStep
from django.conf import settings
from django.db import OperationalError
from kombu import Queue
from kombu.transport import TRANSPORT_ALIASES

from loyalty.site.waking import waker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty.site.settings")

LOOK_EVERY = 10.0
"""Seconds between two looks at all queues; a wake-up that nobody has received for so long says nothing new any more."""

log = logging.getLogger(__name__)


_IS_REDIS = settings.CELERY_BROKER_URL.startswith(("redis", "sentinel"))


def _transport_options() -> dict[str, Any]:
    """Return what a connection to the broker is bound by: a process that cannot reach it says so soon."""
    options: dict[str, Any] = {"max_retries": 1, "interval_start": 0, "interval_max": 0.2}
    if settings.DATA_DIR is not None:
        folder = settings.DATA_DIR / "broker"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        TRANSPORT_ALIASES["filesystem"] = "loyalty.site.demo_broker:Transport"
        options |= {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder)}
        options["polling_interval"] = 0.2
    elif _IS_REDIS:
        options |= {"socket_connect_timeout": 3, "socket_timeout": 10, "visibility_timeout": 2 * 60 * 60}
    return options


QUEUE = settings.CELERY_TASK_DEFAULT_QUEUE
JOBS_QUEUE = f"{QUEUE}-jobs"
"""Where wake-ups for jobs go: those may take long, and workers may be set apart for them."""

app = Celery("twofold")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    broker_transport_options=_transport_options(),
    broker_connection_timeout=3,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # a worker waits for its broker as long as it takes
    task_queues=(Queue(QUEUE), Queue(JOBS_QUEUE)),
    task_ignore_result=True,
    task_default_delivery_mode="transient",
    task_publish_retry_policy={"max_retries": 1, "interval_start": 0, "interval_max": 0.2},
    # Who is busy holds back no hint that another could follow. With Redis that is a setting of its own, and hints that
    # stand open when Redis dies are the end of a worker.
    worker_disable_prefetch=_IS_REDIS,
    task_acks_late=not _IS_REDIS,
    worker_cancel_long_running_tasks_on_connection_loss=False,  # the work does not hang on the hint
    task_time_limit=60 * 60,
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_max_tasks_per_child=1000,
    worker_max_memory_per_child=400_000,  # kilobytes, looked at between two tasks
    worker_hijack_root_logger=False,  # settings.LOGGING says how we log
    worker_redirect_stdouts=False,
    worker_enable_remote_control=not settings.IS_DEMO,
    beat_scheduler="celery.beat:Scheduler",  # keeps nothing: what is due, and when, stands in the database
    beat_schedule={"look": {"task": "twofold.look", "schedule": LOOK_EVERY, "options": {"expires": LOOK_EVERY}}},
)


class FirstLook(StartStopStep):
    """A worker that starts has every queue looked at: the one before it may have died over its work."""

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: object) -> None:
        """Wake them all."""
        from loyalty.site.work import QUEUES  # only now Django is set up

        for queue in QUEUES:
            waker(queue.code)


app.steps["worker"].add(FirstLook)


@app.task(name="twofold.work")
def work(queue_code: str) -> None:
    """Deal with what is due in a queue; where its turn ended before its work did, it gets in line again."""
    from loyalty.site.work import QUEUES, drain

    queue = next((queue for queue in QUEUES if queue.code == queue_code), None)
    if queue is None:
        log.warning("unknown_queue", extra={"queue": queue_code})  # sent by another version of this installation
        return
    try:
        is_cut = drain(queue)
    except OperationalError as error:
        # Beat comes again, and so may the database.
        log.warning("queue_lost_the_database", extra={"queue": queue_code, "error": str(error)})
        return
    if is_cut:
        waker(queue_code)


@app.task(name="twofold.look")
def look() -> None:
    """Wake every queue, whether or not anybody said that it has work."""
    from loyalty.site.work import QUEUES

    for queue in QUEUES:
        waker(queue.code)


def send(queue_code: str) -> None:
    """Send a wake-up."""
    from accounts import jobs

    work.apply_async((queue_code,), queue=JOBS_QUEUE if queue_code == jobs.QUEUE else QUEUE, expires=LOOK_EVERY)
