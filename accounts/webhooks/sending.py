"""Sending: one POST to one address, over in ten seconds whatever the other side does; no redirect, no proxy."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from time import monotonic

from django.conf import settings

from accounts.models import WebhookAttempt
from accounts.webhooks.addresses import (
    Resolver,
    Target,
    UnknownNameError,
    UnsafeAddressError,
    locate,
    read_url,
    system_resolver,
)

Failure = WebhookAttempt.Failure

MOST_READ = 64 * 1024
MOST_KEPT = 500

_MAY_ASK_TO_WAIT = (http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.SERVICE_UNAVAILABLE)


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that the system trusts."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Reach:
    """How endpoints are reached: what may lie inside, who knows names, whom to trust, and how long to wait (seconds).

    `inside` are hosts that the installation allows by name although they lie in its own network.
    """

    inside: Collection[str] = ()
    resolve: Resolver = system_resolver
    trust: Callable[[], ssl.SSLContext] = _trust
    connecting: float = 5
    in_all: float = 10


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
        target = read_url(url, inside=reach.inside)
        address = _located(target, reach)
        with _connected(target, address, reach, deadline=began + reach.in_all) as (connection, cut):
            status, text, retry_after = _exchange(connection, target, body, headers, cut)
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


def _exchange(
    connection: http.client.HTTPConnection,
    target: Target,
    body: bytes,
    headers: Mapping[str, str],
    cut: threading.Event,
) -> tuple[int, str, str]:
    """Send the request; read the status, the beginning of the answer, and `Retry-After` where it counts.

    How the answer goes on does not matter.
    """
    connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
    own = {
        "Host": target.authority,
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "User-Agent": "Twofold-Webhooks/1",
        "Connection": "close",
    }
    for name, value in {**own, **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answered = b""
    with connection.getresponse() as response:
        if cut.is_set():  # what came by then may be half a header
            raise TimeoutError
        with suppress(OSError, http.client.HTTPException):
            answered = response.read(MOST_READ)
        text = answered.decode(errors="replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
        retry_after = response.headers.get("Retry-After", "") if response.status in _MAY_ASK_TO_WAIT else ""
        return response.status, text, retry_after.strip()


@contextmanager
def _connected(
    target: Target, address: str, reach: Reach, *, deadline: float
) -> Iterator[tuple[http.client.HTTPConnection, threading.Event]]:
    """Connect to exactly `address`; a certificate has to be the target's. The line is cut at the deadline.

    A socket's own timeout is one of silence: an endpoint that says a letter every few seconds would hold it for ever.
    """
    line = socket.create_connection((address, target.port), timeout=reach.connecting)
    cut = threading.Event()

    def end() -> None:
        cut.set()
        with suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)

    knife = threading.Timer(max(deadline - monotonic(), 0), end)
    connection = http.client.HTTPConnection(target.host, target.port)
    try:
        knife.start()
        if target.is_secure:
            line = reach.trust().wrap_socket(line, server_hostname=target.host, do_handshake_on_connect=False)
            line.do_handshake()
        line.settimeout(reach.in_all)
        connection.sock = line
        connection.auto_open = 0
        yield connection, cut
    except (OSError, http.client.HTTPException) as error:
        if cut.is_set():
            raise TimeoutError from error
        raise
    finally:
        knife.cancel()
        connection.close()
        line.close()


@dataclass(slots=True)
class _Search:
    """A name that is being looked up."""

    found: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)


def _located(target: Target, reach: Reach) -> str:
    """Find the one address to connect to, or raise TimeoutError: a name server may be slower than we can wait for."""
    search = _Search()

    def look_up() -> None:
        try:
            search.found.append(locate(target, inside=reach.inside, resolve=reach.resolve))
        except Exception as error:  # it is raised where it can be dealt with
            search.errors.append(error)

    searcher = threading.Thread(target=look_up, daemon=True)
    searcher.start()
    searcher.join(reach.connecting)
    if search.errors:
        raise search.errors[0]
    if not search.found:
        raise TimeoutError
    return search.found[0]
