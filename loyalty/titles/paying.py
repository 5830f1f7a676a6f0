"""Tiers for a fee: taken by the company's admin, renewed by every payment, cancelled to the end of what is paid."""

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.formats import localize
from django.utils.translation import gettext as _

from accounts.actors import Actor
from loyalty.messages import TIER_RENEWED
from loyalty.models import Membership, Program, Tier, TierPayment, TierTitle
from loyalty.titles.acts import Source, TitleError, locked_title, on_record, opened, require_admin, tell_admins
from loyalty.titles.choosing import require_conditions


def months_after(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def subscribe(
    *, actor: Actor, membership: Membership, tier: Tier, now: datetime, made_by_id: int | None = None
) -> TierTitle:
    """Take a tier for its fee: it begins now, and ends by itself where the fee does not come within the days to pay.

    Its fee, periods and days are those of today until it ends. The same again changes nothing. `made_by_id` is the user
    of another system that does it in the actor's name. Raises NotYoursToDecideError, ConditionsNotMetError or
    TitleError; then nothing has changed.
    """
    require_admin(actor, membership)
    if not tier.is_paid or tier.fee is None or tier.fee_months is None:
        raise TitleError(_("This tier is not for a fee any more."))
    with transaction.atomic():
        at = opened(membership, now=now)
        held = TierTitle.objects.filter(membership=at.membership, source=Source.PAID).in_force(now).first()
        if held is not None:
            if held.tier_id == tier.pk and held.cancelled_at is None:
                return held
            raise TitleError(_("Your company pays for a tier already. Cancel that one first; it holds to its end."))
        require_conditions(at.membership, tier, now=now)
        today = now.astimezone(at.program.zone).date()
        title = at.begin(
            tier,
            Source.PAID,
            by_id=made_by_id or actor.user_id,
            ends_at=_unpaid_ends_at(at.program, today, tier.fee_grace_days),
            fee=tier.fee,
            currency=tier.fee_currency,
            fee_months=tier.fee_months,
            grace_days=tier.fee_grace_days,
            paid_through=today,
        )
        on_record("tier-taken-for-a-fee", title, made_by_id or actor.user_id, now)
    return title


def record_payment(
    *, title: TierTitle, amount: Decimal, currency: str, reference: str, by_id: int, now: datetime
) -> TierPayment:
    """Write down that the fee of a period came: the tier is paid for its months more, from where it was paid to.

    The same `reference` again gives the same payment. Raises TitleError; then nothing has changed.
    """
    with transaction.atomic():
        at = opened(title.membership, now=now)
        before = TierPayment.objects.filter(title=title.pk, reference=reference).first()
        if before is not None:
            if (before.amount, before.currency) == (amount, currency):
                return before
            raise TitleError(_("This reference stands for another amount. Look it up, or use the number of this one."))
        row = locked_title(title, now=now)
        if row.source != Source.PAID or row.paid_through is None or row.fee_months is None:
            raise TitleError(_("There is no fee for this tier."))
        if row.cancelled_at is not None:
            raise TitleError(_("It was cancelled, so no further period is paid for. The company can take it anew."))
        if (amount, currency) != (row.fee, row.currency):
            fee = f"{localize(row.fee)} {row.currency}"
            raise TitleError(_("The fee is %(fee)s for each period. Record exactly that.") % {"fee": fee})
        count = TierPayment.objects.filter(title=row).count()
        first_day = row.starts_at.astimezone(at.program.zone).date()
        paid_to = months_after(first_day, row.fee_months * (count + 1))
        payment = TierPayment.objects.create(
            title=row,
            amount=amount,
            currency=currency,
            reference=reference,
            paid_from=row.paid_through,
            paid_to=paid_to,
            recorded_by_id=by_id,
            recorded_at=now,
        )
        row.paid_through, row.ends_at = paid_to, _unpaid_ends_at(at.program, paid_to, row.grace_days or 0)
        at.change(row)
        on_record("tier-fee-paid", row, by_id, now, payment=payment.pk)
        last_day = (paid_to - timedelta(days=1)).isoformat()
        facts: dict[str, str | int] = {"tier": row.tier.name, "day": last_day}
        tell_admins(TIER_RENEWED, at.membership.company_id, payment.pk, facts, now=now)
    return payment


def cancel(*, actor: Actor, title: TierTitle, now: datetime, made_by_id: int | None = None) -> TierTitle:
    """Cancel a tier for a fee: it holds to the end of what is paid, and ends now where nothing is.

    The same again changes nothing. `made_by_id` is as in `subscribe`. Raises NotYoursToDecideError or TitleError; then
    nothing has changed.
    """
    require_admin(actor, title.membership)
    with transaction.atomic():
        at = opened(title.membership, now=now)
        row = locked_title(title, now=now)
        if row.source != Source.PAID or row.paid_through is None:
            raise TitleError(_("There is no fee for this tier."))
        if row.cancelled_at is None:
            row.cancelled_at = now
            row.ends_at = max(now, datetime.combine(row.paid_through, time(), at.program.zone))
            at.change(row)
            on_record("tier-fee-cancelled", row, made_by_id or actor.user_id, now)
    return row


def _unpaid_ends_at(program: Program, paid_through: date, grace_days: int) -> datetime:
    return datetime.combine(paid_through + timedelta(days=grace_days), time(), program.zone)
