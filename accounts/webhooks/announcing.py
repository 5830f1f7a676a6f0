"""Announcing: an event and its deliveries are rows, written in the transaction of what they speak of."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from django.db import connection

from accounts import queues
from accounts.webhooks.kinds import EventKind

QUEUE = "webhooks"
KEPT_TRYING = timedelta(days=3)
"""How long a delivery is tried before it is given up."""

_WRITE = """
    WITH news AS (
        SELECT * FROM unnest(%s::uuid[], %s::text[], %s::bigint[], %s::text[], %s::text[]) WITH ORDINALITY
            AS news(uid, kind, company_id, object_key, facts, position)
    ), heard AS (
        SELECT news.position, s.id AS subscription_id
        FROM news JOIN accounts_webhooksubscription s ON s.is_active AND news.kind = ANY(s.kinds)
        WHERE s.is_for_all_companies OR EXISTS (
            SELECT FROM accounts_webhooksubscription_companies c
            WHERE c.webhooksubscription_id = s.id AND c.company_id = news.company_id
        )
    ), event AS (
        INSERT INTO accounts_webhookevent (uid, kind, company_id, company_number, object_key, facts, occurred_at)
        SELECT news.uid, news.kind, news.company_id, company.external_id, news.object_key, news.facts::jsonb, %s
        FROM news JOIN accounts_company company ON company.id = news.company_id
        WHERE news.position IN (SELECT position FROM heard)
        ORDER BY news.position
        RETURNING id, uid, object_key
    )
    INSERT INTO accounts_webhookdelivery
        (event_id, subscription_id, object_key, state, tries, due_at, give_up_at)
    SELECT event.id, heard.subscription_id, event.object_key, 'WAITING', 0, %s, %s
    FROM event JOIN news USING (uid) JOIN heard USING (position)
    ORDER BY event.id, heard.subscription_id
"""


@dataclass(frozen=True, slots=True)
class News:
    """One event to announce; `subject` names which one of what its kind is about: its events stay in order.

    `facts` are ids, external ids, codes and numbers, as JSON has them.
    """

    kind: EventKind
    company_id: int
    subject: str
    facts: Mapping[str, object]


def announce(
    kind: EventKind, *, company_id: int, subject_id: int | str, facts: Callable[[], Mapping[str, object]], now: datetime
) -> None:
    """Announce one event to whoever listens at this moment; call it under the lock of the object it speaks of.

    `facts`, as `News` has them, are asked for only if somebody listens: one query where nobody does.
    """
    announce_all([kind], lambda: [News(kind, company_id, str(subject_id), facts())], now=now)


def announce_all(
    kinds: Collection[EventKind],
    news: Callable[[], Iterable[News]],
    *,
    now: datetime,
    heard: Collection[str] | None = None,
) -> None:
    """Announce many events, in their order, with as many statements as for one.

    `news`, whose events are of `kinds`, is asked only if somebody listens to one of these: what nobody hears of costs
    one query for a use case, and is not written; `heard` are the codes that query gave, where it was made before.
    """
    codes = {kind.code for kind in kinds}
    listened_to = _heard(codes) if heard is None else codes.intersection(heard)
    if not listened_to:
        return
    told = [one for one in news() if one.kind.code in listened_to]
    if told and _write(told, now):
        queues.wake(QUEUE)


def is_heard_sql(kind: EventKind) -> str:
    """Return a condition in SQL, that somebody listens to `kind`: for a statement that is made anyway."""
    return f"EXISTS (SELECT FROM accounts_webhooksubscription s WHERE s.is_active AND '{kind.code}' = ANY(s.kinds))"


def heard_sql(kinds: Iterable[EventKind]) -> str:
    """Return the query for the codes that active subscriptions to any of `kinds` listen to: for `announce_all`."""
    codes = ",".join(kind.code for kind in kinds)
    return f"""SELECT DISTINCT k.code FROM accounts_webhooksubscription s, unnest(s.kinds) AS k(code)
               WHERE s.is_active AND s.kinds && '{{{codes}}}'"""  # noqa: S608 (codes are code)


def as_text(at: datetime) -> str:
    """Return a moment as events write it: in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _heard(codes: set[str]) -> set[str]:
    """Those of the kinds that somebody listens to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kinds FROM accounts_webhooksubscription WHERE is_active AND kinds && %s", [list(codes)])
        return codes & {code for [kinds] in cursor.fetchall() for code in kinds}


def _write(told: list[News], now: datetime) -> int:
    """Write an event for each that a subscription hears of, and a delivery for each of these; returns how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE,
            [
                [uuid4() for _ in told],
                [one.kind.code for one in told],
                [one.company_id for one in told],
                [f"{one.kind.about}:{one.subject}" for one in told],
                [json.dumps(one.facts) for one in told],
                now,
                now,
                now + KEPT_TRYING,
            ],
        )
        written: int = cursor.rowcount
    return written
