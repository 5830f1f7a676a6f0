"""Who comes in, and how: one door, no hints about who exists, and no way in for those who left."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts.mail import queue_of_mail
from accounts.models import Employee, Mail, User
from tests.client.conftest import Firm, SignIn
from tests.client.pages import source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import PASSWORD, a_company, a_user, an_employee

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


def knock(client: Client, email: str, password: str = PASSWORD, **fields: str) -> tuple[int, str]:
    """Try to sign in; gives the status and what the page says, or where it leads."""
    response = client.post(LOGIN, {"login": email, "password": password, **fields})
    return response.status_code, response.headers.get("Location") or words_of(response)


@pytest.mark.parametrize("written", ["mia@example.com", "MIA@Example.COM"])
def test_people_sign_in_with_their_address_however_it_is_written(client: Client, written: str) -> None:
    an_employee(a_company(), user=a_user(email="mia@example.com"))

    assert knock(client, written) == (302, "/")


def test_wrong_password_and_unknown_address_get_the_same_answer(client: Client) -> None:
    a_user(email="known@example.com")

    wrong = knock(client, "known@example.com", "not the password")
    unknown = knock(client, "nobody@example.com", "not the password")

    assert wrong[0] == unknown[0] == 200
    assert "Please correct this first" in wrong[1]
    assert wrong[1] == unknown[1]


def test_guessing_is_slowed_down_even_for_the_right_password(client: Client) -> None:
    a_user(email="known@example.com")

    for _guess in range(6):
        knock(client, "known@example.com", "a guess")

    status, words = knock(client, "known@example.com")
    assert status == 200
    assert "Too many failed login attempts" in words
    assert "_auth_user_id" not in client.session


def test_nobody_signs_up(client: Client) -> None:
    before = fingerprint()

    shown = client.get("/accounts/signup/")
    client.post("/accounts/signup/", {"email": "new@example.com", "password1": PASSWORD})

    assert "People join by invitation" in words_of(shown)
    assert fingerprint() == before


def test_nobody_gives_itself_another_login(firm: Firm, sign_in: SignIn) -> None:
    other = a_user(email="victim@example.com")
    client = sign_in(firm.member)
    before = fingerprint()

    for email in (other.email, "new@example.com"):
        client.post("/accounts/email/", {"email": email, "action_add": ""})
        client.post("/accounts/email/", {"email": email, "action_primary": ""})

    assert fingerprint() == before


def test_deep_link_survives_signing_in(firm: Firm, client: Client) -> None:
    assert firm.member.user is not None
    asked = client.get("/orders/?program=workshop")

    door = client.get(asked.headers["Location"])
    fields = dict(re.findall(r'name="(next)" value="([^"]*)"', source_of(door)))

    assert asked.headers["Location"] == "/accounts/login/?next=/orders/%3Fprogram%3Dworkshop"
    assert knock(client, firm.member.user.email, next=fields["next"]) == (302, "/orders/?program=workshop")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "\0"]
)
def test_signing_in_never_leads_off_the_site(firm: Firm, client: Client, target: str) -> None:
    assert firm.member.user is not None

    status, location = knock(client, firm.member.user.email, next=target)

    assert (status, location) == (302, "/")


def test_login_that_is_switched_off_is_told_so_and_stays_out(client: Client) -> None:
    user = a_user(is_active=False)

    status, _location = knock(client, user.email)

    assert "_auth_user_id" not in client.session
    assert status in (200, 302)
    assert client.get("/").headers["Location"] == "/accounts/login/?next=/"


def test_login_that_is_switched_off_meanwhile_ends_at_once(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)
    User.objects.filter(pk=firm.member.user_id).update(is_active=False)

    assert client.get("/").headers["Location"] == "/accounts/login/?next=/"


@pytest.mark.parametrize("flags", [{}, {"is_staff": True, "is_superuser": True}])
def test_employee_who_left_sees_nothing_whatever_the_login_may(
    firm: Firm, sign_in: SignIn, flags: dict[str, bool]
) -> None:
    client = sign_in(firm.member)
    Employee.objects.filter(pk=firm.member.pk).update(is_active=False)
    User.objects.filter(pk=firm.member.user_id).update(**flags)

    statuses = {
        path: client.get(path, follow=True).status_code
        for path in ("/", "/points/", "/rules/", "/rewards/", "/orders/", "/me/", "/am/", "/admin/")
    }

    assert statuses == dict.fromkeys(statuses, 403)


def test_forgotten_password_says_the_same_of_every_address(client: Client) -> None:
    known = a_user(email="known@example.com")

    answers = [
        client.post("/accounts/password/reset/", {"email": email}).headers["Location"]
        for email in (known.email, "nobody@example.com")
    ]

    queue_of_mail().take(timezone.now())
    assert answers == ["/accounts/password/reset/done/"] * 2
    assert [message.to for message in mail.outbox if "/reset/key/" in str(message.body)] == [["known@example.com"]]


def test_new_password_is_set_by_the_link_once(client: Client) -> None:
    user = a_user(email="known@example.com")
    client.post("/accounts/password/reset/", {"email": user.email})
    assert "reset/key" not in str(list(Mail.objects.values()))  # what waits opens nothing
    queue_of_mail().take(timezone.now())
    [link] = re.findall(r"https?://[^/]+(/accounts/password/reset/key/\S+)", str(mail.outbox[0].body))

    form = client.get(link)
    address = form.headers["Location"]
    saved = client.post(address, {"password1": "a new and longer one", "password2": "a new and longer one"})
    again = Client().get(link, follow=True)

    assert saved.status_code == 302
    assert "This link no longer works" in words_of(again)
    assert knock(Client(), user.email) != (302, "/")
    assert knock(Client(), user.email, "a new and longer one") == (302, "/")


def test_signing_out_takes_a_click(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)

    asked = client.get("/accounts/logout/")
    still_in = "_auth_user_id" in client.session
    client.post("/accounts/logout/")

    assert "Sign out?" in words_of(asked)
    assert still_in
    assert "_auth_user_id" not in client.session
