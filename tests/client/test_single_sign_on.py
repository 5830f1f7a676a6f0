"""Signing in with one's company: its provider vouches for its own people, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.cache import cache
from django.test import Client

from accounts.models import AuditEntry, Company, Employee, SignInDomain, SingleSignOn, User
from tests.client.pages import source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.identity_provider import SECRET, IdentityProvider, a_single_sign_on, an_identity_provider
from tests.factories.names import names_lead
from tests.factories.signing_in import an_authenticator_app, code_of_the_app, signed_in_long_ago
from tests.factories.world import PASSWORD, a_company, a_manager, a_user, an_admin, an_employee

if TYPE_CHECKING:
    from django.test.client import _MonkeyPatchedWSGIResponse as Answer

pytestmark = pytest.mark.django_db

MIA = "mia@firm.example"
UNSAID: Any = object()
"""Of a claim that the provider leaves out."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A company with a provider of its own, and somebody who works there."""

    provider: IdentityProvider
    company: Company
    sign_on: SingleSignOn
    mia: User

    def visit(self, client: Client, **claims: Any) -> Answer:
        """Sign in with the provider, which says `claims` of the person; gives the answer on coming back."""
        claims = {"sub": "subject-1", "email": MIA, "email_verified": True, **claims}
        claims = {name: said for name, said in claims.items() if said is not UNSAID}
        away = client.get(f"/accounts/company/{self.sign_on.provider_id}/")
        return self.come_back(client, away.headers["Location"], **claims)

    def come_back(self, client: Client, address: str, **claims: Any) -> Answer:
        """Be approved by the provider at `address`."""
        back = self.provider.approve(address, **claims)
        return client.get(back.removeprefix("http://testserver"))


@pytest.fixture
def scene(db: None) -> Iterator[Scene]:
    """Mia works for a firm with a provider."""
    cache.clear()
    with an_identity_provider() as provider:
        company = a_company(name="Firm")
        sign_on = a_single_sign_on(company, provider.issuer, "firm.example")
        user = an_employee(company, user=a_user(email=MIA)).user
        assert user is not None
        yield Scene(provider, company, sign_on, user)


def is_signed_in(client: Client) -> bool:
    """Whether the browser has a session of somebody."""
    return "_auth_user_id" in client.session


def test_from_the_address_to_the_provider_and_back(scene: Scene, client: Client) -> None:
    offered = client.get("/accounts/company/", {"email": "anybody@FIRM.example", "next": "/orders/"})
    assert "Sign in with Firm" in words_of(offered)

    address = f"/accounts/company/{scene.sign_on.provider_id}/?next=%2Forders%2F"
    assert f'href="{address}"' in source_of(offered)
    away = client.get(address)
    back = scene.come_back(client, away.headers["Location"], sub="subject-1", email=MIA, email_verified=True)

    assert (back.status_code, back.headers["Location"]) == (302, "/orders/")
    assert client.session["_auth_user_id"] == str(scene.mia.pk)
    bound = SocialAccount.objects.get()
    assert (bound.user, bound.provider, bound.uid) == (scene.mia, scene.sign_on.provider_id, "subject-1")
    assert bound.extra_data == {}
    assert AuditEntry.objects.get(action="sign-on-bound").subject_id == scene.mia.pk


def test_domains_say_whether_a_company_signs_in_so_and_nothing_of_people(scene: Scene, client: Client) -> None:
    known = client.get("/accounts/company/", {"email": MIA})
    unknown = client.get("/accounts/company/", {"email": "nobody@firm.example"})
    elsewhere = client.get("/accounts/company/", {"email": scene.mia.email.replace("firm", "other")})

    assert words_of(known) == words_of(unknown)
    assert "No company signs in here with addresses like this one" in words_of(elsewhere)


def test_whoever_is_bound_is_known_by_the_subject_whatever_the_address_is_then(scene: Scene, client: Client) -> None:
    scene.visit(client)
    later = Client()

    scene.provider.userinfo = {}
    scene.visit(later, email="mia.married@firm.example")

    assert later.session["_auth_user_id"] == str(scene.mia.pk)


def test_an_address_that_was_given_to_somebody_else_does_not_open_the_old_login(scene: Scene, client: Client) -> None:
    scene.visit(Client())
    scene.provider.userinfo = {}
    before = fingerprint()

    answer = scene.visit(client, sub="subject-2")

    assert answer.status_code == 403
    assert "Somebody else at your company signs in with this address" in words_of(answer)
    assert not is_signed_in(client)
    assert fingerprint() == before


