"""The client's home and the list behind "More": what comes next, what waits, and what a newcomer begins with."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Employee
from loyalty.memberships import give_consent
from loyalty.models import Membership
from rewards.policies import set_policy
from tests.client.conftest import Firm, SignIn
from tests.client.pages import links_of, source_of, words_of
from tests.factories.canaries import as_actor, user_of
from tests.factories.surveys import a_survey_rule
from tests.factories.world import (
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    a_user,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

Buy = Callable[..., int]
NEWCOMER = ["Agree that your people earn", "Add your people", "Say which orders you approve", "Choose a first reward"]


def order(sign_in: SignIn, firm: Firm, person: Employee, price: int = 100) -> None:
    """Somebody orders something with the own points."""
    reward = a_reward(firm.program, name="Drill", price=price)
    fields = {"payer": "own", "price": price, "key": f"k{reward.pk}", "step": "confirm"}
    assert sign_in(person).post(f"/rewards/{reward.pk}/", fields).status_code == 302


def test_points_that_expire_are_told_with_their_day(sign_in: SignIn) -> None:
    program = a_program(expiry_months=1)
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    membership = a_member(program)
    give_consent(membership=membership, by=a_user(), now=timezone.now() - timedelta(days=20))
    person = an_employee(membership.company)
    now = timezone.now()
    for days_ago, amount in ((10, 50), (5, 30)):
        at = now - timedelta(days=days_ago)
        record(a_purchase(membership.company, amount, employee_id=person.pk, occurred_at=at), now=now)

    words = words_of(sign_in(person).get("/"))

    assert "50 points to use until" in words
    assert ", 30 points soon after" in words


def test_home_says_when_nothing_expires_soon(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(50, firm.member)

    assert "No points expire in the next 60 days." in words_of(sign_in(firm.member).get("/"))


def test_what_to_earn_next_is_open_to_the_person(firm: Firm, sign_in: SignIn) -> None:
    words = words_of(sign_in(firm.member).get("/"))

    assert "What to earn next All ways to earn Points for purchases 1 point for each full 1 GBP of amount" in words
    assert "Company extra" not in words


def test_what_to_earn_next_leaves_out_what_a_limit_has_used_up(sign_in: SignIn) -> None:
    program = a_program()
    monthly = {"code": "month", "name": "Monthly", "beneficiary": "EMPLOYEE", "caps": [("EMPLOYEE", "MONTH", 40)]}
    a_rule_set(program, [monthly, {"code": "open", "name": "Always open", "beneficiary": "EMPLOYEE"}])
    membership = a_member(program)
    consent_to(membership)
    person, colleague = an_employee(membership.company), an_employee(membership.company)
    now = timezone.now()
    record(a_purchase(membership.company, 50, employee_id=person.pk, occurred_at=now), now=now)

    words = [words_of(sign_in(one).get("/")) for one in (person, colleague)]

    ways = [page.partition("What to earn next")[2].partition("Latest points")[0] for page in words]
    assert ["Monthly" in way for way in ways] == [False, True]
    assert ["Always open" in way for way in ways] == [True, True]


def test_what_to_earn_next_names_no_survey_rule_as_open_surveys_stand_by_themselves(sign_in: SignIn) -> None:
    program = a_program()
    a_rule_set(
        program, [{"code": "spend", "name": "Purchases", "beneficiary": "EMPLOYEE"}, a_survey_rule("spring", 60)]
    )
    membership = a_member(program)
    consent_to(membership)

    words = words_of(sign_in(an_employee(membership.company)).get("/"))

    assert "Purchases" in words
    assert "60 points" not in words


def test_company_that_has_enough_for_the_next_tier_reads_when_it_comes(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(3_000, firm.member)
    firm.program.tiers.filter(code="gold").update(threshold=2_000)
    client = sign_in(firm.member)

    words = {path: words_of(client.get(path)) for path in ("/", "/tier/", "/benefits/")}

    assert "That is enough for Gold : it is given at the next review of tiers." in words["/"]
    assert "That is enough for Gold : it is given at the next review of tiers." in words["/tier/"]
    assert [path for path, page in words.items() if "more to reach" in page] == []


@pytest.mark.parametrize(("wallet", "name"), [("own", "For people"), ("company", "For firms")])
def test_next_reward_can_be_paid_with_the_points_that_are_shown(
    firm: Firm, buy: Buy, sign_in: SignIn, wallet: str, name: str
) -> None:
    buy(100, firm.admin)
    a_reward(firm.program, name="For people", price=160, paid_from="EMPLOYEE")
    a_reward(firm.program, name="For firms", price=150, paid_from="COMPANY")

    words = words_of(sign_in(firm.admin).get(f"/?wallet={wallet}"))

    assert [shown for shown in ("For people", "For firms") if shown in words] == [name]


def test_own_orders_under_way_stand_with_their_state(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    for person in (firm.member, firm.admin):
        buy(500, person)
    order(sign_in, firm, firm.member)
    order(sign_in, firm, firm.admin, price=120)

    page = sign_in(firm.member).get("/")

    assert "Your orders under way All orders Drill R-" in words_of(page)
    assert "Requested" in words_of(page)
    assert len(links_of(page, r"/orders/\d+/")) == 1
    assert "Redeemed" in words_of(page)


def test_approvals_wait_for_those_who_decide_and_not_for_the_one_who_asked(
    firm: Firm, buy: Buy, sign_in: SignIn
) -> None:
    now = timezone.now()
    set_policy(actor=as_actor(user_of(firm.admin)), mode="ALWAYS", above=None, now=now)
    buy(500, firm.member)
    decider = an_employee(firm.membership.company, buying_role="DECIDES")
    foreign = an_admin(a_member(firm.program, a_company()).company)
    order(sign_in, firm, firm.member)

    pages = [words_of(sign_in(person).get("/")) for person in (firm.admin, decider, firm.member, foreign)]

    assert ["1 order waits for your approval" in page for page in pages] == [True, True, False, False]
    assert "Waits for your company" in pages[2]


@pytest.fixture
def newcomer(db: None) -> Membership:
    """A company that has just come into a program, and has done nothing."""
    program = a_program(name="Fresh", tiers={"basic": 0})
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    return a_member(program)


def test_admin_of_a_newcomer_is_led_step_by_step(newcomer: Membership, sign_in: SignIn) -> None:
    admin = an_admin(newcomer.company)

    page = sign_in(admin).get("/")

    words = words_of(page)
    assert [step in words for step in NEWCOMER] == [True] * 4
    assert "No points yet" in words
    assert "Done" not in words
    assert set(links_of(page, r"/company/.*")) == {
        "/company/", "/company/consent/", "/company/people/", "/company/approvals/policy/",
    }  # fmt: skip


def test_steps_are_for_admins(newcomer: Membership, sign_in: SignIn) -> None:
    people = [an_employee(newcomer.company), an_employee(newcomer.company, buying_role="DECIDES")]

    assert ["To begin with" in words_of(sign_in(person).get("/")) for person in people] == [False, False]


def test_steps_are_ticked_as_rows_come_and_vanish_with_the_last(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(500, firm.admin)
    client = sign_in(firm.admin)
    two_done = words_of(client.get("/"))
    order(sign_in, firm, firm.admin)
    three_done = words_of(client.get("/"))
    set_policy(actor=as_actor(user_of(firm.admin)), mode="NEVER", above=None, now=timezone.now())

    all_done = words_of(client.get("/"))

    assert [words.count("Done") for words in (two_done, three_done)] == [2, 3]
    assert "To begin with" not in all_done


def test_each_number_leads_to_its_rows(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(100, firm.admin)

    links = links_of(sign_in(firm.admin).get("/?wallet=company&junk=1"), r"/points/\?.*")

    assert set(links) == {"/points/?wallet=company"}


def test_doors_are_those_of_the_role(firm: Firm, sign_in: SignIn) -> None:
    def doors(person: Employee) -> list[str]:
        page = source_of(sign_in(person).get("/more/"))
        navigation = page[page.index('<nav class="tabs"') : page.index("</nav>")]
        return [door for door in ("Home", "Earn", "Rewards", "Company", "More") if f"<span>{door}</span>" in navigation]

    assert doors(firm.admin) == ["Home", "Earn", "Rewards", "Company", "More"]
    assert doors(firm.member) == ["Home", "Earn", "Rewards", "More"]


def test_more_lists_everything_else_and_every_way_is_open(firm: Firm, sign_in: SignIn) -> None:
    client = sign_in(firm.member)

    page = source_of(client.get("/more/"))
    main = page[page.index("<main") :]
    ways = [f"/{name}/" for name in ("inbox", "points", "tier", "benefits", "orders", "surveys", "rules", "me")]

    assert [f'href="{way}"' in main for way in ways] == [True] * 8
    assert [client.get(way).status_code for way in ways] == [200] * 8


@pytest.mark.parametrize("path", ["/more/", "/rules/", "/me/", "/orders/", "/inbox/", "/points/"])
def test_pages_behind_more_open_its_door(firm: Firm, sign_in: SignIn, path: str) -> None:
    page = source_of(sign_in(firm.member).get(path))
    tabs = page[page.index('<nav class="tabs"') : page.index("</nav>")]

    assert tabs.count('aria-current="page"') == 1
    assert 'href="/more/" aria-current="page"' in tabs
