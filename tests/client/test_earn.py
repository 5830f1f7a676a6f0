"""What to do next: rules as ways to points, the least effort first, with what is left and why not."""

from collections.abc import Sequence
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Employee
from loyalty.earning import KINDS, Kind
from tests.client.conftest import SignIn
from tests.client.pages import words_of
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_role,
    a_rule_set,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db


def a_person(rules: Sequence[dict[str, Any]], *, role: str = "accountant", has_consent: bool = True) -> Employee:
    """Somebody in a role, in a company of a program with `rules` and the tiers Basic and Gold."""
    program = a_program(tiers={"basic": 0, "gold": 5_000})
    for code in ("accountant", "buyer"):
        a_role(an_employee(a_company(), login=False), code)
    a_rule_set(program, rules)
    membership = a_member(program)
    if has_consent:
        consent_to(membership)
    person = an_employee(membership.company)
    a_role(person, role)
    return person


def fixed(points: int, **fields: Any) -> dict[str, Any]:
    """A rule that gives the person the same each time."""
    return {"formula": {"kind": "fixed", "points": points}, "beneficiary": "EMPLOYEE", **fields}


def buys(person: Employee, amount: int = 100) -> None:
    now = timezone.now()
    record(a_purchase(person.company, amount, employee_id=person.pk, occurred_at=now), now=now)


def test_least_effort_stands_first_and_within_it_most_points(sign_in: SignIn) -> None:
    person = a_person(
        [
            {"code": "grows", "name": "Grows", "beneficiary": "EMPLOYEE"},
            fixed(5, code="small", name="Small"),
            fixed(50, code="large", name="Large"),
            fixed(10, code="once", name="Only once", caps=[("EMPLOYEE", "EVER", 10)]),
        ]
    )

    words = words_of(sign_in(person).get("/earn/"))

    order = ["Once", "Only once", "The same each time", "Large", "Small", "The more, the more points", "Grows"]
    places = [words.index(word) for word in order]
    assert places == sorted(places)
    assert "Purchase : 50 points to you" in words


def test_what_is_left_of_a_limit_is_counted_for_the_reader(sign_in: SignIn) -> None:
    person = a_person([fixed(40, name="Orders", caps=[("EMPLOYEE", "MONTH", 100)])])
    colleague = an_employee(person.company)
    a_role(colleague, "buyer")
    buys(person)

    words = [words_of(sign_in(one).get("/earn/")) for one in (person, colleague)]

    assert "At most 100 points a month per person · 60 points left" in words[0]
    assert "At most 100 points a month per person · 100 points left" in words[1]


def test_limit_of_the_company_is_counted_for_those_who_see_the_company(sign_in: SignIn) -> None:
    person = a_person([fixed(40, name="Orders", beneficiary="COMPANY", caps=[("COMPANY", "YEAR", 100)])])
    buys(person)

    words = [words_of(sign_in(one).get("/earn/")) for one in (an_admin(person.company), person)]

    assert "At most 100 points a year per company · 60 points left" in words[0]
    assert "At most 100 points a year per company" in words[1]
    assert "left" not in words[1].partition("At most 100 points a year per company")[2]


def test_limit_of_all_companies_together_is_told_without_what_others_used(sign_in: SignIn) -> None:
    person = a_person([fixed(40, name="Orders", caps=[("PROGRAM", "YEAR", 1_000)])])
    buys(person)

    words = words_of(sign_in(person).get("/earn/"))

    assert "At most 1,000 points a year for all companies together" in words
    assert "960" not in words


def test_limit_that_the_company_agreed_to_counts_everything(sign_in: SignIn) -> None:
    person = a_person([fixed(40, name="Orders")], has_consent=False)
    consent_to(person.company.memberships.get(), monthly_limit=70)
    buys(person)

    words = words_of(sign_in(person).get("/earn/"))

    assert "At most 70 points a month per person from everything, as your company agreed · 30 points left" in words


def test_used_up_and_done_are_told_apart(sign_in: SignIn) -> None:
    person = a_person(
        [
            fixed(100, code="month", name="Monthly", caps=[("EMPLOYEE", "MONTH", 100)]),
            fixed(10, code="once", name="Welcome", caps=[("EMPLOYEE", "EVER", 10)]),
        ]
    )
    buys(person)

    words = words_of(sign_in(person).get("/earn/"))

    assert "Done for now" in words
    assert "Monthly Used up" in words
    assert "Welcome Done" in words
    assert "The same each time" not in words


