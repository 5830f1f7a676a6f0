"""Benefits given by hand: to a company or to one of its people, for a time and with a reason."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts import audit, messages
from accounts.actors import Actor
from accounts.messages import MessageKind, Telling
from accounts.models import Employee, User
from loyalty.messages import BENEFIT_GIVEN, BENEFIT_WITHDRAWN
from loyalty.models import Benefit, BenefitGrant, Membership


class GrantError(Exception):
    """A benefit that cannot be given, or no longer withdrawn; `str()` says why and what to do."""


class NotYoursToGiveError(GrantError):
    """Only program managers, and whoever looks after the company, give its people benefits."""


class CannotGiveError(GrantError):
    """The benefit, the person or the time does not fit the company's membership."""


class GrantEndedError(GrantError):
    """The benefit was withdrawn, or has ended, before."""


def grant(
    *,
    membership: Membership,
    employee: Employee | None,
    benefit: Benefit,
    quota: int | None,
    period: str,
    starts_at: datetime,
    ends_at: datetime | None,
    by: Actor,
    reason: str,
    now: datetime,
) -> BenefitGrant:
    """Give a benefit to `employee`, or None: to the company; `quota` uses a `period`, None: as often as wanted.

    Whoever may use it is told, with the reason. Raises NotYoursToGiveError or CannotGiveError; then nothing has
    changed.
    """
    _require_giver(by, membership)
    if benefit.program_id != membership.program_id:
        raise CannotGiveError(_("This benefit belongs to another program than the membership. Choose one of its own."))
    if employee is not None and (employee.company_id != membership.company_id or not employee.is_active):
        raise CannotGiveError(_("This person does not work for the company. Choose one of its people, or nobody."))
    if not reason.strip():
        raise CannotGiveError(_("Say why it is given: the client reads the reason."))
    if ends_at is not None and ends_at <= max(starts_at, now):
        raise CannotGiveError(_("It would end before anybody could use it. Choose a later end."))
    with transaction.atomic():
        given = BenefitGrant.objects.create(
            membership=membership,
            employee=employee,
            benefit=benefit,
            quota=quota,
            period=period,
            starts_at=starts_at,
            ends_at=ends_at,
            granted_by_id=by.user_id,
            granted_at=now,
            reason=reason,
        )
        _record("benefit-given", given, by, reason, now)
        name = User.objects.only("name").get(pk=by.user_id).name
        _tell(BENEFIT_GIVEN, given, {"benefit": benefit.name, "reason": reason, "name": name}, now)
    return given


def withdraw(*, grant: BenefitGrant, by: Actor, reason: str, now: datetime) -> BenefitGrant:
    """End a benefit that was given by hand; what was used of it stays on record. Returns the grant.

    Whoever might have used it is told, with the reason. Raises NotYoursToGiveError, CannotGiveError without a reason,
    or GrantEndedError; then nothing has changed.
    """
    _require_giver(by, grant.membership)
    if not reason.strip():
        raise CannotGiveError(_("Say why it is withdrawn: the client reads the reason."))
    with transaction.atomic():
        given = BenefitGrant.objects.select_for_update(of=("self",)).select_related("membership", "benefit").get(
            pk=grant.pk
        )  # fmt: skip
        if given.ends_at is not None and given.ends_at <= max(now, given.starts_at):
            raise GrantEndedError(_("It has ended already, so there is nothing to withdraw."))
        given.ends_at = max(now, given.starts_at)
        given.save(update_fields=["ends_at"])
        _record("benefit-withdrawn", given, by, reason, now)
        _tell(BENEFIT_WITHDRAWN, given, {"benefit": given.benefit.name, "reason": reason}, now)
    return given


def _require_giver(by: Actor, membership: Membership) -> None:
    is_giver = by.user_id and (by.is_manager or by.is_account_manager)
    if not is_giver or not Membership.objects.visible_to(by).filter(pk=membership.pk).exists():
        raise NotYoursToGiveError(
            _("Only a program manager, or whoever looks after the company, can do this. Ask one of them.")
        )


def _record(action: str, given: BenefitGrant, by: Actor, reason: str, now: datetime) -> None:
    audit.record(
        action,
        given,
        actor_id=by.user_id,
        now=now,
        company_id=given.membership.company_id,
        reason=reason,
        benefit=given.benefit_id,
        employee=given.employee_id,
    )


def _tell(kind: MessageKind, given: BenefitGrant, facts: dict[str, str | int], now: datetime) -> None:
    """Tell the person, or where it is the company's those who act for it."""
    acts = Q(access=Employee.Access.ADMIN) | Q(buying_role=Employee.BuyingRole.DECIDES)
    whose = Q(pk=given.employee_id) if given.employee_id else acts & Q(company=given.membership.company_id)
    people = Employee.objects.filter(whose, is_active=True, user__isnull=False).order_by("pk")
    messages.tell(kind, [Telling(pk, given.pk, facts) for pk in people.values_list("pk", flat=True)], now=now)
