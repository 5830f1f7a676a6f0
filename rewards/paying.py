"""Who may pay for a reward: a person with the own points, and an admin with the company's."""

from collections.abc import Collection
from datetime import datetime

from accounts.actors import Actor
from loyalty.ledger import Owner
from loyalty.memberships import SpendingPeople
from loyalty.models import Membership
from rewards.models import Reward


class Spenders:
    """Whose points the people of some companies may spend in one program; two queries for all of them."""

    def __init__(self, *, program_id: int, company_ids: Collection[int]) -> None:
        self._program_id = program_id
        self._memberships = list(Membership.objects.filter(program=program_id, company__in=company_ids))
        self._people = SpendingPeople(program_id=program_id, company_ids=company_ids)

    def payers_of(self, actor: Actor, *, now: datetime) -> list[Owner]:
        """Return whose points the actor may spend: the own, and for a company admin the company's."""
        if not actor.is_employee:
            return []
        if not any(row.holds_at(now) for row in self._memberships if row.company_id == actor.company_id):
            return []
        payers = []
        if self._people.of(actor.company_id, now=now):
            payers.append(Owner(self._program_id, actor.company_id, actor.employee_id))
        if actor.is_company_admin:
            payers.append(Owner(self._program_id, actor.company_id))
        return payers


def payers_of(actor: Actor, *, program_id: int, now: datetime) -> list[Owner]:
    """Return whose points the actor may spend in a program; see `Spenders`."""
    return Spenders(program_id=program_id, company_ids=[actor.company_id]).payers_of(actor, now=now)


def pays_for(reward: Reward, owner: Owner) -> bool:
    """Whether a reward can be paid for by such an owner: a person, or a company."""
    return reward.paid_from != (Reward.PaidFrom.COMPANY if owner.employee_id else Reward.PaidFrom.EMPLOYEE)
