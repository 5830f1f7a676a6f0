"""A request that comes twice is served once: the second gets the first one's row."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from accounts.models import IdempotencyKey


class KeyUsedForAnotherRequestError(Exception):
    """The key was used before, with other content."""


def claim(*, user_id: int, key: str, content: object) -> IdempotencyKey:
    """Return the key's row, new (`resource_id` None) or of the request that was served under it.

    Call it first in the use case's transaction: a request of the same key that runs at the same time waits here until
    the other has committed. `content` is what the request asks for, as JSON-able values. Raises
    KeyUsedForAnotherRequestError where the key stood for something else.
    """
    digest = _digest(content)
    [row] = _lock([IdempotencyKey(user_id=user_id, key=key, content_hash=digest)])
    if bytes(row.content_hash) != digest:
        raise KeyUsedForAnotherRequestError
    return row


def settle(row: IdempotencyKey, resource_id: int) -> None:
    """Remember which row the request led to; in the transaction that claimed the key."""
    row.resource_id = resource_id
    row.save(update_fields=["resource_id"])


@dataclass(frozen=True, slots=True)
class Request:
    """A request under its key; `content` as `claim` has it."""

    user_id: int
    key: str
    content: object


class KeyBook:
    """Keys of many requests, each its own, under lock: which were served before, and what the others lead to.

    Open it where one request would `claim`; then say which were served, and `write` once: the keys of those that were
    not are free again.
    """

    def __init__(self, requests: Iterable[Request]) -> None:
        in_order = sorted(requests, key=lambda request: (request.user_id, request.key))
        wanted = [
            IdempotencyKey(user_id=one.user_id, key=one.key, content_hash=_digest(one.content)) for one in in_order
        ]
        self._rows = {(row.user_id, row.key): row for row in _lock(wanted)}
        self._settled: list[IdempotencyKey] = []

    def served(self, request: Request) -> int | None:
        """Return the row that the request has led to, None where it has not been served.

        Raises KeyUsedForAnotherRequestError where another request was served under its key.
        """
        row = self._rows[request.user_id, request.key]
        if bytes(row.content_hash) != _digest(request.content):
            raise KeyUsedForAnotherRequestError
        return row.resource_id

    def settle(self, request: Request, resource_id: int) -> None:
        """Remember which row the request has led to."""
        row = self._rows[request.user_id, request.key]
        row.resource_id = resource_id
        self._settled.append(row)

    def write(self) -> None:
        """Write which were served, and let go of the others."""
        IdempotencyKey.objects.bulk_update(self._settled, ["resource_id"])
        free = [row.pk for row in self._rows.values() if row.resource_id is None]
        if free:
            IdempotencyKey.objects.filter(pk__in=free).delete()


def _lock(wanted: Sequence[IdempotencyKey]) -> list[IdempotencyKey]:
    """Return the rows of keys, made where they are missing, under lock; who asks for many names them in their order."""
    if not wanted:
        return []
    IdempotencyKey.objects.bulk_create(wanted, ignore_conflicts=True)
    named = Q()
    for one in wanted:
        named |= Q(user_id=one.user_id, key=one.key)
    return list(IdempotencyKey.objects.select_for_update().filter(named).order_by("pk"))


def _digest(content: object) -> bytes:
    return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).digest()
