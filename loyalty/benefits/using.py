"""Using a benefit: within the quota, once a request, and owed by the account manager where it is work."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts import audit, idempotency, messages
from accounts.actors import Actor
from accounts.messages import Telling
from accounts.models import Employee, FollowUp, ServiceNote
from loyalty.benefits.entitlements import Entitlement, entitlements_of
from loyalty.messages import BENEFIT_USED
from loyalty.models import Benefit, BenefitQuota, BenefitUse, Membership
from loyalty.webhooks import announce_benefit_use

OWED = frozenset({Benefit.Kind.SERVICE, Benefit.Kind.GOODS})
"""Kinds that somebody has to do something for."""


class BenefitUseError(Exception):
    """A use that cannot be."""


class NotEntitledError(BenefitUseError):
    """The person has no right to this benefit, or no longer."""


class NotYoursToUseError(BenefitUseError):
    """It is the company's, and the person does not act for the company."""


class QuotaUsedUpError(BenefitUseError):
    """Nothing is left of the quota; `starts_again_on` says from when there is, None: never."""

    def __init__(self, starts_again_on: date | None) -> None:
        super().__init__(f"used up; starts again on {starts_again_on}")
        self.starts_again_on = starts_again_on


@dataclass(frozen=True, slots=True)
class Used:
    """A use, and whether this very call made it (False: it stood under the same key)."""

    use: BenefitUse
    is_new: bool


def use(
    *,
    actor: Actor,
    benefit_id: int,
    grant_id: int | None = None,
    is_for_company: bool = False,
    wish: str = "",
    key: str,
    now: datetime,
) -> Used:
    """Use a benefit that the actor is entitled to; the same `key` again gives the same use.

    `grant_id` names one that was given by hand, `is_for_company` the company's. A service or something sent becomes a
    promise that is due the benefit's lead days on. Raises NotEntitledError, NotYoursToUseError, QuotaUsedUpError and
    idempotency.KeyUsedForAnotherRequestError; then nothing has changed.
    """
    with transaction.atomic():
        content = ["use-benefit", benefit_id, grant_id, is_for_company, wish]
        claim = idempotency.claim(user_id=actor.user_id, key=key, content=content)
        if claim.resource_id is not None:
            return Used(BenefitUse.objects.get(pk=claim.resource_id), is_new=False)
        membership, right = _right_to(actor, benefit_id, grant_id, is_for_company, now)
        if right.quota is not None:
            _count(membership, right, right.quota, actor)
        made = _write(membership, right, actor, wish, now)
        idempotency.settle(claim, made.pk)
    return Used(made, is_new=True)


def _right_to(
    actor: Actor, benefit_id: int, grant_id: int | None, is_for_company: bool, now: datetime
) -> tuple[Membership, Entitlement]:
    membership = (
        Membership.objects.visible_to(actor)
        .filter(company=actor.company_id, program__benefits=benefit_id, program__is_active=True)
        .in_force(now)
        .select_related("program")
        .first()
    )
    if membership is None:
        raise NotEntitledError
    asked = benefit_id, grant_id, is_for_company
    for right in entitlements_of(actor, membership, at=now):
        if (right.benefit.pk, right.grant_id, right.is_for_company) == asked:
            if not right.may_use:
                raise NotYoursToUseError
            return membership, right
    raise NotEntitledError


def _count(membership: Membership, right: Entitlement, quota: int, actor: Actor) -> None:
    """Lock the counter of the period, made first where there is none, and count one use.

    Made and then locked, so that two first uses at once meet in one row.
    """
    counter = {
        "membership_id": membership.pk,
        "employee_id": None if right.is_for_company else actor.employee_id,
        "benefit_id": right.benefit.pk,
        "grant_id": right.grant_id,
        "period_start": right.period_start,
    }
    BenefitQuota.objects.bulk_create([BenefitQuota(**counter, limit=quota)], ignore_conflicts=True)
    row = BenefitQuota.objects.select_for_update().get(**counter)
    if row.used >= quota:
        raise QuotaUsedUpError(right.next_start)
    BenefitQuota.objects.filter(pk=row.pk).update(used=F("used") + 1, limit=quota)


def _write(membership: Membership, right: Entitlement, actor: Actor, wish: str, now: datetime) -> BenefitUse:
    benefit = right.benefit
    made = BenefitUse.objects.create(
        membership=membership,
        employee_id=actor.employee_id,
        benefit=benefit,
        grant_id=right.grant_id,
        is_for_company=right.is_for_company,
        period_start=None if right.quota is None else right.period_start,
        wish=wish,
        used_at=now,
        follow_up=_promise(membership, right, actor, wish, now) if benefit.kind in OWED else None,
    )
    audit.record(
        "benefit-used",
        made,
        actor_id=actor.user_id,
        now=now,
        company_id=membership.company_id,
        benefit=benefit.pk,
        grant=right.grant_id,
    )
    announce_benefit_use(made, membership, now=now)
    messages.tell(BENEFIT_USED, [Telling(actor.employee_id, made.pk, {"benefit": benefit.name})], now=now)
    return made


def _promise(membership: Membership, right: Entitlement, actor: Actor, wish: str, now: datetime) -> FollowUp:
    """What whoever looks after the company owes. Shared where the company uses it; a person's own use stays its own."""
    benefit = right.benefit
    name = Employee.objects.only("name").get(pk=actor.employee_id).name
    text = f"{benefit.name} – {name}: {wish}" if wish else f"{benefit.name} – {name}"
    today = now.astimezone(membership.program.zone).date()
    visibility = ServiceNote.Visibility
    return FollowUp.objects.create(
        company_id=membership.company_id,
        kind=FollowUp.Kind.PROMISE,
        text=text[:300],
        visibility=visibility.SHARED if right.is_for_company else visibility.INTERNAL,
        due_on=today + timedelta(days=benefit.lead_days or 0),
        created_by_id=actor.user_id,
        created_at=now,
    )
