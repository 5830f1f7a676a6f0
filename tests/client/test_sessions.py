"""Where one is signed in, what is told of new devices, and being asked again who one is."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import devices, sessions
from accounts.mail import queue_of_mail
from accounts.models import AuditEntry, Employee, Mail, User
from tests.client.conftest import Firm, SignIn
from tests.client.pages import words_of
from tests.factories.canaries import fingerprint
from tests.factories.signing_in import signed_in_long_ago
from tests.factories.world import PASSWORD, a_company, a_manager, a_user, an_employee

pytestmark = pytest.mark.django_db

SESSIONS = "/me/sessions/"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)


@pytest.fixture(autouse=True)
def _forget_attempts() -> None:
    cache.clear()


@pytest.fixture
def mia(db: None) -> User:
    """Somebody of a client's."""
    return an_employee(a_company(), user=a_user(email="mia@example.com")).user or a_user()


def signed_in_with(user: User, user_agent: str) -> Client:
    """A browser in which `user` has signed in by the door."""
    client = Client(headers={"user-agent": user_agent})
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    assert "_auth_user_id" in client.session
    return client


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (WINDOWS, "Firefox on Windows"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0 Safari/537.36 Edg/137.0",
         "Edge on Linux"),
        ("curl/8.0", "an unknown browser"),
        ("", "an unknown browser"),
    ],
)  # fmt: skip
def test_devices_are_named_as_people_know_them(user_agent: str, words: str) -> None:
    assert devices.in_words(user_agent) == words


def test_page_lists_each_session_and_ends_one_or_all_the_others(mia: User) -> None:
    here, phone, third = (signed_in_with(mia, agent) for agent in (WINDOWS, IPHONE, "curl/8.0"))
    signed_in_with(a_user(), "Mozilla/5.0 (Macintosh) Safari/605")

    listed = words_of(here.get(SESSIONS))
    of_the_phone = UserSession.objects.get(user_agent=IPHONE)
    here.post(f"{SESSIONS}{of_the_phone.pk}/end/")
    phone_is_out = phone.get("/").status_code == 302
    third_is_in = third.get("/me/").status_code == 200
    here.post(SESSIONS)

    assert [name in listed for name in ("Firefox on Windows This one", "Safari on iPhone", "macOS")] == [
        True,
        True,
        False,
    ]
    assert phone_is_out
    assert third_is_in
    assert third.get("/").status_code == 302
    assert here.get("/me/").status_code == 200
    assert UserSession.objects.count() == 2


def test_session_of_somebody_else_cannot_be_ended(mia: User) -> None:
    here = signed_in_with(mia, WINDOWS)
    other = signed_in_with(a_user(), IPHONE)
    before = fingerprint()

    answer = here.post(f"{SESSIONS}{UserSession.objects.get(user_agent=IPHONE).pk}/end/")

    assert answer.status_code == 404
    assert other.get("/me/").status_code == 200
    assert fingerprint() == before


def test_session_of_before_a_new_password_is_not_listed(mia: User) -> None:
    here = signed_in_with(mia, WINDOWS)
    signed_in_with(mia, IPHONE)

    here.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": "a new and longer one", "password2": "a new and longer one"},
    )

    assert "Safari on iPhone" not in words_of(here.get(SESSIONS))


def test_list_asks_the_same_of_many_sessions_as_of_few(mia: User) -> None:
    here = signed_in_with(mia, WINDOWS)
    counts = []
    for _more in range(2):
        signed_in_with(mia, IPHONE)
        signed_in_with(mia, IPHONE)
        with CaptureQueriesContext(connection) as captured:
            here.get(SESSIONS)
        counts.append(len(captured.captured_queries))

    assert counts[0] == counts[1]
    assert counts[0] <= 12


def test_last_use_is_written_down_every_few_minutes_only(mia: User) -> None:
    here = signed_in_with(mia, WINDOWS)
    long_ago = timezone.now() - timedelta(hours=2)
    UserSession.objects.update(last_seen_at=long_ago)
    here.get("/me/")
    unwritten = UserSession.objects.get().last_seen_at

    session = here.session
    session[sessions.SEEN_KEY] -= 6 * 60
    session.save()
    here.get("/me/")

    assert unwritten == long_ago
    assert UserSession.objects.get().last_seen_at > timezone.now() - timedelta(minutes=1)


def test_sign_in_with_a_new_device_is_told_once(mia: User) -> None:
    User.objects.filter(pk=mia.pk).update(time_zone="Asia/Tokyo")

    client = signed_in_with(mia, WINDOWS)
    client.post("/accounts/logout/")
    client.post("/accounts/login/", {"login": mia.email, "password": PASSWORD})

    told = Mail.objects.get()
    assert (told.kind, told.user, told.address) == ("new-device", mia, mia.email)
    assert told.facts["device"] == "Firefox on Windows"
    assert told.facts["address"] == "127.0.0.1"
    assert told.facts["zone"] == "Asia/Tokyo"
    queue_of_mail().take(timezone.now())
    [sent] = mail.outbox
    assert sent.to == [mia.email]
    assert "with Firefox on Windows, from the address 127.0.0.1" in str(sent.body)
    assert SESSIONS in str(sent.body)


