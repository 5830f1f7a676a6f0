"""The page of a badge: what it is for, which rules give it, who of the own company holds it and what brought it."""

from typing import Any

import pytest

from accounts.messages import address_of
from accounts.models import Message
from loyalty.models import Badge
from tests.client.conftest import SignIn
from tests.client.pages import words_of
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

BADGE = {"kind": "badge", "badge": "trained"}


def test_reader_sees_what_it_is_for_who_holds_it_and_why_within_the_own_sight(sign_in: SignIn) -> None:
    program = a_program()
    badge = Badge.objects.create(program=program, code="trained", name="Trained", description="For a course")
    other = Badge.objects.create(program=program, code="other", name="Other")
    rules: list[dict[str, Any]] = [
        {"code": "mine", "name": "Courses", "formula": BADGE, "beneficiary": "EMPLOYEE", "caps": [
            {"subject": "EMPLOYEE", "period": "YEAR", "limit": 1, "counts": "TIMES"}]},
        {"code": "ours", "name": "Big ones", "formula": BADGE,
         "condition": {"fact": "activity.amount", "op": "gte", "value": 50}},
        {"code": "plain", "name": "Plain"},
    ]  # fmt: skip
    a_rule_set(program, rules)
    firm, rival = a_member(program), a_member(program)
    for member in (firm, rival):
        consent_to(member)
    admin = an_admin(firm.company)
    mia, tom = an_employee(firm.company, name="Mia"), an_employee(firm.company, name="Tomasz")
    stranger = an_employee(rival.company, name="Stranger")
    for number, person in enumerate((mia, tom, stranger), start=1):
        record(a_purchase(person.company, 10, employee_id=person.pk, external_id=f"C-{number}"))
    record(a_purchase(firm.company, 60, external_id="C-9"))
    page = f"/badges/{badge.pk}/"

    of_mia, of_admin = words_of(sign_in(mia).get(page)), words_of(sign_in(admin).get(page))
    of_stranger = words_of(sign_in(stranger).get(page))

    assert "Trained" in of_mia
    assert "For a course" in of_mia
    assert "Purchase: the badge “Trained” to the employee" in of_mia
    assert "Once a year per person" in of_mia
    assert "Plain" not in of_mia
    assert "You For Purchase , by the rule Courses · See what brought it" in of_mia
    assert "Your company For Purchase , by the rule Big ones" in of_mia
    assert tom.name not in of_mia
    assert f"{tom.name} For Purchase , by the rule Courses · See what brought it" in of_admin
    assert mia.name in of_admin
    assert stranger.name not in of_admin
    assert "You For Purchase" in of_stranger
    for name in (mia.name, tom.name, firm.company.name, "by the rule Big ones"):
        assert name not in of_stranger
    assert "Applies: the badge “Trained”." in words_of(sign_in(mia).get("/points/why/?number=C-1"))
    assert "Nobody in your company holds it yet." in words_of(sign_in(admin).get(f"/badges/{other.pk}/"))
    assert "No rule gives it at the moment." in words_of(sign_in(mia).get(f"/badges/{other.pk}/"))


def test_badge_of_a_program_without_the_company_is_not_there(sign_in: SignIn) -> None:
    badge = Badge.objects.create(program=a_program(), code="trained", name="Trained")
    a_member(badge.program)
    somebody = an_employee(a_member(a_program()).company)

    assert sign_in(somebody).get(f"/badges/{badge.pk}/").status_code == 404
    assert sign_in(an_employee(a_company())).get(f"/badges/{badge.pk}/").status_code == 404


def test_message_leads_to_the_badge_and_not_to_another_s(sign_in: SignIn) -> None:
    program = a_program()
    badge = Badge.objects.create(program=program, code="trained", name="Trained")
    a_rule_set(program, [{"formula": BADGE, "beneficiary": "EMPLOYEE"}])
    firm = a_member(program)
    consent_to(firm)
    mia, tom = an_employee(firm.company), an_employee(firm.company)
    record(a_purchase(firm.company, 10, employee_id=mia.pk))

    message = Message.objects.get(kind="badge-given")
    led = sign_in(mia).get(address_of(message))

    assert message.employee_id == mia.pk
    assert led.headers["Location"] == f"/badges/{badge.pk}/"
    assert sign_in(tom).get(address_of(message)).status_code == 404
