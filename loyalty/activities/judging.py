"""Judging: every activity of a batch against the rules of its programs, in memory, under locks taken beforehand."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

from accounts import arrays
from accounts.conditions import Value, Values, to_json
from loyalty.activities.awarding import Awarding
from loyalty.activities.dated import Enrolment
from loyalty.activities.deriving import (
    DEEPEST,
    Consequence,
    Derivations,
    Derived,
    cause_of,
    is_judged,
    read_derived,
)
from loyalty.activities.items import Arrival, Batch
from loyalty.activities.limits import Doer
from loyalty.activities.originals import JudgedFavour, Judgement, Original, read_judgements
from loyalty.activities.reach import Undone, membership_of, reach_of
from loyalty.activities.returns import Back, Undoing
from loyalty.activities.scene import Scene
from loyalty.activities.turns import Turn
from loyalty.activities.writing import EvaluationRow, write_evaluations
from loyalty.earning import PEOPLE, PROMOTIONS, Person, evaluate_met, people_to_json
from loyalty.effects import EffectBook
from loyalty.facts import (
    AMOUNT,
    ATTRIBUTE_PREFIX,
    CURRENCY,
    DAY,
    LAST_EARN_ON,
    OBJECT,
    PRODUCT_LISTS,
    QUANTITY,
    RATE,
    SOURCE,
    TIER,
    TIER_RANK,
)
from loyalty.ledger import Act, AwardEntry, Book, CapBook, CapKey, Owner, lot_days, waits
from loyalty.models import Metric, Source, Transaction
from loyalty.own_activities import TIER_REACHED
from loyalty.rates import converted, rate_on
from loyalty.rulebook import TypeRules
from loyalty.standing import Holding, MetricRule, StandingBoard, TierPlan, contributions, month_of
from loyalty.standing.review import announce_moves, tell_of_moves

_ON_NO_LIST: frozenset[str] = frozenset()


@dataclass(slots=True)
class Books:
    """What judging moves: counters of limits, wallets, standing, what rules give beside points, and what follows."""

    caps: CapBook
    wallets: Book
    board: StandingBoard
    derivations: Derivations
    effects: dict[str, EffectBook] = field(default_factory=dict)

    @classmethod
    def of_scene(cls, scene: Scene, *, now: datetime) -> "Books":
        """Those that are kept in the database, for the programs of a scene."""
        known = scene.configuration
        programs = {row.program_id for rows in scene.memberships.values() for row in rows}
        wallets = Book(now=now, programs=[known.programs[program_id] for program_id in programs])
        return cls(CapBook(), wallets, StandingBoard(), Derivations(known))


class Judging:
    """The judging of one batch: open once, judge or undo each in its turn, write once."""

    def __init__(self, batch: Batch, scene: Scene, turns: Sequence[Turn], books: Books | None = None) -> None:
        """`books` are others than those that are kept in the database, for whoever only works out what would be."""
        books = books or Books.of_scene(scene, now=batch.now)
        self._batch = batch
        self._scene = scene
        self._configuration = scene.configuration
        self._turns = turns
        self._caps = books.caps
        self._book = books.wallets
        self._board = books.board
        self._effects = books.effects
        self._awarding = Awarding(self._caps, self._book, self._effects)
        self._derivations = books.derivations
        self._judgements: dict[int, list[Judgement]] = {}
        self._followed: dict[int, Derived] = {}
        """What followed from activities and may have to be undone with them, by its id."""
        self._evaluations: list[EvaluationRow] = []

    def open(self) -> None:
        """Take the remaining locks, limits before wallets, and read balances, lots, metrics and tiers under them.

        Everything that an arrival can reach is locked here; judging takes no further lock.
        """
        if not self._turns:
            return
        members = [
            (row.id, row.company_id, self._plan_of(row)) for rows in self._scene.memberships.values() for row in rows
        ]
        # Under the locks of the memberships since before.
        self._board.open(members, first_at=min(_arrival(turn).item.occurred_at for turn in self._turns))
        reach = reach_of(self._scene, self._turns, self._read_undone())
        self._caps.open(reach.limits)
        self._book.open(reach.owners, all_lots_of=reach.taken_back)
        for kind, effect in reach.effects.items():
            self._effects[kind] = effect.book()
            self._effects[kind].open([membership_id for membership_id, _company_id, _plan in members])

    def judge(self, arrival: Arrival) -> None:
        """Judge one activity in every program that its company takes part in at its moment."""
        self._judgements[arrival.activity_id] = judgements = []
        for membership in self._scene.judged_in(arrival):
            judgements.append(self._judge_in(membership, arrival, depth=0))

    def undo(self, undoing: Undoing) -> None:
        """Take back what the original brought: points kept are those of what is left of it, in every program.

        What followed from it, and would not have without it, is taken back as a whole.
        """
        original = undoing.original
        for judgement in self._judgements.get(original.activity_id, []):
            by, of_it, back = undoing.arrival, judgement, undoing.back
            done: Original | Derived = original
            owner = Owner(judgement.program_id, original.company_id)
            gone: list[Derived] = []
            while True:
                act = self._book.begin(Transaction.Kind.RETURN, owner, activity_id=by.activity_id)
                points = self._take_back(act, of_it, back)
                by.points -= points
                taken = self._taken(of_it, undoing, points) if done is original else dict(of_it.metrics)
                metrics = {code: -value for code, value in taken.items()}
                self._evaluations.append(
                    EvaluationRow(by.activity_id, original.company_id, judgement.program_id, None, {}, metrics)
                )
                gone += self._no_longer_follow(of_it, done, taken, by, is_whole=back.is_whole)
                if not gone:
                    break
                done = gone.pop()
                [of_it] = self._judgements[done.activity_id]
                by = self._derivations.undo(done, by=undoing.arrival, source=self._batch.source)
                back = Back(Decimal(0), Decimal(1), undoing.back.at)

    def write(self) -> None:
        """Write what was worked out, and what people and other systems are told of it."""
        self._book.begin_write()
        ids = arrays.draw_ids(
            loyalty_evaluation=len(self._evaluations), **self._awarding.ids_needed, **self._book.ids_needed()
        )
        self._derivations.write(now=self._batch.now)
        write_evaluations(self._evaluations, ids["loyalty_evaluation"])
        self._awarding.write_awards(ids)
        self._caps.write()
        self._book.write(ids)
        self._awarding.write_reversals()
        self._board.write()
        for book in self._effects.values():
            book.write(now=self._batch.now)
        tell_of_moves(self._board.moves, now=self._batch.now)
        announce_moves(self._board.moves, now=self._batch.now)

    def _read_undone(self) -> Undone:
        """Read how what is undone was judged, and what followed from it."""
        undone: dict[int, Original | Derived] = {
            turn.original.activity_id: turn.original for turn in self._turns if isinstance(turn, Undoing)
        }
        if not undone:
            return Undone({}, {})
        self._judgements = read_judgements(undone)
        companies = {original.company_id for original in undone.values()}
        ids = {favour.followed_id for each in self._judgements.values() for one in each for favour in one.favours}
        ids |= {
            holding.followed_id
            for company_id in companies
            for membership in self._scene.memberships.get(company_id, [])
            for holding in self._board[membership.id].holdings
        }
        while new := {followed_id for followed_id in ids if followed_id is not None} - self._followed.keys():
            self._followed |= {followed.activity_id: followed for followed in read_derived(new)}
            judgements = read_judgements(new)
            self._judgements |= judgements
            ids = {favour.followed_id for each in judgements.values() for one in each for favour in one.favours}
        return Undone(undone | self._followed, self._judgements)

    def _judge_in(self, membership: Enrolment, arrival: Arrival, *, depth: int) -> Judgement:
        item, program_id = arrival.item, membership.program_id
        doer = self._scene.doer(membership, item)
        rule_set_id, agreement_id, rules = self._scene.rules_at(doer, arrival.type_id)
        values = self._values(arrival, doer)
        if item.object:
            values[PRODUCT_LISTS] = rules.lists_of.get(item.object, _ON_NO_LIST)
        people = self._scene.people(item.people, doer) if rules.asks_people else ()
        facts = self._kept_facts(rules, values, people)
        evaluation = EvaluationRow(
            arrival.activity_id, item.company_id, program_id, rule_set_id, facts, {}, agreement_id=agreement_id
        )
        promotions = [
            each
            for each in self._scene.promotions_of(doer)
            if (each.employee_id is None or each.employee_id in item.people)
            and any(each.speaks_of(rule.code) for rule in rules.rules)
        ]
        if promotions:
            evaluation.facts[PROMOTIONS] = [each.id for each in promotions]
        if not self._scene.earns_at(program_id, item.occurred_at):
            evaluation.facts[LAST_EARN_ON] = to_json(self._configuration.programs[program_id].last_earn_on)
        self._evaluations.append(evaluation)
        judgement = Judgement(0, program_id, rule_set_id, agreement_id, {})
        points = 0
        issuing = self._issuing(doer, arrival)
        consent = self._scene.consent_of(doer)
        about = rules.about(item.object)
        for verdict in evaluate_met(about.rules, values, people, promotions=promotions, person_id=item.employee_id):
            for judged in self._awarding.give(verdict, doer, consent, evaluation):
                if isinstance(judged, JudgedFavour):
                    judgement.favours.append(judged)
                else:
                    judgement.awards.append(judged)
                    points += issuing(judged.award)
        arrival.points += points
        metrics = contributions(
            self._configuration.metrics.get((program_id, arrival.type_id), []), values, points=points
        )
        judgement.metrics = evaluation.metrics = metrics
        before = self._board[membership.id].current
        self._board.add(
            membership.id,
            metrics,
            at=item.occurred_at,
            activity_id=arrival.activity_id,
            employee_id=item.employee_id,
        )
        if depth < DEEPEST:
            self._follow_all(judgement, before, membership, arrival, depth)
        return judgement

    def _issuing(self, doer: Doer, arrival: Arrival) -> Callable[[AwardEntry], int]:
        """Return what lets the wallets have what awards of one activity grant, and says how many points."""
        owner = Owner(doer.program_id, doer.company_id)
        act = self._book.begin(Transaction.Kind.EARN, owner, activity_id=arrival.activity_id)
        program = self._configuration.programs[doer.program_id]
        days = lot_days(program, doer.day)
        is_to_wait = waits(program, days, self._scene.day(doer.program_id, self._batch.now))

        def issue(award: AwardEntry) -> int:
            if award.granted:
                self._book.issue(act, award, at=doer.occurred_at, days=days, waits=is_to_wait)
            return award.granted

        return issue

    def _follow_all(
        self, judgement: Judgement, before: Holding | None, membership: Enrolment, arrival: Arrival, depth: int
    ) -> None:
        """Judge what follows from what an activity brought: from badges, and from a tier that it raised."""
        for favour in judgement.favours:
            favour.followed_id = self._follow_favour(favour, membership, arrival, depth)
        after = self._board[membership.id].current
        if after is not None and (before is None or after.step.rank > before.step.rank):
            reached = Consequence(TIER_REACHED, after.step.code)
            after.followed_id = self._follow(reached, membership, arrival, depth)

    def _follow_favour(self, favour: JudgedFavour, membership: Enrolment, arrival: Arrival, depth: int) -> int | None:
        given = favour.given
        if given is None or not given.effect.derives:
            return None
        received = Consequence(given.effect.derives, given.effect.subject, given.employee_id)
        return self._follow(received, membership, arrival, depth)

    def _follow(self, consequence: Consequence, membership: Enrolment, arrival: Arrival, depth: int) -> int | None:
        """Judge what follows from an activity, where anything asks for it; return the id of that activity."""
        program_id, item = membership.program_id, arrival.item
        if not is_judged(self._configuration, program_id, consequence.type_code, item.occurred_at):
            return None
        cause = cause_of(self._source_of(arrival), item.external_id)
        derived = self._derivations.derive(consequence, cause=cause, item=item, program_id=program_id)
        self._followed[derived.activity_id] = Derived.from_arrival(derived)
        self._judgements[derived.activity_id] = [self._judge_in(membership, derived, depth=depth + 1)]
        return derived.activity_id

    def _take_back(self, act: Act, judgement: Judgement, back: Back) -> int:
        """Take back what an activity brought in one program; return the points."""
        points = 0
        for _rule_code, awards in itertools.groupby(judgement.awards, key=attrgetter("rule_code")):
            freed: set[CapKey] = set()
            points += sum(self._awarding.take_back(act, judged, back, freed) for judged in awards)
        for _rule_code, favours in itertools.groupby(judgement.favours, key=attrgetter("rule_code")):
            freed = set()
            for favour in favours:
                self._awarding.withdraw(favour, back, freed)
        for owner in dict.fromkeys(judged.award.owner for judged in judgement.awards):
            if self._scene.has_one_wallet(owner):
                self._book.take_over_debt(act, owner, at=back.at)
        return points

    def _no_longer_follow(
        self,
        judgement: Judgement,
        done: Original | Derived,
        metrics: Mapping[str, Decimal],
        by: Arrival,
        *,
        is_whole: bool,
    ) -> list[Derived]:
        """Count metrics off in the month they were counted; return what followed from what is lost by that."""
        gone = [favour.followed_id for favour in judgement.favours if is_whole]
        membership = membership_of(self._scene, judgement, done)
        if membership is not None:
            standing = self._board[membership.id]
            lost = standing.current
            self._board.take_back(
                membership.id,
                metrics,
                month=month_of(done.occurred_at, self._configuration.zones[judgement.program_id]),
                at=by.item.occurred_at,
                activity_id=by.activity_id,
                employee_id=done.employee_id,
            )
            if lost is not None and lost.is_earned and standing.current is not lost:
                before, current = standing.before(lost), standing.current
                if before is not None and current is not None and current.step == before.step:
                    current.followed_id = before.followed_id  # it is as if that one had gone on
                gone.append(lost.followed_id)
        return [self._followed[followed_id] for followed_id in gone if followed_id in self._followed]

    def _taken(self, judgement: Judgement, undoing: Undoing, points: int) -> dict[str, Decimal]:
        rules = self._configuration.metrics.get((judgement.program_id, undoing.original.type_id), [])
        return _returned_metrics(rules, judgement, undoing, points)

    def _plan_of(self, membership: Enrolment) -> TierPlan:
        plan = self._configuration.plans[membership.program_id]
        return plan.of_member(membership.starts_at, self._scene.segments.get(membership.company_id, ()))

    def _values(self, arrival: Arrival, doer: Doer) -> dict[str, Value]:
        """The facts of one activity, as of its moment."""
        item = arrival.item
        tier = self._board[doer.membership_id].tier_at(item.occurred_at)
        values: dict[str, Value] = {
            AMOUNT: item.amount,
            QUANTITY: item.quantity,
            OBJECT: item.object or None,
            DAY: doer.day,
            SOURCE: self._source_of(arrival).code,
            TIER: tier.code if tier else None,
            TIER_RANK: Decimal(tier.rank) if tier else None,
        }
        for code, value in arrival.attributes.items():
            values[f"{ATTRIBUTE_PREFIX}{code}"] = value
        if item.amount is not None:
            values |= self._in_currency(item.amount, item.currency, doer)
        values.update(self._scene.company_facts(doer.company_id, doer.occurred_at))
        values.update(self._scene.employee_facts(doer.employee_id, doer.membership_id, doer.occurred_at))
        return values

    def _kept_facts(self, rules: TypeRules, values: Values, people: Sequence[Person]) -> dict[str, Any]:
        """What an evaluation keeps of the facts: what the rules read, and by which rate money was counted."""
        facts: dict[str, Any] = {code: to_json(values.get(code)) for code in rules.fact_codes}
        if RATE in values:
            facts |= {code: to_json(values[code]) for code in (CURRENCY, RATE)}
        if rules.asks_people:
            facts[PEOPLE] = people_to_json(people)
        return facts

    def _source_of(self, arrival: Arrival) -> Source:
        is_derived = arrival.type_id in self._configuration.derived_types
        return self._derivations.source if is_derived else self._batch.source

    def _in_currency(self, amount: Decimal, currency: str, doer: Doer) -> dict[str, Value]:
        """Money of another currency as the program counts it; not at all, where the company has joined just now."""
        into = self._configuration.programs[doer.program_id].currency
        if currency == into:
            return {}
        rate = rate_on(self._configuration.rates, currency=currency, into=into, day=doer.day)
        if rate is None:
            return {AMOUNT: None}
        return {AMOUNT: converted(amount, rate), CURRENCY: currency, RATE: rate}


def _arrival(turn: Turn) -> Arrival:
    return turn.arrival if isinstance(turn, Undoing) else turn


def _returned_metrics(
    rules: list[MetricRule], judgement: Judgement, undoing: Undoing, reversed_points: int
) -> dict[str, Decimal]:
    """What a return takes out of each metric that its original was counted in."""
    measures = {rule.code: rule.measure for rule in rules}
    taken: dict[str, Decimal] = {}
    for code in judgement.metrics:
        match measures.get(code):
            case Metric.Measure.AMOUNT | Metric.Measure.SUM:
                taken[code] = undoing.part_of(judgement.metrics[code])
            case Metric.Measure.QUANTITY:
                taken[code] = undoing.quantity
            case Metric.Measure.COUNT | Metric.Measure.PEOPLE:
                taken[code] = Decimal(1 if undoing.is_whole else 0)
            case Metric.Measure.POINTS:
                taken[code] = Decimal(reversed_points)
    return taken
