"""A replay of a whole program: companies in shares, each from its first activity to its last, in bounded memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from django.db import connection

from loyalty.activities.configuration import configuration
from loyalty.activities.scene import look_at, members_of
from loyalty.earning import CapSubject, EarningRule
from loyalty.effects import Effect
from loyalty.models import Membership, Program, RuleSet, Source
from loyalty.replaying.books import Supposed, blank_books, supposing
from loyalty.replaying.judging import Kept, Replaying
from loyalty.replaying.past import count_of, last_of, past_of, titles_of
from loyalty.shares import Share, share_out
from loyalty.standing import month_of

AT_ONCE = 2_000
"""Companies whose past is gone through together: their counters, months and tiers are in memory."""

_TOLD_EVERY = 5_000

K = TypeVar("K")


@dataclass(slots=True)
class Side:
    """What a set of rules gave, net of returns, for what was done from some moment on: points by company and month
    (counted from year 0), by company and rule, and by company and person (None: the company itself).
    """

    months: dict[tuple[int, int], int] = field(default_factory=dict)
    rules: dict[tuple[int, str], int] = field(default_factory=dict)
    people: dict[tuple[int, int | None], int] = field(default_factory=dict)

    def merge(self, other: "Side") -> None:
        """Take in what another share came to."""
        _add_all(self.months, other.months)
        _add_all(self.rules, other.rules)
        _add_all(self.people, other.people)


def _add_all(own: dict[K, int], others: Mapping[K, int]) -> None:
    for key, points in others.items():
        own[key] = own.get(key, 0) + points


@dataclass(slots=True)
class Supposition:
    """What would be: points, and the tier (its code) that each company would hold; `activities` were judged for it."""

    side: Side = field(default_factory=Side)
    tiers: dict[int, str | None] = field(default_factory=dict)
    activities: int = 0

    def merge(self, other: "Supposition") -> None:
        """Take in another share."""
        self.side.merge(other.side)
        self.tiers |= other.tiers
        self.activities += other.activities


OnProgress = Callable[[int, int], None]
"""Hears how many activities of how many are behind."""


def suppose(
    rule_set: RuleSet,
    *,
    from_: datetime,
    now: datetime,
    processes: int = 1,
    on_progress: OnProgress = lambda done, total: None,
) -> Supposition:
    """Return what would be had `rule_set` been in force since `from_`, whatever its state; nothing is written.

    Everything that members did is judged again from the very first activity on, with the versions that were in force
    until `from_`, so that limits, tiers and returns are as they would have been; points count from `from_` on. What a
    company has in common with no other is worked out in several `processes`, where the rules allow for it; these close
    the connection of this one, so a job, which a lock of its connection holds, works in one.
    """
    program = rule_set.program
    known = supposing(configuration(), program_id=program.pk, draft_id=rule_set.pk, from_=from_)
    companies = sorted(set(Membership.objects.filter(program=program).values_list("company", flat=True)))
    total = count_of(program.pk, companies)
    result, done = Supposition(), 0

    def hear(told: Sequence[int]) -> None:
        nonlocal done
        done += sum(told)
        on_progress(min(done, total), total)

    def work(share: Share, tell: Callable[[int], None]) -> Supposition:
        own = [company_id for company_id in companies if share.holds(str(company_id))]
        return _share(program, known, own, from_, now, tell)

    is_shared = shares_companies(known, program.pk)
    if connection.in_atomic_block or is_shared or processes < 2:
        return work(Share(), lambda count: hear([count]))
    for share in share_out(processes, work, hear):
        result.merge(share)
    return result


def shares_companies(known: Supposed, program_id: int) -> bool:
    """Whether companies share a limit or a budget: then all of them have to be gone through side by side."""
    return any(
        any(cap.subject is CapSubject.PROGRAM for cap in rule.caps)
        or any(campaign.budget is not None for campaign in rule.formula.campaigns)
        for rule in _rules(known, program_id)
    )


def _rules(known: Supposed, program_id: int) -> Iterator[EarningRule]:
    for term in known.terms.get(program_id, []):
        for type_id in known.types.values():
            yield from known.rules_of(term.rule_set_id, type_id).rules


def _share(
    program: Program,
    known: Supposed,
    company_ids: Sequence[int],
    from_: datetime,
    now: datetime,
    tell: Callable[[int], None],
) -> Supposition:
    result = Supposition()
    at_once = len(company_ids) if shares_companies(known, program.pk) else AT_ONCE
    for start in range(0, len(company_ids), at_once or 1):
        portion = company_ids[start : start + at_once]
        seen = result.activities
        for kept in replay(program, known, portion, now=now, found=result):
            _count(result.side, kept, known, program.pk, from_)
            if (result.activities - seen) >= _TOLD_EVERY:
                tell(result.activities - seen)
                seen = result.activities
        tell(result.activities - seen)
    return result


def replay(
    program: Program,
    known: Supposed,
    company_ids: Sequence[int],
    *,
    now: datetime,
    found: Supposition,
) -> Iterator[Sequence[Kept]]:
    """Let the past of companies happen again under what is supposed; give, a thing that happened, what points it
    brought or took. What was `found` beside points is filled in on the way.
    """
    scene = look_at(known, members_of(company_ids, program.pk))
    sources = Source.objects.in_bulk()
    if not scene.memberships or not sources:
        return
    judging = Replaying(
        scene, blank_books(known, now=now, effect_kinds=effect_kinds(known, program.pk)), sources, program.pk, now=now
    )
    members = [row.id for rows in scene.memberships.values() for row in rows]
    past = past_of(program.pk, company_ids, known, last=last_of(program.pk))
    for kept in judging.replay(past, titles_of(members)):
        found.activities += 1
        yield kept
    yield judging.end(now)
    found.tiers |= judging.tiers()


def effect_kinds(known: Supposed, program_id: int) -> set[str]:
    """Return the kinds of what the rules in force give beside points."""
    return {rule.effect.kind for rule in _rules(known, program_id) if isinstance(rule.effect, Effect)}


def _count(side: Side, kept: Sequence[Kept], known: Supposed, program_id: int, from_: datetime) -> None:
    months, rules, people = side.months, side.rules, side.people
    counted, month = None, 0
    for at, _activity, company_id, employee_id, rule_code, points in kept:
        if points and at >= from_:
            if at != counted:
                counted, month = at, month_of(at, known.zones[program_id])
            in_month = company_id, month
            months[in_month] = months.get(in_month, 0) + points
            rule = company_id, rule_code
            rules[rule] = rules.get(rule, 0) + points
            person = company_id, employee_id
            people[person] = people.get(person, 0) + points
