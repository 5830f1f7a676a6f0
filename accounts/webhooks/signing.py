"""Signatures of deliveries, as Standard Webhooks has them: HMAC-SHA256 over id, time and body.

https://www.standardwebhooks.com (specification, "Signature scheme" and "Webhook headers").
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a new key, in the form in which receivers' libraries take it: 32 random bytes."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def headers_of(*, message_id: str, body: bytes, keys: Iterable[str], now: datetime) -> dict[str, str]:
    """Return the headers of one attempt; one signature a key, so that a receiver can change over."""
    seconds = str(int(now.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(_signature(key, message_id, seconds, body) for key in keys),
    }


def _signature(key: str, message_id: str, seconds: str, body: bytes) -> str:
    signed = f"{message_id}.{seconds}.".encode() + body
    digest = hmac.new(base64.b64decode(key.removeprefix(_PREFIX)), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()
