"""What a company wants to approve before its people's orders go out, and who is asked."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from accounts import approvals, audit, messages
from accounts.actors import Actor
from accounts.delegations import deciders_of
from accounts.messages import Telling
from accounts.models import Approval, Employee
from rewards.messages import APPROVAL_ASKED
from rewards.models import Redemption, SpendingPolicy

APPROVAL_KIND = "redemption"
"""The kind of `Approval` that a company's own people decide before an order comes to us."""

MOST_ABOVE = 1_000_000_000
"""The highest value above which orders can be approved; a slip of the key stays harmless."""


class PolicyError(Exception):
    """A policy that cannot be."""


class NotAnAdminError(PolicyError):
    """The actor is not an admin of the company."""


class ValueMissingError(PolicyError):
    """ "Above a value" without the value, or with one that is not between 1 and MOST_ABOVE."""


def policy_of(company_id: int) -> SpendingPolicy:
    """Return a company's policy; one that has set none approves no order."""
    return policies_of([company_id])[company_id]


def policies_of(company_ids: Collection[int]) -> Mapping[int, SpendingPolicy]:
    """Return the policies of companies; one query."""
    found = SpendingPolicy.objects.in_bulk(company_ids)
    unset = SpendingPolicy.Mode.NEVER
    return {pk: found.get(pk) or SpendingPolicy(company_id=pk, mode=unset) for pk in company_ids}


def set_policy(*, actor: Actor, mode: str, above: int | None, now: datetime) -> SpendingPolicy:
    """Say which orders the actor's company approves first; `above`, in points, counts for the mode ABOVE only.

    Orders that wait already go on waiting. Raises NotAnAdminError or ValueMissingError; then nothing has changed.
    """
    if not actor.is_company_admin:
        raise NotAnAdminError
    if mode != SpendingPolicy.Mode.ABOVE:
        above = None
    elif above is None or not 1 <= above <= MOST_ABOVE:
        raise ValueMissingError
    with transaction.atomic():
        policy, _created = SpendingPolicy.objects.update_or_create(
            company_id=actor.company_id, defaults={"mode": SpendingPolicy.Mode(mode), "above": above}
        )
        audit.record(
            "spending-policy-set",
            policy,
            actor_id=actor.user_id,
            now=now,
            company_id=actor.company_id,
            mode=mode,
            above=above,
        )
    return policy


def deciders_besides(user_id: int, *, company_id: int, now: datetime) -> list[Employee]:
    """Return who can decide for a company what this user asks for: everybody who decides but the one who asks."""
    return list(deciders_of(company_id, now=now).exclude(user_id=user_id).order_by("name", "pk"))


class Placed(NamedTuple):
    """An order that has just been placed: for whom (0 where they sign in nowhere), and what they tell who decides."""

    redemption: Redemption
    user_id: int
    note: str


def ask_companies(placed: Sequence[Placed], *, now: datetime) -> list[Redemption]:
    """Ask those who decide where companies approve such orders; return those where nobody else could decide."""
    policies = policies_of({one.redemption.company_id for one in placed})
    asked: list[Redemption] = []
    unasked: list[Redemption] = []
    tellings: list[Telling] = []
    for redemption, user_id, note in placed:
        if not policies[redemption.company_id].asks_for(redemption.points):
            continue
        deciders = deciders_besides(user_id, company_id=redemption.company_id, now=now)
        if not deciders:
            unasked.append(redemption)
            continue
        redemption.approval = approvals.ask(
            kind=APPROVAL_KIND,
            subject_id=redemption.pk,
            audience=Approval.Audience.CLIENT,
            company_id=redemption.company_id,
            asked_by_id=user_id or redemption.placed_by_id,
            points=redemption.points,
            note=note.strip(),
            now=now,
        )
        asked.append(redemption)
        facts: dict[str, str | int] = {
            "person": redemption.employee.name,
            "reward": redemption.reward.name,
            "points": redemption.points,
        }
        tellings += [Telling(decider.pk, redemption.approval.pk, facts) for decider in deciders]
    Redemption.objects.bulk_update(asked, ["approval"])
    messages.tell(APPROVAL_ASKED, tellings, now=now)
    return unasked
