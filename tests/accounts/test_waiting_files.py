"""Files that were sent by somebody who is asked again who they are: they wait, and arrive with the rest."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.internal.flows.reauthentication import STATE_SESSION_KEY
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path
from django.utils import timezone
from pytest_django import Settings

from accounts import uploads
from accounts.access import freshly_signed_in_to_send, signed_in
from accounts.models import Attachment, AttachmentPart
from loyalty.site.urls import urlpatterns as of_the_site
from tests.client.pages import words_of
from tests.factories.identity_provider import a_single_sign_on, an_identity_provider
from tests.factories.signing_in import signed_in_long_ago
from tests.factories.world import PASSWORD, a_company, a_user, an_employee

pytestmark = pytest.mark.django_db

LETTER = "/a/letter/"
TWO_PARTS = b"Dear all" * 100_000


@signed_in
@freshly_signed_in_to_send
def a_letter(request: HttpRequest) -> HttpResponse:
    """A page that takes files from whoever has shown just now who they are, and says what it got."""
    if request.method != "POST":
        return HttpResponse("Write here")
    files = [
        [field, file.name, file.content_type, file.size, file.read() == TWO_PARTS]
        for field, sent in request.FILES.lists()
        for file in sent
    ]
    typed = dict(request.POST.lists())
    return JsonResponse(
        {"to": request.GET.get("to"), "typed": typed, "files": files, "too_large": uploads.was_too_large(request)}
    )


urlpatterns = [path("a/letter/", a_letter), *of_the_site]


@pytest.fixture(autouse=True)
def _with_the_letter(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__
    cache.clear()


@pytest.fixture
def writer(client: Client) -> Client:
    """A browser in which somebody signed in long ago."""
    user = an_employee(a_company(), user=a_user(email="mia@firm.example")).user
    assert user is not None
    client.force_login(user)
    signed_in_long_ago(client)
    return client


def a_file(name: str = "Zürich.txt", content: bytes = TWO_PARTS) -> SimpleUploadedFile:
    """A file as a browser sends it."""
    return SimpleUploadedFile(name, content, content_type="text/plain")


def sent(client: Client, *files: SimpleUploadedFile) -> str:
    """Send a letter; gives the address at which one is asked again."""
    asked = client.post(f"{LETTER}?to=all", {"about": ["one", "two"], "enclosed": files or [a_file()]})
    assert asked.status_code == 302
    return asked.headers["Location"]


def shown(client: Client, asked: str, wanted: str = LETTER) -> Any:
    """Show who one is, by the password."""
    return client.post(asked, {"password": PASSWORD, "next": wanted})


def test_files_wait_until_one_has_shown_who_one_is(writer: Client) -> None:
    asked = sent(writer, a_file(), a_file("empty.txt", b""))
    waiting = Attachment.objects.order_by("pk")
    assert [(row.name, row.size) for row in waiting] == [("Zürich.txt", len(TWO_PARTS)), ("empty.txt", 0)]
    assert all(row.expires_at <= timezone.now() + timedelta(hours=1) for row in waiting)

    assert shown(writer, asked).json() == {
        "to": "all",
        "typed": {"about": ["one", "two"]},
        "files": [
            ["enclosed", "Zürich.txt", "text/plain", len(TWO_PARTS), True],
            ["enclosed", "empty.txt", "text/plain", 0, False],
        ],
        "too_large": False,
    }
    assert not AttachmentPart.objects.exists()
    assert STATE_SESSION_KEY not in writer.session


@pytest.fixture
def by_company(client: Client) -> Iterator[tuple[Client, Any]]:
    """A browser of somebody who signs in with the company's own provider alone, long ago, and how to show it again."""
    with an_identity_provider() as provider:
        sign_on = a_single_sign_on(a_company(), provider.issuer, "firm.example", is_required=True)
        an_employee(sign_on.company, user=a_user(email="mia@firm.example"))

        def come_back(address: str) -> Any:
            away = client.get(address).headers["Location"]
            claims = {"sub": "mia", "email": "mia@firm.example", "email_verified": True}
            return client.get(provider.approve(away, **claims).removeprefix("http://testserver"))

        come_back(f"/accounts/company/{sign_on.provider_id}/")
        signed_in_long_ago(client)
        yield client, come_back


def test_files_wait_for_whoever_is_asked_by_the_company_s_provider(by_company: tuple[Client, Any]) -> None:
    client, come_back = by_company

    got = come_back(sent(client)).json()

    assert (got["to"], got["typed"]) == ("all", {"about": ["one", "two"]})
    assert got["files"] == [["enclosed", "Zürich.txt", "text/plain", len(TWO_PARTS), True]]
    assert not Attachment.objects.exists()


def test_what_was_typed_without_files_comes_back_whole_from_the_provider(by_company: tuple[Client, Any]) -> None:
    client, come_back = by_company

    got = come_back(client.post(LETTER, {"about": "one"}).headers["Location"]).json()

    assert (got["typed"], got["files"]) == ({"about": ["one"]}, [])


def test_files_are_let_go_when_one_turns_to_something_else(writer: Client) -> None:
    asked = sent(writer)

    elsewhere = shown(writer, asked, wanted="/me/")

    assert elsewhere.headers["Location"] == "/me/"
    assert not Attachment.objects.exists()


def test_of_two_letters_only_the_later_one_waits(writer: Client) -> None:
    sent(writer, a_file("first.txt"))
    asked = sent(writer, a_file("second.txt"))
    waiting = [row.name for row in Attachment.objects.all()]

    assert waiting == ["second.txt"]
    assert [name for _field, name, *_rest in shown(writer, asked).json()["files"]] == ["second.txt"]


def test_nothing_is_sent_without_a_file_that_waited_too_long(writer: Client) -> None:
    asked = sent(writer)
    now = timezone.now()
    Attachment.objects.update(created_at=now - timedelta(hours=2), expires_at=now - timedelta(hours=1))

    answer = shown(writer, asked)

    assert (answer.status_code, answer.headers["Location"]) == (302, LETTER)
    assert "The files that you sent could not be kept until now" in words_of(writer.get("/me/"))
    assert not Attachment.objects.exists()


def test_files_that_are_too_large_are_not_kept_and_it_is_said(writer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 10)

    together = shown(writer, sent(writer, a_file("a", b"123456"), a_file("b", b"123456")))
    signed_in_long_ago(writer)
    alone = shown(writer, sent(writer, a_file("c", b"12345678901"))).json()

    assert together.headers["Location"] == LETTER
    assert (alone["files"], alone["too_large"], alone["typed"]) == ([], True, {"about": ["one", "two"]})
    assert not Attachment.objects.exists()


def test_files_of_somebody_else_are_not_taken_for_one_s_own(writer: Client) -> None:
    asked = sent(writer)
    Attachment.objects.update(created_by=an_employee(a_company()).user)

    assert shown(writer, asked).headers["Location"] == LETTER
