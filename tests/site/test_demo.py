"""The demo's world: believable, lawful, and the same whenever it is made."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts import laws
from accounts.models import Company, ServiceNote
from loyalty.models import Award, Membership, Transaction, Wallet
from loyalty.site import demo
from rewards.models import Redemption
from tests.factories.world import NOW, a_company

pytestmark = pytest.mark.django_db


def test_the_demo_shows_every_kind_of_act_and_keeps_every_law() -> None:
    demo.load(now=NOW)

    assert {finding.law.code for finding in laws.verify() if finding.count} == set()
    assert set(Transaction.objects.values_list("kind", flat=True)) == set(Transaction.Kind.values)
    assert Company.objects.count() == 3
    assert sorted(Membership.objects.filter(tiers__ends_at=None).values_list("tiers__tier__code", flat=True)) == [
        "bronze",
        "gold",
        "silver",
    ]
    assert set(Redemption.objects.values_list("state", flat=True)) == {"REQUESTED", "CANCELLED"}
    assert Award.objects.exclude(cap_left_before=None).exists()
    assert ServiceNote.objects.values("visibility").distinct().count() == 2


@pytest.mark.parametrize(("role", "email"), demo.LOGINS)
def test_every_login_that_is_printed_reaches_its_own_desk(client: Client, role: str, email: str) -> None:
    demo.load(now=NOW)
    desks = {"Program manager": "admin:index", "Account manager": "am-companies"}

    signed_in = client.post(reverse("account_login"), {"login": email, "password": demo.PASSWORD})
    home = client.get("/", follow=True)

    assert signed_in.status_code == 302
    assert home.status_code == 200
    assert home.request["PATH_INFO"] == reverse(desks.get(role, "home"))


def test_loading_again_changes_nothing() -> None:
    call_command("load_demo", stdout=io.StringIO())
    balances = list(Wallet.objects.order_by("pk").values_list("pk", "balance"))

    call_command("load_demo", stdout=io.StringIO())

    assert list(Wallet.objects.order_by("pk").values_list("pk", "balance")) == balances


def test_the_demo_stays_out_of_an_installation_that_has_companies() -> None:
    a_company()

    with pytest.raises(CommandError, match="empty database"):
        call_command("load_demo", stdout=io.StringIO())

    assert Company.objects.count() == 1
