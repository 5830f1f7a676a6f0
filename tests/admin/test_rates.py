"""Exchange rates in the admin: entered, refused where they would change what was counted, never changed."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from loyalty.models import ExchangeRate

pytestmark = pytest.mark.django_db


def test_rate_is_entered_and_one_in_the_past_is_refused_with_what_was_typed(desk: Client) -> None:
    today = timezone.now().date()
    address = reverse("admin:loyalty_exchangerate_add")
    typed = {"currency": "EUR", "into": "GBP", "rate": "0.8731", "starts_on": (today - timedelta(days=9)).isoformat()}

    first = desk.post(address, typed)
    refused = desk.post(address, {**typed, "rate": "0.9", "starts_on": (today - timedelta(days=1)).isoformat()})
    same = desk.post(address, {**typed, "into": "EUR"})
    made_up = desk.post(address, {**typed, "into": "XXQ"})
    next_one = desk.post(address, {**typed, "rate": "0.9", "starts_on": (today + timedelta(days=1)).isoformat()})

    assert (first.status_code, refused.status_code, next_one.status_code) == (302, 409, 302)
    assert "has been counted by the rate of then, and stays so" in refused.content.decode()
    assert 'value="0.9"' in refused.content.decode()
    assert "A rate is of two different currencies." in same.content.decode()
    assert "“XXQ” is not a currency. Write the code of one, such as EUR, GBP or JPY." in made_up.content.decode()
    rates = ExchangeRate.objects.order_by("starts_on").values_list("rate", flat=True)
    assert [*rates] == [Decimal("0.8731"), Decimal("0.9")]


def test_rate_that_has_begun_can_be_read_and_not_changed_or_deleted(desk: Client) -> None:
    today = timezone.now().date()
    begun, to_come = (
        ExchangeRate.objects.create(currency="EUR", into="GBP", rate=1, starts_on=today + timedelta(days=days))
        for days in (0, 5)
    )

    page = desk.get(reverse("admin:loyalty_exchangerate_change", args=[begun.pk]))
    kept = desk.post(reverse("admin:loyalty_exchangerate_delete", args=[begun.pk]), {"post": "yes"})
    gone = desk.post(reverse("admin:loyalty_exchangerate_delete", args=[to_come.pk]), {"post": "yes"})

    assert page.status_code == 200
    assert 'name="_save"' not in page.content.decode()
    assert (kept.status_code, gone.status_code) == (403, 302)
    assert [*ExchangeRate.objects.all()] == [begun]
