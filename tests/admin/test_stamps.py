"""The optimistic lock: nobody saves over what somebody else changed meanwhile."""

import json
import re
from typing import Any

import pytest
from django.forms import BoundField
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.admin.condition_forms import ConditionField
from accounts.models import Company, User
from loyalty.models import Program, Tier
from tests.factories.canaries import fingerprint
from tests.factories.world import a_company, a_manager, a_program

pytestmark = pytest.mark.django_db


def address(row: Company | Program | Tier) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def form_of(browser: Client, url: str) -> dict[str, Any]:
    """Everything that a browser would send back from the form at `url`."""
    return sent_by(browser.get(url).context)


def sent_by(context: Any) -> dict[str, Any]:
    """What the form of a page holds, its stamp and the rows edited with it included."""
    form = context["adminform"].form
    fields = {bound.html_name: _typed(bound) for bound in form if not bound.field.disabled}
    for inline in context["inline_admin_formsets"]:
        for part in (inline.formset.management_form, *inline.formset.forms):
            fields |= {bound.html_name: _typed(bound) for bound in part if not bound.field.disabled}
    sent = {name: value for name, value in fields.items() if value is not None and value is not False}
    return {**sent, "shown": context["stamp"]} if "stamp" in context else sent


def _typed(bound: BoundField) -> Any:
    """What a field sends; a condition as its document, which its rows are another way to tell."""
    return json.dumps(bound.initial or {}) if isinstance(bound.field, ConditionField) else bound.value()


def test_second_of_two_managers_is_refused_and_keeps_what_was_typed(desk: Client) -> None:
    company = a_company(name="Halden")
    helena = Client()
    helena.force_login(a_manager(name="Helena <Vogt>"))
    mine, hers = form_of(desk, address(company)), form_of(helena, address(company))
    assert helena.post(address(company), {**hers, "name": "Halden AG"}).status_code == 302
    before = fingerprint()

    refused = desk.post(address(company), {**mine, "name": "Halden Ltd", "country": "Norway"})

    page = refused.content.decode()
    assert refused.status_code == 409
    assert fingerprint() == before
    assert re.search(r"Changed by Helena &lt;Vogt&gt; at \d\d:\d\d since you opened this page\.", page)
    assert "Nothing is saved. Look at what changed, then save again." in page
    assert f'<a href="{address(company)}" target="_blank" rel="noopener">' in page
    assert 'value="Halden Ltd"' in page
    assert 'value="Norway"' in page


def test_second_save_after_looking_goes_through(desk: Client) -> None:
    company = a_company(name="Halden")
    mine = form_of(desk, address(company))
    Company.objects.filter(pk=company.pk).update(name="Halden AG")
    refused = desk.post(address(company), {**mine, "name": "Halden Ltd"})

    again = desk.post(address(company), {**sent_by(refused.context), "name": "Halden Ltd"})

    assert "Changed by somebody else since you opened this page." in refused.content.decode()
    assert again.status_code == 302
    company.refresh_from_db()
    assert company.name == "Halden Ltd"


def test_form_that_was_wrong_for_another_reason_keeps_its_stamp(desk: Client) -> None:
    company = a_company(name="Halden")
    mine = form_of(desk, address(company))
    wrong = desk.post(address(company), {**mine, "name": ""})
    Company.objects.filter(pk=company.pk).update(name="Halden AG")

    refused = desk.post(address(company), {**sent_by(wrong.context), "name": "Halden Ltd"})

    assert (wrong.status_code, refused.status_code) == (200, 409)
    company.refresh_from_db()
    assert company.name == "Halden AG"


def test_change_of_a_row_edited_with_its_parent_counts(desk: Client) -> None:
    program = a_program(tiers={"basic": 0, "gold": 500})
    mine = form_of(desk, address(program))
    Tier.objects.filter(program=program, code="gold").update(threshold=900)

    refused = desk.post(address(program), {**mine, "name": "Renamed"})

    assert refused.status_code == 409
    program.refresh_from_db()
    assert program.name != "Renamed"


def test_change_of_another_row_or_of_what_the_form_does_not_show_does_not_matter(desk: Client, manager: User) -> None:
    company, other = a_company(name="Halden"), a_company()
    mine, me = form_of(desk, address(company)), form_of(desk, reverse("admin:accounts_user_change", args=[manager.pk]))
    Company.objects.filter(pk=other.pk).update(name="Changed")
    User.objects.filter(pk=manager.pk).update(last_login=timezone.now())

    saved = desk.post(address(company), {**mine, "name": "Halden Ltd"})
    saved_me = desk.post(reverse("admin:accounts_user_change", args=[manager.pk]), {**me, "name": "Max"})

    assert (saved.status_code, saved_me.status_code) == (302, 302)


def test_people_chosen_in_a_list_count(desk: Client, manager: User) -> None:
    clerk = User.objects.create_user("clerk@example.com", name="Clerk")
    url = reverse("admin:accounts_user_change", args=[clerk.pk])
    mine = form_of(desk, url)
    clerk.groups.create(name="viewer")

    refused = desk.post(url, {**mine, "name": "Clara"})

    assert refused.status_code == 409
    assert User.objects.get(pk=clerk.pk).name == "Clerk"


def test_row_that_is_gone_and_stamps_that_are_none_break_nothing(desk: Client) -> None:
    company = a_company(name="Halden")
    mine = form_of(desk, address(company))

    gone = desk.post(reverse("admin:accounts_company_change", args=[987_654_321]), mine)
    odd = [desk.post(address(company), {**mine, "shown": stamp}).status_code for stamp in ("x", "x-y", "-1e99-z", "\0")]

    assert gone.status_code == 302
    assert odd == [302, 409, 409, 302]


def test_form_for_a_new_row_has_no_stamp(desk: Client) -> None:
    page = desk.get(reverse("admin:accounts_company_add")).content.decode()

    assert 'name="shown"' not in page
    assert 'name="shown"' in desk.get(address(a_company())).content.decode()
