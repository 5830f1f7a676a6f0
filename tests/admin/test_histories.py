"""The history of configuration: who changed what, from which value to which."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Company, Interest, User
from loyalty.models import Metric, Tier
from tests.admin.test_stamps import form_of
from tests.factories.world import a_company, a_program, a_user

pytestmark = pytest.mark.django_db


def history_of(row: Tier | Metric | Interest | Company) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_history", args=[row.pk])


def test_save_from_a_form_is_on_record_with_who_and_from_what_to_what(desk: Client, manager: User) -> None:
    tier = Tier.objects.get(program=a_program(tiers={"gold": 500}))
    url = reverse("admin:loyalty_tier_change", args=[tier.pk])
    assert desk.post(url, {**form_of(desk, url), "name": "Platinum", "threshold": "1200"}).status_code == 302

    changes = desk.get(history_of(tier)).context["changes"]

    assert [(change.verb, change.who) for change in changes] == [("changed", "Maxine Manager"), ("added", "")]
    assert {(field.name, field.before, field.after) for field in changes[0].fields} == {
        ("Name", "Gold", "Platinum"),
        ("From", "500", "1,200"),
    }
    assert changes[1].fields == ()


def test_choices_foreign_keys_and_documents_are_told_in_words(desk: Client) -> None:
    program, other = a_program(name="First"), a_program(name="Second")
    metric = Metric.objects.get(program=program)
    metric.program, metric.measure, metric.code = other, Metric.Measure.COUNT, "count"
    metric.condition = {"fact": "activity.amount", "op": "gte", "value": 1}
    metric.save()

    change = desk.get(history_of(metric)).context["changes"][0]

    assert {(field.name, field.before, field.after) for field in change.fields} == {
        ("Code", "spend", "count"),
        ("Adds up", "money", "number of activities"),
        ("Program", "First", "Second"),
        ("Only if", "", '{"fact": "activity.amount", "op": "gte", "value": 1}'),
    }


def test_deleted_row_keeps_its_history_and_stands_in_that_of_the_list(desk: Client, manager: User) -> None:
    interest = Interest.objects.create(code="music", name="Music")
    page = history_of(interest)
    desk.post(reverse("admin:accounts_interest_delete", args=[interest.pk]), {"post": "yes"})

    of_row = desk.get(page).context["changes"]
    of_list = desk.get(reverse("admin:accounts_interest_changes")).context["changes"]

    assert [(change.verb, change.row, change.who) for change in of_row] == [
        ("deleted", "Music", "Maxine Manager"),
        ("added", "Music", ""),
    ]
    assert of_list == of_row
    assert reverse("admin:accounts_interest_changes") in desk.get("/admin/accounts/interest/").content.decode()


def test_history_of_a_row_that_never_was_is_not_found(desk: Client) -> None:
    assert desk.get("/admin/loyalty/tier/987654321/history/").status_code == 404
    assert desk.get("/admin/loyalty/tier/x/history/").status_code == 404


def test_other_tables_keep_the_log(desk: Client) -> None:
    company = a_company(name="Halden")
    url = reverse("admin:accounts_company_change", args=[company.pk])
    desk.post(url, {**form_of(desk, url), "name": "Halden AG"})

    page = desk.get(history_of(company))

    assert "Changed Name." in page.content.decode()
    assert "changes" not in page.context


def test_history_costs_the_same_with_more_changes(desk: Client) -> None:
    tier = Tier.objects.get(program=a_program(tiers={"gold": 500}))

    def queries_of_page() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(history_of(tier)).status_code == 200
        return len(queries)

    tier.threshold = Decimal(600)
    tier.save()
    queries_of_page()
    few = queries_of_page()
    for threshold in range(700, 760):
        tier.threshold = Decimal(threshold)
        tier.save()

    assert queries_of_page() == few
    assert len(desk.get(history_of(tier)).context["changes"]) == 50
    assert len(desk.get(history_of(tier), {"p": 2}).context["changes"]) == 12


def test_who_may_not_look_at_a_table_does_not_see_its_history(client: Client) -> None:
    tier = Tier.objects.get(program=a_program(tiers={"gold": 500}))
    clerk = a_user(is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename="view_program"))
    client.force_login(clerk)

    assert client.get(history_of(tier)).status_code == 403
    assert client.get(reverse("admin:loyalty_tier_changes")).status_code == 403
