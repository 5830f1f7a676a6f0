"""What a user sets for itself, languages, and what every page carries."""

import re

import pytest
from django.test import Client, RequestFactory
from django.urls import get_resolver

from accounts.models import User
from tests.client.conftest import Firm, SignIn
from tests.client.pages import source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import a_company, a_manager, a_reward, an_account_manager, an_employee

pytestmark = pytest.mark.django_db


def user_behind(firm: Firm) -> User:
    user: User = User.objects.get(pk=firm.member.user_id)
    return user


def test_language_and_time_zone_are_saved(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)

    saved = client.post("/me/", {"language": "ja", "time_zone": "Asia/Tokyo"}, follow=True)

    assert saved.redirect_chain == [("/me/", 302)]
    assert (user_behind(firm).language, user_behind(firm).time_zone) == ("ja", "Asia/Tokyo")
    assert '<html lang="ja" dir="ltr">' in source_of(saved)
    assert "Asia/Tokyo" in source_of(saved)


@pytest.mark.parametrize(
    ("language", "time_zone"),
    [("en", "Mars/Olympus"), ("en", ""), ("xx", "UTC"), ("en", "\0"), ("\0", "UTC"), ("en", "../../etc/passwd")],
)
def test_language_or_time_zone_that_is_none_is_refused(
    firm: Firm, sign_in: SignIn, language: str, time_zone: str
) -> None:
    before = fingerprint()

    refused = sign_in(firm.member).post("/me/", {"language": language, "time_zone": time_zone})

    assert "Please correct this first" in words_of(refused)
    assert fingerprint() == before


def test_nothing_but_language_and_time_zone_can_be_set(firm: Firm, sign_in: SignIn) -> None:
    fields = {"language": "en", "time_zone": "UTC", "is_staff": "on", "is_superuser": "on", "email": "x@example.com"}
    before = fingerprint()

    sign_in(firm.member).post("/me/", fields)

    assert fingerprint() == before


def test_switching_the_language_keeps_the_page_and_is_remembered(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)

    switched = client.post("/language/", {"language": "ar", "next": "/points/?wallet=own"})

    assert switched.headers["Location"] == "/points/?wallet=own"
    assert user_behind(firm).language == "ar"
    assert '<html lang="ar" dir="rtl">' in source_of(client.get("/points/?wallet=own"))


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:0", "\0"])
def test_switching_the_language_never_leads_off_the_site(client: Client, target: str) -> None:
    switched = client.post("/language/", {"language": "ja", "next": target})

    assert switched.status_code == 302
    assert switched.headers["Location"] == "/"


@pytest.mark.parametrize("language", ["", "xx", "\0", "en; drop table", "a" * 5000])
def test_unknown_language_changes_nothing(firm: Firm, sign_in: SignIn, language: str) -> None:
    before = fingerprint()

    switched = sign_in(firm.member).post("/language/", {"language": language, "next": "/points/"})

    assert switched.headers["Location"] == "/points/"
    assert fingerprint() == before


def test_every_page_switches_back_to_itself(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)

    for path in ("/", "/points/?wallet=own", "/rules/", "/rewards/", "/orders/", "/me/"):
        assert f'name="next" value="{path}"' in source_of(client.get(path))


def test_arabic_pages_run_from_right_to_left_with_names_kept_together(firm: Firm, sign_in: SignIn) -> None:
    User.objects.filter(pk=firm.member.user_id).update(language="ar")
    reward = a_reward(firm.program)
    client = sign_in(firm.member)

    for path in ("/", "/points/", "/rules/", "/rewards/", f"/rewards/{reward.pk}/", "/orders/", "/me/"):
        page = source_of(client.get(path))
        assert '<html lang="ar" dir="rtl">' in page
        assert f"<bdi>{firm.membership.company.name}</bdi>" in page


def test_every_page_carries_a_policy_without_exceptions(firm: Firm, sign_in: SignIn) -> None:
    pages = [
        Client().get("/accounts/login/"),
        Client().get("/nowhere/"),
        Client().post("/orders/"),
        *(sign_in(firm.member).get(path) for path in ("/", "/points/", "/rules/", "/rewards/", "/me/", "/am/", "/no/")),
        sign_in(an_account_manager(a_company())).get("/am/"),
        *(sign_in(a_manager()).get(path) for path in ("/admin/", "/admin/accounts/company/", "/admin/jsi18n/")),
    ]

    policies = {response.headers["Content-Security-Policy"] for response in pages}

    assert len(policies) == 1
    policy = policies.pop()
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert {response.headers["X-Frame-Options"] for response in pages} == {"DENY"}
    assert {response.headers["X-Content-Type-Options"] for response in pages} == {"nosniff"}


def test_pages_hold_no_inline_code_or_style(firm: Firm, sign_in: SignIn) -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style|\sstyle=|\son\w+=|javascript:", re.I)
    client, desk = sign_in(firm.member), sign_in(a_manager())
    reward = a_reward(firm.program)
    paths = ("/", "/points/", "/rules/", "/rewards/", f"/rewards/{reward.pk}/", "/orders/", "/me/", "/accounts/2fa/")
    admin_paths = ("/admin/", "/admin/accounts/company/", "/admin/accounts/company/add/", "/admin/loyalty/ruleset/add/")

    found = {
        path: inline.findall(source_of(browser.get(path)))
        for browser, group in ((client, paths), (desk, admin_paths))
        for path in group
    }

    assert {path: hits for path, hits in found.items() if hits} == {}


def test_head_answers_like_get_without_a_body(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)

    answers = [client.head(path) for path in ("/", "/points/", "/rules/", "/rewards/", "/orders/", "/me/")]

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 6


def test_page_for_another_role_says_so(firm: Firm, sign_in: SignIn) -> None:
    refused = sign_in(firm.member).get("/am/")

    assert refused.status_code == 403
    assert "You may not open this page" in words_of(refused)
    assert "ask the administrator of your company or your account manager" in words_of(refused)


def test_page_that_does_not_exist_says_what_to_do(client: Client) -> None:
    missing = client.get("/no/such/page/")

    assert missing.status_code == 404
    assert "There is no such page" in words_of(missing)
    assert "Go to the home page" in words_of(missing)


def test_page_that_breaks_says_that_nothing_is_half_done() -> None:
    broken = get_resolver().resolve_error_handler(500)(RequestFactory().get("/"))

    assert broken.status_code == 500
    assert "Something went wrong on our side" in words_of(broken)
    assert "Nothing was left half done" in words_of(broken)


def test_text_of_people_is_shown_as_text(sign_in: SignIn) -> None:
    person = an_employee(a_company(name='<script>alert("x")</script>'))

    page = source_of(sign_in(person).get("/me/"))

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("path", ["/", "/points/", "/rules/", "/rewards/", "/orders/", "/me/", "/accounts/login/"])
@pytest.mark.parametrize("name", ["program", "wallet", "before", "next", "q", "page"])
def test_nul_in_a_query_breaks_no_page(firm: Firm, sign_in: SignIn, path: str, name: str) -> None:
    assert sign_in(firm.member).get(path, {name: "a\0b"}).status_code in (200, 302)
