"""The company's own page: its wallet, its months, who earned what, and who looks after it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import AccountManagerAssignment, FollowUp, ServiceNote
from accounts.service_notes import write_note
from loyalty.company_figures import MonthOfPoints, earned_since, months_of, people_with_points, year_start
from tests.client.conftest import Firm, SignIn
from tests.client.pages import links_of, source_of, words_of
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import (
    EPOCH,
    NOW,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_account_manager,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

Buy = Callable[..., int]


def test_company_wallet_people_and_account_manager_stand_on_one_page(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    buy(70, firm.admin)
    an_account_manager(firm.membership.company, name="Sam Looks After", email="sam@example.com")

    page = sign_in(firm.admin).get("/company/")

    words = words_of(page)
    assert "The company's points 230 points" in words  # 150 + 70 and 5 more each time
    assert "Mia Member 150 points 150 points" in words
    assert "Ada Admin 70 points 70 points" in words
    assert words.index("Mia Member") < words.index("Ada Admin")
    assert "Sam Looks After sam@example.com" in words
    assert links_of(page, r"mailto:.*") == ["mailto:sam@example.com"]
    assert f"/points/?person={firm.member.pk}&program={firm.program.code}" in links_of(page, r"/points/.*")


def test_decider_reads_the_page_and_not_what_each_person_has(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    decider = an_employee(firm.membership.company, buying_role="DECIDES")

    words = words_of(sign_in(decider).get("/company/"))

    assert "The company's points 155 points" in words
    assert "What each person has is for the admins of your company to see." in words
    assert "Mia Member" not in words


def test_people_are_sorted_by_name_when_asked(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.member)
    buy(70, firm.admin)

    words = words_of(sign_in(firm.admin).get("/company/?sort=name"))

    assert words.index("Ada Admin 70") < words.index("Mia Member 150")


def test_only_shared_notes_and_promises_are_read(firm: Firm, sign_in: SignIn) -> None:
    company = firm.membership.company
    manager = an_account_manager(company)
    now = timezone.now()
    for visibility in ServiceNote.Visibility.values:
        write_note(
            company=company, author_id=manager.pk, kind=ServiceNote.Kind.CALL, text=f"Note {visibility}",
            happened_at=now, visibility=visibility,
        )  # fmt: skip
        for days, state in ((-1, "late"), (9, "due")):
            FollowUp.objects.create(
                company=company, text=f"Promise {visibility} {state}", due_on=now.date() + timedelta(days=days),
                visibility=visibility, created_by=manager, created_at=now,
            )  # fmt: skip
    FollowUp.objects.create(
        company=company, text="Promise kept", due_on=now.date(), visibility="SHARED", created_by=manager,
        created_at=now, state="DONE", closed_by=manager, closed_at=now,
    )  # fmt: skip

    words = words_of(sign_in(firm.admin).get("/company/"))

    assert "Note SHARED" in words
    assert "INTERNAL" not in words
    assert "Promise kept" not in words
    assert words.index("Promise SHARED late") < words.index("Promise SHARED due")
    assert words.count("Late") == 1


def test_account_manager_of_before_is_not_named(firm: Firm, sign_in: SignIn) -> None:
    former = an_account_manager(firm.membership.company, name="Former")
    AccountManagerAssignment.objects.filter(user=former).update(ends_at=timezone.now())

    words = words_of(sign_in(firm.admin).get("/company/"))

    assert "Former" not in words
    assert "Nobody looks after your company by name at the moment." in words


def test_months_add_up_what_was_issued_spent_and_expired(firm: Firm, sign_in: SignIn) -> None:
    program = a_program(time_zone="Europe/London")
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    membership = a_member(program)
    consent_to(membership)
    person = an_employee(membership.company)
    foreign = a_member(program, a_company())
    at = datetime(2026, 4, 30, 23, 30, tzinfo=UTC)  # the first of May in London
    record(
        a_purchase(membership.company, 100, employee_id=person.pk, occurred_at=at, external_id="big"),
        a_purchase(membership.company, 40, occurred_at=datetime(2026, 6, 1, tzinfo=UTC)),
        a_purchase(membership.company, 7, occurred_at=datetime(2025, 6, 15, tzinfo=UTC)),
        a_purchase(foreign.company, 999, occurred_at=datetime(2026, 6, 1, tzinfo=UTC)),
        now=NOW,
    )
    record(a_purchase(membership.company, 30, occurred_at=NOW, reverses="big"), now=NOW)

    months = {row.month.isoformat(): row for row in months_of(membership, at=NOW)}

    assert len(months) == 12
    assert next(iter(months)) == "2025-07-01"
    assert months["2026-05-01"].issued == 200
    assert months["2026-06-01"] == MonthOfPoints(months["2026-06-01"].month, issued=40 - 60, spent=0, expired=0)
    assert sum(row.issued for row in months.values()) == 180


def test_spending_and_what_comes_back_stand_in_their_month(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.member)
    client = sign_in(firm.member)
    for number in range(2):
        reward = a_reward(firm.program, price=100)
        client.post(f"/rewards/{reward.pk}/", {"payer": "own", "price": 100, "key": f"k{number}", "step": "confirm"})
    [latest, _other] = links_of(client.get("/orders/"), r"/orders/\d+/")[:2]
    client.post(latest)

    months = months_of(firm.membership, at=timezone.now())

    assert sum(row.spent for row in months) == 100
    assert sum(row.issued for row in months) == 1_005
    assert "100" in source_of(sign_in(firm.admin).get("/company/"))


def test_earned_is_what_was_given_this_year_less_what_was_taken_back(firm: Firm) -> None:
    company = firm.membership.company
    this_year, last_year = NOW - timedelta(days=1), NOW - timedelta(days=400)
    record(
        a_purchase(company, 100, employee_id=firm.member.pk, occurred_at=this_year, external_id="big"),
        a_purchase(company, 900, employee_id=firm.member.pk, occurred_at=last_year),
        a_purchase(company, 50, employee_id=firm.admin.pk, occurred_at=this_year),
        now=NOW,
    )
    record(a_purchase(company, 40, employee_id=firm.member.pk, occurred_at=NOW, reverses="big"), now=NOW)
    ids = [firm.member.pk, firm.admin.pk]

    earned = earned_since(firm.membership, ids, since=year_start(firm.membership, at=NOW))

    assert earned == {firm.member.pk: 60, firm.admin.pk: 50}


def test_points_that_are_due_are_taken_off_before_the_nightly_run(sign_in: SignIn) -> None:
    program = a_program(expiry_months=1)
    a_rule_set(program, [{"beneficiary": "EMPLOYEE"}])
    membership = a_member(program)
    consent_to(membership)
    admin = an_employee(membership.company, access="ADMIN")
    now = timezone.now()
    for days_ago, amount in ((40, 100), (1, 30)):
        at = now - timedelta(days=days_ago)
        record(a_purchase(membership.company, amount, employee_id=admin.pk, occurred_at=at), now=at)

    [row] = people_with_points(as_actor(user_of(admin)), membership)

    assert vars(row)["available"] == 30


def test_people_of_other_companies_and_programs_do_not_count(firm: Firm, buy: Buy) -> None:
    buy(150, firm.member)
    other = a_member(firm.program, a_company())
    consent_to(other)
    stranger = an_employee(other.company)
    now = timezone.now()
    record(a_purchase(other.company, 10, employee_id=stranger.pk, occurred_at=now), now=now)
    elsewhere = a_member(a_program(), firm.membership.company)
    actor = as_actor(user_of(firm.admin))

    assert [person.pk for person in people_with_points(actor, firm.membership)] == [firm.member.pk]
    assert list(people_with_points(actor, elsewhere)) == []
    assert list(people_with_points(actor, other)) == []
    assert elsewhere.starts_at == EPOCH
