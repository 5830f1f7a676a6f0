"""Confirming: what activities earned need not wait any longer, whatever day it waited for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from accounts import arrays
from loyalty.activities.originals import Judgement, read_judgements
from loyalty.ledger import Act, AwardEntry, Book, LotDays, Owner, last_day
from loyalty.models import Confirmation, Program, Transaction


@dataclass(frozen=True, slots=True)
class Confirmed:
    """How many points of an activity can be spent from now on; `was_before` where somebody had confirmed it already."""

    points: int
    was_before: bool


@dataclass(frozen=True, slots=True)
class _Release:
    """What was released of one activity in one program."""

    activity_id: int
    act: Act
    available_on: date
    expires_on: date | None
    points: int


def waiting_points(activity_id: int) -> int:
    """Return how many points of an activity still wait, in all programs; one query, without a lock."""
    [[points]] = arrays.fetch(
        """SELECT coalesce(sum(least(a.granted - coalesce(r.reversed, 0), l.remaining)), 0)::bigint
           FROM loyalty_award a
           JOIN loyalty_posting p ON p.award_id = a.id AND p.reverses_id IS NULL
           JOIN loyalty_lot l ON l.id = p.lot_id
           JOIN loyalty_wallet w ON w.id = l.wallet_id AND w.kind = 'PENDING'
           LEFT JOIN loyalty_awardreversal r ON r.award_id = a.id
           LEFT JOIN loyalty_confirmation c ON c.activity_id = a.activity_id AND c.program_id = a.program_id
           WHERE a.activity_id = %s AND c.id IS NULL""",
        activity_id,
    )
    return int(points)


def confirm_activities(activity_ids: Collection[int], *, by_user_id: int, now: datetime) -> Mapping[int, Confirmed]:
    """Make available what still waits of what activities earned, in every program; say for each what came of it.

    Points that wait for a day keep the last day that they were given with; those that wait for this word alone last
    from today. Debt is repaid first. What was taken back by a return stays taken; what does not wait stays as it is;
    a second time changes nothing.
    """
    ids = sorted(set(activity_ids))
    with transaction.atomic():
        arrays.fetch(
            """SELECT m.id FROM loyalty_membership m
               WHERE m.company_id IN (SELECT company_id FROM loyalty_activity WHERE id = ANY(%s))
               ORDER BY m.id FOR NO KEY UPDATE""",
            ids,
        )
        before = set(Confirmation.objects.filter(activity__in=ids).values_list("activity_id", "program_id"))
        judgements = read_judgements(ids)
        releases = _release(judgements, by_user_id=by_user_id, now=now)
        _keep(releases, by_user_id=by_user_id, now=now)
    points = dict.fromkeys(ids, 0)
    for release in releases:
        points[release.activity_id] += release.points
    known = {activity_id for activity_id, _program_id in before}
    return {pk: Confirmed(count, was_before=pk in known and not count) for pk, count in points.items()}


def _release(judgements: Mapping[int, list[Judgement]], *, by_user_id: int, now: datetime) -> list[_Release]:
    programs = Program.objects.in_bulk({one.program_id for each in judgements.values() for one in each})
    today = {pk: now.astimezone(program.zone).date() for pk, program in programs.items()}
    owners = {judged.award.owner for each in judgements.values() for one in each for judged in one.awards}
    book = Book(now=now, programs=programs.values())
    book.open(owners)
    releases = []
    for activity_id, each in sorted(judgements.items()):
        for judgement in each:
            waiting = [judged.award for judged in judgement.awards if book.waiting(judged.award)]
            if not waiting:
                continue
            day = today[judgement.program_id]
            expires_on = _last_day(waiting[0], programs[judgement.program_id], day)
            company = Owner(judgement.program_id, waiting[0].owner.company_id)
            act = book.begin(Transaction.Kind.RELEASE, company, actor_id=by_user_id)
            points = sum(book.waiting(award) for award in waiting)
            for award in waiting:
                book.release(act, award, at=now, days=LotDays(day, expires_on))
            releases.append(_Release(activity_id, act, day, expires_on, points))
    book.write()
    return releases


def _last_day(award: AwardEntry, program: Program, today: date) -> date | None:
    """The last day of an award that is confirmed today."""
    if award.lot is not None and award.lot.available_on is not None:
        return award.lot.expires_on
    return last_day(program, today)


def _keep(releases: Collection[_Release], *, by_user_id: int, now: datetime) -> None:
    Confirmation.objects.bulk_create(
        Confirmation(
            activity_id=release.activity_id,
            company_id=release.act.owner.company_id,
            program_id=release.act.owner.program_id,
            transaction_id=release.act.id,
            available_on=release.available_on,
            expires_on=release.expires_on,
            confirmed_by_id=by_user_id,
            confirmed_at=now,
        )
        for release in releases
    )
