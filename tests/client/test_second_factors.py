"""The second factor: nobody of the vendor's gets anywhere without one, and setting one up leads on to the work."""

import io
import re

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import AuditEntry, User
from tests.client.pages import words_of
from tests.factories.signing_in import (
    an_authenticator_app,
    code_of_the_app,
    sign_in_by_password_alone,
    signed_in_long_ago,
)
from tests.factories.world import PASSWORD, a_company, a_manager, a_user, an_account_manager, an_employee

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
ASKED = "/me/second-factor/"


@pytest.fixture(autouse=True)
def _forget_attempts() -> None:
    cache.clear()


def knock(client: Client, user: User, **fields: str) -> str:
    """Sign in with the password; gives where that leads."""
    return client.post(LOGIN, {"login": user.email, "password": PASSWORD, **fields}).headers["Location"]


def secret_on(page: str) -> str:
    """The key for an authenticator app, as its page shows it."""
    [secret] = re.findall(r'<code class="key" dir="ltr">([A-Z2-7]+)</code>', page)
    return str(secret)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/admin/",
        "/admin/login/?next=/admin/",
        "/admin/accounts/user/",
        "/admin/accounts/company/export/",
        "/admin/autocomplete/?app_label=accounts&model_name=employee&field_name=company",
        "/admin/jsi18n/",
        "/admin/nowhere/",
        "/see-as/1/",
        "/drafts/",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_manager_without_a_second_factor_is_led_to_one_wherever_they_turn(
    client: Client, path: str, method: str
) -> None:
    sign_in_by_password_alone(client, a_manager())

    answer = client.generic(method, path)

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(f"{ASKED}?next=%2F")


def test_manager_sets_up_an_app_and_goes_on_to_where_they_were_going(client: Client) -> None:
    user = a_manager()

    assert knock(client, user, next="/admin/accounts/company/") == "/admin/accounts/company/"
    asked = client.get("/admin/accounts/company/", follow=True)
    form = client.get("/accounts/2fa/totp/activate/")
    code = code_of_the_app(secret_on(form.content.decode()))
    codes = client.post("/accounts/2fa/totp/activate/", {"code": code}, follow=True)
    on = client.get(ASKED)

    assert "A second step, please" in words_of(asked)
    assert "Recovery codes" in words_of(codes)
    assert on.headers["Location"] == "/admin/accounts/company/"
    assert client.get("/admin/accounts/company/").status_code == 200
    kinds = Authenticator.objects.filter(user=user).values_list("type", flat=True)
    assert sorted(kinds) == ["recovery_codes", "totp"]


def test_next_time_the_door_asks_for_the_code_before_anything_opens(client: Client) -> None:
    user = a_manager()
    an_authenticator_app(user)

    step = knock(client, user, next="/admin/")
    before = client.get("/admin/").headers["Location"]
    wrong = client.post(step, {"code": "000000"})
    right = client.post(step, {"code": code_of_the_app()})

    assert step == "/accounts/2fa/authenticate/"
    assert before == "/admin/login/?next=/admin/"
    assert "Incorrect code" in words_of(wrong)
    assert right.headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_a_code_opens_once(client: Client) -> None:
    user = a_manager()
    an_authenticator_app(user)
    code = code_of_the_app()
    client.post(knock(client, user), {"code": code})
    other = Client()

    answer = other.post(knock(other, user), {"code": code})

    assert "Incorrect code" in words_of(answer)
    assert "_auth_user_id" not in other.session


def test_factor_set_up_in_one_session_does_not_open_another(client: Client) -> None:
    user = a_manager()
    sign_in_by_password_alone(client, user)
    an_authenticator_app(user)

    asked = client.get("/admin/", follow=True)
    shown = client.post("/accounts/2fa/reauthenticate/", {"code": code_of_the_app(), "next": ASKED}, follow=True)

    assert "once you have shown your second step" in words_of(asked)
    assert shown.redirect_chain[-1] == ("/admin/", 302)
    assert client.get("/admin/").status_code == 200


def test_factor_that_was_taken_away_no_longer_counts(client: Client) -> None:
    user = a_manager()
    client.force_login(user)
    assert client.get("/admin/").status_code == 200

    Authenticator.objects.filter(user=user).delete()

    assert client.get("/admin/").headers["Location"].startswith(ASKED)


def test_account_managers_need_one_unless_the_installation_does_without(client: Client, settings: Settings) -> None:
    user = an_account_manager(a_company())
    sign_in_by_password_alone(client, user)

    needed = client.get("/am/")
    settings.ACCOUNT_MANAGERS_NEED_SECOND_FACTOR = False
    free = client.get("/am/")

    assert needed.headers["Location"] == "/me/second-factor/?next=%2Fam%2F"
    assert free.status_code == 200


def test_client_s_people_need_none_but_may_have_one(client: Client) -> None:
    user = an_employee(a_company()).user
    assert user is not None
    assert knock(client, user) == "/"
    an_authenticator_app(user)

    assert knock(Client(), user) == "/accounts/2fa/authenticate/"


@pytest.mark.parametrize(
    ("email", "address", "is_open"),
    [
        ("manager@demo.example", "127.0.0.1", True),
        ("manager@demo.example", "192.0.2.7", False),
        ("somebody@demo.example", "127.0.0.1", False),
    ],
)
def test_demo_lets_its_own_people_in_on_its_own_machine_and_says_so(
    client: Client, email: str, address: str, is_open: bool
) -> None:
    sign_in_by_password_alone(client, a_manager(email=email))

    answer = client.get("/admin/", REMOTE_ADDR=address)

    assert (answer.status_code == 200) == is_open
    assert ("Demo: this login may do without the second step" in answer.content.decode()) == is_open


def test_installation_exempts_nobody(client: Client, settings: Settings) -> None:
    settings.LOGINS_OF_THE_DEMO = frozenset()  # what settings make of it where DATABASE_URL is set
    sign_in_by_password_alone(client, a_manager(email="manager@demo.example"))

    assert client.get("/admin/").headers["Location"].startswith(ASKED)


def test_key_of_an_app_is_encrypted_in_the_database(client: Client) -> None:
    client.force_login(a_user())
    form = client.get("/accounts/2fa/totp/activate/")
    secret = secret_on(form.content.decode())

    client.post("/accounts/2fa/totp/activate/", {"code": code_of_the_app(secret)})

    kept = Authenticator.objects.get(type=Authenticator.Type.TOTP).data["secret"]
    assert secret not in kept


def test_taking_a_factor_away_asks_first_who_one_is(client: Client) -> None:
    user = a_manager()
    client.force_login(user)
    signed_in_long_ago(client)

    asked = client.post("/accounts/2fa/totp/deactivate/")

    assert asked.headers["Location"].startswith("/accounts/reauthenticate/?next=")
    assert Authenticator.objects.filter(user=user).count() == 1


def test_lost_factors_are_taken_away_by_whoever_runs_the_site(client: Client) -> None:
    user = a_manager()
    an_authenticator_app(user)
    client.post(knock(client, user), {"code": code_of_the_app()})

    call_command("forget_second_factors", user.email.upper(), stdout=io.StringIO())

    assert Authenticator.objects.count() == 0
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    assert AuditEntry.objects.get(action="second-factors-forgotten").numbers == {"count": 1}
    assert knock(client, user, next="/admin/") == "/admin/"
    assert client.get("/admin/").headers["Location"].startswith(ASKED)
