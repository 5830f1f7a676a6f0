"""One request to one address, over in seconds whatever the other side does; no redirect, no proxy."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from functools import cache
from time import monotonic

from accounts.outside.addresses import Resolver, Target, locate, read_url, system_resolver


@cache
def _trust() -> ssl.SSLContext:
    """The certificates that the system trusts."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Reach:
    """How the outside is reached: what may lie inside, who knows names, whom to trust, and how long to wait (seconds).

    `inside` are hosts that the installation allows by name although they lie in its own network.
    """

    inside: Collection[str] = ()
    resolve: Resolver = system_resolver
    trust: Callable[[], ssl.SSLContext] = _trust
    connecting: float = 5
    in_all: float = 10


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered: as much of the body as was asked for, and whether that `is_whole`."""

    status: int
    headers: Message
    body: bytes
    is_whole: bool


def check_address(url: str, reach: Reach) -> None:
    """Raise UnsafeAddressError where nothing would be sent to `url`; asks the name servers once."""
    locate(read_url(url, inside=reach.inside), inside=reach.inside, resolve=reach.resolve)


def exchange(method: str, url: str, *, body: bytes, headers: Mapping[str, str], reach: Reach, most: int) -> Reply:
    """Send one request and return what was answered, a redirect too; of the body, `most` bytes are read.

    Once there is a status, a body that breaks off raises nothing. Raises UnsafeAddressError, TimeoutError, and else
    OSError or http.client.HTTPException.
    """
    deadline = monotonic() + reach.in_all
    target = read_url(url, inside=reach.inside)
    address = _located(target, reach)
    with _connected(target, address, reach, deadline=deadline) as (connection, cut):
        connection.putrequest(method, target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": target.authority, "Connection": "close", **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body or None)
        with connection.getresponse() as response:
            if cut.is_set():  # what came by then may be half a header
                raise TimeoutError
            answered, is_over = b"", False
            with suppress(OSError, http.client.HTTPException):
                answered = response.read(most + 1)
                is_over = not response.length and not cut.is_set()
            return Reply(response.status, response.headers, answered[:most], is_over and len(answered) <= most)


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
