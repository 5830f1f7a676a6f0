"""Time alone moves tiers: what a scheduled command does when a month or a year has turned."""

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction

from accounts import messages, webhooks
from accounts.messages import Telling
from accounts.models import Employee
from accounts.webhooks import News
from loyalty.messages import TIER_REACHED
from loyalty.models import Membership, Program
from loyalty.standing.board import Holding, StandingBoard, TierMove
from loyalty.standing.windows import tier_plans_of
from loyalty.webhooks import TIER_CHANGED

BATCH = 1_000


def review_tiers(*, now: datetime) -> int:
    """Move every tier that is not what its window gives at `now`; return how many moved. Safe to run twice."""
    moved = 0
    programs = Program.objects.order_by("pk")
    plans = tier_plans_of(programs)
    for program in programs:
        ids = list(Membership.objects.filter(program=program).in_force(now).order_by("pk").values_list("pk", flat=True))
        for chunk in _chunks(ids):
            with transaction.atomic():
                locked = Membership.objects.select_for_update(no_key=True).filter(pk__in=chunk).order_by("pk")
                board = StandingBoard()
                board.open([(m.pk, m.company_id, plans[program.pk]) for m in locked], first_at=now)
                for membership_id in chunk:
                    board.review(membership_id, now=now)
                board.write()
                tell_of_moves(board.moves, now=now)
                announce_moves(board.moves, now=now)
                moved += len(board.moves)
    return moved


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
