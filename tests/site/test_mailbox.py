"""The demo's mailbox: shows what would have been sent, lets nothing out of an e-mail, and exists in the demo alone."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.mail import MailKind, queue_of_mail, register, send
from loyalty.site import mailbox
from tests.client.pages import links_of, source_of, words_of
from tests.site.test_architecture import start

TRICKY = MailKind(
    "test-tricky", "{words}", ("{words}",), "Because", button="Go", prepare=lambda mail, now: {"link": "/me/"}
)


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    """The mailbox of the test."""
    register(TRICKY)
    settings.MAILBOX = tmp_path / "mail"
    settings.EMAIL_BACKEND = "loyalty.site.mailbox.MailboxBackend"
    return tmp_path / "mail"


def post(words: str = "Hello <b>there</b>") -> None:
    send(TRICKY, address="mia@example.com", facts={"words": words}, now=timezone.now())
    queue_of_mail().take(timezone.now())


@pytest.mark.django_db
def test_what_would_have_been_sent_is_read_in_the_browser(
    folder: Path, client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = words_of(client.get("/demo/mail/"))
    post()

    page = client.get("/demo/mail/")
    [link] = links_of(page, r"/demo/mail/\d{20}-[0-9a-f-]{36}/")
    one = client.get(link)
    framed = client.get(f"{link}html/")

    assert "Nothing has been sent yet" in empty
    assert "Hello <b>there</b> mia@example.com" in words_of(page)
    assert "http://127.0.0.1:8000/me/" in words_of(one)
    assert f'src="{link}html/"' in source_of(one)
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in source_of(one)
    assert "Hello &lt;b&gt;there&lt;/b&gt;" in source_of(framed)
    assert "E-mail to mia@example.com: Hello <b>there</b>" in capsys.readouterr().out


@pytest.mark.django_db
def test_nothing_gets_out_of_the_frame(folder: Path, client: Client) -> None:
    post()
    [link] = links_of(client.get("/demo/mail/"), r"/demo/mail/\S+/")

    headers = client.get(f"{link}html/").headers

    policy = headers["Content-Security-Policy"]
    assert {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")} == {
        "default-src": ["'none'"],
        "style-src": ["'unsafe-inline'"],
        "frame-ancestors": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "sandbox": ["allow-popups", "allow-popups-to-escape-sandbox"],
    }
    assert headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["..%2F..%2Fkeys", "nobody", "20260101000000000000-" + "0" * 36])
def test_nothing_but_e_mails_is_read(folder: Path, client: Client, name: str) -> None:
    post()
    (folder / "nobody.eml").write_text("Subject: secret\n\nx")

    assert client.get(f"/demo/mail/{name}/").status_code == 404
    assert client.get(f"/demo/mail/{name}/html/").status_code == 404


@pytest.mark.django_db
def test_the_mailbox_keeps_the_latest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailbox, "MOST_KEPT", 2)

    for word in ("one", "two", "three"):
        post(word)

    assert [mail.subject for mail in mailbox.kept_mails(most=9)] == ["three", "two"]
    assert list(folder.glob("*.part")) == []


def test_an_installation_has_no_such_addresses() -> None:
    asked = (
        "import django; django.setup()\n"
        "from django.conf import settings; from django.urls import Resolver404, resolve\n"
        "assert not settings.IS_DEMO and settings.EMAIL_BACKEND.endswith('smtp.EmailBackend')\n"
        "resolve('/me/')\n"
        "for path in ('/demo/mail/', '/demo/mail/x/', '/demo/mail/x/html/'):\n"
        "    try: resolve(path)\n"
        "    except Resolver404: continue\n"
        "    raise SystemExit(path)\n"
    )

    answer = start(asked, DJANGO_SETTINGS_MODULE="loyalty.site.settings")

    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