def test_person_of_another_company_never_gets_in_by_this_one_s_provider(scene: Scene, client: Client) -> None:
    other = a_company(name="Other")
    inside = an_employee(other, user=a_user(email="spy@firm.example")).user
    outside = an_employee(other, user=a_user(email="ada@other.example")).user
    before = fingerprint()

    answers = []
    for number, user in enumerate([inside, outside]):
        assert user is not None
        scene.provider.userinfo = {}
        answers.append(scene.visit(client, sub=f"other-{number}", email=user.email))

    assert [answer.status_code for answer in answers] == [403, 403]
    assert not is_signed_in(client)
    assert fingerprint() == before


def test_person_who_has_moved_firms_is_not_let_in_by_the_old_binding(scene: Scene, client: Client) -> None:
    scene.visit(Client())
    Employee.objects.filter(user=scene.mia).update(company=a_company(name="Other"))

    assert scene.visit(client).status_code == 403
    assert not is_signed_in(client)


@pytest.mark.parametrize("flags", [{"is_staff": True}, {"is_staff": True, "is_superuser": True}])
def test_nobody_of_the_vendor_s_gets_in_by_a_client_s_provider(
    scene: Scene, client: Client, flags: dict[str, bool]
) -> None:
    a_user(email="boss@firm.example", **flags)

    assert scene.visit(client, sub="boss", email="boss@firm.example").status_code == 403
    assert not is_signed_in(client)


def test_employee_who_left_and_login_that_is_off_stay_out(scene: Scene, client: Client) -> None:
    scene.visit(Client())
    User.objects.filter(pk=scene.mia.pk).update(is_active=False)
    off = scene.visit(client)
    User.objects.filter(pk=scene.mia.pk).update(is_active=True)
    Employee.objects.filter(user=scene.mia).update(is_active=False)
    left = scene.visit(client)

    assert (off.headers["Location"], left.status_code) == ("/accounts/inactive/", 403)
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
        {"email": None},
        {"email": "mia@elsewhere.example"},
        {"email": "mia@sub.firm.example"},
        {"email": "mia@firm.example\0"},
        {"email": "mia@elsewhere.example", "email_verified": UNSAID},
        {"email": "mia@sub.firm.example", "email_verified": UNSAID},
        {"email": "mia@firm.example.elsewhere.example", "email_verified": UNSAID},
        {"email": "mia@firm.example\0", "email_verified": UNSAID},
        {"email": UNSAID, "email_verified": UNSAID},
    ],
)
def test_address_that_is_not_vouched_for_lets_nobody_in(scene: Scene, client: Client, claims: dict[str, Any]) -> None:
    before = fingerprint()

    answer = scene.visit(client, **claims)

    assert answer.status_code == 403
    assert not is_signed_in(client)
    assert fingerprint() == before


def test_provider_that_is_silent_is_believed_about_its_company_s_own_domains(scene: Scene, client: Client) -> None:
    scene.sign_on.domains.create(domain="firm-subsidiary.example")
    ada = an_employee(scene.company, user=a_user(email="Ada@firm-subsidiary.example")).user
    other = Client()

    scene.visit(client, email_verified=UNSAID)
    scene.provider.userinfo = {}
    scene.visit(other, sub="ada", email="ada@Firm-Subsidiary.example", email_verified=UNSAID)

    assert client.session["_auth_user_id"] == str(scene.mia.pk)
    assert ada is not None
    assert other.session["_auth_user_id"] == str(ada.pk)


@pytest.mark.parametrize("said", [False, "false", "true", None, 0, 1])
@pytest.mark.parametrize("in_the_token", [True, UNSAID])
def test_doubt_of_the_user_info_is_one_whatever_the_token_says(
    scene: Scene, client: Client, in_the_token: Any, said: Any
) -> None:
    scene.provider.userinfo = {"sub": "subject-1", "email": MIA, "email_verified": said}
    before = fingerprint()

    answer = scene.visit(client, email_verified=in_the_token)

    assert answer.status_code == 403
    assert "does not confirm an e-mail address of yours" in words_of(answer)
    assert not is_signed_in(client)
    assert fingerprint() == before


def test_address_of_the_user_info_is_doubted_by_the_token_too(scene: Scene, client: Client) -> None:
    scene.provider.userinfo = {"sub": "subject-1", "email": MIA, "email_verified": True}
    doubted = scene.visit(client, email=UNSAID, email_verified=False)
    kept_out = not is_signed_in(client)
    scene.visit(client, email=UNSAID, email_verified=UNSAID)

    assert (doubted.status_code, kept_out) == (403, True)
    assert client.session["_auth_user_id"] == str(scene.mia.pk)


