"""Sending: one POST to one address, over in ten seconds whatever the other side does; no redirect, no proxy."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from django.conf import settings

from accounts.models import WebhookAttempt
from accounts.outside import Reach, UnknownNameError, UnsafeAddressError, exchange

Failure = WebhookAttempt.Failure

MOST_READ = 64 * 1024
MOST_KEPT = 500

_MAY_ASK_TO_WAIT = (http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.SERVICE_UNAVAILABLE)


def installed_reach() -> Reach:
    """Return how this installation reaches endpoints."""
    return Reach(inside=frozenset(settings.WEBHOOK_PRIVATE_HOSTS))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt: a status, or why there is none; `text` is the beginning of what was answered.

    `retry_after` is that header as it came with a status that may ask to wait, else "".
    """

    failure: str = Failure.NONE
    status: int | None = None
    text: str = ""
    milliseconds: int = 0
    retry_after: str = ""

    @property
    def is_delivered(self) -> bool:
        """Whether the endpoint took the event."""
        return self.failure == Failure.NONE


def post(url: str, *, body: bytes, headers: Mapping[str, str], reach: Reach) -> Answer:
    """Send `body` to `url` and return what came of it; never raises for what the other side does."""
    began = monotonic()
    status, text, retry_after = None, "", ""
    try:
        own = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            "User-Agent": "Twofold-Webhooks/1",
        }
        reply = exchange("POST", url, body=body, headers={**own, **headers}, reach=reach, most=MOST_READ)
        status, text = reply.status, reply.body.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        retry_after = reply.headers.get("Retry-After", "").strip() if status in _MAY_ASK_TO_WAIT else ""
        failure = _failure_of(status)
    except UnknownNameError:
        failure = Failure.NAME
    except UnsafeAddressError as error:
        failure, text = Failure.ADDRESS, str(error)
    except ssl.SSLCertVerificationError as error:
        failure, text = Failure.CERTIFICATE, error.verify_message
    except TimeoutError:
        failure = Failure.TIMEOUT
    except (OSError, http.client.HTTPException) as error:
        failure, text = Failure.CONNECTION, type(error).__name__
    return Answer(failure, status, text[:MOST_KEPT], int((monotonic() - began) * 1000), retry_after)


def _failure_of(status: int) -> Failure:
    if status == http.HTTPStatus.GONE:
        return Failure.GONE
    match status // 100:
        case 2:
            return Failure.NONE
        case 3:
            return Failure.REDIRECT
        case _:
            return Failure.STATUS
