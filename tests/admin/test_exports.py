"""A list as a file: what is filtered, all pages of it, harmless to a spreadsheet, on record."""

import csv
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin import exports
from accounts.models import AuditEntry, Company, User
from loyalty.models import Rule, Wallet
from surveys.models import Item
from tests.admin.conftest import Furnished
from tests.admin.scenery import furnish
from tests.admin.test_screens import SCREENS, address
from tests.factories.canaries import fingerprint
from tests.factories.world import a_company, a_program, a_user

pytestmark = pytest.mark.django_db

EXPORT = "/admin/accounts/company/export/"


def rows_of(response: Any) -> list[list[str]]:
    """The file, read as a spreadsheet would."""
    text = response.getvalue().decode("utf-8-sig")
    return list(csv.reader(StringIO(text)))


def test_export_holds_what_is_filtered_and_searched_with_the_columns_shown(desk: Client) -> None:
    dealer = a_company(name="Zanzibar Spices", external_id="Z1", kind="DEALER", country="Tanzania")
    a_company(name="Zanzibar Books", kind="CLIENT")
    a_company(name="Somebody else", kind="DEALER")

    response = desk.post(f"{EXPORT}?kind__exact=DEALER&q=zanzibar")

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="company-2')
    assert rows_of(response) == [
        ["Name", "Customer number", "Kind", "Country", "Served by", "Created"],
        ["Zanzibar Spices", "Z1", "dealer", "Tanzania", "", dealer.created_at.isoformat(timespec="seconds")],
    ]


def test_file_begins_with_the_mark_that_tells_spreadsheets_its_encoding(desk: Client) -> None:
    assert desk.post(EXPORT).getvalue().startswith(b"\xef\xbb\xbf")


def test_numbers_are_plain_and_links_are_their_text(furnished: Furnished) -> None:
    desk = furnished.desk

    rows = rows_of(desk.post(address(Wallet, "export")))

    balances = {int(row[4]) for row in rows[1:]}
    assert balances == set(Wallet.objects.values_list("balance", flat=True))
    assert min(balances) < -999
    assert {row[5] for row in rows[1:]} == {"Lots"}
    assert {row[3] for row in rows[1:]} == {str(label) for label in Wallet.Kind.labels}


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+44 20", "'+44 20"),
        ("-cmd", "'-cmd"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("＝1", "'＝1"),
        ("-12.5", "-12.5"),
        ('Plain, “quoted” "text"', 'Plain, “quoted” "text"'),
    ],
)
def test_text_that_a_spreadsheet_would_run_is_made_harmless(desk: Client, name: str, cell: str) -> None:
    Company.objects.create(name=name)

    assert rows_of(desk.post(EXPORT))[1][0] == cell


def test_export_of_every_list_answers_and_is_not_cut_to_a_page(furnished: Furnished) -> None:
    desk = furnished.desk
    for _number in range(60):
        a_company()

    answers = {model._meta.label: desk.post(address(model, "export")) for model, _screen in SCREENS}
    sizes = {label: len(rows_of(answer)) - 1 for label, answer in answers.items()}

    assert {label: answer.status_code for label, answer in answers.items() if answer.status_code != 200} == {}
    assert sizes["accounts.Company"] == Company.objects.count() > 60
    assert sizes["loyalty.Rule"] == Rule.objects.count()


@pytest.mark.parametrize(
    "model", [Company, *(pytest.param(model, marks=pytest.mark.long) for model in (Item, Wallet)), Rule]
)
def test_export_costs_the_same_with_more_rows(
    furnished: Furnished, model: type[Company | Item | Rule | Wallet]
) -> None:
    desk, manager = furnished.desk, furnished.manager

    def queries_of_export() -> int:
        with CaptureQueriesContext(connection) as queries:
            rows_of(desk.post(address(model, "export")))
        return len(queries)

    queries_of_export()
    few = queries_of_export()
    furnish(manager, companies=3)

    assert queries_of_export() == few


def test_export_is_on_record_without_a_word_of_what_was_searched(desk: Client, manager: User) -> None:
    a_company(name="Halden")

    rows_of(desk.post(f"{EXPORT}?q=halden"))

    entry = AuditEntry.objects.get(action="exported")
    assert (entry.actor, entry.numbers) == (manager, {"screen": "accounts.Company", "rows": 1})


def test_list_that_is_too_long_is_refused_with_a_sentence(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "MOST_EXPORTED", 2)
    for _number in range(3):
        a_company()
    before = fingerprint()

    refused = desk.post(f"{EXPORT}?kind__exact=CLIENT", follow=True)

    assert refused.redirect_chain == [("/admin/accounts/company/?kind__exact=CLIENT", 302)]
    assert "This list has more than 2 rows. Narrow it down" in refused.content.decode()
    assert fingerprint() == before


def test_looking_at_the_address_exports_nothing(desk: Client) -> None:
    a_company()
    before = fingerprint()

    assert desk.get(EXPORT).headers["Location"] == reverse("admin:accounts_company_changelist")
    assert fingerprint() == before


@pytest.mark.parametrize("query", ["nonsense__exact=1", "served_by__name__startswith=a", "kind__exact=%00"])
def test_address_that_asks_for_what_cannot_be_leads_back_to_the_list(desk: Client, query: str) -> None:
    a_company()

    response = desk.post(f"{EXPORT}?{query}")

    assert response.status_code == 302
    assert not AuditEntry.objects.exists()


def test_who_may_look_may_export_and_nobody_else(client: Client) -> None:
    a_company()
    a_program()
    clerk = a_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_company"))
    client.force_login(clerk)

    assert client.post(EXPORT).status_code == 200
    assert client.post("/admin/loyalty/program/export/").status_code == 403
