"""Every screen of the admin: it answers, finds, stays within its queries, and lets in whom it should."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.admin import scoped
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.history import ConfigurationHistory
from accounts.models import (
    AttachmentPart,
    AuditEntry,
    Company,
    Draft,
    Employee,
    NotificationPreference,
    Pulse,
    ServiceNote,
    SignInDomain,
    User,
    WebhookHealth,
    WebhookSecret,
)
from loyalty.models import Activity, Adjustment, Award, Evaluation, Lot, Posting, Transaction, Wallet
from loyalty.site.admin_site import GROUPS, HIDDEN
from rewards.models import Redemption
from tests.admin.conftest import Furnished
from tests.admin.scenery import furnish
from tests.factories.world import a_company, a_member, a_program, a_user, an_account_manager, an_employee

OURS = ("accounts", "loyalty", "rewards", "surveys")
MOST_QUERIES = 20

SCREENS = sorted(admin.site._registry.items(), key=lambda item: item[0]._meta.label)


def address(model: type[Model], page: str, *arguments: Any) -> str:
    """The address of one of a model's pages."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def first_row(model: type[Model]) -> Model:
    row = model._default_manager.order_by("pk").first()
    assert row is not None, f"the scenery has no {model._meta.verbose_name}"
    return row


def test_every_model_of_ours_is_registered() -> None:
    models = {model for label in OURS for model in apps.get_app_config(label).get_models()}
    earlier_states = {model for model in models if issubclass(model, ConfigurationHistory)}

    assert len(earlier_states) > 10
    assert models - set(admin.site._registry) - earlier_states == {
        Draft, NotificationPreference,  # nobody's but theirs
        AttachmentPart, Pulse,  # nothing to read
        WebhookSecret, WebhookHealth,  # what nobody reads, and what stands on the webhook's own page
        SignInDomain,  # on the page of its provider
    }  # fmt: skip


def test_every_registered_model_stands_in_exactly_one_sidebar_group() -> None:
    listed = [label for _code, _name, labels in GROUPS for label in labels]

    assert sorted(listed) == sorted(model._meta.label for model in admin.site._registry)
    assert not set(listed) & set(HIDDEN)


def test_every_screen_can_be_searched() -> None:
    silent = [model._meta.label for model, screen in SCREENS if not screen.search_fields]

    assert silent == []


def test_list_change_history_and_add_pages_answer_and_show_no_markup_as_text(furnished: Furnished) -> None:
    desk, manager = furnished.desk, furnished.manager
    manager.groups.create(name="manager")
    answers: dict[str, int] = {}
    showing: list[str] = []

    for model, screen in SCREENS:
        row = first_row(model)
        label = model._meta.label
        answers[f"{label} list"] = desk.get(address(model, "changelist")).status_code
        answers[f"{label} search"] = desk.get(address(model, "changelist"), {"q": "two words"}).status_code
        change = desk.get(address(model, "change", row.pk))
        answers[f"{label} change"] = change.status_code
        answers[f"{label} history"] = desk.get(address(model, "history", row.pk)).status_code
        if not isinstance(screen, ReadOnlyAdmin):
            answers[f"{label} add"] = desk.get(address(model, "add")).status_code
        if "&lt;a href" in change.content.decode():
            showing.append(label)

    assert {page: status for page, status in answers.items() if status != 200} == {}
    assert showing == []


def test_every_autocomplete_answers(furnished: Furnished) -> None:
    desk = furnished.desk
    asked = 0

    for model, screen in SCREENS:
        holders = [(model, screen.autocomplete_fields)]
        holders += [(inline.model, inline.autocomplete_fields) for inline in screen.inlines]
        for holder, fields in holders:
            for field in fields:
                parameters = {
                    "app_label": holder._meta.app_label,
                    "model_name": holder._meta.model_name or "",
                    "field_name": field,
                    "term": "",
                }
                response = desk.get(reverse("admin:autocomplete"), parameters)
                assert response.status_code == 200, (holder, field)
                asked += 1

    assert asked > 10