def test_device_is_known_for_each_of_its_people_by_itself_and_a_mark_cannot_be_made(mia: User) -> None:
    client = signed_in_with(mia, WINDOWS)
    client.post("/accounts/logout/")
    other = a_user()
    client.post("/accounts/login/", {"login": other.email, "password": PASSWORD})

    forged = Client(headers={"user-agent": WINDOWS})
    forged.cookies[devices.COOKIE] = client.cookies[devices.COOKIE].value[:-2]
    forged.post("/accounts/login/", {"login": mia.email, "password": PASSWORD})

    assert list(Mail.objects.order_by("pk").values_list("user_id", flat=True)) == [mia.pk, other.pk, mia.pk]


FETCH = "/files/asked-for/"


def test_who_signed_in_a_while_ago_is_asked_again_and_what_was_sent_is_done(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    signed_in_long_ago(client)
    path = f"/company/people/{firm.member.pk}/"
    before = fingerprint()

    looked = client.get(path).status_code
    asked = client.post(path, {"name": "Mia M.", "buying_role": "USES", "access": "ADMIN"}).headers["Location"]
    wrong = client.post(asked, {"password": "not mine", "next": path})
    unchanged = fingerprint() == before
    done = client.post(asked, {"password": PASSWORD, "next": path})

    assert looked == 200
    assert asked.startswith("/accounts/reauthenticate/?next=%2Fcompany%2Fpeople")
    assert wrong.status_code == 200
    assert unchanged
    assert done.headers["Location"] == path
    assert Employee.objects.get(pk=firm.member.pk).access == Employee.Access.ADMIN


def test_what_waited_is_not_done_by_another_occasion_of_being_asked(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.admin)
    signed_in_long_ago(client)
    client.post(f"/company/people/{firm.member.pk}/switch/", {"to": "former"})

    client.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": "/me/"})

    assert Employee.objects.get(pk=firm.member.pk).is_active is True


@pytest.mark.parametrize("kind", ["user", "group", "employee"])
def test_saving_who_may_do_what_asks_first_who_one_is(client: Client, kind: str) -> None:
    client.force_login(a_manager())
    signed_in_long_ago(client)
    path = f"/admin/{'auth' if kind == 'group' else 'accounts'}/{kind}/add/"
    before = fingerprint()

    assert client.get(path).status_code == 200
    assert client.post(path, {"name": "Slipped in"}).headers["Location"].startswith("/accounts/reauthenticate/")
    assert fingerprint() == before


def test_password_of_somebody_else_is_set_by_whoever_is_asked_first(client: Client) -> None:
    client.force_login(a_manager())
    signed_in_long_ago(client)
    other = a_user()

    passwords = {"password1": "a new and longer one", "password2": "a new and longer one", "usable_password": "true"}
    answer = client.post(f"/admin/accounts/user/{other.pk}/password/", passwords)

    assert answer.headers["Location"].startswith("/accounts/reauthenticate/")
    assert User.objects.get(pk=other.pk).check_password(PASSWORD)


def test_export_of_a_list_asks_first_leads_back_to_the_list_and_then_sends_that_very_one(client: Client) -> None:
    client.force_login(a_manager())
    a_company(name="Wanted")
    a_company(name="Other")
    signed_in_long_ago(client)

    asked = client.post("/admin/accounts/company/export/?q=Wanted").headers["Location"]
    nothing_went_out = not AuditEntry.objects.filter(action="exported").exists()
    shown = client.post(asked, {"password": PASSWORD, "next": "/admin/accounts/company/export/"}, follow=True)
    elsewhere = client.get("/admin/accounts/company/").headers
    shown_again = client.get("/admin/accounts/company/?q=Wanted").headers
    sent = client.get(FETCH)
    content = b"".join(sent).decode()

    assert nothing_went_out
    assert shown.redirect_chain == [("/admin/accounts/company/?q=Wanted", 302)]
    assert [str(message) for message in shown.context["messages"]] == [
        "Thank you. The file comes by itself; if it does not, ask for it once more."
    ]
    assert shown.headers["Refresh"] == f"0; url={FETCH}"
    assert ("Refresh" in elsewhere, "Refresh" in shown_again) == (False, False)
    assert sent.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert ("Wanted" in content, "Other" in content) == (True, False)
    assert AuditEntry.objects.filter(action="exported").count() == 1
    assert client.get(FETCH).headers["Location"] == "/"


def test_file_that_was_asked_for_is_not_fetched_long_after_showing_who_one_is(client: Client) -> None:
    client.force_login(a_manager())
    signed_in_long_ago(client)
    asked = client.post("/admin/accounts/company/export/").headers["Location"]
    client.post(asked, {"password": PASSWORD, "next": "/admin/accounts/company/export/"})
    signed_in_long_ago(client)

    assert client.get(FETCH).headers["Location"] == "/admin/accounts/company/"
    assert not AuditEntry.objects.filter(action="exported").exists()


def test_export_of_what_is_known_of_oneself_leads_back_to_the_page_of_privacy(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)
    signed_in_long_ago(client)
    asked = client.post("/me/privacy/export/").headers["Location"]

    shown = client.post(asked, {"password": PASSWORD, "next": "/me/privacy/export/"}, follow=True)

    assert shown.redirect_chain == [("/me/privacy/", 302)]
    assert shown.headers["Refresh"] == f"0; url={FETCH}"
    assert client.get(FETCH).headers["Content-Type"] == "application/json"
