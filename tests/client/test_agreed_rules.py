"""The rules page of a company with an agreement: its terms, marked; nobody else sees a word of them."""

import pytest
from django.utils import timezone

from tests.client.conftest import SignIn
from tests.client.pages import words_of
from tests.factories.world import (
    a_draft_agreement,
    a_member,
    a_program,
    a_purchase,
    a_rule_set,
    an_admin,
    an_agreement,
    an_employee,
    record,
)

pytestmark = pytest.mark.django_db

AGREED = "Purchase: 42 points to the company, by your agreement."


def test_agreed_terms_are_shown_to_whom_they_are_for_alone(sign_in: SignIn) -> None:
    program = a_program()
    a_rule_set(program, [{"code": "spend"}, {"code": "other", "name": "Untouched"}])
    member, stranger = a_member(program), a_member(program)
    an_agreement(member, rates={"spend": {"kind": "fixed", "points": 42}})

    own = words_of(sign_in(an_employee(member.company)).get("/rules/"))
    others = words_of(sign_in(an_employee(stranger.company)).get("/rules/"))

    assert AGREED in own
    assert own.count("Your agreement") == 1
    assert "Terms agreed with your company hold since" in own
    assert "Purchase: 1 point for each full 1 GBP of amount to the company." in others
    assert "greement" not in others


def test_draft_is_shown_to_nobody(sign_in: SignIn) -> None:
    program = a_program()
    a_rule_set(program, [{"code": "spend"}])
    member = a_member(program)
    a_draft_agreement(member, rates={"spend": {"kind": "fixed", "points": 42}})

    assert "greement" not in words_of(sign_in(an_employee(member.company)).get("/rules/"))


def test_ways_to_points_reckon_with_the_agreement(sign_in: SignIn) -> None:
    program = a_program()
    a_rule_set(program, [{"code": "spend"}])
    member = a_member(program)
    an_agreement(member, rates={"spend": {"kind": "fixed", "points": 42}})

    assert "42 points" in words_of(sign_in(an_employee(member.company, access="ADMIN")).get("/earn/"))


def test_what_is_left_of_agreed_limits_is_counted(sign_in: SignIn) -> None:
    program = a_program()
    a_rule_set(program, [{"code": "spend"}, {"code": "other"}])
    member = a_member(program)
    kind = {"subject": "COMPANY", "period": "MONTH"}
    limits = [
        {"scope": "ALL", "limit": 500, **kind},
        {"scope": "RULES", "rule_codes": ["spend", "other"], "shared_as": "both", "name": "Both", "limit": 300, **kind},
        {"scope": "RULE", "rule_code": "spend", "limit": 9, "counts": "TIMES", **kind},
    ]
    an_agreement(member, limits=limits)
    record(a_purchase(member.company, 100, occurred_at=timezone.now()), now=timezone.now())

    words = words_of(sign_in(an_employee(member.company, access="ADMIN")).get("/earn/"))

    assert "At most 500 points a month per company from all rules together · 300 points left" in words
    assert "At most 300 points a month per company from all rules for “Both” together · 100 points left" in words
    assert "At most 9 times a month per company · 8 times left" in words


def test_consent_page_reads_the_rules_as_they_were_agreed(sign_in: SignIn) -> None:
    program = a_program()
    a_rule_set(program, [{"code": "spend"}])
    member, stranger = a_member(program), a_member(program)
    an_agreement(member, rates={"spend": {"kind": "fixed", "points": 42}})

    own = words_of(sign_in(an_admin(member.company)).get("/company/consent/"))
    others = words_of(sign_in(an_admin(stranger.company)).get("/company/consent/"))

    assert AGREED in own
    assert "Terms agreed with your company hold since" in own
    assert "greement" not in others
