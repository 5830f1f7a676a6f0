"""What a company's page says of the ways to a tier: what is open, what it holds, until when, and what comes due."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from accounts.actors import Actor
from accounts.conditions import Catalogue, Value
from loyalty.models import Membership, Program, Tier, TierInvitation, TierTitle
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

    `last_day` is None where it has no end. Of one for a fee, `paid_to` is the last day that is paid for (None: none
    yet), and `due_on` the last day on which the fee of the next period keeps it (None: it was cancelled).
    """

    title: TierTitle
    last_day: date | None
    paid_to: date | None
    due_on: date | None

    @property
    def is_cancelled(self) -> bool:
        """Whether it ends by the company's word."""
        return self.title.cancelled_at is not None

    @property
    def fee(self) -> Decimal | None:
        """What a period costs."""
        return self.title.fee

    @property
    def may_cancel(self) -> bool:
        """Whether there is a fee to cancel."""
        return self.title.source == Source.PAID and not self.is_cancelled

    @property
    def may_give_up(self) -> bool:
        """Whether the company picked it."""
        return self.title.source == Source.CHOSEN


def offers_of(membership: Membership, standing: Standing, held: Sequence[TitleNow], *, at: datetime) -> list[Offer]:
    """Return the tiers that the company may take, the highest first; one query where none of them asks anything.

    `held` are the titles that it has.
    """
    tiers = list(
        Tier.objects.filter(Q(is_chosen=True) | Q(is_paid=True), program=membership.program_id).order_by("-rank")
    )
    catalogue: Catalogue = {}
    facts: Mapping[str, Value] = {}
    if any(tier.condition for tier in tiers):
        catalogue = enrolment_catalogue(membership.program)
        facts = enrolment_facts(membership, standing, at=at)
    sources = {(one.title.tier_id, one.title.source) for one in held}
    return [
        Offer(
            tier,
            condition_in_words(tier, catalogue),
            unmet(tier, facts, catalogue),
            (tier.pk, Source.CHOSEN) in sources,
            (tier.pk, Source.PAID) in sources,
        )
        for tier in tiers
    ]


def titles_now(membership: Membership, *, at: datetime) -> list[TitleNow]:
    """Return what entitles the company to tiers now, the highest first; one query."""
    rows = TierTitle.objects.filter(membership=membership).in_force(at).select_related("tier")
    return [title_now(row, membership.program) for row in rows.order_by("-tier__rank", "pk")]


def title_now(row: TierTitle, program: Program) -> TitleNow:
    """Return a title, fetched with its tier, with its days as `program` counts them."""
    last_day = paid_to = due_on = None
    if row.ends_at is not None:
        last_day = (row.ends_at - timedelta(microseconds=1)).astimezone(program.zone).date()
    if row.paid_through is not None:
        is_paid = row.paid_through > row.starts_at.astimezone(program.zone).date()
        paid_to = row.paid_through - timedelta(days=1) if is_paid else None
        due_on = last_day if row.cancelled_at is None else None
    return TitleNow(row, last_day, paid_to, due_on)


def invitation_to(actor: Actor, membership: Membership, *, at: datetime) -> TierInvitation | None:
    """Return the invitation that waits for the company's answer, where the actor may see it; one query."""
    open_ = TierInvitation.objects.visible_to(actor).filter(membership=membership, answer=TierInvitation.Answer.OPEN)
    invitation = open_.select_related("tier").first()
    if invitation is None or end_of_day_after(membership.program, invitation.answer_by) <= at:
        return None
    return invitation
