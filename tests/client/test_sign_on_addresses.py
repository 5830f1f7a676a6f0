"""Where a company's provider is fetched from: never from inside a network, wherever its names and redirects lead."""

import socket
import threading
from collections.abc import Sequence
from typing import Any

import pytest
import requests
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts.models import Company, SingleSignOn
from accounts.outside import Reach
from accounts.sign_on_fetching import MOST_READ, ProviderSession, UntrustworthyAnswerError
from tests.factories.canaries import fingerprint
from tests.factories.identity_provider import a_single_sign_on, an_identity_provider
from tests.factories.names import names_lead
from tests.factories.world import a_company, a_manager, a_user, an_employee
from tests.webhooks.receiving import a_line, a_receiver, status

INSIDE = ["169.254.169.254", "10.0.0.7", "::1", "127.0.0.1", "::ffff:10.0.0.7"]
PROVIDERS = "/admin/accounts/singlesignon/"


def nobody_knows(host: str, port: int) -> Sequence[str]:
    """A name server that must not be asked."""
    raise AssertionError(host)


def a_session(**reach: Any) -> ProviderSession:
    """What fetches, by somebody who is allowed loopback by name."""
    return ProviderSession(Reach(**{"inside": {"127.0.0.1"}, "resolve": nobody_knows, "in_all": 2, **reach}))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("address", INSIDE)
def test_nothing_is_fetched_from_inside_however_it_is_named(method: str, address: str) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["8.8.8.8", address]

    with a_receiver() as receiver, a_session(inside=(), resolve=resolve) as session:
        host = f"[{address}]" if ":" in address else address
        for url in (f"https://{host}:{receiver.port}/keys", f"https://login.firm.example:{receiver.port}/keys"):
            with pytest.raises(UntrustworthyAnswerError, match="leads into an internal network"):
                session.request(method, url, data={"client_secret": "hidden"})

        assert receiver.got == []
    assert asked == ["login.firm.example"]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_provider_that_leads_elsewhere_is_not_followed(code: int) -> None:
    with a_receiver() as inner, a_receiver() as provider, a_session() as session:
        provider.otherwise = status(code, '{"issuer": "x"}', Location=inner.url)

        with pytest.raises(UntrustworthyAnswerError, match="leads elsewhere"):
            session.get(provider.url)

        assert (len(provider.got), inner.got) == (1, [])


def test_name_is_looked_up_once_and_the_line_goes_to_what_was_looked_at() -> None:
    answers = [["127.0.0.1"], ["169.254.169.254"]]
    with a_receiver() as provider:
        provider.otherwise = status(200, '{"said": "ü"}', **{"Content-Type": "application/json"})
        with a_session(inside={"login.firm.internal"}, resolve=lambda host, port: answers.pop(0)) as session:
            answer = session.post(f"http://login.firm.internal:{provider.port}/token?a=b", data={"code": "1"})

        assert (answer.status_code, answer.json()) == (200, {"said": "ü"})
        assert answers == [["169.254.169.254"]]
        assert (provider.got[0].path, provider.got[0].body) == ("/token?a=b", b"code=1")
        assert provider.got[0].headers["Host"] == f"login.firm.internal:{provider.port}"
        assert provider.got[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_answer_that_has_no_end_or_breaks_off_is_none() -> None:
    def breaks_off(line: socket.socket, over: threading.Event) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}")

    def drips(line: socket.socket, over: threading.Event) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.wait(0.02):
            line.sendall(b" ")

    with a_receiver() as provider, a_session() as session:
        provider.replies = [status(200, "x" * MOST_READ), status(200, "x" * (MOST_READ + 1))]
        assert len(session.get(provider.url).content) == MOST_READ
        with pytest.raises(UntrustworthyAnswerError, match="has no end"):
            session.get(provider.url)
    with a_line(breaks_off) as port, a_session() as session, pytest.raises(UntrustworthyAnswerError):
        session.get(f"http://127.0.0.1:{port}/")
    with a_line(drips) as port, a_session(in_all=0.2) as session, pytest.raises(UntrustworthyAnswerError):
        session.get(f"http://127.0.0.1:{port}/")


