"""A client asks what something would bring: the very rules answer, each in the reader's own sight (law T1)."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.api.throttling import count_in_minute
from accounts.models import Employee
from loyalty.asking import MOST_A_MINUTE
from loyalty.models import Activity, ActivityAttribute, ActivityType, CapUsage, Evaluation, Membership
from tests.client.conftest import SignIn
from tests.client.pages import links_of, source_of, words_of
from tests.factories.world import (
    a_member,
    a_program,
    a_promotion,
    a_purchase,
    a_role,
    a_rule_set,
    an_account_manager,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

PAGE = "/earn/what-if/"
ASKED = {"type": "purchase", "ask": "1", "amount": "300"}
EACH = {"kind": "percent", "percent": "10", "of": "activity.amount"}


@pytest.fixture
def membership(db: None) -> Membership:
    """What is bought brings points to the company, to whoever bought it, and to all buyers."""
    program = a_program(name="Workshop", tiers={"basic": 0})
    a_rule_set(
        program,
        [
            {"code": "spend", "name": "Spend", "beneficiary": "BOTH", "caps": [("COMPANY", "MONTH", 10_000)]},
            {"code": "alone", "name": "Company alone", "formula": {"kind": "fixed", "points": 7}},
            {"code": "buyers", "name": "All buyers", "beneficiary": "ROLE", "role": "buyer", "formula": EACH},
            {
                "code": "large",
                "name": "Large",
                "beneficiary": "EMPLOYEE",
                "condition": {"fact": "activity.amount", "op": "gte", "value": 500},
            },
        ],
    )
    membership = a_member(program)
    consent_to(membership)
    return membership


def ask(sign_in: SignIn, person: Employee, **fields: Any) -> Any:
    asked = {**ASKED, "day": timezone.localdate().isoformat(), **fields}
    return sign_in(person).get(PAGE, asked)


def brought(answer: Any) -> tuple[int, int, list[tuple[str, int]]]:
    found = answer.context["asked"].found
    return found.person_points, found.company_points, [(row.rule_name, row.points) for row in found.verdicts]


def test_each_reads_what_goes_to_wallets_in_sight(membership: Membership, sign_in: SignIn) -> None:
    mia, ben = an_employee(membership.company, name="Mia"), an_employee(membership.company, name="Ben")
    decider = an_employee(membership.company, buying_role="DECIDES")
    ada = an_admin(membership.company, name="Ada")
    for buyer in (mia, ben):
        a_role(buyer, "buyer")
    before = [model._default_manager.count() for model in (Activity, CapUsage, Evaluation)]

    member, admin = ask(sign_in, mia), ask(sign_in, ada, by=str(ben.pk))

    assert brought(member) == (330, 0, [("Spend", 300), ("All buyers", 30), ("Large", 0)])
    words = words_of(member)
    assert "amount is at least 500 GBP, but was 300 GBP" in words
    assert "Your company" not in words
    assert "Ben" not in source_of(member)
    assert brought(admin)[:2] == (330, 307)
    assert "Ben" in words_of(admin)
    assert brought(ask(sign_in, decider, by=""))[:2] == (0, 307)
    assert ask(sign_in, decider, by=str(mia.pk)).status_code == 422
    assert brought(ask(sign_in, mia, by=str(ben.pk))) == brought(member)  # nobody asks as somebody else
    assert [model._default_manager.count() for model in (Activity, CapUsage, Evaluation)] == before


def test_promotion_of_a_colleague_is_not_told(membership: Membership, sign_in: SignIn) -> None:
    mia, ada = an_employee(membership.company, name="Mia"), an_admin(membership.company)
    today = timezone.localdate()
    for person in (mia, an_employee(membership.company, name="Zoe")):
        a_promotion(
            membership, employee=person, factor="3", starts_on=today, ends_on=today + timedelta(days=3),
            now=timezone.now(),
        )  # fmt: skip

    own, unnamed = ask(sign_in, mia), ask(sign_in, an_employee(membership.company))

    assert brought(own)[0] == 900
    assert "you get 3 times the points" in words_of(own)
    assert brought(unnamed)[0] == 300
    assert "times the points" not in words_of(unnamed)
    assert "Mia gets 3 times the points" in words_of(ask(sign_in, ada, by=str(mia.pk)))


def test_form_asks_what_the_rules_of_its_kind_ask(membership: Membership, sign_in: SignIn) -> None:
    training = ActivityType.objects.create(code="training", name="Training")
    for code, kind in (("module", "TEXT"), ("online", "BOOLEAN"), ("hours", "NUMBER"), ("held", "DATE")):
        ActivityAttribute.objects.create(
            activity_type=training, code=code, name=code, type=kind, is_required=code == "module"
        )
    by_hours = {"kind": "per", "points": 10, "step": "1", "of": "attribute.hours"}
    program = a_program(name="Courses")
    a_rule_set(
        program,
        [
            {"activity_type": training, "beneficiary": "EMPLOYEE", "formula": by_hours,
             "condition": {"fact": "attribute.online", "op": "eq", "value": True}},
            {"code": "buys", "beneficiary": "EMPLOYEE"},
        ],
    )  # fmt: skip
    consent_to(a_member(program, membership.company))
    mia = sign_in(an_employee(membership.company))
    asked = {"program": program.code, "type": "training", "ask": "1", "day": "2026-11-01"}

    first, form = mia.get(PAGE, {"program": program.code}), mia.get(PAGE, {"program": program.code, "type": "training"})
    kinds = links_of(first, rf"\?program={program.code}&type=\w+")
    told = mia.get(PAGE, {**asked, "a-module": "safety", "a-online": "yes", "a-hours": "3", "a-held": "2026-11-01"})
    wrong = mia.get(PAGE, {**asked, "a-hours": "many", "day": "2031-01-01"})

    assert [kind.rpartition("=")[2] for kind in kinds] == ["purchase", "training"]
    assert list(form.context["asked"].form.fields) == ["day", "a-module", "a-online", "a-hours", "a-held"]
    assert told.context["asked"].found.person_points == 30
    assert wrong.status_code == 422
    assert set(wrong.context["asked"].form.errors) == {"day", "a-module", "a-hours"}
    assert f"{PAGE}?program={program.code}" in source_of(mia.get("/earn/", {"program": program.code}))


def test_question_is_refused_where_it_makes_no_sense_or_comes_too_often(
    membership: Membership, sign_in: SignIn
) -> None:
    mia = an_employee(membership.company)
    assert ask(sign_in, mia, amount="-1").status_code == 422
    early = ask(sign_in, mia, day="2001-01-01")
    assert early.status_code == 422
    assert "The company is no member of the program on that day." in words_of(early)
    minute = int(time.time()) // 60
    for _time in range(MOST_A_MINUTE):
        for each in (minute, minute + 1):
            count_in_minute(f"what-if:{mia.user_id}", each)

    assert ask(sign_in, mia).status_code == 429
    assert "You asked very often. Wait a minute" in words_of(ask(sign_in, mia))
    assert ask(sign_in, an_employee(membership.company)).status_code == 200


def test_account_manager_asks_for_an_own_company(membership: Membership, sign_in: SignIn) -> None:
    mia = an_employee(membership.company, name="Mia")
    keeper = sign_in(an_account_manager(membership.company))
    page = f"/am/companies/{membership.company_id}/what-if/"

    answer = keeper.get(page, {**ASKED, "day": timezone.localdate().isoformat(), "by": str(mia.pk)})

    assert page in source_of(keeper.get(f"/am/companies/{membership.company_id}/"))
    assert brought(answer) == (300, 307, [("Spend", 600), ("Company alone", 7), ("All buyers", 0), ("Large", 0)])
    other = a_member(membership.program)
    assert keeper.get(f"/am/companies/{other.company_id}/what-if/").status_code == 404


def test_what_brought_nothing_says_why_by_its_number(membership: Membership, sign_in: SignIn) -> None:
    mia, ben = an_employee(membership.company), an_employee(membership.company)
    stranger = a_member(membership.program)
    now = timezone.now()
    record(
        a_purchase(membership.company, "0.50", external_id="INV-1", employee_id=mia.pk, occurred_at=now),
        a_purchase(membership.company, 50, external_id="INV-2", employee_id=mia.pk, occurred_at=now),
        a_purchase(stranger.company, 50, external_id="INV-3", occurred_at=now),
        now=now,
    )

    nothing, something = (sign_in(mia).get("/points/why/", {"number": number}) for number in ("INV-1", "INV-2"))

    [judged] = nothing.context["found"]
    assert (judged.points, judged.transaction_id) == (0, None)
    assert [row.rule_name for row in judged.verdicts] == ["Spend", "All buyers", "Large"]
    assert "amount is at least 500 GBP, but was 0.50 GBP" in words_of(nothing)
    assert [row.points for row in something.context["found"]] == [50]
    assert links_of(something, r"/points/\d+/")
    for person, number in ((ben, "INV-1"), (mia, "INV-3"), (mia, "INV-9")):
        answer = sign_in(person).get("/points/why/", {"number": number})
        assert "Nothing of this number" in words_of(answer)
    keeper = sign_in(an_account_manager(membership.company))
    [seen] = keeper.get("/points/why/", {"number": "INV-1"}).context["found"]
    assert seen.points == 7  # the company's own rule gives whatever the amount
    assert not keeper.get("/points/why/", {"number": "INV-3"}).context["found"]
    assert "/points/why/" in source_of(sign_in(mia).get("/points/"))
    act_id = something.context["found"][0].transaction_id
    page = f"/points/{act_id}/"
    assert f"T-{act_id}" in words_of(sign_in(mia).get(page))
    assert sign_in(mia).get("/points/why/", {"number": f" t-{act_id} "}).headers["Location"] == page
    elsewhere = sign_in(an_account_manager(stranger.company))
    assert "Nothing of this number" in words_of(elsewhere.get("/points/why/", {"number": f"T-{act_id}"}))
