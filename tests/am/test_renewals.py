"""The account manager sees what comes due of the own companies' tiers, the next one first, and no others'."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.actors import actor_of
from accounts.models import Company
from loyalty.models import Program, Tier
from loyalty.titles import give_by_hand, record_payment, subscribe
from tests.am.conftest import Desk
from tests.client.pages import links_of, words_of
from tests.factories.world import a_member, a_program, a_user, an_admin

pytestmark = pytest.mark.django_db


def a_club() -> Program:
    program = a_program(tiers={"basic": 0, "gold": 500})
    Tier.objects.filter(program=program, code="gold").update(
        is_paid=True, fee=Decimal(90), fee_currency="EUR", fee_months=6
    )
    return program


def pays(program: Program, company: Company, *, is_paid: bool) -> None:
    member, admin, now = a_member(program, company), an_admin(company), timezone.now()
    gold = Tier.objects.get(program=program, code="gold")
    title = subscribe(actor=actor_of(admin.user, now=now), membership=member, tier=gold, now=now)
    if is_paid:
        record_payment(title=title, amount=Decimal(90), currency="EUR", reference="R", by_id=a_user().pk, now=now)


def test_renewals_of_the_own_companies_by_the_day_on_which_they_end(desk: Desk) -> None:
    program = a_club()
    pays(program, desk.own, is_paid=True)
    pays(program, desk.second, is_paid=False)
    pays(program, desk.foreign, is_paid=False)

    page = desk.browser.get("/am/renewals/")

    words = words_of(page)
    assert words.index("Beta Mills · Gold Paid,") < words.index("Acme Tools · Gold Paid,")
    assert "90 EUR fee by" in words
    assert "not paid yet due in 13 days" in words
    assert "Foreign Works" not in words
    assert f"/am/companies/{desk.own.pk}/" in links_of(page, ".*")
    assert "/am/renewals/" in links_of(desk.browser.get("/am/"), ".*")


def test_renewals_cost_the_same_for_many_and_say_so_where_there_are_none(
    desk: Desk, django_assert_max_num_queries: pytest.FixtureRequest
) -> None:
    assert "Nothing ends" in words_of(desk.browser.get("/am/renewals/"))
    program = a_program(tiers={"basic": 0, "gold": 500})
    day = timezone.now().date() + timedelta(days=50)
    for company in (desk.own, desk.second):
        give_by_hand(
            membership=a_member(program, company), tier=Tier.objects.get(program=program, code="gold"),
            source="NEGOTIATED", until=day, reason="So agreed", by_id=a_user().pk, now=timezone.now(),
        )  # fmt: skip

    with django_assert_max_num_queries(15):  # type: ignore[operator]
        page = desk.browser.get("/am/renewals/")

    assert words_of(page).count("So agreed") == 2
