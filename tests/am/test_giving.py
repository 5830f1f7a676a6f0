"""Benefits at the account manager's desk: who may use what, and what is given and withdrawn by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Draft, Employee, IdempotencyKey, Message
from loyalty.benefits import use
from loyalty.models import Benefit, BenefitGrant, Membership
from tests.am.conftest import Desk
from tests.client.pages import hidden_of, links_of, source_of, words_of
from tests.factories.canaries import as_actor, fingerprint, user_of
from tests.factories.world import (
    EPOCH,
    a_benefit,
    a_matrix,
    a_member,
    a_program,
    a_role,
    an_admin,
    an_employee,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(desk: Desk) -> Membership:
    """The first company, at gold, with a line for the company and a seminar for owners."""
    program = a_program(name="Workshop", code="workshop", tiers={"gold": 0})
    a_matrix(
        program,
        {"tier": "gold", "benefit": a_benefit(program, name="Direct line")},
        {"tier": "gold", "benefit": a_benefit(program, name="Tax seminar"), "role": "owner", "quota": 2},
    )
    return a_member(program, desk.own)


@pytest.fixture
def owner(desk: Desk, member: Membership) -> Employee:
    """Somebody of the company, in the role that opens the seminar."""
    person = an_admin(desk.own, name="Olive Owner")
    a_role(person, "owner")
    return person


def page_of(member: Membership) -> str:
    return f"/am/companies/{member.company_id}/benefits/"


def gift(benefit: Benefit, **fields: Any) -> dict[str, Any]:
    """What the form sends."""
    return {
        "program": "workshop", "employee": "", "benefit": benefit.pk, "quota": "3", "period": "YEAR", "until_on": "",
        "reason": "The machine stood still", "key": uuid4().hex, **fields,
    }  # fmt: skip


def a_grant(member: Membership, desk: Desk, **fields: Any) -> BenefitGrant:
    """Something that was given by hand."""
    return BenefitGrant.objects.create(
        **{
            "membership": member, "benefit": a_benefit(member.program, name="Spare part kit"), "starts_at": EPOCH,
            "granted_by": desk.account_manager, "granted_at": EPOCH, "reason": "Was kept waiting", **fields,
        }
    )  # fmt: skip


def section(words: str, title: str, until: str) -> str:
    return words.split(title)[1].split(until)[0]


def test_company_page_shows_what_the_company_may_use_and_leads_to_the_rest(desk: Desk, member: Membership) -> None:
    page = desk.browser.get(f"/am/companies/{desk.own.pk}/")

    assert "Benefits of the company By person, used, given Direct line as often as wanted" in words_of(page)
    assert "Tax seminar" not in words_of(page)
    assert f"{page_of(member)}?program=workshop" in links_of(page, ".*")


def test_page_shows_the_company_s_benefits_also_where_nobody_works_there(desk: Desk, member: Membership) -> None:
    words = words_of(desk.browser.get(page_of(member)))

    of_company = section(words, "The company as a whole", "Used lately")
    assert "Direct line Your company is Gold as often as wanted As of" in of_company
    assert "Nobody is known here yet." in words
    assert "Tax seminar" not in of_company


def test_page_shows_what_a_chosen_person_may_use_with_why_and_what_is_left(
    desk: Desk, member: Membership, owner: Employee
) -> None:
    seminar = Benefit.objects.get(name="Tax seminar")
    use(actor=as_actor(user_of(owner)), benefit_id=seminar.pk, key="k", now=timezone.now())

    words = words_of(desk.browser.get(f"{page_of(member)}?person={owner.pk}"))

    assert "Tax seminar As Owner at Gold 1 of 2 left this year" in section(words, "may use", "The company as a whole")
    assert "Direct line" in section(words, "The company as a whole", "Used lately")
    assert "Tax seminar Olive Owner" in section(words, "Used lately", "Given by hand")


def test_person_of_another_company_is_nobody_here(desk: Desk, member: Membership, owner: Employee) -> None:
    stranger = an_employee(desk.foreign, name="A stranger")

    pages = [words_of(desk.browser.get(f"{page_of(member)}?person={pk}")) for pk in (stranger.pk, 987654321, "x", "\0")]

    assert all("By person" in page and "A stranger" not in page for page in pages)


@pytest.mark.parametrize("whose", ["the company", "a person"])
def test_benefit_is_given_with_a_reason_and_stands_in_force(
    desk: Desk, member: Membership, owner: Employee, whose: str
) -> None:
    benefit = a_benefit(member.program, name="Spare part kit")
    employee = owner if whose == "a person" else None
    last_day = timezone.localdate() + timedelta(days=30)

    given = desk.browser.post(
        page_of(member),
        gift(benefit, employee=employee.pk if employee else "", until_on=last_day.isoformat()),
        follow=True,
    )

    row = BenefitGrant.objects.get()
    person = f"&person={owner.pk}" if employee else ""
    assert given.redirect_chain == [(f"{page_of(member)}?program=workshop{person}#given", 302)]
    assert (row.membership, row.employee, row.benefit, row.quota, row.period) == (member, employee, benefit, 3, "YEAR")
    assert (row.granted_by, row.reason) == (desk.account_manager, "The machine stood still")
    assert row.ends_at is not None
    assert row.ends_at.astimezone(member.program.zone).replace(tzinfo=None) == datetime.combine(
        last_day + timedelta(days=1), datetime.min.time()
    )
    assert "The benefit is given." in words_of(given)
    shown = section(words_of(given), "Given by hand", "Give a benefit")
    assert ("Olive Owner" if employee else "The company as a whole") + " · 3 a year" in shown
    assert "Given by Sam: The machine stood still" in words_of(given)
    entry = AuditEntry.objects.get(action="benefit-given")
    assert (entry.actor, entry.company) == (desk.account_manager, desk.own)
    assert Message.objects.filter(employee=owner, subject_id=row.pk).count() == 1


@pytest.mark.parametrize(
    "wrong",
    [{"benefit": ""}, {"benefit": "987654321"}, {"reason": ""}, {"reason": "a\u202eb"}, {"reason": " "},
     {"quota": "0"}, {"quota": "x"}, {"quota": "9" * 30}, {"period": "FORTNIGHT"}, {"until_on": "2020-01-01"},
     {"until_on": "9999-12-31"}, {"until_on": "soon"}, {"employee": "987654321"}, {"employee": "\0"}, {"key": ""}],
)  # fmt: skip
def test_invalid_gift_keeps_what_was_typed_and_gives_nothing(
    desk: Desk, member: Membership, owner: Employee, wrong: dict[str, str]
) -> None:
    benefit = a_benefit(member.program, name="Spare part kit")
    before = fingerprint()

    refused = desk.browser.post(page_of(member), {**gift(benefit, employee=owner.pk), **wrong})

    page = source_of(refused)
    assert (refused.status_code, fingerprint()) == (422, before)
    assert "Please correct this first" in words_of(refused)
    if "reason" not in wrong:
        assert 'value="The machine stood still"' in page
    if "benefit" not in wrong:
        assert f'<option value="{benefit.pk}" selected>' in page
    if "employee" not in wrong:
        assert f'<option value="{owner.pk}" selected>' in page.split('id="give"')[1]


def test_benefit_of_another_program_and_people_of_another_company_cannot_be_chosen(
    desk: Desk, member: Membership
) -> None:
    other = a_benefit(a_program(), name="Elsewhere")
    stranger = an_employee(desk.foreign)
    left = an_employee(desk.own, is_active=False)
    retired = a_benefit(member.program, is_active=False)
    own = a_benefit(member.program)
    before = fingerprint()

    statuses = [
        desk.browser.post(page_of(member), gift(benefit, employee=pk)).status_code
        for benefit, pk in ((other, ""), (retired, ""), (own, stranger.pk), (own, left.pk))
    ]

    assert (statuses, fingerprint()) == ([422] * 4, before)


def test_double_click_gives_once_and_other_terms_under_its_key_are_asked_about(desk: Desk, member: Membership) -> None:
    sent = gift(a_benefit(member.program))

    answers = [desk.browser.post(page_of(member), sent) for _click in range(2)]
    before = fingerprint()
    changed = desk.browser.post(page_of(member), {**sent, "quota": "5"})

    assert [(answer.status_code, answer["Location"]) for answer in answers] == [
        (302, f"{page_of(member)}?program=workshop#given")
    ] * 2
    assert (changed.status_code, fingerprint()) == (409, before)
    assert "A benefit was given from this form before, on other terms." in words_of(changed)
    assert 'name="quota" value="5"' in source_of(changed)
    again = {**sent, "quota": "5", "key": hidden_of(changed)["key"]}
    assert desk.browser.post(page_of(member), again).status_code == 302
    assert list(BenefitGrant.objects.order_by("pk").values_list("quota", flat=True)) == [3, 5]


def test_refused_gift_leaves_its_key_free(desk: Desk, member: Membership) -> None:
    desk.browser.post(page_of(member), gift(a_benefit(member.program), reason=""))

    assert not IdempotencyKey.objects.exists()


def test_what_was_typed_is_there_after_the_session_ended(desk: Desk, member: Membership) -> None:
    benefit = a_benefit(member.program)
    token = hidden_of(desk.browser.get(page_of(member)))["draft"]
    desk.browser.logout()

    desk.browser.post(page_of(member), gift(benefit, draft=token))
    desk.browser.force_login(desk.account_manager)
    page = source_of(desk.browser.get(page_of(member)))

    assert Draft.objects.count() == 1
    assert 'value="The machine stood still"' in page
    assert f'<option value="{benefit.pk}" selected>' in page
    assert not BenefitGrant.objects.exists()


def test_given_benefit_is_withdrawn_with_a_reason(desk: Desk, member: Membership, owner: Employee) -> None:
    row = a_grant(member, desk, employee=owner)
    shown = words_of(desk.browser.get(f"/am/grants/{row.pk}/"))

    withdrawn = desk.browser.post(f"/am/grants/{row.pk}/", {"reason": "Given in error"}, follow=True)

    row.refresh_from_db()
    assert "For whom Olive Owner How often as often as wanted Used 0" in shown
    assert "Why Was kept waiting" in shown
    assert withdrawn.redirect_chain == [(f"{page_of(member)}?program=workshop&person={owner.pk}#given", 302)]
    assert "The benefit is withdrawn." in words_of(withdrawn)
    assert "Nothing given by hand is in force." in words_of(withdrawn)
    assert row.ends_at is not None
    assert row.ends_at <= timezone.now()
    entry = AuditEntry.objects.get(action="benefit-withdrawn")
    assert (entry.actor, entry.subject_id) == (desk.account_manager, row.pk)


def test_withdrawal_without_a_reason_or_of_what_has_ended_changes_nothing(desk: Desk, member: Membership) -> None:
    row, ended = a_grant(member, desk), a_grant(member, desk, ends_at=datetime(2026, 1, 1, tzinfo=UTC))
    before = fingerprint()

    unreasoned = desk.browser.post(f"/am/grants/{row.pk}/", {"reason": " "})
    late = desk.browser.post(f"/am/grants/{ended.pk}/", {"reason": "Given in error"})

    assert (unreasoned.status_code, late.status_code, fingerprint()) == (422, 409, before)
    assert "It has ended already" in words_of(late)
    assert "Withdraw it" not in words_of(late)


def test_benefits_of_another_portfolio_are_like_missing_ones(desk: Desk, member: Membership) -> None:
    row = a_grant(member, desk)
    sent = gift(a_benefit(member.program))
    before = fingerprint()

    answers = [
        (answer.status_code, source_of(answer))
        for address in (
            page_of(member), "/am/companies/987654321/benefits/", f"/am/grants/{row.pk}/", "/am/grants/987654321/"
        )
        for answer in (desk.colleagues_browser.get(address), desk.colleagues_browser.post(address, sent))
    ]  # fmt: skip

    assert answers[0][0] == 404
    assert answers == [answers[0]] * 8
    assert fingerprint() == before


def test_company_without_a_program_can_be_given_nothing(desk: Desk) -> None:
    benefit = a_benefit(a_program())
    address = f"/am/companies/{desk.own.pk}/benefits/"
    before = fingerprint()

    shown, refused = desk.browser.get(address), desk.browser.post(address, gift(benefit))

    assert "This company takes part in no program." in words_of(shown)
    assert (shown.status_code, refused.status_code, fingerprint()) == (200, 409, before)


def test_benefits_desk_is_for_account_managers_only(desk: Desk, member: Membership, owner: Employee) -> None:
    row = a_grant(member, desk)
    desk.browser.force_login(user_of(owner))

    statuses = [
        desk.browser.post(address, {"reason": "x"}).status_code
        for address in (page_of(member), f"/am/grants/{row.pk}/")
    ]

    assert statuses == [403, 403]
