"""What pages may cost: queries that do not grow with the rows, and bytes that a phone fetches quickly."""

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest
from django.contrib.staticfiles import finders
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.follow_ups import Promise, finish, move, promise
from accounts.invitations import invite
from accounts.models import (
    AccountManagerAssignment,
    Approval,
    CompanyProfile,
    Delegation,
    Employee,
    FollowUp,
    ServiceNote,
    User,
)
from accounts.service_notes import edit_note, words_of, write_note
from loyalty.benefits import use
from loyalty.ledger import Owner
from loyalty.memberships import comment, sign_consent
from loyalty.models import (
    Activity,
    Badge,
    Benefit,
    BenefitGrant,
    BenefitUse,
    Membership,
    Program,
    ProgramComment,
    Transaction,
)
from rewards.models import Redemption, Reward
from rewards.policies import set_policy
from rewards.progress import approve_for_company
from rewards.redemption import redeem
from surveys.models import Survey
from tests.client.pages import hidden_of, source_of
from tests.factories.canaries import as_actor, user_of
from tests.factories.surveys import a_survey, answer, begin
from tests.factories.world import (
    EPOCH,
    a_benefit,
    a_company,
    a_matrix,
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
ASKED = "type=purchase&ask=1&day=2026-11-01&amount=100"
ROWS = 2
ORDERS = 13


class Scene:
    """A firm that grows: the same people and pages, with more of everything behind them."""

    def __init__(self) -> None:
        self.program: Program = a_program(tiers={"basic": 0, "silver": 900_000, "gold": 1_000_000}, expiry_months=1)
        self.badge: Badge = Badge.objects.create(program=self.program, code="first", name="First")
        for_badge = {"formula": {"kind": "badge", "badge": "first"}, "beneficiary": "EMPLOYEE"}
        a_rule_set(self.program, [{"beneficiary": "BOTH"}, {"caps": [("COMPANY", "EVER", 10**9)]}, for_badge])
        self.membership: Membership = a_member(self.program)
        consent_to(self.membership)
        self.admin: Employee = an_admin(self.membership.company)
        self.account_manager: User = an_account_manager(self.membership.company)
        CompanyProfile.objects.create(company=self.membership.company, goals="Grow", problems="None")
        self.reward: Reward = a_reward(self.program, price=10, pieces=10_000)
        self.seminar: Benefit = a_benefit(self.program, Benefit.Kind.SERVICE)
        cells = [{"tier": tier, "benefit": self.seminar, "quota": 10**4} for tier in ("basic", "silver", "gold")]
        a_matrix(self.program, *cells)
        self.survey: Survey = a_survey(self.program)
        self.answered: Survey = a_survey(self.program)
        begin(self.admin, self.survey, at=timezone.now(), recommend="9", wish="More")
        answer(self.admin, self.answered, at=timezone.now(), recommend="9", wish="More")
        for _number in range(ORDERS):
            self._order()
        self.grow(ROWS)

    def grow(self, rows: int) -> None:
        """Add `rows` of whatever the pages list."""
        now, company = timezone.now(), self.membership.company
        for number in range(rows):
            colleague = an_employee(company)
            a_role(colleague, f"role-{colleague.pk}")
            guest, actor = an_employee(company, login=False), as_actor(user_of(self.admin))
            address = f"guest-{guest.pk}@example.com"
            invite(actor=actor, employee_id=guest.pk, address=address, language="en", now=now)
            a_reward(self.program, price=20 + number)
            a_survey(self.program)
            answer(self.admin, a_survey(self.program), at=now, recommend="9", wish="More")
            self._order()
            self._earned_by(colleague)
            self._asked(colleague, is_decided=number % 2 == 1)
            self._benefit(now)
            self._said()
            self._promise(colleague, now)
            other = a_company()
            AccountManagerAssignment.objects.create(user=self.account_manager, company=other, starts_at=EPOCH)
            a_member(self.program, other)
            further = a_program(tiers={"basic": 0})
            a_member(further, company, starts_at=now - timedelta(days=1))

    def _promise(self, colleague: Employee, now: datetime) -> None:
        """A note that is edited, a promise that is moved and one that is late, and a word of the management."""
        company, by = self.membership.company, self.account_manager.pk
        today = timezone.localdate()
        note = write_note(
            company=company, author_id=by, kind=ServiceNote.Kind.CALL, text="Called", happened_at=now,
            people=[colleague, self.admin], promise=Promise("The list", today, now),
        )  # fmt: skip
        words = replace(words_of(note), text=f"Called {colleague.pk}")
        edit_note(note_id=note.pk, words=words, edits_seen=0, by_user_id=by, now=now)
        move(
            follow_up_id=note.follow_ups.get().pk, to_on=today + timedelta(days=1), reason="Late", by_user_id=by,
            today=today, now=now,
        )  # fmt: skip
        promise(Promise("Ring", today - timedelta(days=1), now), company=company, by_user_id=by)
        done = promise(Promise("Write", today, now), company=company, by_user_id=by)
        finish(follow_up_id=done.pk, by_user_id=by, now=now)
        ProgramComment.objects.create(membership=self.membership, author=self.admin, text="Good", created_at=now)

    def _benefit(self, now: datetime) -> None:
        """A benefit given by hand, and one of the tier used."""
        BenefitGrant.objects.create(
            membership=self.membership, employee=self.admin, benefit=a_benefit(self.program), starts_at=EPOCH, quota=3,
            granted_by=self.account_manager, granted_at=now, reason="Late",
        )  # fmt: skip
        use(
            actor=as_actor(user_of(self.admin)), benefit_id=self.seminar.pk, is_for_company=True,
            key=f"use {BenefitUse.objects.count()}", now=now,
        )  # fmt: skip

    def _earned_by(self, colleague: Employee) -> None:
        at = timezone.now()
        record(a_purchase(self.membership.company, 30, employee_id=colleague.pk, occurred_at=at), now=at)

    def _asked(self, colleague: Employee, *, is_decided: bool) -> None:
        """A colleague's order that the company approves, and somebody who stands in for the admin."""
        now, company = timezone.now(), self.membership.company
        actor, admin = as_actor(user_of(colleague)), as_actor(user_of(self.admin))
        set_policy(actor=admin, mode="ALWAYS", above=None, now=now)
        redemption = redeem(
            actor=actor, reward_id=self.reward.pk, payer=Owner(self.program.pk, company.pk, colleague.pk),
            shown_price=10, key="asked", now=now, note="Please",
        ).redemption  # fmt: skip
        if is_decided:
            approve_for_company(actor=admin, redemption_id=redemption.pk, now=now)
        set_policy(actor=admin, mode="NEVER", above=None, now=now)
        starts_at = now + timedelta(days=Delegation.objects.count() + 1)
        Delegation.objects.create(
            company=company, employee=self.admin, delegate=colleague, starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
        )  # fmt: skip

    def _said(self) -> None:
        """The company says something, the account manager promises and shares something, and consent changes."""
        now, count = timezone.now(), ProgramComment.objects.count()
        actor = as_actor(user_of(self.admin))
        comment(actor=actor, membership=self.membership, text=f"Comment {count}", now=now)
        sign_consent(actor=actor, membership=self.membership, roles=[], monthly_limit=10**6 + count, now=now)
        shared = ServiceNote.Visibility.SHARED
        FollowUp.objects.create(
            company=self.membership.company, text="Promised", due_on=now.date(), visibility=shared,
            created_by=self.account_manager, created_at=now,
        )  # fmt: skip
        write_note(
            company=self.membership.company, author_id=self.account_manager.pk, kind=ServiceNote.Kind.CALL,
            text="Shared", happened_at=now, visibility=shared,
        )  # fmt: skip

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


def _a_number() -> str:
    return Activity.objects.filter(type__code="purchase").earliest("pk").external_id


CLIENT_PAGES: dict[str, Address] = {
    "home": lambda scene: "/",
    "home of the company": lambda scene: "/?wallet=company",
    "statement": lambda scene: "/points/",
    "older statement": _older,
    "why": _why,
    "why of an order": lambda scene: f"/points/{Redemption.objects.earliest('pk').debit_id}/",
    "rules": lambda scene: "/rules/",
    "statement of a colleague": lambda scene: f"/points/?person={scene.admin.pk}",
    "earn": lambda scene: "/earn/",
    "what if": lambda scene: "/earn/what-if/",
    "what if, answered": lambda scene: f"/earn/what-if/?{ASKED}",
    "why by number": lambda scene: f"/points/why/?number={quote(_a_number())}",
    "inbox": lambda scene: "/inbox/",
    "more": lambda scene: "/more/",
    "company": lambda scene: "/company/",
    "people": lambda scene: "/company/people/",
    "people found": lambda scene: "/company/people/?q=e",
    "add a person": lambda scene: "/company/people/add/",
    "person": lambda scene: f"/company/people/{scene.admin.pk}/",
    "consent": lambda scene: "/company/consent/",
    "withdraw the consent": lambda scene: "/company/consent/withdraw/",
    "benefits": lambda scene: "/benefits/",
    "benefit": lambda scene: f"/benefits/{scene.seminar.pk}/?for=company",
    "badge": lambda scene: f"/badges/{scene.badge.pk}/",
    "tier": lambda scene: "/tier/",
    "rewards": lambda scene: "/rewards/",
    "reward": lambda scene: f"/rewards/{scene.reward.pk}/",
    "confirm": lambda scene: f"/rewards/{scene.reward.pk}/",
    "rewards cut down": lambda scene: "/rewards/?category=BUSINESS&affordable=on&stock=on&paid_from=EMPLOYEE&sort=name",
    "orders": lambda scene: "/orders/",
    "orders still open": lambda scene: "/orders/?show=open",
    "order that was approved": lambda scene: f"/orders/{Approval.objects.latest('pk').subject_id}/",
    "approvals": lambda scene: "/company/approvals/",
    "approval": lambda scene: f"/company/approvals/{Approval.objects.earliest('pk').pk}/",
    "policy": lambda scene: "/company/approvals/policy/",
    "stand-in": lambda scene: "/company/approvals/delegate/",
    "order": lambda scene: f"/orders/{Redemption.objects.earliest('pk').pk}/",
    "me": lambda scene: "/me/",
    "surveys": lambda scene: "/surveys/",
    "survey": lambda scene: f"/surveys/{scene.survey.pk}/",
    "step of a survey": lambda scene: f"/surveys/{scene.survey.pk}/3/",
    "last look at a survey": lambda scene: f"/surveys/{scene.survey.pk}/check/",
    "thanks for a survey": lambda scene: f"/surveys/{scene.answered.pk}/",
}
ACCOUNT_MANAGER_PAGES: dict[str, Address] = {
    "today": lambda scene: "/am/",
    "companies": lambda scene: "/am/companies/",
    "search": lambda scene: "/am/companies/?q=company",
    "late companies": lambda scene: "/am/companies/?late=1",
    "company": lambda scene: f"/am/companies/{scene.membership.company_id}/",
    "older timeline": lambda scene: f"/am/companies/{scene.membership.company_id}/?before=20990101T000000.000000-1-1",
    "timeline search": lambda scene: f"/am/companies/{scene.membership.company_id}/?q=called&kind=CALL",
    "company's what if": lambda scene: f"/am/companies/{scene.membership.company_id}/what-if/?{ASKED}",
    "company's points": lambda scene: f"/am/companies/{scene.membership.company_id}/points/",
    "why, for the account manager": _why,
    "company's benefits": lambda scene: f"/am/companies/{scene.membership.company_id}/benefits/",
    "a person's benefits": lambda scene: (
        f"/am/companies/{scene.membership.company_id}/benefits/?person={scene.admin.pk}"
    ),
    "benefit given": lambda scene: f"/am/grants/{BenefitGrant.objects.earliest('pk').pk}/",
    "profile": lambda scene: f"/am/companies/{scene.membership.company_id}/profile/",
    "note": lambda scene: f"/am/notes/{ServiceNote.objects.earliest('pk').pk}/",
    "note edit": lambda scene: f"/am/notes/{ServiceNote.objects.earliest('pk').pk}/edit/",
    "follow-ups": lambda scene: "/am/follow-ups/",
    "late follow-ups": lambda scene: f"/am/follow-ups/?show=late&company={scene.membership.company_id}",
    "closed follow-ups": lambda scene: "/am/follow-ups/?show=done",
    "follow-up": lambda scene: f"/am/follow-ups/{FollowUp.objects.earliest('pk').pk}/",
    "see as": lambda scene: f"/see-as/{scene.admin.pk}/",
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


def test_pages_ask_as_much_with_three_times_the_rows_and_stay_within_their_budget() -> None:
    scene = Scene()
    client, account_manager = user_of(scene.admin), scene.account_manager

    few = queries_of(client, CLIENT_PAGES, scene), queries_of(account_manager, ACCOUNT_MANAGER_PAGES, scene)
    scene.grow(2 * ROWS)
    many = queries_of(client, CLIENT_PAGES, scene), queries_of(account_manager, ACCOUNT_MANAGER_PAGES, scene)

    assert many == few
    assert {name: count for name, count in many[0].items() if count > CLIENT_PAGE} == {}
    assert {name: count for name, count in many[1].items() if count > ACCOUNT_MANAGER_PAGE} == {}


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
