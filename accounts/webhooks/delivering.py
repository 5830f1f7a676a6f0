"""Delivering: claim what is due, send it outside any transaction, write down what came of it.

Every delivery arrives at least once or is given up after three days. Those of one object go one after the other: a
later one is claimed only when none before it waits. Endpoints have lanes of their own, and one with nothing but what
waits its turn has none: a slow or a failing one holds up no other. One that keeps failing is left alone for longer and
longer, then asked with a single delivery; one that says until when it wants to be left alone is.
"""

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts import audit, queues
from accounts.models import (
    WebhookAttempt,
    WebhookDelivery,
    WebhookEvent,
    WebhookHealth,
    WebhookSecret,
    WebhookSubscription,
)
from accounts.outside import Reach
from accounts.secrets_at_rest import UnreadableSecretError, unseal
from accounts.webhooks.announcing import QUEUE, as_text
from accounts.webhooks.sending import Answer, Failure, installed_reach, post
from accounts.webhooks.signing import headers_of
from accounts.webhooks.waiting import DELAYS, asked_until, due_again

LANES = 8
"""So many endpoints are served at once by one worker."""

PORTION = 20
"""So many deliveries of one endpoint are claimed at once; those that its time does not suffice for are let go."""

LANE_TIME = 10.0
"""Seconds after which a lane begins no further delivery."""

LEASE = timedelta(minutes=2)
"""How long a claim holds: longer than any portion takes. Later, its worker is taken for dead."""

