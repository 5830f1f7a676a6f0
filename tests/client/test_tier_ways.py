"""The tier page's other ways: choosing, an invitation, a fee; each with a page that says what follows."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Employee
from loyalty.models import Tier, TierAssignment, TierInvitation, TierTitle
from loyalty.titles import give_by_hand, invite, record_payment
from tests.client.conftest import Firm, SignIn
from tests.client.pages import links_of, words_of
from tests.factories.world import a_company, a_member, a_user, an_admin

pytestmark = pytest.mark.django_db


def open_gold(firm: Firm) -> Tier:
    """Gold can be chosen, paid for, and one is invited to it."""
    gold = Tier.objects.get(program=firm.program, code="gold")
    Tier.objects.filter(pk=gold.pk).update(
        is_chosen=True, is_invited=True, is_paid=True, fee=Decimal("1200"), fee_currency="GBP", fee_months=12
    )
    return Tier.objects.get(pk=gold.pk)


def held(firm: Firm) -> tuple[str, str]:
    row = TierAssignment.objects.select_related("tier").get(membership=firm.membership, ends_at=None)
    return row.tier.code, row.source


def invited(firm: Firm, gold: Tier) -> TierInvitation:
    now = timezone.now()
    day = now.date() + timedelta(days=30)
    return invite(
        membership=firm.membership, tier=gold, until=day, answer_by=day, reason="Come in", by_id=a_user().pk, now=now
    )


def test_admin_takes_a_tier_for_a_fee_sees_when_it_is_due_and_cancels(firm: Firm, sign_in: SignIn) -> None:
    gold = open_gold(firm)
    client = sign_in(firm.admin)
    assert "Take Gold for 1,200 GBP" in words_of(client.get("/tier/"))

    confirm = client.get(f"/tier/take/{gold.pk}/")
    assert "for 1,200 GBP every 12 months. It renews until you cancel." in words_of(confirm)
    assert held(firm) != ("gold", "PAID")
    client.post(f"/tier/take/{gold.pk}/")

    title = TierTitle.objects.get()
    page = client.get("/tier/")
    assert held(firm) == ("gold", "PAID")
    assert "Gold paid 1,200 GBP every 12 months not paid yet next fee by" in words_of(page)
    assert links_of(page, "/tier/cancel/.*") == [f"/tier/cancel/{title.pk}/"]
    record_payment(
        title=title, amount=Decimal(1200), currency="GBP", reference="R1", by_id=a_user().pk, now=timezone.now()
    )
    assert "paid through" in words_of(client.get("/tier/"))
    assert "holds to the end of what is paid" in words_of(client.get(f"/tier/cancel/{title.pk}/"))
    client.post(f"/tier/cancel/{title.pk}/")

    assert ", cancelled" in words_of(client.get("/tier/"))
    assert held(firm) == ("gold", "PAID")


def test_admin_accepts_an_invitation_and_a_second_time_is_told_why_not(firm: Firm, sign_in: SignIn) -> None:
    invitation = invited(firm, open_gold(firm))
    client = sign_in(firm.admin)
    assert "Your company is invited to Gold" in words_of(client.get("/tier/"))

    client.post(f"/tier/accept/{invitation.pk}/")
    again = client.post(f"/tier/accept/{invitation.pk}/")

    assert held(firm) == ("gold", "INVITED")
    assert (again.status_code, "This invitation was answered before: accepted." in words_of(again)) == (409, True)


def test_admin_declines_an_invitation(firm: Firm, sign_in: SignIn) -> None:
    invitation = invited(firm, open_gold(firm))
    client = sign_in(firm.admin)

    client.post(f"/tier/decline/{invitation.pk}/")

    assert TierInvitation.objects.get().answer == "DECLINED"
    assert "invited to" not in words_of(client.get("/tier/"))


def test_admin_chooses_a_plan_and_gives_it_up(firm: Firm, sign_in: SignIn) -> None:
    gold = open_gold(firm)
    client = sign_in(firm.admin)

    client.post(f"/tier/choose/{gold.pk}/")
    assert held(firm) == ("gold", "CHOSEN")
    page = client.get("/tier/")
    assert "without an end Give up the plan" in words_of(page)
    (give_up,) = links_of(page, "/tier/give-up/.*")
    client.post(give_up)

    assert held(firm) == ("basic", "EARNED")


def test_what_is_not_open_yet_says_why(firm: Firm, sign_in: SignIn) -> None:
    gold = open_gold(firm)
    Tier.objects.filter(pk=gold.pk).update(condition={"fact": "metric.spend", "op": "gte", "value": 5_000_000})
    client = sign_in(firm.admin)
    basic = Tier.objects.get(program=firm.program, code="basic")
    for way in ("take", "choose"):
        assert client.get(f"/tier/{way}/{basic.pk}/").status_code == 404
        assert client.post(f"/tier/{way}/{basic.pk}/").status_code == 409

    page = words_of(client.get("/tier/"))
    refused = client.post(f"/tier/choose/{gold.pk}/")

    assert "Spend is at least 5,000,000 GBP, but was 0 GBP" in page
    assert "not open to you yet" in page
    assert (refused.status_code, "Not open to your company yet" in words_of(refused)) == (409, True)
    assert not TierTitle.objects.exists()


def test_colleague_reads_what_holds_but_decides_nothing(firm: Firm, sign_in: SignIn) -> None:
    gold = open_gold(firm)
    invitation = invited(firm, gold)
    give_by_hand(
        membership=firm.membership, tier=gold, source="FLOOR", until=timezone.now().date() + timedelta(days=9),
        reason="A good year", by_id=a_user().pk, now=timezone.now(),
    )  # fmt: skip
    client = sign_in(firm.member)

    page = client.get("/tier/")

    assert "Gold kept by hand · A good year" in words_of(page)
    assert "invited to" not in words_of(page)
    assert links_of(page, "/tier/.+") == []
    for address in (f"/tier/choose/{gold.pk}/", f"/tier/accept/{invitation.pk}/"):
        assert (client.get(address).status_code, client.post(address).status_code) == (404, 404)
    Employee.objects.filter(pk=firm.member.pk).update(buying_role=Employee.BuyingRole.DECIDES)
    assert "An admin of your company answers." in words_of(client.get("/tier/"))


def test_titles_and_invitations_of_others_are_as_good_as_none(firm: Firm, sign_in: SignIn) -> None:
    gold = open_gold(firm)
    other = an_admin(a_company())
    a_member(firm.program, other.company)
    invitation = invited(firm, gold)
    title = give_by_hand(
        membership=firm.membership, tier=gold, source="FLOOR", until=timezone.now().date() + timedelta(days=9),
        reason="A good year", by_id=a_user().pk, now=timezone.now(),
    )  # fmt: skip
    client = sign_in(other)

    for address in (f"/tier/accept/{invitation.pk}/", f"/tier/cancel/{title.pk}/", f"/tier/buy/{gold.pk}/"):
        assert (client.get(address).status_code, client.post(address).status_code) == (404, 404)

    assert TierInvitation.objects.get().answer == "OPEN"