def test_silence_and_a_line_that_breaks_are_what_requests_calls_them() -> None:
    def says_nothing(line: socket.socket, over: threading.Event) -> None:
        over.wait(5)

    with a_line(lambda line, over: None) as port, a_session() as session, pytest.raises(requests.ConnectionError):
        session.get(f"http://127.0.0.1:{port}/")
    with a_line(says_nothing) as port, a_session(in_all=0.2) as session, pytest.raises(requests.Timeout):
        session.get(f"http://127.0.0.1:{port}/")


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["token_endpoint", "userinfo_endpoint"])
def test_provider_whose_own_addresses_lead_inside_lets_nobody_in(
    client: Client, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    cache.clear()
    names_lead(monkeypatch, {"inside.firm.example": "127.0.0.1"})
    knocked = threading.Event()
    with an_identity_provider() as provider, a_line(lambda line, over: knocked.set()) as port:
        company = a_company(name="Firm")
        an_employee(company, user=a_user(email="mia@firm.example"))
        sign_on = a_single_sign_on(company, provider.issuer, "firm.example")
        provider.configuration[part] = f"https://inside.firm.example:{port}/"
        before = fingerprint()

        away = client.get(f"/accounts/company/{sign_on.provider_id}/").headers["Location"]
        back = provider.approve(away, sub="1", email="mia@firm.example", email_verified=True)
        answer = client.get(back.removeprefix("http://testserver"))

    assert (answer.status_code, "_auth_user_id" in client.session, knocked.is_set()) == (403, False, False)
    assert fingerprint() == before


@pytest.mark.django_db
def test_provider_that_moved_inside_since_it_was_set_up_is_not_asked(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    names_lead(monkeypatch, {"login.firm.example": "127.0.0.1"})
    knocked = threading.Event()
    with a_line(lambda line, over: knocked.set()) as port:
        sign_on = a_single_sign_on(a_company(), f"https://login.firm.example:{port}", "firm.example")

        assert client.get(f"/accounts/company/{sign_on.provider_id}/").status_code == 403

    assert not knocked.is_set()


def filled(company: Company, **changes: str) -> dict[str, Any]:
    """A form as a manager fills it in."""
    return {
        "company": company.pk,
        "issuer": "https://login.firm.example",
        "client_id": "us",
        "client_secret": "hidden",
        "is_active": "on",
        "domains-TOTAL_FORMS": "0",
        "domains-INITIAL_FORMS": "0",
        **changes,
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("issuer", "sentence"),
    [
        ("https://169.254.169.254", "leads into an internal network"),
        ("https://10.0.0.7/realm", "leads into an internal network"),
        ("https://[::1]", "leads into an internal network"),
        ("https://inside.firm.example", "leads into an internal network"),
        ("https://nowhere.firm.example", "is not known to the name servers"),
        ("https://127.1", "an odd way to write an address"),
        ("http://login.firm.example", "Only https is allowed"),
    ],
)
@pytest.mark.parametrize("active", ["on", ""])
def test_issuer_that_leads_inside_is_not_saved(
    client: Client, monkeypatch: pytest.MonkeyPatch, issuer: str, sentence: str, active: str
) -> None:
    names_lead(monkeypatch, {"inside.firm.example": "10.0.0.7", "login.firm.example": "8.8.8.8"})
    client.force_login(a_manager())

    refused = client.post(f"{PROVIDERS}add/", filled(a_company(), issuer=issuer, is_active=active))

    assert sentence in " ".join(refused.context["adminform"].form.errors["issuer"])
    assert not SingleSignOn.objects.exists()


@pytest.mark.django_db
def test_provider_that_nobody_finds_any_more_can_still_be_switched_off_but_not_on(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.SIGN_ON_PRIVATE_HOSTS = []
    names_lead(monkeypatch, {})
    client.force_login(a_manager())
    sign_on = a_single_sign_on(a_company(), "https://login.firm.example")
    page = f"{PROVIDERS}{sign_on.pk}/change/"

    client.post(page, filled(sign_on.company, is_active=""))
    switched_off = not SingleSignOn.objects.get().is_active
    on = client.post(page, filled(sign_on.company))

    assert switched_off
    assert list(on.context["adminform"].form.errors) == ["issuer"]
    assert not SingleSignOn.objects.get().is_active
