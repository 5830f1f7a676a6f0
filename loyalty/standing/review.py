"""Time alone moves tiers: what a scheduled command does when a month or a year has turned, or a title has ended."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import arrays, messages, webhooks
from accounts.messages import Telling
from accounts.models import Employee
from accounts.webhooks import News
from loyalty.messages import TIER_ENDED, TIER_REACHED
from loyalty.models import Membership, Program, StandingEvent
from loyalty.standing.board import Holding, Lapse, StandingBoard, TierMove
from loyalty.standing.due import due_for_review
from loyalty.standing.windows import TierPlan, tier_plans_of
from loyalty.webhooks import TIER_CHANGED

BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Stay:
    """A segment that a company stands in for a time."""

    starts_at: datetime
    ends_at: datetime | None
    code: str

    def holds_at(self, at: datetime) -> bool:
        """Whether the company stands in it at `at`."""
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


def review_tiers(*, now: datetime) -> int:
    """Move every tier that is not what its window gives at `now`; return how many moved. Safe to run twice.

    The database says which memberships may be due, so those that stand where they belong cost one read.
    """
    moved = 0
    programs = Program.objects.order_by("pk")
    plans = tier_plans_of(programs)
    for program in programs:
        plan = plans[program.pk]
        for chunk in _chunks(due_for_review(plan, now=now)):
            moved += review_members(plan, chunk, now=now)
    return moved


def review_members(plan: TierPlan, membership_ids: Sequence[int], *, now: datetime) -> int:
    """Move the tiers of some members of a program that are not what their window gives; return how many moved."""
    with transaction.atomic():
        board = open_board(plan, membership_ids, now=now)
        reviewed = [pk for pk in membership_ids if board.review(pk, now=now)]
        board.write()
        keep_events([(pk, StandingEvent.Kind.REVIEWED, None, None) for pk in reviewed], now=now)
        make_known(board, now=now)
    return len(board.moves)


def open_board(plan: TierPlan, membership_ids: Iterable[int], *, now: datetime) -> StandingBoard:
    """Lock the memberships, by id, and return a board with their standing as it counts at `now`."""
    ids = sorted(membership_ids)
    locked = list(Membership.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    stays = stays_of({m.company_id for m in locked}) if plan.favours else {}
    board = StandingBoard()
    members = [(m.pk, m.company_id, plan.of_member(m.starts_at, stays.get(m.company_id, ()))) for m in locked]
    board.open(members, first_at=now)
    return board


def stays_of(company_ids: Iterable[int]) -> dict[int, list[Stay]]:
    """Return the segments of companies, each for its time."""
    stays: dict[int, list[Stay]] = {}
    for company_id, starts_at, ends_at, code in arrays.fetch(
        """SELECT m.company_id, m.starts_at, m.ends_at, s.code FROM accounts_segmentmembership m
           JOIN accounts_segment s ON s.id = m.segment_id WHERE m.company_id = ANY(%s::bigint[])""",
        sorted(company_ids),
    ):
        stays.setdefault(company_id, []).append(Stay(starts_at, ends_at, code))
    return stays


def keep_events(events: list[tuple[int, str, int | None, datetime | None]], *, now: datetime) -> None:
    """Put on record what moved standing beside activities: (membership, kind, title, its end), in this order.

    Call it under the locks of the memberships: the ids are drawn among those of evaluations.
    """
    if events:
        ids = arrays.draw_ids(loyalty_evaluation=len(events))["loyalty_evaluation"]
        StandingEvent.objects.bulk_create(
            StandingEvent(id=new_id, membership_id=membership_id, kind=kind, title_id=title_id, ends_at=ends_at, at=now)
            for new_id, (membership_id, kind, title_id, ends_at) in zip(ids, events, strict=True)
        )


Follower = Callable[[Sequence[TierMove], datetime], None]

_followers: list[Follower] = []


def let_follow(follower: Follower) -> None:
    """Make known what follows, in the same transaction, from tiers that are moved otherwise than by an activity."""
    _followers.append(follower)


def make_known(board: StandingBoard, *, now: datetime) -> None:
    """Let follow what does from tiers moved otherwise than by judging an activity; tell people and other systems."""
    for follower in _followers if board.moves else ():
        follower(board.moves, now)
    tell_of_moves(board.moves, now=now)
    tell_of_lapses(board.lapses, now=now)
    announce_moves(board.moves, now=now)


def tell_of_moves(moves: list[TierMove], *, now: datetime) -> None:
    """Tell the people of a company which tier it has reached; a step down is the account manager's to tell."""
    last = {move.membership_id: move for move in moves if move.is_upwards}
    if not last:
        return
    reached: dict[int, list[Holding]] = {}
    for move in last.values():
        if move.after is not None:
            reached.setdefault(move.company_id, []).append(move.after)
    people = Employee.objects.filter(company__in=reached, is_active=True, user__isnull=False).order_by("pk")
    tellings = [
        Telling(employee_id, holding.id or 0, {"tier": holding.step.name})
        for employee_id, company_id in people.values_list("pk", "company_id")
        for holding in reached[company_id]
    ]
    messages.tell(TIER_REACHED, tellings, now=now)


def tell_of_lapses(lapses: list[Lapse], *, now: datetime) -> None:
    """Tell a company's admins which title to a tier has ended; what is earned beneath goes on without a word."""
    by_company: dict[int, list[Lapse]] = {}
    for lapse in lapses:
        if lapse.after is None or lapse.after.id != lapse.title.step.id:
            by_company.setdefault(lapse.company_id, []).append(lapse)
    if not by_company:
        return
    admins = Employee.objects.filter(
        company__in=by_company, access=Employee.Access.ADMIN, is_active=True, user__isnull=False
    )
    tellings = [
        Telling(employee_id, lapse.title.id, {"tier": lapse.title.step.name})
        for employee_id, company_id in admins.order_by("pk").values_list("pk", "company_id")
        for lapse in by_company[company_id]
    ]
    messages.tell(TIER_ENDED, tellings, now=now)


def announce_moves(moves: list[TierMove], *, now: datetime) -> None:
    """Announce tiers that changed; call it under the locks of the memberships."""

    def news() -> list[News]:
        rows = Membership.objects.filter(pk__in={move.membership_id for move in moves})
        programs = dict(rows.values_list("pk", "program__code"))
        return [
            News(
                TIER_CHANGED,
                move.company_id,
                str(move.membership_id),
                {
                    "program": programs[move.membership_id],
                    "before": move.before.code if move.before else None,
                    "after": move.after.step.code if move.after else None,
                    "since": webhooks.as_text(move.at),
                },
            )
            for move in moves
        ]

    if moves:
        webhooks.announce_all([TIER_CHANGED], news, now=now)


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    return (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
