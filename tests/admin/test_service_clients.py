"""API clients in the admin: made with a secret that is shown once, changed, given another, switched off."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Company, ServiceClient
from loyalty.models import Source
from tests.factories.callers import a_caller
from tests.factories.world import a_company, a_manager, a_source

pytestmark = pytest.mark.django_db

SECRET = re.compile(r"<dt>Secret</dt><dd><code>([\w-]{40,})</code>")


@pytest.fixture
def desk() -> Client:
    """The browser of a program manager."""
    browser = Client()
    browser.force_login(a_manager())
    return browser


def fields(*companies: Company, **others: object) -> dict[str, object]:
    """What the form of a client takes."""
    return {
        "name": "ERP",
        "scopes": ["read", "activities:write"],
        "sources": [source.pk for source in Source.objects.all()],
        "companies": [company.pk for company in companies],
        "requests_a_minute": "90",
        **others,
    }


def acts_on(client: ServiceClient) -> list[tuple[str, dict[str, object]]]:
    """What is on record of a client."""
    rows = AuditEntry.objects.filter(subject_type="accounts.serviceclient", subject_id=client.pk).order_by("pk")
    return [(row.action, row.numbers) for row in rows]


def test_client_is_made_and_its_secret_shown_once(desk: Client) -> None:
    company = a_company()
    a_source("shop")

    page = desk.post(reverse("admin:accounts_serviceclient_add"), fields(company))

    client = ServiceClient.objects.get()
    [secret] = SECRET.findall(page.content.decode())
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    assert client.oauth_client.check_secret(secret)
    assert client.oauth_client.get_scopes() == ["read", "activities:write"]
    assert client.oauth_client.get_grant_types() == ["client_credentials"]
    assert (client.user.name, client.requests_a_minute, client.has_all_companies) == ("ERP", 90, False)
    assert list(client.companies.all()) == [company]
    assert list(client.sources.values_list("code", flat=True)) == ["shop"]
    assert client.made_by is not None
    assert acts_on(client) == [
        ("api-client-created", {"scopes": "activities:write read"}),
        ("api-companies-changed", {"all": 0, "companies": str(company.pk)}),
        ("api-sources-changed", {"sources": "shop"}),
    ]
    change = reverse("admin:accounts_serviceclient_change", args=[client.pk])
    assert secret not in desk.get(change).content.decode()
    assert not LogEntry.objects.filter(change_message__contains=secret).exists()


def test_client_without_scopes_or_name_is_not_made(desk: Client) -> None:
    page = desk.post(reverse("admin:accounts_serviceclient_add"), fields(scopes=[], name=""))

    assert page.status_code == 200
    assert not ServiceClient.objects.exists()


def test_what_a_client_may_is_changed_and_put_on_record(desk: Client) -> None:
    shop, till = a_source("shop"), a_source("till")
    client = a_caller(companies=[a_company()], sources=[shop]).client
    before = len(acts_on(client))

    answer = desk.post(
        reverse("admin:accounts_serviceclient_change", args=[client.pk]),
        fields(has_all_companies="on", scopes=["read"], sources=[till.pk]),
    )

    client.refresh_from_db()
    assert answer.status_code == 302
    assert client.oauth_client.get_scopes() == ["read"]
    assert (client.has_all_companies, list(client.companies.all())) == (True, [])
    assert list(client.sources.all()) == [till]
    assert acts_on(client)[before:] == [
        ("api-scopes-changed", {"scopes": "read"}),
        ("api-companies-changed", {"all": 1, "companies": ""}),
        ("api-sources-changed", {"sources": "till"}),
    ]


def test_client_gets_another_secret_and_is_switched_off_and_on(desk: Client) -> None:
    caller = a_caller()
    client = caller.client

    def step(name: str) -> str:
        page = desk.post(reverse(f"admin:accounts_serviceclient_{name}", args=[client.pk]))
        client.refresh_from_db()
        return page.content.decode()

    [secret] = SECRET.findall(step("rotate"))
    assert client.oauth_client.check_secret(secret)
    assert caller.get("/companies/").status_code == 401
    step("switch-off")
    assert client.is_active is False
    assert "switched off" in step("rotate")
    step("switch-on")
    assert client.is_active is True
    assert [action for action, _numbers in acts_on(client)][1:] == [
        "api-secret-rotated", "api-client-switched", "api-client-switched",
    ]  # fmt: skip
    assert not LogEntry.objects.filter(change_message__contains=secret).exists()


def test_user_of_a_client_is_nobody_s_to_change(desk: Client) -> None:
    user = a_caller().client.user

    page = desk.post(reverse("admin:accounts_user_change", args=[user.pk]), {"is_active": "on", "is_staff": "on"})

    user.refresh_from_db()
    assert page.status_code == 403
    assert (user.is_active, user.is_staff) == (False, False)
    assert desk.get(reverse("admin:auth_user_password_change", args=[user.pk])).status_code == 403