@pytest.mark.parametrize(
    ("of_the_token", "of_the_userinfo", "of_the_configuration"),
    [
        ({"nonce": "of another visit"}, {}, {}),
        ({"iss": "https://login.other.example"}, {}, {}),
        ({"aud": "somebody else's client"}, {}, {}),
        ({"exp": 1}, {}, {}),
        ({"sub": ""}, {}, {}),
        ({}, {"sub": "somebody else"}, {}),
        ({}, {}, {"issuer": "https://login.other.example"}),
        ({}, {}, {"token_endpoint": "http://login.other.example/token"}),
    ],
)
def test_token_that_belongs_elsewhere_lets_nobody_in(
    scene: Scene,
    client: Client,
    of_the_token: dict[str, Any],
    of_the_userinfo: dict[str, Any],
    of_the_configuration: dict[str, Any],
) -> None:
    away = client.get(f"/accounts/company/{scene.sign_on.provider_id}/")
    scene.provider.token_changes = of_the_token
    scene.provider.userinfo = of_the_userinfo
    scene.provider.configuration |= of_the_configuration
    cache.clear()  # what the provider said of itself is looked at anew
    before = fingerprint()

    answer = scene.come_back(client, away.headers["Location"], sub="subject-1", email=MIA, email_verified=True)

    assert answer.status_code == 403
    assert not is_signed_in(client)
    assert fingerprint() == before


def test_answer_of_one_visit_or_provider_does_not_open_another(scene: Scene, client: Client) -> None:
    claims = {"sub": "subject-1", "email": MIA, "email_verified": True}
    other = a_single_sign_on(a_company(name="Other"), f"{scene.provider.issuer}/other", "other.example")
    away = client.get(f"/accounts/company/{scene.sign_on.provider_id}/").headers["Location"]
    back = scene.provider.approve(away, **claims).removeprefix("http://testserver")

    stolen = Client().get(back)
    mixed = client.get(back.replace(scene.sign_on.provider_id, other.provider_id))
    first = client.get(back)
    again = Client().get(back)

    assert [answer.status_code for answer in (stolen, mixed, first, again)] == [403, 403, 302, 403]


def test_unknown_person_is_added_only_where_the_company_wants_it(scene: Scene, client: Client) -> None:
    new = {"sub": "new", "email": "New.Person@firm.example", "name": "New Person"}
    before = fingerprint()

    refused = scene.visit(client, **new)
    unchanged = fingerprint() == before
    SingleSignOn.objects.update(makes_people=True)
    scene.visit(client, **new)

    assert "You do not take part here yet" in words_of(refused)
    assert unchanged
    employee = Employee.objects.get(user__email="New.Person@firm.example")
    assert (employee.company, employee.name, employee.access) == (scene.company, "New Person", "MEMBER")
    assert client.session["_auth_user_id"] == str(employee.user_id)
    assert AuditEntry.objects.get(action="person-added").company_id == scene.company.pk


def test_where_it_is_the_only_way_no_other_opens(scene: Scene, client: Client) -> None:
    SingleSignOn.objects.update(is_required=True)

    knocked = client.post("/accounts/login/", {"login": MIA, "password": PASSWORD})
    kept_out = not is_signed_in(client)
    client.post("/accounts/password/reset/", {"email": MIA})
    scene.visit(client)

    assert knocked.headers["Location"] == "/accounts/company/?email=mia%40firm.example"
    assert kept_out
    assert [message for message in mail.outbox if "/reset/key/" in str(message.body)] == []
    assert is_signed_in(client)


def test_second_step_is_asked_after_the_provider_too(scene: Scene, client: Client) -> None:
    an_authenticator_app(scene.mia)

    step = scene.visit(client).headers["Location"]
    kept_out = not is_signed_in(client)
    client.post(step, {"code": code_of_the_app()})

    assert step == "/accounts/2fa/authenticate/"
    assert kept_out
    assert client.session["_auth_user_id"] == str(scene.mia.pk)