def test_rule_for_people_alone_is_never_said_to_give_to_the_company(sign_in: SignIn) -> None:
    person = a_person([fixed(40, name="Orders")], has_consent=False)

    closed = words_of(sign_in(person).get("/earn/")).partition("Not open to you")[2]

    assert "Purchase : 40 points to you" in closed
    assert "to your company" not in closed


def test_closed_rules_say_for_whom_they_are(sign_in: SignIn) -> None:
    buyers = {"fact": "employee.roles", "op": "has_any", "value": ["buyer"]}
    gold = {"fact": "standing.tier", "op": "eq", "value": "gold"}
    large = {"fact": "activity.amount", "op": "gte", "value": 500}
    person = a_person(
        [
            fixed(1, code="a", name="For buyers", condition=buyers),
            fixed(2, code="b", name="For gold", condition={"all": [large, gold]}),
            fixed(3, code="c", name="Either", condition={"any": [large, gold]}),
            fixed(4, code="d", name="All but buyers", condition={"not": buyers}),
            fixed(5, code="e", name="Dealers", condition={"fact": "company.kind", "op": "eq", "value": "DEALER"}),
        ]
    )

    words = words_of(sign_in(person).get("/earn/"))

    open_to_me, _heading, closed = words.partition("Not open to you")
    assert "For the role Buyer only; you are Accountant." in closed
    assert "For the tier Gold only; your company is Basic." in closed
    assert "Not for you: kind of company is dealer, but was client." in closed
    assert ["Either" in open_to_me, "All but buyers" in open_to_me, "For gold" in open_to_me] == [True, True, False]


def test_without_consent_the_person_is_told_why_and_the_company_earns(sign_in: SignIn) -> None:
    person = a_person(
        [fixed(1, code="own", name="Own"), fixed(2, code="both", name="Both", beneficiary="BOTH")], has_consent=False
    )

    words = words_of(sign_in(person).get("/earn/"))

    assert "2 points to your company" in words
    assert "the company's management had not agreed that its people earn points" in words


def test_long_formulas_say_first_to_whom_they_go(sign_in: SignIn) -> None:
    by_list = {"kind": "lookup", "by": "activity.product_lists", "table": [{"is": "tools", "points": 7}]}
    program = a_program(tiers={"basic": 0, "gold": 5_000})
    a_rule_set(
        program,
        [
            {"code": "a", "name": "Tools count", "formula": by_list},
            fixed(7, code="b", name="Plain"),
            fixed(5, code="c", name="Spring")
            | {
                "formula": {"kind": "fixed", "points": 5, "multipliers": {"campaigns": ["spring"], "tier": {"gold": 2}}}
            },
        ],
        lists={"tools": ["SAW-1"]},
        campaigns=[{"code": "spring", "name": "Spring", "factor": "1.5"}],
    )
    membership = a_member(program)
    consent_to(membership)
    person = an_employee(membership.company)

    words = words_of(sign_in(person).get("/earn/"))

    assert "Purchase , to your company: 7 points where the product's lists include Tools; nothing otherwise" in words
    assert "Purchase : 7 points to you" in words
    assert (
        "Purchase , to you: 5 points, times 2 where tier of the company is Gold, times 1.5 from Jan. 1, 2020 through "
        "Dec. 31, 2099 (“Spring”), several factors are multiplied with each other"
    ) in words
    # 5 x 1.5 in these days is as good as 7: what is said to be most points reckons with the campaign.
    assert words.index("Spring") < words.index("Tools count")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_kind_of_formula_is_shown_wherever_ways_to_points_are(sign_in: SignIn, kind: type[Kind]) -> None:
    modified = {**kind.example, "at_most": 40}
    person = a_person([{"formula": modified, "beneficiary": "BOTH"}, {"formula": kind.example, "code": "plain"}])

    client = sign_in(person)

    for path in ("/", "/earn/", "/rules/"):
        assert "at most 40 points each time" in words_of(client.get(path))


def test_nothing_in_force_says_so(sign_in: SignIn) -> None:
    person = an_employee(a_member(a_program()).company)

    assert "Nothing brings points at the moment" in words_of(sign_in(person).get("/earn/"))


def test_company_without_a_program_is_told_so(sign_in: SignIn) -> None:
    for person in (an_admin(a_company()), an_employee(a_company())):
        assert "takes part in no program at the moment" in words_of(sign_in(person).get("/earn/"))
    admin = sign_in(an_admin(a_company()))
    for path in ("/company/", "/company/consent/", "/company/consent/withdraw/"):
        assert "takes part in no program at the moment" in words_of(admin.get(path))
