"""Looking for a reward: what the address filters and sorts, and what each card says."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from loyalty.models import Program
from rewards.models import Reward
from tests.client.conftest import Firm, SignIn
from tests.client.pages import links_of, source_of, words_of
from tests.factories.world import a_program, a_reward

pytestmark = pytest.mark.django_db

Buy = Callable[..., int]


@pytest.fixture
def member(firm: Firm, buy: Buy, sign_in: SignIn) -> Client:
    """The member's browser, with 150 points to spend, before a shelf of rewards."""
    buy(150, firm.member)
    program: Program = firm.program
    a_reward(program, name="Course", price=100, category=Reward.Category.LEARNING)
    a_reward(program, name="Dinner", price=400, category=Reward.Category.TEAM)
    a_reward(program, name="Auger", price=120, category=Reward.Category.GOODS, pieces=0)
    a_reward(program, name="Fair", price=90, category=Reward.Category.TEAM, paid_from=Reward.PaidFrom.COMPANY)
    a_reward(program, name="Mug", price=10, category=Reward.Category.GOODS, paid_from=Reward.PaidFrom.EMPLOYEE)
    return sign_in(firm.member)


def names_on(client: Client, address: str) -> list[str]:
    """The rewards that a page shows, in their order."""
    links = links_of(client.get(address), r"/rewards/\d+/")
    names = dict(Reward.objects.values_list("pk", "name"))
    return [names[int(link.split("/")[2])] for link in links]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Mug", "Fair", "Course", "Auger", "Dinner"]),
        ("category=TEAM", ["Fair", "Dinner"]),
        ("affordable=on", ["Mug", "Course", "Auger"]),
        ("stock=on", ["Mug", "Fair", "Course", "Dinner"]),
        ("affordable=on&stock=on", ["Mug", "Course"]),
        ("paid_from=EMPLOYEE", ["Mug", "Course", "Auger", "Dinner"]),
        ("paid_from=COMPANY", ["Fair", "Course", "Auger", "Dinner"]),
        ("sort=-price", ["Dinner", "Auger", "Course", "Fair", "Mug"]),
        ("sort=name", ["Auger", "Course", "Dinner", "Fair", "Mug"]),
        ("sort=new", ["Mug", "Fair", "Auger", "Dinner", "Course"]),
        ("category=TEAM&sort=-price", ["Dinner", "Fair"]),
        ("page=99", ["Mug", "Fair", "Course", "Auger", "Dinner"]),
    ],
)
def test_address_says_what_is_shown_in_which_order(member: Client, query: str, names: list[str]) -> None:
    assert names_on(member, f"/rewards/?{query}") == names


def test_every_card_says_price_and_what_stands_between(member: Client) -> None:
    words = words_of(member.get("/rewards/"))

    assert "Course 100 points Within reach" in words
    assert "Dinner 400 points 250 points to go" in words
    assert "Auger 120 points Out of stock" in words
    assert "Fair 90 points Paid by the company" in words


def test_filter_is_kept_in_the_form_and_can_be_taken_off(member: Client) -> None:
    page = member.get("/rewards/?category=TEAM&stock=on&sort=-price")

    source = source_of(page)
    assert '<option value="TEAM" selected>' in source
    assert '<option value="-price" selected>' in source
    assert re.search(r'name="stock"[^>]*checked', source)
    assert not re.search(r'name="affordable"[^>]*checked', source)
    assert "Show all rewards" in words_of(page)
    assert '<details class="disclosure" open>' in source
    assert '<details class="disclosure">' in source_of(member.get("/rewards/"))


def test_nothing_that_matches_is_said_with_the_way_back(member: Client) -> None:
    words = words_of(member.get("/rewards/?category=CAUSE"))

    assert "No reward matches" in words
    assert "Show all rewards" in words


@pytest.mark.parametrize(
    "query", ["category=NOSUCH", "sort=secret", "paid_from=%00", "category=TEAM%27--&sort=pk", "page=x", "affordable="]
)
def test_address_with_what_does_not_exist_still_shows_rewards(member: Client, query: str) -> None:
    answer = member.get(f"/rewards/?{query}")

    assert answer.status_code == 200
    assert len(links_of(answer, r"/rewards/\d+/")) == 5


def test_filter_stays_on_the_next_page_and_in_the_program(firm: Firm, sign_in: SignIn) -> None:
    for number in range(49):
        a_reward(firm.program, name=f"Team {number:02}", category=Reward.Category.TEAM)
    a_reward(a_program(), category=Reward.Category.TEAM)
    client = sign_in(firm.member)

    first = client.get(f"/rewards/?program={firm.program.code}&category=TEAM&sort=name")

    assert links_of(first, r"\?.*page.*") == [f"?program={firm.program.code}&category=TEAM&sort=name&page=2"]
    assert f'<input type="hidden" name="program" value="{firm.program.code}">' in source_of(first)
    assert names_on(client, f"/rewards/?program={firm.program.code}&category=TEAM&sort=name&page=2") == ["Team 48"]


def test_admin_reads_both_wallets_and_reaches_with_both(firm: Firm, buy: Buy, sign_in: SignIn) -> None:
    buy(150, firm.admin)
    a_reward(firm.program, name="Dear", price=305)
    a_reward(firm.program, name="Dearer", price=306)

    words = words_of(sign_in(firm.admin).get("/rewards/"))

    assert "You can spend 150 points of your own and 155 points of the company's." in words
    assert "Dear 305 points Within reach" in words
    assert "Dearer 306 points 1 point to go" in words
