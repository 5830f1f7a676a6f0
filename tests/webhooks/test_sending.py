"""Sending to real sockets: exactly one address, no redirect, no proxy, and an end whatever the other side does."""

import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import pytest

from accounts.outside import Reach
from accounts.webhooks.sending import MOST_READ, Answer, post
from tests.webhooks.receiving import a_certificate, a_line, a_receiver, status

NAME = "receiver.internal"


class Names:
    """A name server that gives the next of its answers each time it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0)


def send(url: str, names: Names | None = None, **reach: object) -> Answer:
    """One attempt by somebody who is allowed loopback by name, and never asks the real name servers."""
    known = {"inside": {"127.0.0.1", NAME}, "resolve": names or Names(), **reach}
    return post(url, body=b'{"a":1}', headers={"webhook-id": "msg_1"}, reach=Reach(**known))  # type: ignore[arg-type]


def test_body_and_headers_arrive_and_the_answer_comes_back() -> None:
    with a_receiver() as receiver:
        receiver.replies = [status(202, "thanks")]

        answer = send(f"http://127.0.0.1:{receiver.port}/in%20box?key=1")

        [got] = receiver.got
        assert (answer.is_delivered, answer.failure, answer.status, answer.text) == (True, "", 202, "thanks")
        assert (got.path, got.body) == ("/in%20box?key=1", b'{"a":1}')
        assert {name.lower(): value for name, value in got.headers.items()} == {
            "host": f"127.0.0.1:{receiver.port}",
            "content-type": "application/json",
            "content-length": "7",
            "user-agent": "Twofold-Webhooks/1",
            "connection": "close",
            "webhook-id": "msg_1",
        }


@pytest.mark.parametrize(
    ("code", "failure"),
    [(200, ""), (299, ""), (404, "STATUS"), (410, "GONE"), (429, "STATUS"), (500, "STATUS"), (304, "REDIRECT")],
)
def test_status_decides(code: int, failure: str) -> None:
    with a_receiver() as receiver:
        receiver.otherwise = status(code)

        answer = send(receiver.url)

    assert (answer.status, answer.failure, answer.is_delivered) == (code, failure, failure == "")


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(code: int) -> None:
    with a_receiver() as inner, a_receiver() as receiver:
        receiver.otherwise = status(code, Location=inner.url)

        answer = send(receiver.url)

        assert (answer.status, answer.failure) == (code, "REDIRECT")
        assert (len(receiver.got), inner.got) == (1, [])


def test_name_is_resolved_once_and_the_connection_goes_where_it_led() -> None:
    with a_receiver() as receiver:
        names = Names(["127.0.0.1"], ["169.254.169.254"])

        answer = send(f"http://{NAME}:{receiver.port}/", names)

        assert (answer.status, names.asked) == (204, [NAME])
        assert receiver.got[0].headers["Host"] == f"{NAME}:{receiver.port}"


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "::ffff:169.254.169.254", "10.0.0.1"])
def test_name_that_leads_inside_is_not_connected_to(address: str) -> None:
    with a_receiver() as receiver:
        names = Names([address])

        answer = send(f"https://receiver.example:{receiver.port}/", names)

        assert (answer.failure, answer.status, receiver.got) == ("ADDRESS", None, [])
        assert names.asked == ["receiver.example"]


def test_address_that_is_not_allowed_any_more_is_refused_at_sending() -> None:
    with a_receiver() as receiver:
        assert send(receiver.url, inside=()).failure == "ADDRESS"
        assert send("http://169.254.169.254/latest/meta-data/").failure == "ADDRESS"
        assert receiver.got == []


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with a_receiver() as proxy, a_receiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")

        assert send(receiver.url).is_delivered
        assert (len(receiver.got), proxy.got) == (1, [])


def test_only_the_beginning_of_an_answer_is_read_and_kept() -> None:
    with a_receiver() as receiver:
        receiver.replies = [status(200, "\0" + "ü" * MOST_READ), status(500, "x" * 10 * MOST_READ)]

        first, second = send(receiver.url), send(receiver.url)

    assert (first.text, second.text) == ("\N{REPLACEMENT CHARACTER}" + "ü" * 499, "x" * 500)


def test_certificate_has_to_be_of_the_name(tmp_path: Path) -> None:
    ours, trusting = a_certificate(tmp_path, NAME)
    with a_receiver(certificate=ours) as receiver:
        url = f"https://{NAME}:{receiver.port}/"
        other = f"https://other.internal:{receiver.port}/"

        right = send(url, Names(["127.0.0.1"]), trust=lambda: trusting)
        wrong = send(other, Names(["127.0.0.1"]), trust=lambda: trusting, inside={"other.internal"})
        stranger = send(url, Names(["127.0.0.1"]))

        assert (right.status, right.failure) == (204, "")
        assert (wrong.failure, stranger.failure) == ("CERTIFICATE", "CERTIFICATE")
        assert "other.internal" in wrong.text
        assert len(receiver.got) == 1


def test_nobody_there_and_a_line_that_breaks_are_told_apart_from_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/").failure == "CONNECTION"

    with a_line(lambda line, over: None) as port:
        assert send(f"http://127.0.0.1:{port}/").failure == "CONNECTION"
    with a_line(lambda line, over: line.sendall(b"SSH-2.0-OpenSSH\r\n")) as port:
        assert send(f"http://127.0.0.1:{port}/").failure == "CONNECTION"

    def no_name(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    assert send("https://receiver.example/", resolve=no_name).failure == "NAME"


def says_nothing(line: socket.socket, over: threading.Event) -> None:
    """A line that is open and silent."""
    over.wait(5)


def drips(line: socket.socket, over: threading.Event) -> None:
    """A letter now and then, for ever, and never a whole line."""
    line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while not over.wait(0.02):
        line.sendall(b"a")


def drips_its_body(line: socket.socket, over: threading.Event) -> None:
    """A status at once, and then a body that does not end."""
    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    while not over.wait(0.02):
        line.sendall(b"a")


def test_endpoint_that_says_nothing_or_never_ends_is_left_in_time() -> None:
    began = monotonic()
    with a_line(says_nothing) as port:
        silent = send(f"http://127.0.0.1:{port}/", in_all=0.3)
        silent_at_the_handshake = send(f"https://127.0.0.1:{port}/", in_all=0.3)
    with a_line(drips) as port:
        dripping = send(f"http://127.0.0.1:{port}/", in_all=0.3)
    with a_line(drips_its_body) as port:
        endless = send(f"http://127.0.0.1:{port}/", in_all=0.3)

    assert (silent.failure, silent_at_the_handshake.failure, dripping.failure) == ("TIMEOUT",) * 3
    assert (endless.failure, endless.status) == ("", 200)  # it has said that it took the event
    assert monotonic() - began < 4


def test_name_server_that_is_slow_is_left_in_time() -> None:
    over = threading.Event()

    def slow(host: str, port: int) -> Sequence[str]:
        over.wait(5)
        return ["127.0.0.1"]

    began = monotonic()
    answer = send(f"http://{NAME}/", resolve=slow, connecting=0.1)
    over.set()

    assert answer.failure == "TIMEOUT"
    assert monotonic() - began < 3
