"""The demo's world: believable, lawful, and the same whenever it is made."""

import io

import pytest
from django.core import mail as outbox
from django.core.management import CommandError, call_command
from django.db.models import F
from django.test import Client
from django.urls import reverse

from accounts import laws
from accounts.mail import queue_of_mail
from accounts.models import Approval, Company, FollowUp, Mail, ServiceNote
from loyalty.examples import run_examples
from loyalty.models import (
    Award,
    BadgeHolding,
    BenefitUse,
    BookDay,
    HandedOver,
    ProgramDay,
    RuleSet,
    TierAssignment,
    Transaction,
    Wallet,
)
from loyalty.site import demo
from loyalty.site.demo.firms import FIRMS
from rewards.models import Redemption
from surveys.models import Response
from tests.factories.world import NOW, a_company

pytestmark = pytest.mark.django_db


def test_the_demo_shows_everything_keeps_every_law_and_lets_everybody_in() -> None:
    demo.load(now=NOW)

    assert {finding.law.code for finding in laws.verify() if finding.count} == set()
    assert set(Transaction.objects.values_list("kind", flat=True)) == set(Transaction.Kind.values)
    waiting = Wallet.objects.filter(kind=Wallet.Kind.PENDING, balance__gt=0)
    assert waiting.filter(company__employees__user__email="admin@demo.example").exists()
    assert HandedOver.objects.exists()
    ran = run_examples(RuleSet.objects.get(program__code="halden-together", status="ACTIVE"))
    assert [(one.example.code, one.in_words()) for one in ran] == [
        ("an-order", ""), ("at-most", ""), ("trained", ""), ("silver", ""),
    ]  # fmt: skip
    assert BookDay.objects.filter(program__code="halden-together").count() > 170
    assert set(Redemption.objects.values_list("state", flat=True)) == set(Redemption.State.values)
    assert Company.objects.count() == len(FIRMS)
    held = TierAssignment.objects.in_force(NOW).values_list("tier__code", flat=True)
    assert set(held) == {"bronze", "silver", "gold", "circle"}
    assert Award.objects.exclude(cap_left_before=None).exists()
    assert Award.objects.filter(from_campaign__gt=0).exists()
    assert Award.objects.filter(rule_code="higher-tier", granted=150).exists()
    assert BadgeHolding.objects.held().filter(employee__isnull=False).exists()
    assert ServiceNote.objects.values("visibility").distinct().count() == 2
    assert FollowUp.objects.filter(state="OPEN", due_on__lt=NOW.date()).exists()
    assert {(row.audience, row.state) for row in Approval.objects.all()} >= {
        ("CLIENT", "WAITING"),
        ("VENDOR", "WAITING"),
    }
    assert BenefitUse.objects.exists()
    assert Response.objects.exclude(submitted_at=None).count() > 20
    assert ProgramDay.objects.count() > 70
    _everybody_reaches_their_own_desk()
    _a_worker_mails_only_what_is_new()


def _a_worker_mails_only_what_is_new() -> None:
    """Whoever is told of the half year in the inbox is not written to of it when the first worker starts."""
    sent = Mail.objects.filter(state=Mail.State.SENT)
    assert sent.count() > 50
    assert not sent.exclude(ended_at=F("created_at"), created_at__lte=NOW).exists()

    queue_of_mail(lambda: NOW).take(NOW)

    assert [(letter.to, letter.subject.split()[2]) for letter in outbox.outbox] == [
        (["tomasz@invited.example"], "invites")
    ]


def _everybody_reaches_their_own_desk() -> None:
    desks = {"Program manager": "admin:index", "Second manager": "admin:index", "Account manager": "am-today"}
    for role, email in demo.LOGINS:
        browser = Client()
        signed_in = browser.post(reverse("account_login"), {"login": email, "password": demo.PASSWORD})
        home = browser.get("/", follow=True)

        assert (role, signed_in.status_code, home.status_code) == (role, 302, 200)
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
