"""What a company wants to approve before its people's orders go out, and who is asked."""

from collections.abc import Collection, Mapping
from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.actors import Actor
from accounts.delegations import deciders_of
from accounts.models import Employee
from rewards.models import SpendingPolicy

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
