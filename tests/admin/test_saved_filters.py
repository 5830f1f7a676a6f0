"""Filters that are saved and shared, and those that others keep for themselves."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from accounts.models import Company, SavedFilter, User
from tests.factories.canaries import fingerprint
from tests.factories.world import a_company, a_manager, a_user

pytestmark = pytest.mark.django_db

COMPANIES = "/admin/accounts/company/"
ADD = "/admin/accounts/savedfilter/add/"


def a_filter(owner: User, name: str = "Dealers", **fields: object) -> SavedFilter:
    return SavedFilter.objects.create(
        **{"owner": owner, "screen": "accounts.Company", "name": name, "query": "kind__exact=DEALER", **fields}
    )


def shown(desk: Client, address: str = COMPANIES) -> list[tuple[str, str, bool]]:
    return [(saved.name, saved.url, saved.is_current) for saved in desk.get(address).context["saved_filters"]]


def test_filter_in_force_can_be_saved_and_leads_back_to_it(desk: Client, manager: User) -> None:
    offered = desk.get(COMPANIES, {"kind__exact": "DEALER", "q": "north", "p": "1"}).context

    sent = {"screen": offered["screen"], "query": offered["query_in_force"], "name": "Northern dealers"}
    saved = desk.post(ADD, sent)

    assert saved.headers["Location"] == f"{COMPANIES}?kind__exact=DEALER&q=north"
    row = SavedFilter.objects.get()
    assert (row.owner, row.screen, row.query, row.is_shared) == (
        manager,
        "accounts.Company",
        "kind__exact=DEALER&q=north",
        False,
    )
    assert shown(desk, saved.headers["Location"]) == [("Northern dealers", saved.headers["Location"], True)]


def test_own_and_shared_filters_are_shown_and_what_others_keep_is_not(desk: Client, manager: User) -> None:
    other = a_manager(name="Helena Vogt")
    mine, kept = a_filter(manager, "Mine"), a_filter(other, "Hers alone")
    shared = a_filter(other, "Hers for all", is_shared=True)
    a_filter(manager, "Of another list", screen="accounts.Employee")

    page = desk.get(COMPANIES)

    assert [saved.name for saved in page.context["saved_filters"]] == ["Hers for all", "Mine"]
    assert [saved.delete_url for saved in page.context["saved_filters"]] == [
        "",
        reverse("admin:accounts_savedfilter_delete", args=[mine.pk]),
    ]
    assert "Hers alone" not in desk.get("/admin/accounts/savedfilter/").content.decode()
    assert desk.get(f"/admin/accounts/savedfilter/{kept.pk}/change/").status_code == 302
    assert desk.get(f"/admin/accounts/savedfilter/{shared.pk}/change/").status_code == 200


def test_only_the_own_filters_are_changed_and_deleted(desk: Client, manager: User) -> None:
    mine, shared = a_filter(manager), a_filter(a_manager(), "Hers", is_shared=True)
    before = fingerprint()
    refused = [
        desk.post(f"/admin/accounts/savedfilter/{shared.pk}/{page}/", {"post": "yes", "name": "Taken"}).status_code
        for page in ("delete", "change")
    ]
    unchanged = fingerprint()

    deleted = desk.post(f"/admin/accounts/savedfilter/{mine.pk}/delete/", {"post": "yes"})

    assert refused == [403, 403]
    assert unchanged == before
    assert deleted.headers["Location"] == COMPANIES
    assert list(SavedFilter.objects.all()) == [shared]


@pytest.mark.parametrize(
    "query", ["served_by__name__startswith=a", "nonsense=1", "kind__exact=%00", "p=999&all=", "company__exact=x"]
)
def test_filter_that_the_list_no_longer_understands_leads_to_the_whole_list(
    desk: Client, manager: User, query: str
) -> None:
    a_company()
    a_filter(manager, query=query)

    page = desk.get(shown(desk)[0][1], follow=True)

    assert page.status_code == 200
    assert page.context["cl"].result_count in (0, 1)
    assert desk.get("/admin/accounts/savedfilter/").status_code == 200


def test_lookup_that_is_not_allowed_says_so(desk: Client) -> None:
    page = desk.get(COMPANIES, {"served_by__name__startswith": "a"}, follow=True)

    assert page.redirect_chain == [(COMPANIES, 302)]
    assert "This filter is no longer possible here; the whole list is shown." in page.content.decode()


@pytest.mark.parametrize("query", ["nonsense=1", "created_at__gte=never"])
def test_filter_of_fields_that_are_gone_says_so(desk: Client, query: str) -> None:
    page = desk.get(f"{COMPANIES}?{query}", follow=True)

    assert page.redirect_chain == [(COMPANIES, 302)]
    assert "This filter is no longer possible here; the whole list is shown." in page.content.decode()


def test_page_too_far_leads_to_the_first_one_and_keeps_the_filter(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site.get_model_admin(Company), "list_per_page", 1)
    a_company()
    a_company()

    page = desk.get(f"{COMPANIES}?kind__exact=CLIENT&p=99", follow=True)

    assert page.redirect_chain == [(f"{COMPANIES}?kind__exact=CLIENT", 302)]
    assert "no longer possible" not in page.content.decode()


def test_filter_of_a_list_that_is_gone_breaks_nothing(desk: Client, manager: User) -> None:
    a_filter(manager, screen="loyalty.Gone")

    page = desk.get("/admin/accounts/savedfilter/")

    assert page.status_code == 200
    assert "loyalty.Gone" in page.content.decode()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "Dealers"}, "name"),
        ({"name": "<b>x</b>\0"}, "name"),
        ({"screen": "loyalty.Gone"}, "screen"),
        ({"query": "q=" + "x" * 2_000}, "query"),
    ],
)
def test_filter_that_cannot_be_is_refused_and_what_was_typed_stays(
    desk: Client, manager: User, sent: dict[str, str], field: str
) -> None:
    a_filter(manager)
    before = fingerprint()

    refused = desk.post(ADD, {"name": "Another", "screen": "accounts.Company", "query": "q=north", **sent})

    assert refused.status_code == 200
    assert field in refused.context["adminform"].form.errors
    assert fingerprint() == before


def test_name_is_shown_as_text(desk: Client, manager: User) -> None:
    SavedFilter.objects.create(owner=manager, screen="accounts.Company", name="<b>bold</b>", query="q=%22%3E%3Cb")

    page = desk.get(COMPANIES).content.decode()

    assert "<b>bold" not in page
    assert "q=%22%3E%3Cb" in page


def test_viewer_uses_shared_filters_and_saves_none(client: Client) -> None:
    viewer = a_user(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    a_filter(a_manager(), "For all", is_shared=True)
    client.force_login(viewer)

    page = client.get(COMPANIES, {"kind__exact": "DEALER"})
    refused = client.post(ADD, {"name": "Mine", "screen": "accounts.Company", "query": ""})

    assert [saved.name for saved in page.context["saved_filters"]] == ["For all"]
    assert "Save this filter" not in page.content.decode()
    assert refused.status_code == 403
    assert SavedFilter.objects.count() == 1
