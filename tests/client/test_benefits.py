"""Benefits and the tier as a client reads them: what is mine, why, how much is left, and what comes next."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AccountManagerAssignment, Employee
from loyalty.models import Badge, Benefit, BenefitGrant, BenefitUse, MetricBucket, TierAssignment
from loyalty.standing import month_start
from tests.client.conftest import Firm, SignIn
from tests.client.pages import hidden_of, links_of, source_of, words_of
from tests.factories.canaries import fingerprint
from tests.factories.world import (
    EPOCH,
    NOW,
    a_benefit,
    a_company,
    a_manager,
    a_matrix,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    a_user,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


def given(firm: Firm, *cells: dict[str, Any]) -> None:
    """Benefits of the basic tier."""
    a_matrix(firm.program, *({"tier": "basic", **cell} for cell in cells))


def a_seminar(firm: Firm, **fields: Any) -> Benefit:
    return a_benefit(firm.program, Benefit.Kind.SERVICE, **{"name": "Tax seminar", "lead_days": 10, **fields})


def looked_after(firm: Firm, name: str = "Samuel Adeyemi") -> None:
    AccountManagerAssignment.objects.create(company=firm.membership.company, user=a_user(name=name), starts_at=EPOCH)


def test_benefits_stand_in_groups_with_why_and_what_is_left(firm: Firm, sign_in: SignIn) -> None:
    a_role(firm.member, "accountant")
    line = a_benefit(firm.program, name="Direct line")
    seminar = a_seminar(firm)
    given(firm, {"benefit": seminar, "role": "accountant", "quota": 4}, {"benefit": line, "quota": 2})

    page = sign_in(firm.member).get("/benefits/")

    words = words_of(page)
    assert "Yours Tax seminar As Accountant at Basic 4 of 4 left this year Use : Tax seminar" in words
    assert "Your company's Direct line Your company is Basic 2 of 2 left this year" in words
    assert "It is your company's: ask your company's admin to use it." in words
    assert set(links_of(page, r"/benefits/\d+/.*")) == {
        f"/benefits/{seminar.pk}/",
        f"/benefits/{line.pk}/?for=company",
    }


def test_next_tier_adds_to_what_there_is(firm: Firm, sign_in: SignIn) -> None:
    line = a_benefit(firm.program, name="Direct line")
    a_matrix(firm.program, {"tier": "gold", "benefit": line, "quota": 3})

    words = words_of(sign_in(firm.admin).get("/benefits/"))

    assert "No benefits yet They begin at Gold : see below what it adds." in words
    assert "What Gold adds 5,000 GBP more to reach Gold . Direct line for your company 3 a year" in words


def test_nothing_at_all_is_said_calmly(firm: Firm, sign_in: SignIn) -> None:
    words = words_of(sign_in(firm.member).get("/benefits/"))

    assert (
        "No benefits yet Benefits appear here as soon as your company's tier, or your role in it, opens some." in words
    )


def test_service_is_used_with_a_wish_and_its_promise_is_shown(firm: Firm, sign_in: SignIn) -> None:
    a_role(firm.member, "accountant")
    looked_after(firm)
    seminar = a_seminar(firm, value=450, how_to_use="Say who comes.")
    given(firm, {"benefit": seminar, "role": "accountant", "quota": 2})
    client = sign_in(firm.member)
    url = f"/benefits/{seminar.pk}/"
    shown = client.get(url)
    assert "Samuel Adeyemi arranges it by" in words_of(shown)
    assert "Worth 450 GBP" in words_of(shown)

    used = client.post(url, {**hidden_of(shown), "wish": "On <VAT>, please"}, follow=True)

    made = BenefitUse.objects.get()
    assert used.redirect_chain == [(url, 302)]
    assert (made.employee, made.wish, made.is_for_company) == (firm.member, "On <VAT>, please", False)
    words = words_of(used)
    assert "It is yours: what comes next stands below." in words
    assert "Samuel Adeyemi will arrange it by" in words
    assert "Your wish: On <VAT>, please" in words
    assert "1 of 2 left this year" in words
    assert "promised by" in words_of(client.get("/benefits/"))


@pytest.mark.parametrize(
    ("kind", "secret"),
    [("INFORMATION", "https://example.com/read"), ("CONTACT", "+44 20 7946 0018"), ("OFFER", "FAIR-2026")],
)
def test_what_a_benefit_opens_is_seen_on_using_it(firm: Firm, sign_in: SignIn, kind: str, secret: str) -> None:
    benefit = a_benefit(firm.program, kind)
    given(firm, {"benefit": benefit, "quota": 1})
    client = sign_in(firm.admin)
    url = f"/benefits/{benefit.pk}/?for=company"
    shown = client.get(url)
    assert secret not in source_of(shown)

    used = client.post(url, hidden_of(shown), follow=True)

    assert secret in words_of(used)
    assert "You used it on" in words_of(used)
    assert "It is used up. It starts again on" in words_of(used)
    assert secret not in source_of(sign_in(firm.member).get(url))


def test_double_click_makes_one_use(firm: Firm, sign_in: SignIn) -> None:
    a_role(firm.member, "accountant")
    seminar = a_seminar(firm)
    given(firm, {"benefit": seminar, "role": "accountant", "quota": 2})
    client = sign_in(firm.member)
    fields = {**hidden_of(client.get(f"/benefits/{seminar.pk}/")), "wish": ""}

    answers = [client.post(f"/benefits/{seminar.pk}/", fields) for _number in range(2)]
    other = client.post(f"/benefits/{seminar.pk}/", {**fields, "wish": "Another day"})

    assert [answer.status_code for answer in answers] == [302, 302]
    assert BenefitUse.objects.count() == 1
    assert other.status_code == 409
    assert "This page was used for another request." in words_of(other)


def test_used_up_says_when_it_starts_again(firm: Firm, sign_in: SignIn) -> None:
    seminar = a_seminar(firm)
    given(firm, {"benefit": seminar, "quota": 1, "period": "MONTH"})
    first, second = sign_in(firm.admin), sign_in(an_admin(firm.membership.company))
    url = f"/benefits/{seminar.pk}/"
    late = hidden_of(second.get(url))
    first.post(url, hidden_of(first.get(url)))
    before = fingerprint()

    refused = second.post(url, late)

    assert refused.status_code == 409
    assert "It is used up. It starts again on" in words_of(refused)
    assert fingerprint() == before


@pytest.mark.parametrize("sent", [{}, {"key": ""}, {"key": "k" * 65}, {"key": "k", "wish": "w" * 201}, {"key": "\0"}])
def test_bad_input_changes_nothing(firm: Firm, sign_in: SignIn, sent: dict[str, str]) -> None:
    a_role(firm.member, "accountant")
    seminar = a_seminar(firm)
    given(firm, {"benefit": seminar, "role": "accountant"})
    client = sign_in(firm.member)
    before = fingerprint()

    refused = client.post(f"/benefits/{seminar.pk}/", sent)

    assert refused.status_code == 422
    assert fingerprint() == before
    if "wish" in sent:
        assert f'value="{sent["wish"]}"' in source_of(refused)


def test_what_is_not_mine_is_not_there(firm: Firm, sign_in: SignIn) -> None:
    a_role(firm.admin, "accountant")
    mine_not = a_seminar(firm)
    given(firm, {"benefit": mine_not, "role": "accountant"})
    foreign = a_benefit(a_member(a_program(tiers={"basic": 0})).program)
    client = sign_in(firm.member)
    for_colleague = BenefitGrant.objects.create(
        membership=firm.membership, employee=firm.admin, benefit=mine_not, starts_at=EPOCH, granted_at=timezone.now(),
        granted_by=a_manager(), reason="Late",
    )  # fmt: skip
    before = fingerprint()

    addresses = [
        f"/benefits/{mine_not.pk}/",
        f"/benefits/{mine_not.pk}/?grant={for_colleague.pk}",
        f"/benefits/{mine_not.pk}/?for=company",
        f"/benefits/{foreign.pk}/",
        "/benefits/987654321/",
    ]
    answers = [client.get(address).status_code for address in addresses]
    posted = [client.post(address, {"key": "k"}).status_code for address in addresses]

    assert answers == posted == [404] * 5
    assert fingerprint() == before


def test_benefit_given_by_hand_has_an_address_of_its_own(firm: Firm, sign_in: SignIn) -> None:
    seminar = a_seminar(firm)
    row = BenefitGrant.objects.create(
        membership=firm.membership, employee=firm.member, benefit=seminar, quota=1, starts_at=EPOCH,
        ends_at=timezone.now() + timedelta(days=40), granted_by=a_manager(name="Helena Vogt"),
        granted_at=timezone.now(), reason="The delivery came late",
    )  # fmt: skip
    client = sign_in(firm.member)

    [address, _again] = links_of(client.get("/benefits/"), r"/benefits/\d+/.*")
    shown = client.get(address)
    client.post(address, hidden_of(shown))

    assert address == f"/benefits/{seminar.pk}/?grant={row.pk}"
    assert "Given by Helena Vogt: The delivery came late" in words_of(shown)
    assert BenefitUse.objects.get().grant == row


def test_used_benefit_stays_readable_when_the_right_is_gone(firm: Firm, sign_in: SignIn) -> None:
    offer = a_benefit(firm.program, Benefit.Kind.OFFER)
    given(firm, {"benefit": offer})
    client = sign_in(firm.admin)
    url = f"/benefits/{offer.pk}/"
    client.post(url, hidden_of(client.get(url)))
    TierAssignment.objects.update(ends_at=timezone.now())

    words = words_of(client.get(url))

    assert "You have used it; it is no longer open to you." in words
    assert "FAIR-2026" in words
    assert client.post(url, {"key": "again"}).status_code == 409
    assert BenefitUse.objects.count() == 1


def test_colleagues_uses_are_seen_by_the_admin_alone(firm: Firm, sign_in: SignIn) -> None:
    a_role(firm.member, "accountant")
    seminar = a_seminar(firm)
    given(firm, {"benefit": seminar, "role": "accountant"})
    member = sign_in(firm.member)
    member.post(f"/benefits/{seminar.pk}/", {"key": "k", "wish": "Quietly"})
    decider = an_employee(firm.membership.company, buying_role=Employee.BuyingRole.DECIDES)

    assert "For a colleague · Quietly" in words_of(sign_in(firm.admin).get("/benefits/"))
    assert "Quietly" not in words_of(sign_in(decider).get("/benefits/"))


def counted(firm: Firm, months_ago: int, value: int) -> None:
    """What was counted so many months ago."""
    today = timezone.localdate()
    month = today.year * 12 + today.month - 1 - months_ago
    MetricBucket.objects.create(
        membership=firm.membership,
        metric="spend",
        month=month_start(month),
        value=value,
    )


def hold_gold(firm: Firm, **fields: Any) -> None:
    now = timezone.now()
    TierAssignment.objects.update(ends_at=now - timedelta(days=1))
    evidence = {"metric": "spend", "value": "6000", "from": "2025-07-01", "to": "2026-06-01"}
    TierAssignment.objects.create(
        membership=firm.membership, tier=firm.program.tiers.get(code="gold"), starts_at=now - timedelta(days=1),
        **{"evidence": evidence, **fields},
    )  # fmt: skip


def test_tier_says_where_why_and_how_long(firm: Firm, sign_in: SignIn) -> None:
    line = a_benefit(firm.program, name="Direct line")
    a_matrix(
        firm.program, {"tier": "gold", "benefit": line, "quota": 3}, {"tier": "basic", "benefit": line, "quota": 1}
    )
    counted(firm, 11, 4_000)
    counted(firm, 2, 2_000)
    hold_gold(firm)

    page = sign_in(firm.member).get("/tier/")

    words = words_of(page)
    assert "3,000 GBP more by" in words
    assert "keep Gold ." in words
    assert "If nothing more is counted, Basic follows." in words
    assert "Gold from 5,000 GBP You are here Direct line 3 a year, for your company" in words
    assert "Basic from 0 GBP Direct line 1 a year, for your company" in words
    assert "Together 6,000" in words
    assert "6,000 GBP counted from July 2025 to June 2026." in words
    assert "Every company begins here." in words
    assert source_of(page).count('<th class="cell-title" scope="row"><time') == 12


def test_agreed_tier_has_the_end_that_was_agreed(firm: Firm, sign_in: SignIn) -> None:
    hold_gold(firm, source=TierAssignment.Source.NEGOTIATED, evidence={})

    words = words_of(sign_in(firm.member).get("/tier/"))

    assert "It has no end as things stand." in words
    assert "It was agreed with your company." in words


def test_calendar_year_shows_both_years(firm: Firm, sign_in: SignIn) -> None:
    firm.program.tier_window = "CALENDAR_YEAR"
    firm.program.save()
    year = timezone.localdate().year

    words = words_of(sign_in(firm.member).get("/tier/"))

    assert f"{year} (GBP) Month Counted" in words
    assert f"{year - 1} (GBP) Month Counted" in words


@pytest.mark.parametrize("path", ["/benefits/", "/tier/"])
def test_people_outside_any_program_are_told_so(sign_in: SignIn, path: str) -> None:
    page = sign_in(an_employee(a_company())).get(path)

    assert page.status_code == 200
    assert "client/no_program.html" in [template.name for template in page.templates]


def test_badges_of_the_reader_and_the_company_are_shown_and_a_colleagues_are_not(firm: Firm, sign_in: SignIn) -> None:
    for code, name in (("first", "First order"), ("fast", "Fast payer")):
        Badge.objects.create(program=firm.program, code=code, name=name, description=f"For {code}")
    firm.program.rule_sets.update(ends_at=EPOCH + timedelta(days=1))
    badge = {"kind": "badge", "badge": "first"}
    of_company = {"formula": {**badge, "badge": "fast"}}
    a_rule_set(firm.program, [{"formula": badge, "beneficiary": "EMPLOYEE"}, of_company], starts_at=NOW)
    consent_to(firm.membership)

    record(a_purchase(firm.membership.company, 5, employee_id=firm.member.pk))

    mine = words_of(sign_in(firm.member).get("/benefits/"))
    another = words_of(sign_in(firm.admin).get("/benefits/"))
    assert "First order For first Yours" in mine
    assert "Fast payer For fast Your company's" in mine
    assert "Fast payer For fast Your company's" in another
    assert "First order" not in another
