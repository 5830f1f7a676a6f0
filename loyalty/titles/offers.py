"""What a company's page says of the ways to a tier: what is open, what it holds, until when, and what comes due."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from accounts.actors import Actor
from loyalty.models import Membership, Tier, TierInvitation, TierTitle
from loyalty.selectors import Standing
from loyalty.titles.acts import Source, end_of_day_after
from loyalty.titles.conditions import condition_in_words, enrolment_catalogue, enrolment_facts, unmet


@dataclass(frozen=True, slots=True)
class Offer:
    """A tier that can be taken by choice or for a fee: what it asks, and what of it is not met."""

    tier: Tier
    condition: str
    unmet: list[str]
    is_chosen_now: bool
    is_paid_now: bool


@dataclass(frozen=True, slots=True)
class TitleNow:
    """A title in force, with its days as the program counts them.

    `last_day` is None where it has no end; `due_on` is the day up to which a fee has to come for it to go on.
    """

    title: TierTitle
    last_day: date | None
    due_on: date | None

    @property
    def is_cancelled(self) -> bool:
        """Whether it ends by the company's word."""
        return self.title.cancelled_at is not None

    @property
    def fee(self) -> Decimal | None:
        """What a period costs."""
        return self.title.fee


def offers_of(membership: Membership, standing: Standing, *, at: datetime) -> list[Offer]:
    """Return the tiers that the company may take, the highest first; no more than one query where there are none."""
    tiers = [
        tier
        for tier in Tier.objects.filter(program=membership.program_id).order_by("-rank")
        if tier.is_chosen or tier.is_paid
    ]
    if not tiers:
        return []
    catalogue, facts = {}, {}
    if any(tier.condition for tier in tiers):
        catalogue = dict(enrolment_catalogue(membership.program))
        facts = enrolment_facts(membership, standing, at=at)
    held = {(t.tier_id, t.source) for t in TierTitle.objects.filter(membership=membership).in_force(at)}
    return [
        Offer(
            tier,
            condition_in_words(tier, catalogue),
            unmet(tier, facts, catalogue),
            (tier.pk, Source.CHOSEN) in held,
            (tier.pk, Source.PAID) in held,
        )
        for tier in tiers
    ]


def titles_now(membership: Membership, *, at: datetime) -> list[TitleNow]:
    """Return what entitles the company to tiers now, the highest first; one query."""
    zone = membership.program.zone
    rows = TierTitle.objects.filter(membership=membership).in_force(at).select_related("tier")
    return [
        TitleNow(
            row,
            (row.ends_at - timedelta(microseconds=1)).astimezone(zone).date() if row.ends_at else None,
            (row.paid_through + timedelta(days=(row.grace_days or 0) - 1))
            if row.paid_through is not None and row.cancelled_at is None
            else None,
        )
        for row in rows.order_by("-tier__rank", "pk")
    ]


def invitation_to(actor: Actor, membership: Membership, *, at: datetime) -> TierInvitation | None:
    """Return the invitation that waits for the company's answer, where the actor may see it; one query."""
    open_ = TierInvitation.objects.visible_to(actor).filter(membership=membership, answer=TierInvitation.Answer.OPEN)
    invitation = open_.select_related("tier").first()
    if invitation is None or end_of_day_after(membership.program, invitation.answer_by) <= at:
        return None
    return invitation
