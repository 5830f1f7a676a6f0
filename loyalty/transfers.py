"""Passing points on: a person's to the company, or the company's to one of its people, where the program allows it."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils.formats import localize
from django.utils.translation import gettext as _

from accounts import audit, idempotency, messages
from accounts.actors import Actor
from accounts.messages import Telling
from accounts.models import Employee
from loyalty.ledger import Book, InsufficientPointsError, Owner
from loyalty.memberships import people_may_spend
from loyalty.messages import POINTS_PASSED_ON
from loyalty.models import Consent, Membership, Program, Transaction, Transfer

__all__ = [
    "MOST_POINTS",
    "InsufficientPointsError",
    "NotAllowedError",
    "NotToThemError",
    "NotYoursToPassOnError",
    "Passed",
    "TransferError",
    "can_pass_on",
    "pass_on",
    "refusal",
    "takers_of",
]

MOST_POINTS = 1_000_000_000
"""The most points that are passed on at once; a slip of the key stays harmless."""


class TransferError(Exception):
    """Points that cannot be passed on."""


class NotAllowedError(TransferError):
    """The program does not let points go this way, or is not running or over, or the company does not take part."""


class NotYoursToPassOnError(TransferError):
    """They are another's points, or the company does not agree (any more) that its people have their own."""


class NotToThemError(TransferError):
    """The company's points go to somebody else who works there, and only while the company agrees."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What was passed on, and whether this very call did it."""

    transfer: Transfer
    is_new: bool


def can_pass_on(actor: Actor, membership: Membership, *, to_company: bool) -> bool:
    """Whether the actor may pass points on in this direction at all."""
    way = Program.Transfers.TO_COMPANY if to_company else Program.Transfers.TO_PEOPLE
    if membership.program.transfers not in (way, Program.Transfers.BOTH):
        return False
    if actor.company_id != membership.company_id or not actor.is_employee or membership.has_one_wallet:
        return False
    if to_company:
        return people_may_spend(program_id=membership.program_id, company_id=membership.company_id, now=actor.at)
    return actor.is_company_admin


def takers_of(actor: Actor, membership: Membership) -> QuerySet[Employee]:
    """Return the colleagues to whom the actor can pass on the company's points: never oneself."""
    colleagues = Employee.objects.visible_to(actor).filter(company=membership.company_id, is_active=True)
    agrees = Consent.objects.filter(membership=membership).in_force(actor.at).exists()
    return colleagues.exclude(pk=actor.employee_id) if agrees else colleagues.none()


def pass_on(
    *,
    actor: Actor,
    membership: Membership,
    to: Employee | None,
    points: int,
    reason: str,
    key: str | None,
    now: datetime,
    made_by_id: int | None = None,
) -> Passed:
    """Pass points on: the actor's own to the company (`to` None), or as an admin the company's to a colleague.

    No point is made by it, and each keeps the day on which it expires; a debt of whoever gets them is repaid first. The
    same `key` again gives the same transfer; None: whoever calls sees to that. `made_by_id` is the user of another
    system that does it in the actor's name. Raises NotAllowedError, NotYoursToPassOnError, NotToThemError,
    InsufficientPointsError or idempotency.KeyUsedForAnotherRequestError; then nothing has changed.
    """
    content = ["pass on", membership.pk, to.pk if to else None, points, reason]
    by_user_id = made_by_id or actor.user_id
    with transaction.atomic():
        claim = None if key is None else idempotency.claim(user_id=by_user_id, key=key, content=content)
        if claim is not None and claim.resource_id is not None:
            return Passed(Transfer.objects.get(pk=claim.resource_id), is_new=False)
        rows = Membership.objects.select_for_update(no_key=True, of=("self",)).select_related("program")
        membership = rows.get(pk=membership.pk)
        _require_way(actor, membership, to, now)
        employee_id = to.pk if to else actor.employee_id or 0
        person = Owner(membership.program_id, membership.company_id, employee_id)
        giver, taker = (person.company, person) if to else (person, person.company)
        book = Book(now=now, programs=[membership.program])
        book.open([giver, taker], spenders=[giver])
        if not 1 <= points <= MOST_POINTS:
            raise InsufficientPointsError(available=book.available(giver), wanted=points)
        act = book.begin(Transaction.Kind.TRANSFER, person.company, actor_id=by_user_id)
        book.pass_on(act, giver, taker, points, at=now)
        book.write()
        transfer = Transfer.objects.create(
            membership=membership,
            employee_id=employee_id,
            is_to_company=to is None,
            points=points,
            reason=reason,
            transaction_id=act.id,
            made_by_id=by_user_id,
            made_at=now,
        )
        if claim is not None:
            idempotency.settle(claim, transfer.pk)
        audit.record(
            "points-passed-on",
            transfer,
            actor_id=by_user_id,
            now=now,
            company_id=membership.company_id,
            points=points,
        )
        if to is not None:
            facts: dict[str, str | int] = {"points": points, "reason": reason}
            messages.tell(POINTS_PASSED_ON, [Telling(to.pk, act.id, facts)], now=now)
    return Passed(transfer, is_new=True)


def refusal(error: Exception) -> str:
    """Return why points cannot be passed on, and what to do instead."""
    match error:
        case InsufficientPointsError():
            return _("Only %(available)s points are available there. Pass on %(available)s at most.") % {
                "available": localize(error.available)
            }
        case NotAllowedError():
            return _("The program no longer lets points be passed on this way.")
        case NotToThemError():
            return _("The company's points go to somebody else who works there, while the company agrees to that.")
        case _other:
            return _("These are not your points to pass on.")


def _require_way(actor: Actor, membership: Membership, to: Employee | None, now: datetime) -> None:
    way = Program.Transfers.TO_COMPANY if to is None else Program.Transfers.TO_PEOPLE
    if actor.company_id != membership.company_id or actor.seen_by_user_id or not actor.is_employee:
        raise NotYoursToPassOnError
    program = membership.program
    is_over = not program.spends_on(now.astimezone(program.zone).date())
    is_offered = program.transfers in (way, Program.Transfers.BOTH) and program.is_active and not is_over
    if not is_offered or not membership.holds_at(now):
        raise NotAllowedError
    if not can_pass_on(actor, membership, to_company=to is None):
        raise NotYoursToPassOnError
    if to is not None and not takers_of(actor, membership).filter(pk=to.pk).exists():
        raise NotToThemError
