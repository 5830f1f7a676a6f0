"""Invitations to a tier: a manager asks, the company's admin accepts or declines, up to a day."""

from datetime import date, datetime

from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actors import Actor
from loyalty.messages import TIER_INVITED
from loyalty.models import Membership, Tier, TierInvitation, TierTitle
from loyalty.titles.acts import (
    Source,
    TitleError,
    end_of_day_after,
    on_record,
    opened,
    require_admin,
    tell_admins,
)

Answer = TierInvitation.Answer


def invite(
    *, membership: Membership, tier: Tier, until: date, answer_by: date, reason: str, by_id: int, now: datetime
) -> TierInvitation:
    """Ask a company into a tier that it would hold through `until`, if it accepts by `answer_by`.

    Those who act for it are told. Raises TitleError; then nothing has changed.
    """
    if not reason.strip():
        raise TitleError(_("Say why: the client reads the reason."))
    with transaction.atomic():
        at = opened(membership, now=now)
        if tier.program_id != at.program.pk or not tier.is_invited:
            raise TitleError(_("Nobody is invited to this tier. Choose one that is open by invitation."))
        if end_of_day_after(at.program, answer_by) <= now or answer_by > until:
            raise TitleError(_("The answer is due today or later, and no later than the last day of the tier."))
        open_ = TierInvitation.objects.select_for_update().filter(membership=at.membership, answer=Answer.OPEN).first()
        if open_ is not None:
            if end_of_day_after(at.program, open_.answer_by) > now:
                raise TitleError(_("An invitation of this company waits for an answer. Withdraw that one first."))
            _answer(open_, Answer.WITHDRAWN, by_id, now)
        invitation = TierInvitation.objects.create(
            membership=at.membership,
            tier=tier,
            until=until,
            answer_by=answer_by,
            reason=reason,
            invited_by_id=by_id,
            invited_at=now,
        )
        company_id = at.membership.company_id
        audit.record("tier-offered", invitation, actor_id=by_id, now=now, company_id=company_id, tier=tier.pk)
        facts: dict[str, str | int] = {"tier": tier.name, "day": answer_by.isoformat()}
        tell_admins(TIER_INVITED, company_id, invitation.pk, facts, now=now)
    return invitation


def accept(*, actor: Actor, invitation: TierInvitation, now: datetime) -> TierTitle:
    """Accept an invitation: the tier begins now. Raises NotYoursToDecideError or TitleError; nothing has changed."""
    require_admin(actor, invitation.membership)
    with transaction.atomic():
        at = opened(invitation.membership, now=now)
        row = _open(invitation, now)
        title = at.begin(
            row.tier,
            Source.INVITED,
            by_id=actor.user_id,
            ends_at=end_of_day_after(at.program, row.until),
            reason=row.reason,
        )
        _answer(row, Answer.ACCEPTED, actor.user_id, now)
        on_record("tier-accepted", title, actor.user_id, now, invitation=row.pk)
    return title


def decline(*, actor: Actor, invitation: TierInvitation, now: datetime) -> None:
    """Decline an invitation. Raises NotYoursToDecideError or TitleError; then nothing has changed."""
    require_admin(actor, invitation.membership)
    with transaction.atomic():
        row = _open(invitation, now)
        _answer(row, Answer.DECLINED, actor.user_id, now)
        company_id = row.membership.company_id
        audit.record("tier-declined", row, actor_id=actor.user_id, now=now, company_id=company_id, tier=row.tier_id)


def withdraw_invitation(*, invitation: TierInvitation, by_id: int, now: datetime) -> TierInvitation:
    """Take an invitation back that nobody has answered. Raises TitleError; then nothing has changed."""
    with transaction.atomic():
        row = _open(invitation, now, also_expired=True)
        _answer(row, Answer.WITHDRAWN, by_id, now)
        company_id = row.membership.company_id
        audit.record("tier-withdrawn", row, actor_id=by_id, now=now, company_id=company_id, tier=row.tier_id)
    return row


def _open(invitation: TierInvitation, now: datetime, *, also_expired: bool = False) -> TierInvitation:
    rows = TierInvitation.objects.select_for_update(of=("self",)).select_related("tier", "membership__program")
    row = rows.get(pk=invitation.pk)
    if row.answer != Answer.OPEN:
        raise TitleError(_("This invitation was answered before: %(answer)s.") % {"answer": row.get_answer_display()})
    if not also_expired and end_of_day_after(row.membership.program, row.answer_by) <= now:
        raise TitleError(_("This invitation could be accepted until %(day)s. Ask your account manager for another.") % {
            "day": date_format(row.answer_by, "DATE_FORMAT")
        })  # fmt: skip
    return row


def _answer(row: TierInvitation, answer: str, by_id: int, now: datetime) -> None:
    row.answer, row.answered_by_id, row.answered_at = answer, by_id, now
    row.save(update_fields=["answer", "answered_by", "answered_at"])