def test_provider_asks_again_and_what_was_sent_is_done(scene: Scene, client: Client) -> None:
    SingleSignOn.objects.update(is_required=True)
    admin = an_admin(scene.company, user=a_user(email="ada@firm.example"))
    scene.visit(client, sub="ada", email="ada@firm.example")
    signed_in_long_ago(client)
    colleague = Employee.objects.get(user=scene.mia)
    path = f"/company/people/{colleague.pk}/switch/"

    asked = client.post(path, {"to": "former"}).headers["Location"]
    away = client.get(asked).headers["Location"]
    done = scene.come_back(client, away, sub="ada")

    assert asked == f"/accounts/company/again/?next=%2Fcompany%2Fpeople%2F{colleague.pk}%2Fswitch%2F"
    assert "prompt=login" in away
    assert done.headers["Location"] == f"/company/people/{colleague.pk}/"
    assert Employee.objects.get(pk=colleague.pk).is_active is False
    assert admin.is_active


@pytest.mark.parametrize("claims", [{"sub": "subject-1"}, {"sub": "ada", "auth_time": 1_700_000_000}])
def test_being_asked_again_takes_the_same_person_just_now(scene: Scene, client: Client, claims: dict[str, Any]) -> None:
    an_admin(scene.company, user=a_user(email="ada@firm.example"))
    scene.visit(Client())
    scene.provider.userinfo = {}
    scene.visit(client, sub="ada", email="ada@firm.example")
    signed_in_long_ago(client)
    colleague = Employee.objects.get(user=scene.mia)
    client.post(f"/company/people/{colleague.pk}/switch/", {"to": "former"})

    scene.provider.userinfo = {}
    away = client.get(f"/accounts/company/again/?next=/company/people/{colleague.pk}/switch/").headers["Location"]
    answer = scene.come_back(client, away, **claims)

    assert answer.status_code == 403
    assert Employee.objects.get(pk=colleague.pk).is_active is True


def test_provider_that_is_off_or_away_is_no_way_in(scene: Scene, client: Client) -> None:
    address = f"/accounts/company/{scene.sign_on.provider_id}/"
    SingleSignOn.objects.update(is_active=False)
    off = client.get(address)
    SingleSignOn.objects.update(is_active=True, issuer="http://127.0.0.1:9")
    gone = client.get(address)
    away = client.get(f"/accounts/company/{SingleSignOn.objects.get().provider_id}/")

    assert (off.status_code, gone.status_code, away.status_code) == (404, 404, 403)
    assert "Your company's sign-in did not let you in here" in words_of(away)


def test_manager_sets_a_provider_up_and_its_secret_is_never_shown(
    scene: Scene, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    names_lead(monkeypatch, {"login.new.example": "8.8.8.8"})
    client.force_login(a_manager())
    company = a_company(name="New firm")
    client_secret = "only the provider and we know this"
    form = {
        "company": company.pk,
        "issuer": "https://login.new.example/",
        "client_id": "us",
        "client_secret": client_secret,
        "is_active": "on",
        "domains-TOTAL_FORMS": "1",
        "domains-INITIAL_FORMS": "0",
        "domains-0-domain": "new.example",
    }

    plain = client.post("/admin/accounts/singlesignon/add/", {**form, "issuer": "http://login.new.example"})
    taken = client.post("/admin/accounts/singlesignon/add/", {**form, "domains-0-domain": "firm.example"})
    client.post("/admin/accounts/singlesignon/add/", form)

    made = SingleSignOn.objects.get(company=company)
    page = client.get(f"/admin/accounts/singlesignon/{made.pk}/change/").content.decode()
    assert "Only https is allowed" in words_of(plain)
    assert "Another company signs in with this domain" in words_of(taken)
    assert [row.domain for row in SignInDomain.objects.filter(single_sign_on=made)] == ["new.example"]
    assert client_secret not in made.sealed_secret
    assert client_secret not in page
    assert SECRET not in page
    assert f"/accounts/company/{made.provider_id}/back/" in page


def test_people_come_in_anew_once_it_is_the_only_way(scene: Scene, client: Client) -> None:
    by_password = Client()
    by_password.post("/accounts/login/", {"login": MIA, "password": PASSWORD})
    client.force_login(a_manager())
    form = {
        "issuer": scene.provider.issuer,
        "client_id": "twofold",
        "is_active": "on",
        "is_required": "on",
        "domains-TOTAL_FORMS": "0",
        "domains-INITIAL_FORMS": "0",
    }

    client.post(f"/admin/accounts/singlesignon/{scene.sign_on.pk}/change/", form)

    assert SingleSignOn.objects.get().is_required
    assert by_password.get("/").headers["Location"] == "/accounts/login/?next=/"
    assert Session.objects.count() == 1
