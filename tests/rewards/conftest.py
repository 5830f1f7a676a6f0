"""A firm that orders: its company and its people have points, and somebody decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pytest

from accounts import laws
from accounts.actors import Actor, actor_of
from accounts.models import Employee
from loyalty.ledger import Owner
from loyalty.models import Membership
from rewards.models import Redemption, Reward, SpendingPolicy
from rewards.policies import set_policy
from rewards.redemption import Redeemed, redeem
from tests.factories.world import (
    NOW,
    a_member,
    a_program,
    a_purchase,
    a_reward,
    a_rule_set,
    an_admin,
    an_employee,
    consent_to,
    record,
)
from tests.worlds import Keep, Kept


def acting(employee: Employee, at: datetime = NOW) -> Actor:
    """The employee at a moment."""
    return actor_of(Employee.objects.get(pk=employee.pk).user, now=at)


@dataclass(frozen=True)
class Firm:
    """A company with 210 points, of which its admin has 60 and its buyer 150 of their own besides, and a decider."""

    member: Membership
    admin: Employee
    decider: Employee
    buyer: Employee
    reward: Reward

    def wallet_of(self, person: Employee | None = None) -> Owner:
        """The wallet of one of its people, or the company's."""
        return Owner(self.member.program_id, self.member.company_id, person.pk if person else None)

    def approves(self, mode: SpendingPolicy.Mode, above: int | None = None) -> None:
        """Let the company approve orders from now on."""
        set_policy(actor=acting(self.admin), mode=mode, above=above, now=NOW)

    def redeem(
        self,
        by: Employee,
        payer: Employee | None = None,
        *,
        reward: Reward | None = None,
        key: str = "key",
        now: datetime = NOW,
        **fields: object,
    ) -> Redeemed:
        """Redeem the reward, with the company's points unless somebody pays."""
        wanted = reward or self.reward
        return redeem(
            actor=acting(by, now),
            reward_id=wanted.pk,
            payer=self.wallet_of(payer),
            shown_price=wanted.price,
            key=key,
            now=now,
            **fields,  # type: ignore[arg-type]
        )

    def order(self, key: str = "key") -> Redemption:
        """The buyer's order of the reward with the own points."""
        return self.redeem(self.buyer, self.buyer, key=key).redemption


def a_firm() -> Firm:
    """Build it."""
    program = a_program()
    a_rule_set(program, [{"beneficiary": "BOTH"}])
    member = a_member(program)
    consent_to(member)
    admin = an_admin(member.company, name="Ada Admin")
    buyer = an_employee(member.company, name="Bo Buyer")
    decider = an_employee(member.company, name="Dee Decider", buying_role=Employee.BuyingRole.DECIDES)
    record(a_purchase(member.company, 150, employee_id=buyer.pk), a_purchase(member.company, 60, employee_id=admin.pk))
    return Firm(member, admin, decider, buyer, a_reward(program, pieces=3, name="Headset"))


@pytest.fixture(scope="module")
def kept_firm(keep: Keep) -> Kept[Firm]:
    """The firm."""
    return keep(a_firm)


@pytest.fixture
def firm(db: None, kept_firm: Kept[Firm]) -> Firm:
    """The firm."""
    return kept_firm.put_back()


@pytest.fixture
def _laws_hold(db: None) -> Iterator[None]:
    yield
    assert {finding.law.code: finding.examples for finding in laws.verify() if finding.count} == {}
