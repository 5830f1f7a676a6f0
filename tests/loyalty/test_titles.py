"""Tiers by other ways: by hand, chosen, by invitation, for a fee; the higher of these and the earned one counts."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, transaction

from accounts import laws
from accounts.actors import Actor, actor_of
from accounts.messages import title_of
from accounts.models import AuditEntry, Employee, Message, SegmentMembership, User
from loyalty.benefits import standing_ahead
from loyalty.models import (
    Membership,
    Program,
    StandingEvent,
    Tier,
    TierAssignment,
    TierInvitation,
    TierPayment,
    TierTitle,
)
from loyalty.selectors import standing_of
from loyalty.standing import rebuild_standing, review_tiers
from loyalty.titles import (
    NotYoursToDecideError,
    TitleError,
    accept,
    cancel,
    choose,
    decline,
    end_title,
    give_by_hand,
    give_up,
    invite,
    offers_of,
    record_payment,
    remind_of_fees,
    subscribe,
    titles_now,
    withdraw_invitation,
)
from loyalty.titles.paying import months_after
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_segment,
    a_user,
    an_admin,
    an_employee,
    record,
)

pytestmark = pytest.mark.django_db


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/London"))


NOW = at("2026-06-15T12:00")


@dataclass
class Club:
    """A company in a program whose Gold can be taken in every way."""

    program: Program
    member: Membership
    admin: Employee
    manager: User

    def actor(self, now: datetime = NOW) -> Actor:
        return actor_of(self.admin.user, now=now)

    def tier(self, code: str) -> Tier:
        return Tier.objects.get(program=self.program, code=code)

    def buys(self, amount: int, when: str) -> None:
        record(a_purchase(self.member.company, amount, occurred_at=at(when)), now=at(when))

    def held(self) -> tuple[str, str] | None:
        row = TierAssignment.objects.filter(membership=self.member, ends_at=None).select_related("tier").first()
        return (row.tier.code, row.source) if row else None

    def moves(self) -> list[tuple[str, str, datetime]]:
        rows = TierAssignment.objects.filter(membership=self.member).order_by("starts_at", "pk")
        return list(rows.values_list("tier__code", "source", "starts_at"))

    def by_hand(self, tier: str = "gold", source: str = "NEGOTIATED", until: date = date(2026, 8, 31)) -> TierTitle:
        return give_by_hand(
            membership=self.member, tier=self.tier(tier), source=source, until=until, reason="An old friend",
            by_id=self.manager.pk, now=NOW,
        )  # fmt: skip

    def invites(self, now: datetime = NOW, **fields: Any) -> TierInvitation:
        asked = {"until": date(2026, 12, 31), "answer_by": date(2026, 6, 30), "reason": "Meet us", **fields}
        return invite(membership=self.member, tier=self.tier("gold"), by_id=self.manager.pk, now=now, **asked)

    def pays(self, title: TierTitle, reference: str, now: datetime, amount: str = "1200.00") -> TierPayment:
        return record_payment(
            title=title, amount=Decimal(amount), currency="EUR", reference=reference, by_id=self.manager.pk, now=now
        )


@pytest.fixture
def club() -> Club:
    program = a_program(tiers={"bronze": 0, "silver": 100, "gold": 500, "black": 9000}, tier_months=1)
    Tier.objects.filter(program=program, code="gold").update(
        is_chosen=True, is_invited=True, is_paid=True, fee=Decimal(1200), fee_currency="EUR", fee_months=12,
        fee_grace_days=14,
    )  # fmt: skip
    Tier.objects.filter(program=program, code="silver").update(is_chosen=True)
    member = a_member(program, starts_at=at("2026-01-10"))
    return Club(program, member, an_admin(member.company), a_user())


def lawful() -> bool:
    return {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}


def replayed(club: Club) -> list[int]:
    """The memberships that stand otherwise than their history says."""
    return rebuild_standing(programs=[club.program], only_check=True).different


def test_tier_by_hand_holds_to_its_day_and_then_what_is_earned_returns(club: Club) -> None:
    club.by_hand()
    assert club.held() == ("gold", "NEGOTIATED")
    club.buys(150, "2026-08-20")
    assert club.held() == ("gold", "NEGOTIATED")

    assert review_tiers(now=at("2026-08-31T23:59:59")) == 0
    assert review_tiers(now=at("2026-09-01T00:10")) == 2

    assert club.moves() == [
        ("bronze", "EARNED", at("2026-01-10")),
        ("gold", "NEGOTIATED", NOW),
        ("silver", "EARNED", at("2026-09-01")),
        ("bronze", "EARNED", at("2026-09-01")),
    ]
    assert Message.objects.filter(kind="tier-ended").count() == 1
    assert lawful()
    assert replayed(club) == []


def test_earned_tier_that_is_higher_counts_and_the_title_again_when_it_falls(club: Club) -> None:
    club.by_hand("silver", "FLOOR", date(2026, 12, 31))
    club.buys(500, "2026-06-20")
    assert club.held() == ("gold", "EARNED")

    review_tiers(now=at("2026-07-01T00:10"))

    assert club.held() == ("silver", "FLOOR")
    assert standing_of(club.member, at=at("2026-07-02")).beneath is not None
    ahead = standing_ahead(club.member, at=at("2026-07-02"))
    assert ahead.then is not None
    assert (ahead.holds_until, ahead.then.code) == (date(2026, 12, 31), "bronze")
    assert replayed(club) == []


def test_title_that_is_no_higher_than_what_is_earned_moves_nothing(club: Club) -> None:
    club.buys(500, "2026-06-10")

    club.by_hand("silver", "FLOOR")

    assert club.held() == ("gold", "EARNED")
    assert StandingEvent.objects.count() == 1


def test_what_is_earned_beneath_a_title_is_lost_by_a_return_there(club: Club) -> None:
    purchase = a_purchase(club.member.company, 150, occurred_at=NOW - timedelta(days=1))
    record(purchase, now=NOW)
    club.by_hand()
    assert standing_of(club.member, at=NOW).beneath == standing_of(club.member, at=NOW).plan.step(
        club.tier("silver").pk
    )

    record(a_purchase(club.member.company, 60, occurred_at=NOW, reverses=purchase.external_id), now=NOW)
    assert club.held() == ("gold", "NEGOTIATED")
    title = TierTitle.objects.get()
    end_title(title=title, reason="It was a mistake", by_id=club.manager.pk, now=NOW + timedelta(hours=1))

    assert club.held() == ("bronze", "EARNED")
    assert replayed(club) == []


def test_tier_by_hand_needs_a_reason_a_day_to_come_and_no_other_of_its_kind(club: Club) -> None:
    asked: dict[str, Any] = {
        "membership": club.member, "tier": club.tier("gold"), "source": "FLOOR", "until": date(2026, 7, 1),
        "reason": "Why", "by_id": club.manager.pk, "now": NOW,
    }  # fmt: skip
    other = Tier.objects.get(program=a_program(tiers={"base": 0}))
    for wrong in ({"reason": " "}, {"until": date(2026, 6, 14)}, {"source": "PAID"}, {"tier": other}):
        with pytest.raises(TitleError):
            give_by_hand(**{**asked, **wrong})
    assert not TierTitle.objects.exists()
    give_by_hand(**asked)
    with pytest.raises(TitleError):
        give_by_hand(**asked)
    assert TierTitle.objects.count() == 1
    with pytest.raises(IntegrityError, match="tier_title_one_at_a_time"), transaction.atomic():
        TierTitle.objects.create(
            membership=club.member, tier=other, source="FLOOR", reason="x", given_by=club.manager, starts_at=NOW,
            ends_at=at("2027-01-01"),
        )  # fmt: skip
    with pytest.raises(IntegrityError, match="by_hand_with_reason_and_end"), transaction.atomic():
        TierTitle.objects.create(
            membership=club.member, tier=other, source="NEGOTIATED", given_by=club.manager, starts_at=NOW
        )


def test_admin_chooses_a_plan_another_in_its_place_and_gives_it_up(club: Club) -> None:
    gold = choose(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)
    again = choose(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW + timedelta(minutes=1))
    assert (again, club.held()) == (gold, ("gold", "CHOSEN"))

    later = NOW + timedelta(days=1)
    silver = choose(actor=club.actor(), membership=club.member, tier=club.tier("silver"), now=later)
    assert club.moves()[1:] == [("gold", "CHOSEN", NOW), ("silver", "CHOSEN", later)]
    give_up(actor=club.actor(), title=silver, now=later + timedelta(days=1))

    assert club.held() == ("bronze", "EARNED")
    with pytest.raises(TitleError):
        choose(actor=club.actor(), membership=club.member, tier=club.tier("black"), now=later)
    assert lawful()
    assert replayed(club) == []


def test_only_the_companys_own_admin_decides(club: Club) -> None:
    colleague, stranger = an_employee(club.member.company), an_admin(a_company())
    invitation = club.invites()
    title = choose(actor=club.actor(), membership=club.member, tier=club.tier("silver"), now=NOW)
    paid = subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)
    events = StandingEvent.objects.count()

    for who in (colleague, stranger):
        its: dict[str, Any] = {"actor": actor_of(who.user, now=NOW), "now": NOW}
        acts: list[tuple[Callable[..., object], dict[str, Any]]] = [
            (choose, {"membership": club.member, "tier": club.tier("gold")}),
            (give_up, {"title": title}),
            (accept, {"invitation": invitation}),
            (decline, {"invitation": invitation}),
            (subscribe, {"membership": club.member, "tier": club.tier("gold")}),
            (cancel, {"title": paid}),
        ]
        for act, of in acts:
            with pytest.raises(NotYoursToDecideError):
                act(**its, **of)

    assert StandingEvent.objects.count() == events


def test_condition_that_is_not_met_is_said_in_a_sentence_and_opens_when_it_is(club: Club) -> None:
    Tier.objects.filter(pk=club.tier("gold").pk).update(
        condition={"all": [
            {"fact": "metric.spend", "op": "gte", "value": 50},
            {"fact": "company.segments", "op": "has", "value": "contract"},
        ]}
    )  # fmt: skip
    segment = a_segment("contract")

    with pytest.raises(
        TitleError, match=r"Spend is at least 50 GBP, but was 0 GBP; segments of the company include contract"
    ):
        choose(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)
    (gold, _silver) = offers_of(club.member, standing_of(club.member, at=NOW), [], at=NOW)
    assert (len(gold.unmet), "Spend is at least 50 GBP" in gold.condition) == (2, True)
    assert not TierTitle.objects.exists()

    club.buys(50, "2026-06-15T11:00")
    SegmentMembership.objects.create(segment=segment, company=club.member.company, starts_at=at("2026-01-01"))
    choose(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)

    assert club.held() == ("gold", "CHOSEN")


def test_invitation_is_accepted_once_and_holds_through_its_day(club: Club) -> None:
    invitation = club.invites()
    assert Message.objects.get(kind="tier-invited").employee_id == club.admin.pk

    title = accept(actor=club.actor(), invitation=invitation, now=NOW)

    assert (club.held(), title.ends_at) == (("gold", "INVITED"), at("2027-01-01"))
    with pytest.raises(TitleError, match="answered before"):
        accept(actor=club.actor(), invitation=invitation, now=NOW)
    review_tiers(now=at("2027-01-01T00:10"))
    assert club.held() == ("bronze", "EARNED")
    assert replayed(club) == []


def test_invitation_is_declined_withdrawn_or_too_old(club: Club) -> None:
    declined = club.invites()
    with pytest.raises(TitleError, match="Withdraw that one"):
        club.invites()
    decline(actor=club.actor(), invitation=declined, now=NOW)
    withdrawn = club.invites()
    withdraw_invitation(invitation=withdrawn, by_id=club.manager.pk, now=NOW)
    late = club.invites()
    for invitation, now in ((declined, NOW), (withdrawn, NOW), (late, at("2026-07-01"))):
        with pytest.raises(TitleError):
            accept(actor=club.actor(), invitation=invitation, now=now)
    accept(actor=club.actor(), invitation=late, now=at("2026-06-30T23:59"))

    answers = TierInvitation.objects.order_by("pk").values_list("answer", flat=True)
    assert list(answers) == ["DECLINED", "WITHDRAWN", "ACCEPTED"]
    for wrong in ({"answer_by": date(2026, 6, 14)}, {"answer_by": date(2027, 1, 1)}, {"reason": ""}):
        with pytest.raises(TitleError):
            club.invites(**wrong)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
    ],
)
def test_paid_periods_count_from_the_first_day(day: date, months: int, then: date) -> None:
    assert months_after(day, months) == then


def test_fee_that_does_not_come_ends_the_tier_after_the_days_to_pay(club: Club) -> None:
    subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)
    assert club.held() == ("gold", "PAID")

    review_tiers(now=at("2026-06-28T23:59"))
    assert club.held() == ("gold", "PAID")
    review_tiers(now=at("2026-06-29T00:10"))

    assert club.held() == ("bronze", "EARNED")
    assert club.moves()[-1][2] == at("2026-06-29")
    with pytest.raises(TitleError):
        club.pays(TierTitle.objects.get(), "R1", at("2026-06-30"))


def test_each_payment_renews_and_an_unpaid_renewal_ends_it(club: Club) -> None:
    title = subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)
    first = club.pays(title, "R1", NOW)
    again = club.pays(title, "R1", NOW + timedelta(days=1))
    assert (first, TierPayment.objects.count()) == (again, 1)
    for reference, amount in (("R9", "1199"), ("R1", "1")):
        with pytest.raises(TitleError):
            club.pays(title, reference, NOW, amount)
    Tier.objects.filter(pk=club.tier("gold").pk).update(fee=Decimal(9999))  # holds for who takes it from now on

    club.pays(title, "R2", at("2027-06-20"))

    title.refresh_from_db()
    assert list(TierPayment.objects.order_by("pk").values_list("paid_from", "paid_to")) == [
        (date(2026, 6, 15), date(2027, 6, 15)), (date(2027, 6, 15), date(2028, 6, 15)),
    ]  # fmt: skip
    assert (title.paid_through, title.ends_at) == (date(2028, 6, 15), at("2028-06-29"))
    assert Message.objects.filter(kind="tier-renewed").count() == 2
    (now,) = titles_now(club.member, at=at("2028-06-20"))
    assert (now.due_on, now.last_day) == (date(2028, 6, 28), date(2028, 6, 28))
    review_tiers(now=at("2028-06-29T01:00"))
    assert club.held() == ("bronze", "EARNED")
    assert lawful()
    assert replayed(club) == []


def test_cancelled_fee_holds_to_the_end_of_what_is_paid(club: Club) -> None:
    title = subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)
    club.pays(title, "R1", NOW)

    cancel(actor=club.actor(), title=title, now=at("2026-09-01"))
    cancelled = cancel(actor=club.actor(), title=title, now=at("2026-09-02"))

    assert (cancelled.cancelled_at, cancelled.ends_at) == (at("2026-09-01"), at("2027-06-15"))
    assert club.held() == ("gold", "PAID")
    with pytest.raises(TitleError, match="cancelled"):
        club.pays(title, "R2", at("2026-09-03"))
    with pytest.raises(TitleError, match="pays for a tier already"):
        subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=at("2026-10-01"))
    review_tiers(now=at("2027-06-15T00:10"))
    assert club.held() == ("bronze", "EARNED")
    assert AuditEntry.objects.filter(action="tier-fee-cancelled").count() == 1
    assert replayed(club) == []


def test_fee_that_was_never_paid_ends_at_once_when_cancelled(club: Club) -> None:
    title = subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)

    cancel(actor=club.actor(), title=title, now=NOW + timedelta(hours=1))

    assert club.held() == ("bronze", "EARNED")
    assert club.moves()[-1][2] == NOW + timedelta(hours=1)


def test_fee_is_reminded_of_once_a_period_before_it_is_due_and_never_after_it_was_cancelled(club: Club) -> None:
    decides = an_employee(club.member.company, buying_role="DECIDES")
    User.objects.filter(pk=decides.user_id).update(language="id")
    an_employee(club.member.company)
    an_admin(a_member(club.program).company)
    title = subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)

    unpaid = [remind_of_fees(now=NOW + timedelta(days=days)) for days in (0, 1)]
    club.pays(title, "R1", NOW + timedelta(days=2))
    told = {when: remind_of_fees(now=at(when)) for when in ("2026-06-20", "2027-05-31", "2027-06-01", "2027-06-20")}
    club.pays(title, "R2", at("2027-06-20"))
    next_year = remind_of_fees(now=at("2027-06-21"))
    cancel(actor=club.actor(), title=title, now=at("2028-01-01"))
    cancelled = remind_of_fees(now=at("2028-06-10"))

    assert unpaid == [2, 0]
    assert list(told.values()) == [0, 0, 2, 0]
    assert (next_year, cancelled) == (0, 0)
    of_admin = Message.objects.filter(kind="tier-fee-due", employee=club.admin).order_by("pk")
    assert [message.facts["day"] for message in of_admin] == ["June 28, 2026", "June 28, 2027"]
    assert title_of(of_admin[0]) == (
        f"“{club.program.name}”: the fee for Gold, 1,200.00 EUR, is due by June 28, 2026. "
        "Without it, that is the last day of the tier."
    )
    assert Message.objects.filter(kind="tier-fee-due", employee=decides).latest("pk").facts["fee"] == "1.200,00 EUR"
    assert Message.objects.filter(kind="tier-fee-due").exclude(employee__in=(club.admin, decides)).count() == 0


def test_fee_of_a_tier_that_ended_or_of_a_company_that_left_is_not_reminded_of(club: Club) -> None:
    subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)

    assert remind_of_fees(now=at("2026-06-29T00:10")) == 0
    Membership.objects.filter(pk=club.member.pk).update(ends_at=NOW)
    assert remind_of_fees(now=NOW) == 0
    Membership.objects.filter(pk=club.member.pk).update(ends_at=None)
    Program.objects.filter(pk=club.program.pk).update(is_active=False)
    assert remind_of_fees(now=NOW) == 0
    assert not Message.objects.filter(kind="tier-fee-due").exists()


def test_who_left_the_program_takes_no_tier(club: Club) -> None:
    Membership.objects.filter(pk=club.member.pk).update(ends_at=NOW)

    with pytest.raises(TitleError):
        club.by_hand()
    with pytest.raises(TitleError):
        choose(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)
    assert not TierTitle.objects.exists()


def test_payment_can_only_be_added_never_changed(club: Club) -> None:
    title = subscribe(actor=club.actor(), membership=club.member, tier=club.tier("gold"), now=NOW)
    club.pays(title, "R1", NOW)

    for write in (lambda: TierPayment.objects.update(amount=1), lambda: TierPayment.objects.all().delete()):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            write()
