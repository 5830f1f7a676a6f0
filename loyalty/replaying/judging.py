"""The past judged again: the same judging as of what arrives, over books that begin with nothing."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from accounts.conditions import Values
from loyalty.activities.dated import Enrolment
from loyalty.activities.deriving import Derived, reaching
from loyalty.activities.items import Arrival, Batch, Known
from loyalty.activities.judging import Books, Judging
from loyalty.activities.limits import Doer
from loyalty.activities.originals import JudgedAward, Judgement, Original
from loyalty.activities.refusals import ReturnError
from loyalty.activities.returns import Back, undo
from loyalty.activities.scene import Scene
from loyalty.earning import Person
from loyalty.ledger import Act, AwardEntry
from loyalty.models import Source, StandingEvent
from loyalty.replaying.books import NothingRecorded
from loyalty.replaying.past import Past, PastTitle
from loyalty.rulebook import TypeRules
from loyalty.standing import Title, from_the_start, month_of


class Kept(NamedTuple):
    """Points that a rule gave, or that were taken back of them (negative), at the moment of what they were given for.

    `activity` is the external id of what was judged, `employee_id` None where they went to the company.
    """

    at: datetime
    activity: str
    company_id: int
    employee_id: int | None
    rule_code: str
    points: int


@dataclass(slots=True)
class _Memory:
    """What returns may yet undo."""

    originals: dict[int, Original] = field(default_factory=dict)
    judgements: dict[int, list[Judgement]] = field(default_factory=dict)
    followed: dict[int, Derived] = field(default_factory=dict)
    judged: dict[int, tuple[datetime, str]] = field(default_factory=dict)
    """Moment and external id of what was judged, by the id of its judgement."""


class Replaying(Judging):
    """Judges what happened in one program, activity by activity, and tells of every point."""

    def __init__(
        self, scene: Scene, books: Books, sources: Mapping[int, Source], program_id: int, *, now: datetime
    ) -> None:
        """`sources` by id; the scene's configuration is the one that is supposed."""
        self._sources = sources
        self._program_id = program_id
        self._plan = scene.configuration.plans[program_id]
        self._memory = _Memory()
        self._told: list[Kept] = []
        self._month = 0
        any_source = next(iter(sources.values()))
        super().__init__(Batch(any_source, now, Known(scene.configuration, {}, {})), scene, (), books)
        self._judgements = self._memory.judgements
        self._followed = self._memory.followed
        self._members = [row for rows in scene.memberships.values() for row in rows]
        from_the_start(
            books.board, self._plan, ((row.id, row.company_id, row.starts_at) for row in self._members), scene.segments
        )

    def replay(self, past: Iterable[Past], titles: Sequence[PastTitle]) -> Iterator[Sequence[Kept]]:
        """Let all of it happen again; give, a thing that happened, what points it brought or took."""
        waiting = list(reversed(titles))
        for one in past:
            while waiting and waiting[-1].order < one.order:
                self._entitle(waiting.pop())
            self._let_pass(one.month)
            self._batch.source = self._sources[one.source_id]
            if one.original_id is None:
                self._arrive(one)
            else:
                self._return(one)
            told, self._told = self._told, []
            self._forget()
            yield told
        while waiting:
            self._entitle(waiting.pop())

    def end(self, now: datetime) -> Sequence[Kept]:
        """Let time pass until now: tiers fall that nothing holds any more. Return what points that brought."""
        self._let_pass(month_of(now, self._plan.zone))
        told, self._told = self._told, []
        return told

    def tiers(self) -> dict[int, str | None]:
        """Return the tier that each company has come to."""
        current = {row.company_id: self._board[row.id].current for row in self._members}
        return {company_id: holding.step.code if holding else None for company_id, holding in current.items()}

    def _arrive(self, one: Past) -> None:
        arrival = one.arrival
        self.judge(arrival)
        if one.comes_back:
            self._memory.originals[arrival.activity_id] = Original.from_arrival(arrival)
        else:
            for judgement in self._judgements.pop(arrival.activity_id):
                del self._memory.judged[id(judgement)]

    def _return(self, one: Past) -> None:
        original = self._memory.originals.get(one.original_id or 0)
        if original is None:  # it was brought before the company was a member
            return
        try:
            self.undo(undo(one.arrival, original))
        except ReturnError:  # what it undid was changed by hand in the database: leave it as it is
            return

    def _entitle(self, title: PastTitle) -> None:
        if title.kind == StandingEvent.Kind.GIVEN:
            step = self._plan.step(title.tier_id)
            given = Title(title.title_id, step, title.source, title.at, title.ends_at)
            self._board.give(title.membership_id, given, at=title.at)
        elif title.kind == StandingEvent.Kind.CHANGED:
            self._board.change(title.membership_id, title.title_id, ends_at=title.ends_at, at=title.at)
        self._follow_moves()

    def _let_pass(self, month: int) -> None:
        """Review tiers when a month has begun, as the scheduled command does; earlier days move none."""
        if self._month and month > self._month:
            for member in self._members:
                self._board.review(member.id, now=self._plan.moment(month))
            self._follow_moves()
        self._month = max(month, self._month)

    def _follow_moves(self) -> None:
        moves, self._board.moves = self._board.moves, []
        for move in moves:
            item = reaching(move, self._program_id, self._configuration)
            if item is not None:
                self.judge(self._derivations.take_in(item, self._configuration.types[item.type]))

    def _forget(self) -> None:
        self._evaluations.clear()
        self._awarding.forget()
        self._board.moves.clear()
        self._board.lapses.clear()
        if isinstance(self._derivations, NothingRecorded):
            self._derivations.forget()

    def _kept_facts(self, rules: TypeRules, values: Values, people: Sequence[Person]) -> dict[str, Any]:
        """No evaluation is written."""
        return {}

    def _issuing(self, doer: Doer, arrival: Arrival) -> Callable[[AwardEntry], int]:
        return _as_granted

    def _judge_in(self, membership: Enrolment, arrival: Arrival, *, depth: int) -> Judgement:
        judgement = super()._judge_in(membership, arrival, depth=depth)
        at, activity = arrival.item.occurred_at, arrival.item.external_id
        self._told += [_kept(at, activity, award, award.award.granted) for award in judgement.awards]
        self._memory.judged[id(judgement)] = at, activity
        return judgement

    def _take_back(self, act: Act, judgement: Judgement, back: Back) -> int:
        before = [award.award.reversed for award in judgement.awards]
        points = super()._take_back(act, judgement, back)
        at, activity = self._memory.judged[id(judgement)]
        for award, reversed_ in zip(judgement.awards, before, strict=True):
            if award.award.reversed > reversed_:
                self._told.append(_kept(at, activity, award, reversed_ - award.award.reversed))
        return points


def _as_granted(award: AwardEntry) -> int:
    return award.granted


def _kept(at: datetime, activity: str, award: JudgedAward, points: int) -> Kept:
    owner = award.award.owner
    return Kept(at, activity, owner.company_id, owner.employee_id, award.rule_code, points)
