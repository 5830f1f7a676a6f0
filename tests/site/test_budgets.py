"""What pages may cost: queries that do not grow with the rows, and bytes that a phone fetches quickly."""

import gzip
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AccountManagerAssignment, CompanyProfile, Employee, ServiceNote, User
from accounts.service_notes import write_note
from loyalty.ledger import Owner
from loyalty.models import Membership, Program, Transaction
from rewards.models import Redemption, Reward
from rewards.redemption import redeem
from tests.client.pages import hidden_of, source_of
from tests.factories.canaries import as_actor, user_of
from tests.factories.world import (
    EPOCH,
    a_company,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_role,
    a_rule_set,
    an_account_manager,
    an_admin,
    an_employee,
    consent_to,
    record,
)

pytestmark = pytest.mark.django_db

CLIENT_PAGE, ACCOUNT_MANAGER_PAGE = 12, 15
FIRST_VISIT, NEXT_VISIT, REQUESTS = 60 * 1024, 15 * 1024, 8
ROWS = 2
ORDERS = 13


class Scene:
    """A firm that grows: the same people and pages, with more of everything behind them."""

    def __init__(self) -> None:
        self.program: Program = a_program(tiers={"basic": 0, "silver": 900_000, "gold": 1_000_000}, expiry_months=1)
        a_rule_set(self.program, [{"beneficiary": "BOTH"}, {"caps": [("COMPANY", "EVER", 10**9)]}])
        self.membership: Membership = a_member(self.program)
        consent_to(self.membership)
        self.admin: Employee = an_admin(self.membership.company)
        self.account_manager: User = an_account_manager(self.membership.company)
        CompanyProfile.objects.create(company=self.membership.company, goals="Grow", problems="None")
        self.reward: Reward = a_reward(self.program, price=10, pieces=10_000)
        for _number in range(ORDERS):
            self._order()
        self.grow(ROWS)

    def grow(self, rows: int) -> None:
        """Add `rows` of whatever the pages list."""
        now, company = timezone.now(), self.membership.company
        for number in range(rows):
            colleague = an_employee(company)
            a_role(colleague, f"role-{colleague.pk}")
            a_reward(self.program, price=20 + number)
            self._order()
            write_note(
                company=company, author_id=self.account_manager.pk, kind=ServiceNote.Kind.CALL, text="Called",
                happened_at=now, people=[colleague, self.admin],
            )  # fmt: skip
            other = a_company()
            AccountManagerAssignment.objects.create(user=self.account_manager, company=other, starts_at=EPOCH)
            a_member(self.program, other)
            further = a_program(tiers={"basic": 0})
            a_member(further, company, starts_at=now - timedelta(days=1))

    def _order(self) -> None:
        at = timezone.now()
        company = self.membership.company
        record(a_purchase(company, 50, employee_id=self.admin.pk, object="DRILL", occurred_at=at), now=at)
        owner = Owner(self.program.pk, company.pk, self.admin.pk)
        redeem(
            actor=as_actor(user_of(self.admin)), reward_id=self.reward.pk, payer=owner, shown_price=10,
            key=str(Redemption.objects.count()), now=at,
        )  # fmt: skip


Address = Callable[[Scene], str]
SENT = {"confirm": {"payer": "own", "price": "10", "key": "looking", "step": "review"}}
"""What is sent to pages that answer a form."""


def _why(scene: Scene) -> str:
    earned = Transaction.objects.filter(kind="EARN", company=scene.membership.company).earliest("pk")
    return f"/points/{earned.pk}/"


def _older(scene: Scene) -> str:
    page = source_of(a_browser(user_of(scene.admin)).get("/points/"))
    return "/points/" + unescape(re.findall(r'href="(\?[^"]*before=[^"]*)"', page)[0])


CLIENT_PAGES: dict[str, Address] = {
    "home": lambda scene: "/",
    "home of the company": lambda scene: "/?wallet=company",
    "statement": lambda scene: "/points/",
    "older statement": _older,
    "why": _why,
    "why of an order": lambda scene: f"/points/{Redemption.objects.earliest('pk').debit_id}/",
    "rules": lambda scene: "/rules/",
    "rewards": lambda scene: "/rewards/",
    "reward": lambda scene: f"/rewards/{scene.reward.pk}/",
    "confirm": lambda scene: f"/rewards/{scene.reward.pk}/",
    "orders": lambda scene: "/orders/",
    "order": lambda scene: f"/orders/{Redemption.objects.earliest('pk').pk}/",
    "me": lambda scene: "/me/",
}
ACCOUNT_MANAGER_PAGES: dict[str, Address] = {
    "companies": lambda scene: "/am/",
    "search": lambda scene: "/am/?q=company",
    "company": lambda scene: f"/am/companies/{scene.membership.company_id}/",
}


def a_browser(user: User) -> Client:
    """A browser in which `user` has signed in."""
    client = Client()
    client.force_login(user)
    return client


def queries_of(user: User, pages: dict[str, Address], scene: Scene) -> dict[str, int]:
    """How many queries each page makes, those for session and user included."""
    client, counts = a_browser(user), {}
    for name, address in pages.items():
        path = address(scene)
        _open(client, name, path)  # the first visit fills what a process keeps, such as compiled rules
        with CaptureQueriesContext(connection) as captured:
            _open(client, name, path)
        counts[name] = len(captured.captured_queries)
    return counts


def _open(client: Client, name: str, path: str) -> None:
    answer = client.post(path, SENT[name]) if name in SENT else client.get(path)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("pages", "budget"), [(CLIENT_PAGES, CLIENT_PAGE), (ACCOUNT_MANAGER_PAGES, ACCOUNT_MANAGER_PAGE)],
    ids=["client", "account manager"],
)  # fmt: skip
def test_pages_ask_as_much_with_ten_times_the_rows_and_stay_within_their_budget(
    pages: dict[str, Address], budget: int
) -> None:
    scene = Scene()
    user = user_of(scene.admin) if pages is CLIENT_PAGES else scene.account_manager

    few = queries_of(user, pages, scene)
    scene.grow(9 * ROWS)
    many = queries_of(user, pages, scene)

    assert many == few
    assert {name: count for name, count in many.items() if count > budget} == {}


def zipped(content: bytes) -> int:
    """Bytes on the line."""
    return len(gzip.compress(content, 6))


def test_first_visit_of_a_client_page_is_small_and_the_next_smaller_still() -> None:
    scene = Scene()
    scene.grow(25)
    client = a_browser(user_of(scene.admin))
    paths = ("/", "/points/", _why(scene), "/rules/", "/rewards/", f"/rewards/{scene.reward.pk}/", "/orders/", "/me/")

    for path in paths:
        page = source_of(client.get(path))
        assets = set(re.findall(r'(?:src|href)="/static/([^"#?]+)', page))
        fetched = [asset for asset in assets if asset.endswith((".css", ".js"))]
        files = [finders.find(asset) for asset in fetched]
        weight = sum(zipped(Path(str(file)).read_bytes()) for file in files)

        assert 1 + len(assets) <= REQUESTS, path
        assert zipped(page.encode()) + weight <= FIRST_VISIT, path
        assert zipped(page.encode()) <= NEXT_VISIT, path


def test_doors_are_small_too() -> None:
    cache.clear()

    page = source_of(Client().get("/accounts/login/"))

    assert zipped(page.encode()) <= NEXT_VISIT
    assert len(re.findall(r'(?:src|href)="/static/', page)) < REQUESTS
    assert hidden_of(Client().get("/accounts/login/")) == {}
