"""A request that comes twice is served once: the second gets the first one's row."""

import hashlib
import json

from accounts.models import IdempotencyKey


class KeyUsedForAnotherRequestError(Exception):
    """The key was used before, with other content."""


def claim(*, user_id: int, key: str, content: object) -> IdempotencyKey:
    """Return the key's row, new (`resource_id` None) or of the request that was served under it.

    Call it first in the use case's transaction: a request of the same key that runs at the same time waits here until
    the other has committed. `content` is what the request asks for, as JSON-able values. Raises
    KeyUsedForAnotherRequestError where the key stood for something else.
    """
    digest = hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).digest()
    IdempotencyKey.objects.bulk_create(
        [IdempotencyKey(user_id=user_id, key=key, content_hash=digest)], ignore_conflicts=True
    )
    row = IdempotencyKey.objects.select_for_update().get(user_id=user_id, key=key)
    if bytes(row.content_hash) != digest:
        raise KeyUsedForAnotherRequestError
    return row


def settle(row: IdempotencyKey, resource_id: int) -> None:
    """Remember which row the request led to; in the transaction that claimed the key."""
    row.resource_id = resource_id
    row.save(update_fields=["resource_id"])