def test_ledger_offers_no_change_and_refuses_posts(furnished: Furnished) -> None:
    desk = furnished.desk
    ledger = [model for model, screen in SCREENS if isinstance(screen, ReadOnlyAdmin)]

    for model in ledger:
        row = first_row(model)
        before = list(model._default_manager.order_by("pk").values())
        page = desk.get(address(model, "change", row.pk)).content.decode()
        listed = desk.get(address(model, "changelist")).content.decode()
        refusals = [
            desk.get(address(model, "add")).status_code,
            desk.post(address(model, "add"), {}).status_code,
            desk.post(address(model, "change", row.pk), {"_save": "1"}).status_code,
            desk.post(address(model, "delete", row.pk), {"post": "yes"}).status_code,
        ]

        assert refusals == [403, 403, 403, 403], model
        assert 'name="_save"' not in page, model
        assert "deletelink" not in page, model
        assert address(model, "add") not in listed, model
        assert list(model._default_manager.order_by("pk").values()) == before

    assert {Activity, Evaluation, Award, Wallet, Transaction, Posting, Lot, AuditEntry, Redemption} <= set(ledger)


def test_lists_cost_the_same_with_three_times_the_rows(furnished: Furnished) -> None:
    desk, manager = furnished.desk, furnished.manager
    manager.groups.create(name="manager")
    desk.get(address(Company, "changelist"))
    few = {model._meta.label: queries_of_list(desk, model) for model, _screen in SCREENS}
    for number in range(2):
        manager.groups.create(name=f"group {number}")
        furnish(manager)

    many = {model._meta.label: queries_of_list(desk, model) for model, _screen in SCREENS}

    assert many == few
    assert {label: count for label, count in many.items() if count > MOST_QUERIES} == {}


def queries_of_list(desk: Client, model: type[Model]) -> int:
    with CaptureQueriesContext(connection) as queries:
        response = desk.get(address(model, "changelist"), {"all": ""})
    assert response.status_code == 200
    return len(queries)


@pytest.mark.parametrize(
    ("model", "term"),
    [
        (Company, "Zanzibar"),
        (Company, "Z-0815"),
        (Employee, "Zanzibar"),
        (Wallet, "Zanzibar"),
        (Activity, "Zanzibar"),
        (Posting, "Zanzibar"),
        (Redemption, "Zanzibar"),
    ],
)
def test_search_finds_the_rows_of_a_company(furnished_for_two: Furnished, model: type[Model], term: str) -> None:
    desk = furnished_for_two.desk
    company = Company.objects.order_by("pk")[0]
    company.name, company.external_id = "Zanzibar Spices", "Z-0815"
    company.save()
    lookup = {"pk": company.pk} if model is Company else {"company": company}

    found = desk.get(address(model, "changelist"), {"q": term}).context["cl"].queryset

    assert set(found) == set(model._default_manager.filter(**lookup))
    assert 0 < len(found) < model._default_manager.count()


def test_number_of_a_wallet_leads_to_the_postings_behind_it(furnished_for_two: Furnished) -> None:
    desk = furnished_for_two.desk
    wallet = Wallet.objects.filter(kind=Wallet.Kind.AVAILABLE).order_by("pk")[0]

    listed = desk.get(address(Wallet, "changelist")).content.decode()
    behind = desk.get(address(Posting, "changelist"), {"wallet": wallet.pk}).context["cl"].queryset

    assert f"{address(Posting, 'changelist')}?wallet={wallet.pk}" in listed
    assert sum(row.points if row.credit_wallet_id == wallet.pk else -row.points for row in behind) == wallet.balance


@pytest.mark.parametrize("number", ["x", "0", "99999999999999999999999", "1,2", "²"])
def test_address_that_names_no_row_finds_nothing(furnished: Furnished, number: str) -> None:
    desk = furnished.desk

    by_wallet = desk.get(address(Posting, "changelist"), {"wallet": number})
    by_company = desk.get(address(Activity, "changelist"), {"company__exact": number}, follow=True)

    assert by_wallet.status_code == by_company.status_code == 200
    assert list(by_wallet.context["cl"].queryset) == []


@pytest.mark.parametrize("key", ["x", "²", "", "99999999999999999999999"])
def test_form_that_begins_with_no_rows_key_begins_empty(desk: Client, key: str) -> None:
    by_company = desk.get(address(Adjustment, "add"), {"membership": key, "reason": "Late"})
    by_people = desk.get(address(ServiceNote, "add"), {"people": f"1,{key}"})

    assert by_company.status_code == by_people.status_code == 200
    assert by_company.context["adminform"].form.initial["reason"] == "Late"


