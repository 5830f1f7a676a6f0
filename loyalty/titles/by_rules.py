"""Invitations to tiers that rules give: asked and withdrawn for many at once, under the locks of their memberships."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts import arrays
from loyalty.messages import TIER_INVITED
from loyalty.models import Membership, Tier, TierInvitation, TierTitle
from loyalty.titles.acts import News, Source, end_of_day_after, tell_admins_of

Answer = TierInvitation.Answer


@dataclass(frozen=True, slots=True)
class Asked:
    """A company that a rule asks into a tier; the days count from when it is asked."""

    membership_id: int
    company_id: int
    tier_id: int
    days: int
    answer_days: int
    award_id: int
    reason: str


@dataclass(slots=True)
class Doors:
    """Which tiers are open by invitation, and what some memberships hold so or have to answer.

    `waiting` is by membership: until when it can be answered, and the award that brought it (None: somebody did).
    """

    tiers: dict[tuple[int, str], int] = field(default_factory=dict)
    waiting: dict[int, tuple[datetime, int | None]] = field(default_factory=dict)
    held: list[TierTitle] = field(default_factory=list)

    def is_waiting(self, membership_id: int, *, at: datetime) -> bool:
        """Whether an invitation can still be answered at `at`."""
        return membership_id in self.waiting and at < self.waiting[membership_id][0]

    def is_of_award(self, membership_id: int, award_id: int) -> bool:
        """Whether what waits is what an award brought."""
        return membership_id in self.waiting and self.waiting[membership_id][1] == award_id

    def is_held(self, membership_id: int, tier_id: int, *, at: datetime) -> bool:
        """Whether the tier is held by an invitation that was accepted."""
        return any(
            title.membership_id == membership_id and title.tier_id == tier_id and title.holds_at(at)
            for title in self.held
        )


def open_doors(membership_ids: Collection[int]) -> Doors:
    """Read the doors of some memberships, which are locked."""
    rows = TierInvitation.objects.filter(membership__in=membership_ids, answer=Answer.OPEN)
    return Doors(
        {
            (program_id, code): pk
            for pk, program_id, code in Tier.objects.filter(is_invited=True).values_list("pk", "program", "code")
        },
        {
            row.membership_id: (end_of_day_after(row.membership.program, row.answer_by), row.award_id)
            for row in rows.select_related("membership__program")
        },
        list(TierTitle.objects.filter(membership__in=membership_ids, source=Source.INVITED)),
    )


def ask(asked: Sequence[Asked], *, withdrawn: Collection[int], now: datetime) -> None:
    """Invite companies, and tell those who act for them; what waited beyond its day is withdrawn first.

    `withdrawn` are the awards whose invitation is taken back at once: it stands on record, and nobody is told.
    """
    if not asked:
        return
    late = TierInvitation.objects.filter(membership__in={one.membership_id for one in asked}, answer=Answer.OPEN)
    late.update(answer=Answer.WITHDRAWN, answered_at=now)
    members = Membership.objects.filter(pk__in={one.membership_id for one in asked}).select_related("program")
    days = {member.pk: now.astimezone(member.program.zone).date() for member in members}
    rows = TierInvitation.objects.bulk_create(
        TierInvitation(
            membership_id=one.membership_id,
            tier_id=one.tier_id,
            until=days[one.membership_id] + timedelta(days=one.days),
            answer_by=days[one.membership_id] + timedelta(days=one.answer_days),
            reason=one.reason,
            award_id=one.award_id,
            invited_at=now,
            answer=Answer.WITHDRAWN if one.award_id in withdrawn else Answer.OPEN,
            answered_at=now if one.award_id in withdrawn else None,
        )
        for one in asked
    )
    names = dict(Tier.objects.filter(pk__in={one.tier_id for one in asked}).values_list("pk", "name"))
    tell_admins_of(
        TIER_INVITED,
        [
            News(
                one.company_id,
                row.pk,
                {"tier": names[row.tier_id], "day": row.answer_by.isoformat()},
            )
            for one, row in zip(asked, rows, strict=True)
            if row.answer == Answer.OPEN
        ],
        now=now,
    )


def withdraw(award_ids: Collection[int], *, now: datetime) -> None:
    """Withdraw what awards brought and nobody has answered."""
    if award_ids:
        arrays.run(
            """UPDATE loyalty_tierinvitation SET answer = 'WITHDRAWN', answered_at = %s
               WHERE award_id = ANY(%s::bigint[]) AND answer = 'OPEN'""",
            now,
            [*award_ids],
        )