AILING = 3
"""An endpoint that failed so often in a row is left alone for a while."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
_ENDED_AT_ONCE = 1_000

State = WebhookDelivery.State
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed delivery, ready to be sent; `keys` is empty where they cannot be read."""

    delivery_id: int
    subscription_id: int
    url: str
    message_id: str
    body: bytes
    keys: tuple[str, ...]
    tries: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a parcel; None where its lane had no time left, or had stopped."""

    parcel: Parcel
    answer: Answer | None


def queue(reach: Callable[[], Reach] = installed_reach) -> queues.Queue:
    """Return the queue of deliveries."""
    return queues.Queue(QUEUE, lambda now: take(now, reach()))


def take(now: datetime, reach: Reach) -> int:
    """Claim deliveries that are due, send them, and return how many were dealt with."""
    ended = _end_the_hopeless(now)
    lanes, refused = _claim(now)
    if not lanes:
        return ended + refused
    began = monotonic()
    with ThreadPoolExecutor(max_workers=len(lanes), thread_name_prefix="webhooks") as pool:
        attempts = [attempt for lane in pool.map(lambda lane: _send_all(lane, now, reach), lanes) for attempt in lane]
    _settle(attempts, now, now + timedelta(seconds=monotonic() - began))
    return ended + refused + sum(attempt.answer is not None for attempt in attempts)


def due(now: datetime) -> QuerySet[WebhookDelivery]:
    """Return what a worker would find to send: nothing of an endpoint that is left alone, or behind what waits."""
    is_left_alone = Q(subscription__health__paused_until__gt=now)
    return _heads(now).filter(subscription__is_active=True).exclude(is_left_alone)


def body_of(event: WebhookEvent) -> bytes:
    """Return what is sent of an event: the same letters at every try."""
    company = {"id": event.company_id, "external_id": event.company_number} if event.company_id else None
    told = {
        "id": message_id_of(event),
        "kind": event.kind,
        "occurred_at": as_text(event.occurred_at),
        "company": company,
        "sequence": event.pk,
        "data": event.facts,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def message_id_of(event: WebhookEvent) -> str:
    """Return the id by which a receiver tells a repeat."""
    return f"msg_{event.uid.hex}"


def _claim(now: datetime) -> tuple[list[list[Parcel]], int]:
    """Claim a portion of each endpoint that may be asked, a lane each; also gives how many were refused instead."""
    lanes, refused = [], 0
    with transaction.atomic():
        for health in sorted(_ready(now)[:LANES], key=lambda row: row.pk):  # locks are taken in this order
            subscription, is_ailing = health.subscription, health.failures >= AILING
            if is_ailing and not _reserve(subscription, now):
                continue
            rows = list(_taken(subscription, now)[: 1 if is_ailing else PORTION])
            foreign = _foreign(subscription, rows)
            refused += _refuse(foreign, now)
            claimed = [row for row in rows if row not in foreign]
            ids = [row.pk for row in claimed]
            WebhookDelivery.objects.filter(pk__in=ids).update(claimed_until=now + LEASE, tries=F("tries") + 1)
            if claimed:
                lanes.append(_parcels(subscription, claimed, now))
    return lanes, refused


def _ready(now: datetime) -> QuerySet[WebhookHealth]:
    """The endpoints that may be asked and that something may be sent to, longest untried first.

    What only waits its turn does not count: it would take a lane for nothing, and for as long as it stays untried.
    """
    has_some = Exists(_heads(now).filter(subscription=OuterRef("pk")))
    rows = WebhookHealth.objects.filter(_may_be_asked(now), has_some, subscription__is_active=True)
    return rows.select_related("subscription").order_by(F("tried_at").asc(nulls_first=True), "pk")


def _may_be_asked(now: datetime) -> Q:
    """The condition on health: nobody has to leave the endpoint alone."""
    return Q(paused_until__isnull=True) | Q(paused_until__lte=now)


def _unclaimed(now: datetime) -> QuerySet[WebhookDelivery]:
    is_free = Q(claimed_until__isnull=True) | Q(claimed_until__lte=now)
    return WebhookDelivery.objects.filter(is_free, state=State.WAITING)


def _reserve(subscription: WebhookSubscription, now: datetime) -> bool:
    """Whether this worker is the one that asks an ailing endpoint whether it is well again."""
    mine = WebhookHealth.objects.filter(_may_be_asked(now), subscription=subscription)
    return mine.update(paused_until=now + LEASE) == 1


def _heads(now: datetime) -> QuerySet[WebhookDelivery]:
    """What may be sent now: what is due, free, and behind nothing of its own object that waits."""
    return _unclaimed(now).filter(~Exists(_before()), due_at__lte=now)


def _taken(subscription: WebhookSubscription, now: datetime) -> QuerySet[WebhookDelivery]:
    """What may be sent now to one endpoint, the longest due first, under lock; what another worker holds is left."""
    rows = _heads(now).filter(subscription=subscription).order_by("due_at", "pk")
    return rows.select_for_update(skip_locked=True, of=("self",)).select_related("event")


def _before() -> QuerySet[WebhookDelivery]:
    """What waits of the same object before a delivery."""
    return WebhookDelivery.objects.filter(
        subscription=OuterRef("subscription"),
        object_key=OuterRef("object_key"),
        state=State.WAITING,
        event__lt=OuterRef("event"),
    )


def _foreign(subscription: WebhookSubscription, rows: Iterable[WebhookDelivery]) -> list[WebhookDelivery]:
    """Those of `rows` that speak of companies which the subscription was cut down from meanwhile (law T1)."""
    of_companies = [row for row in rows if row.event.company_id]
    if subscription.is_for_all_companies or not of_companies:
        return []
    ids = [row.event.company_id for row in of_companies if row.event.company_id]
    heard = set(subscription.companies.filter(pk__in=ids).values_list("pk", flat=True))
    return [row for row in of_companies if row.event.company_id not in heard]


def _refuse(rows: list[WebhookDelivery], now: datetime) -> int:
    WebhookAttempt.objects.bulk_create(WebhookAttempt(delivery=row, at=now, failure=Failure.COMPANY) for row in rows)
    ended = WebhookDelivery.objects.filter(pk__in=[row.pk for row in rows])
    return ended.update(state=State.SET_ASIDE, ended_at=now, claimed_until=None)


def _parcels(subscription: WebhookSubscription, rows: list[WebhookDelivery], now: datetime) -> list[Parcel]:
    keys = _keys_of(subscription, now)
    return [
        Parcel(
            delivery_id=row.pk,
            subscription_id=subscription.pk,
            url=subscription.url,
            message_id=message_id_of(row.event),
            body=body_of(row.event),
            keys=keys,
            tries=row.tries + 1,
        )
        for row in rows
    ]


def _keys_of(subscription: WebhookSubscription, now: datetime) -> tuple[str, ...]:
    """The keys in force, the newest first; none where one cannot be read."""
    in_force = Q(ends_at__isnull=True) | Q(ends_at__gt=now)
    sealed = WebhookSecret.objects.filter(in_force, subscription=subscription).order_by("-pk")
    try:
        return tuple(unseal(key) for key in sealed.values_list("sealed", flat=True))
    except UnreadableSecretError:
        log.exception("webhook_key_unreadable", extra={"subscription": subscription.pk})
        return ()


def _send_all(lane: list[Parcel], now: datetime, reach: Reach) -> list[Attempt]:
    """Send a lane's parcels one after the other, until one fails or the lane's time is over. Touches no database."""
    attempts: list[Attempt] = []
    ends = monotonic() + LANE_TIME
    for parcel in lane:
        is_over = attempts and (monotonic() > ends or not attempts[-1].answer or not attempts[-1].answer.is_delivered)
        attempts.append(Attempt(parcel, None if is_over else _send(parcel, now, reach)))
    return attempts


def _send(parcel: Parcel, now: datetime, reach: Reach) -> Answer:
    if not parcel.keys:
        return Answer(Failure.KEY)
    headers = headers_of(message_id=parcel.message_id, body=parcel.body, keys=parcel.keys, now=now)
    try:
        return post(parcel.url, body=parcel.body, headers=headers, reach=reach)
    except Exception:  # whatever one endpoint brings about, the others' deliveries go on
        log.exception("webhook_failed", extra={"delivery": parcel.delivery_id})
        return Answer(Failure.CONNECTION)


def _settle(attempts: list[Attempt], now: datetime, answered_at: datetime) -> None:
    """Write down what came of the attempts: deliveries first, by id, then how the endpoints do.

    All was answered by `answered_at`; endpoints count from then if they ask to wait.
    """
    with transaction.atomic():
        ids = [attempt.parcel.delivery_id for attempt in attempts]
        rows = WebhookDelivery.objects.select_for_update().filter(pk__in=ids).order_by("pk").in_bulk()
        made = [attempt for attempt in attempts if attempt.answer is not None and attempt.parcel.delivery_id in rows]
        asked = _asked(made, rows, answered_at)
        for attempt in attempts:
            row = rows.get(attempt.parcel.delivery_id)
            if row is not None:
                _settle_one(row, attempt, asked.get(attempt.parcel.subscription_id), now)
        WebhookDelivery.objects.bulk_update(
            rows.values(), ["state", "tries", "due_at", "claimed_until", "ended_at"], batch_size=200
        )
        WebhookAttempt.objects.bulk_create(_row_of(attempt, now) for attempt in made)
        _write_health(made, asked, now)


def _asked(made: list[Attempt], rows: Mapping[int, WebhookDelivery], at: datetime) -> dict[int, datetime]:
    """Until when endpoints ask to be left alone, by subscription; a lane has ended with the answer that says so."""
    asked: dict[int, datetime] = {}
    for attempt in made:
        if attempt.answer is not None and attempt.answer.retry_after:
            give_up_at = rows[attempt.parcel.delivery_id].give_up_at
            until = asked_until(attempt.answer.retry_after, at=at, give_up_at=give_up_at)
            if until is not None:
                asked[attempt.parcel.subscription_id] = until
    return asked


def _settle_one(row: WebhookDelivery, attempt: Attempt, asked: datetime | None, now: datetime) -> None:
    answer, tries = attempt.answer, attempt.parcel.tries
    is_ours = row.state == State.WAITING and row.tries == tries
    if answer is not None and answer.is_delivered and row.state == State.WAITING:
        row.state, row.ended_at, row.claimed_until = State.DELIVERED, now, None
    elif not is_ours:
        return  # our claim was over: another worker holds it, or a manager has ended it
    elif answer is None:
        row.tries, row.claimed_until = tries - 1, None
    elif answer.failure == Failure.GONE or tries > len(DELAYS) or now >= row.give_up_at:
        row.state, row.ended_at, row.claimed_until = State.DEAD, now, None
    else:
        row.due_at, row.claimed_until = due_again(tries=tries, asked_until=asked, now=now), None


def _row_of(attempt: Attempt, now: datetime) -> WebhookAttempt:
    answer = attempt.answer or Answer()
    return WebhookAttempt(
        delivery_id=attempt.parcel.delivery_id,
        at=now,
        status=answer.status,
        failure=answer.failure,
        milliseconds=answer.milliseconds,
        answer=answer.text,
    )


def _write_health(made: list[Attempt], asked: Mapping[int, datetime], now: datetime) -> None:
    by_subscription: dict[int, list[Answer]] = {}
    for attempt in made:
        if attempt.answer is not None:
            by_subscription.setdefault(attempt.parcel.subscription_id, []).append(attempt.answer)
    for pk in sorted(by_subscription):
        if any(answer.failure == Failure.GONE for answer in by_subscription[pk]):
            _switch_off(pk, now)
    rows = WebhookHealth.objects.select_for_update().filter(pk__in=by_subscription).order_by("pk")
    for health in rows:
        for answer in by_subscription[health.pk]:
            health.failures = 0 if answer.is_delivered else health.failures + 1
            if answer.is_delivered:
                health.delivered_at = now
        pauses = [_pause_after(health.failures, now), asked.get(health.pk)]
        health.tried_at, health.paused_until = now, max(filter(None, pauses), default=None)
        health.save()


def _pause_after(failures: int, now: datetime) -> datetime | None:
    if failures < AILING:
        return None
    doublings = min(failures - AILING, 10)
    return now + min(_FIRST_PAUSE * float(2**doublings), _LONGEST_PAUSE)


def _switch_off(subscription_id: int, now: datetime) -> None:
    """End a subscription whose endpoint says that it is gone; a manager may switch it on again."""
    subscription = WebhookSubscription.objects.select_for_update().get(pk=subscription_id)
    if subscription.is_active:
        subscription.is_active = False
        subscription.save(update_fields=["is_active"])
        audit.record("webhook-gone", subscription, actor_id=None, now=now)


def _end_the_hopeless(now: datetime) -> int:
    """Give up what is past its last day and cannot be tried, or was tried before; what was never tried gets its try."""
    is_shut = Q(subscription__is_active=False) | Q(subscription__health__failures__gte=AILING)
    with transaction.atomic():
        rows = _unclaimed(now).select_for_update(skip_locked=True, of=("self",))
        rows = rows.filter(Q(tries__gt=0) | is_shut, give_up_at__lte=now).order_by("give_up_at", "pk")
        hopeless: Mapping[int, int] = dict(rows.values_list("pk", "tries")[:_ENDED_AT_ONCE])
        WebhookAttempt.objects.bulk_create(
            WebhookAttempt(delivery_id=pk, at=now, failure=Failure.UNTRIED)
            for pk, tries in hopeless.items()
            if tries == 0
        )
        ended = WebhookDelivery.objects.filter(pk__in=hopeless)
        return ended.update(state=State.DEAD, ended_at=now, claimed_until=None)