def test_list_that_is_longer_than_can_be_paged_says_so(
    desk: Client, manager: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _number in range(4):
        a_company()
    monkeypatch.setattr(scoped, "MOST_COUNTED", 3)

    page = desk.get(address(Company, "changelist"))

    assert page.context["cl"].result_count == 3
    assert "There are more" in page.content.decode()


def an_employee_with_a_staff_login() -> User:
    employee = an_employee(a_company(), user=a_user(is_staff=True, is_superuser=True))
    assert employee.user is not None
    return employee.user


@pytest.mark.parametrize("who", ["anonymous", "employee", "account manager"])
def test_nobody_but_vendor_staff_enters(client: Client, db: None, who: str) -> None:
    if who == "employee":
        client.force_login(an_employee_with_a_staff_login())
    if who == "account manager":
        client.force_login(an_account_manager(a_company()))

    addresses = [address(model, page) for model, _screen in SCREENS for page in ("changelist", "add")]
    addresses += [reverse("admin:index"), reverse("admin:autocomplete"), reverse("admin:jsi18n")]
    answers = [answer for url in addresses for answer in (client.get(url), client.post(url, {}))]

    assert {answer.status_code for answer in answers} == {302}
    assert all(answer.headers["Location"].startswith(reverse("admin:login")) for answer in answers)


def test_admin_login_is_no_second_door(client: Client, db: None) -> None:
    wanted = address(Company, "changelist")

    stranger = client.get(reverse("admin:login"), {"next": wanted})
    tried = client.post(reverse("admin:login"), {"username": "a@example.com", "password": "b"})
    client.force_login(an_employee_with_a_staff_login())
    insider = client.get(reverse("admin:login"), {"next": wanted})

    assert stranger.headers["Location"] == reverse("account_login", query={"next": wanted})
    assert tried.headers["Location"] == reverse("account_login", query={"next": reverse("admin:index")})
    assert insider.status_code == 403


def test_login_leads_nowhere_but_home_when_next_is_foreign(desk: Client) -> None:
    response = desk.get(reverse("admin:login"), {"next": "https://evil.example/"})

    assert response.headers["Location"] == reverse("admin:index")


def test_viewer_sees_everything_and_changes_nothing(client: Client, furnished: Furnished) -> None:
    program = furnished.program
    viewer = a_user(is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    company = Company.objects.order_by("pk")[0]
    before = company.name

    pages = [client.get(address(model, "changelist")).status_code for model, _screen in SCREENS]
    refusals = [client.get(address(model, "add")).status_code for model, _screen in SCREENS]
    posted = client.post(address(Company, "change", company.pk), {"name": "Mine now"})
    steps = [
        client.post(reverse(f"admin:loyalty_ruleset_{step}", args=[rule_set.pk])).status_code
        for rule_set in program.rule_sets.all()
        for step in ("ask", "withdraw", "retire", "draft")
    ]

    assert set(pages) == {200}
    assert set(refusals) == {403}
    assert posted.status_code == 403
    assert set(steps) == {403}
    company.refresh_from_db()
    assert company.name == before
    assert program.rule_sets.count() == 2


def test_row_with_a_past_is_kept_and_the_page_names_what_protects_it(furnished: Furnished) -> None:
    desk = furnished.desk
    company = Company.objects.order_by("pk")[0]

    page = desk.get(address(Company, "delete", company.pk))
    desk.post(address(Company, "delete", company.pk), {"post": "yes"})

    assert page.context["protected"]
    assert Company.objects.filter(pk=company.pk).exists()


def test_audit_trail_shows_who_why_and_to_what(furnished: Furnished) -> None:
    desk = furnished.desk
    entry = AuditEntry.objects.get(action="looked")

    page = desk.get(address(AuditEntry, "changelist"), {"q": "agreed review"}).content.decode()

    assert "An agreed review" in page
    assert "Maxine Manager" in page
    assert address(Company, "change", entry.subject_id) in page


def test_autocomplete_costs_the_same_with_more_rows(furnished: Furnished) -> None:
    desk = furnished.desk
    parameters = {"app_label": "loyalty", "model_name": "consent", "field_name": "membership", "term": "company"}

    def queries_of_answer() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(reverse("admin:autocomplete"), parameters).status_code == 200
        return len(queries)

    few = queries_of_answer()
    further = a_program()
    for _number in range(9):
        a_member(further)

    assert queries_of_answer() == few
