"""Judging: every activity of a batch against the rules of its programs, in memory, under locks taken beforehand."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from accounts.conditions import Value, to_json
from loyalty import arrays
from loyalty.activities.dated import Enrolment
from loyalty.activities.items import ActivityItem, Arrival, Batch
from loyalty.activities.limits import Doer, budget_of, limits_of
from loyalty.activities.originals import JudgedAward, Judgement, Original, read_judgements
from loyalty.activities.returns import Undoing
from loyalty.activities.scene import Scene
from loyalty.activities.turns import Turn
from loyalty.activities.writing import AwardRow, EvaluationRow, write_awards, write_evaluations, write_reversals
from loyalty.earning import CapSubject, EarningRule, Gift, evaluate, points_to_budget, points_to_reverse
from loyalty.facts import (
    AMOUNT,
    ATTRIBUTE_PREFIX,
    DAY,
    OBJECT,
    PRODUCT_LISTS,
    QUANTITY,
    SOURCE,
    TIER,
    TIER_RANK,
    number,
)
from loyalty.ledger import Act, AwardEntry, Book, CapBook, CapKey, Owner, lot_days, waits
from loyalty.models import Metric, Transaction
from loyalty.standing import MetricRule, StandingBoard, TierPlan, contributions, month_of, part_taken_back
from loyalty.standing.review import announce_moves, tell_of_moves

_ON_NO_LIST: frozenset[str] = frozenset()


class Judging:
    """The judging of one batch: open once, judge or undo each in its turn, write once."""

    def __init__(self, batch: Batch, scene: Scene, turns: Sequence[Turn]) -> None:
        self._batch = batch
        self._scene = scene
        self._configuration = scene.configuration
        self._turns = turns
        self._undoings = [turn for turn in turns if isinstance(turn, Undoing)]
        self._caps = CapBook()
        programs = {row.program_id for rows in scene.memberships.values() for row in rows}
        self._book = Book(now=batch.now, programs=[self._configuration.programs[program_id] for program_id in programs])
        self._board = StandingBoard()
        self._judgements: dict[int, list[Judgement]] = {}
        self._evaluations: list[EvaluationRow] = []
        self._awards: list[AwardRow] = []
        self._reversed: dict[int, AwardEntry] = {}

    def open(self) -> None:
        """Take the remaining locks, limits before wallets, and read balances, lots, metrics and tiers under them.

        Everything that an arrival can reach is locked here; judging takes no further lock.
        """
        if not self._turns:
            return
        undone = {undoing.original.activity_id for undoing in self._undoings}
        self._judgements = read_judgements(undone) if undone else {}
        limits: dict[CapKey, int] = {}
        owners: set[Owner] = set()
        for doer, type_id in dict.fromkeys(self._doers()):
            owners.add(Owner(doer.program_id, doer.company_id))
            rules = self._scene.rules_at(doer.program_id, type_id, doer.occurred_at)[1].rules
            if doer.employee_id is not None and any(CapSubject.EMPLOYEE in rule.recipients for rule in rules):
                owners.add(Owner(doer.program_id, doer.company_id, doer.employee_id))
            for rule in rules:
                for to in rule.recipients:
                    for key, limit in self._limits(rule, to, doer):
                        limits[key] = max(limit, limits.get(key, 0))
                if budget := budget_of(rule, doer):
                    limits[budget[0]] = max(budget[1], limits.get(budget[0], 0))
        for key, limit in self._name_caps_of_undone():
            limits[key] = max(limit, limits.get(key, 0))
        taken_back = {
            judged.award.owner for each in self._judgements.values() for one in each for judged in one.awards
        } | {owner for owner in owners if owner.company_id in self._companies_with_returns()}
        self._caps.open(limits)
        self._book.open(owners | taken_back, all_lots_of=taken_back)
        members = [
            (row.id, row.company_id, self._plan_of(row)) for rows in self._scene.memberships.values() for row in rows
        ]
        self._board.open(members, first_at=min(_arrival(turn).item.occurred_at for turn in self._turns))

    def judge(self, arrival: Arrival) -> None:
        """Judge one activity in every program that its company takes part in at its moment."""
        judgements = [
            self._judge_in(membership, arrival)
            for membership in self._scene.memberships_at(arrival.item.company_id, arrival.item.occurred_at)
        ]
        self._judgements[arrival.activity_id] = judgements

    def undo(self, undoing: Undoing) -> None:
        """Take back what the original brought: points kept are those of what is left of it, in every program."""
        arrival, original = undoing.arrival, undoing.original
        for judgement in self._judgements.get(original.activity_id, []):
            program_id = judgement.program_id
            act = self._book.begin(
                Transaction.Kind.RETURN, Owner(program_id, original.company_id), activity_id=arrival.activity_id
            )
            reversed_points = sum(self._take_back(act, judged, undoing) for judged in judgement.awards)
            arrival.points -= reversed_points
            membership = self._membership_of(judgement, original)
            rules = self._configuration.metrics.get((program_id, original.type_id), []) if membership else []
            metrics = _returned_metrics(rules, judgement, undoing, reversed_points)
            self._evaluations.append(
                EvaluationRow(
                    arrival.activity_id,
                    original.company_id,
                    program_id,
                    None,
                    {},
                    {code: number(-value) for code, value in metrics.items()},
                )
            )
            if membership is not None:
                self._board.take_back(
                    membership.id,
                    metrics,
                    month=month_of(original.occurred_at, self._configuration.zones[program_id]),
                    at=arrival.item.occurred_at,
                    activity_id=arrival.activity_id,
                    employee_id=original.employee_id,
                )

    def write(self) -> None:
        """Write what was worked out, and what people and other systems are told of it."""
        ids = arrays.draw_ids(
            loyalty_evaluation=len(self._evaluations), loyalty_award=len(self._awards), **self._book.ids_needed()
        )
        write_evaluations(self._evaluations, ids["loyalty_evaluation"])
        write_awards(self._awards, ids["loyalty_award"])
        self._caps.write()
        self._book.write(ids)
        write_reversals(self._reversed.values())
        self._board.write()
        tell_of_moves(self._board.moves, now=self._batch.now)
        announce_moves(self._board.moves, now=self._batch.now)

    def _judge_in(self, membership: Enrolment, arrival: Arrival) -> Judgement:
        item, program_id = arrival.item, membership.program_id
        program = self._configuration.programs[program_id]
        doer = self._doer(membership, item)
        rule_set_id, rules = self._scene.rules_at(program_id, arrival.type_id, item.occurred_at)
        values = self._values(arrival, doer)
        if item.object:
            values[PRODUCT_LISTS] = rules.lists_of.get(item.object, _ON_NO_LIST)
        evaluation = EvaluationRow(
            arrival.activity_id,
            item.company_id,
            program_id,
            rule_set_id,
            {code: to_json(values.get(code)) for code in rules.fact_codes},
            {},
        )
        self._evaluations.append(evaluation)
        judgement = Judgement(0, program_id, rule_set_id, {})
        act = self._book.begin(
            Transaction.Kind.EARN, Owner(program_id, item.company_id), activity_id=arrival.activity_id
        )
        days = lot_days(program, doer.day)
        is_to_wait = waits(program, days, self._scene.day(program_id, self._batch.now))
        points = 0
        for verdict in evaluate(rules.rules, values):
            for gift in verdict.gifts:
                if gift.points <= 0:
                    continue
                judged = self._award(gift, doer, evaluation)
                judgement.awards.append(judged)
                if judged.award.granted:
                    points += judged.award.granted
                    self._book.issue(act, judged.award, at=item.occurred_at, days=days, waits=is_to_wait)
        arrival.points += points
        metrics = contributions(
            self._configuration.metrics.get((program_id, arrival.type_id), []), values, points=points
        )
        judgement.metrics = metrics
        evaluation.metrics = {code: number(value) for code, value in metrics.items()}
        self._board.add(
            membership.id,
            metrics,
            at=item.occurred_at,
            activity_id=arrival.activity_id,
            employee_id=item.employee_id,
        )
        return judgement

    def _award(self, gift: Gift, doer: Doer, evaluation: EvaluationRow) -> JudgedAward:
        employee_id = doer.employee_id if gift.to is CapSubject.EMPLOYEE else None
        limits = tuple(self._limits(gift.rule, gift.to, doer))
        budget = budget_of(gift.rule, doer) if gift.from_campaign else None
        granted, left, from_campaign = self._let_through(gift, limits, budget)
        award = AwardEntry(owner=Owner(doer.program_id, doer.company_id, employee_id), granted=granted)
        wallet_id = self._book.wallet_id(award.owner)
        self._awards.append(AwardRow(award, evaluation, gift.rule, wallet_id, gift.points, left, from_campaign))
        return JudgedAward(award, gift.rule.code, from_campaign, limits, budget)

    def _let_through(
        self, gift: Gift, limits: tuple[tuple[CapKey, int], ...], budget: tuple[CapKey, int] | None
    ) -> tuple[int, int | None, int]:
        """Return how many points pass, what the tightest limit had left before, and how many a campaign added.

        A campaign's budget is asked for what it adds alone: once it is spent, rules give what they give without it.
        What limits cut of it goes back to the budget.
        """
        without = gift.points - gift.from_campaign
        added = gift.from_campaign
        if budget is not None:
            added, _left = self._caps.let_through(added, [budget])
        granted, left = self._caps.let_through(without + added, limits)
        kept = max(0, granted - without)
        if budget is not None and kept < added:
            self._caps.give_back(added - kept, [budget[0]])
        return granted, left, kept

    def _take_back(self, act: Act, judged: JudgedAward, undoing: Undoing) -> int:
        award = judged.award
        points = points_to_reverse(
            granted=award.granted,
            already_reversed=award.reversed,
            remaining=undoing.remaining,
            original=undoing.of,
        )
        if points:
            before = award.reversed
            self._book.reverse(act, award, points, at=undoing.arrival.item.occurred_at)
            self._caps.give_back(points, (key for key, _limit in judged.caps))
            if judged.budget is not None:
                freed = points_to_budget(
                    from_campaign=judged.from_campaign,
                    granted=award.granted,
                    reversed_before=before,
                    reversed_after=before + points,
                )
                self._caps.give_back(freed, [judged.budget[0]])
            self._reversed[id(award)] = award
        return points

    def _values(self, arrival: Arrival, doer: Doer) -> dict[str, Value]:
        """The facts of one activity, as of its moment."""
        item = arrival.item
        tier = self._board[doer.membership_id].tier_at(item.occurred_at)
        values: dict[str, Value] = {
            AMOUNT: item.amount,
            QUANTITY: item.quantity,
            OBJECT: item.object or None,
            DAY: doer.day,
            SOURCE: self._batch.source.code,
            TIER: tier.code if tier else None,
            TIER_RANK: Decimal(tier.rank) if tier else None,
        }
        for code, value in arrival.attributes.items():
            values[f"{ATTRIBUTE_PREFIX}{code}"] = value
        values.update(self._scene.company_facts(doer.company_id, doer.occurred_at))
        values.update(self._scene.employee_facts(doer.employee_id, doer.membership_id, doer.occurred_at))
        return values

    def _limits(self, rule: EarningRule, to: CapSubject, doer: Doer) -> Iterator[tuple[CapKey, int]]:
        consent = None
        if to is CapSubject.EMPLOYEE:
            consent = self._scene.consent_at(doer.membership_id, doer.occurred_at)
        return limits_of(rule, to, doer, consent)

    def _doer(self, membership: Enrolment, of: ActivityItem | Original) -> Doer:
        program_id = membership.program_id
        day = self._scene.day(program_id, of.occurred_at)
        return Doer(program_id, of.company_id, of.employee_id, membership.id, of.occurred_at, day)

    def _doers(self) -> Iterator[tuple[Doer, int]]:
        """Everybody whose limits and wallets the batch can reach, with the type of what was done or is undone."""
        for turn in self._turns:
            of = turn.original if isinstance(turn, Undoing) else turn.item
            for membership in self._scene.memberships_at(of.company_id, of.occurred_at):
                yield self._doer(membership, of), _arrival(turn).type_id

    def _name_caps_of_undone(self) -> Iterator[tuple[CapKey, int]]:
        """Find the counters in which awards read from the database stand: the limits of the rules that gave them."""
        originals = {undoing.original.activity_id: undoing.original for undoing in self._undoings}
        for activity_id, judgements in self._judgements.items():
            original = originals[activity_id]
            for judgement in judgements:
                membership = self._membership_of(judgement, original)
                if membership is None or judgement.rule_set_id is None:
                    continue
                doer = self._doer(membership, original)
                rules = self._configuration.rules_of(judgement.rule_set_id, original.type_id).rules
                by_code = {rule.code: rule for rule in rules}
                for judged in judgement.awards:
                    to = CapSubject.EMPLOYEE if judged.award.owner.employee_id else CapSubject.COMPANY
                    if judged.rule_code in by_code:
                        judged.caps = tuple(self._limits(by_code[judged.rule_code], to, doer))
                        yield from judged.caps
                        if judged.from_campaign and (budget := budget_of(by_code[judged.rule_code], doer)):
                            judged.budget = budget
                            yield budget

    def _membership_of(self, judgement: Judgement, original: Original) -> Enrolment | None:
        """The membership that the original counted for: the one of its moment, else (its days were changed) any."""
        rows = [r for r in self._scene.memberships.get(original.company_id, []) if r.program_id == judgement.program_id]
        return next((row for row in rows if row.holds_at(original.occurred_at)), rows[0] if rows else None)

    def _plan_of(self, membership: Enrolment) -> TierPlan:
        plan = self._configuration.plans[membership.program_id]
        return plan.of_member(membership.starts_at, self._scene.segments.get(membership.company_id, ()))

    def _companies_with_returns(self) -> set[int]:
        return {undoing.original.company_id for undoing in self._undoings}


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
            case Metric.Measure.AMOUNT:
                taken[code] = undoing.amount
            case Metric.Measure.QUANTITY:
                taken[code] = undoing.quantity
            case Metric.Measure.SUM:
                part = undoing.amount if undoing.original.amount else undoing.quantity
                before = undoing.remaining + (part if undoing.original.amount or undoing.original.quantity else 1)
                value = judgement.metrics[code]
                taken[code] = part_taken_back(value, before=before, after=undoing.remaining, of=undoing.of)
            case Metric.Measure.COUNT | Metric.Measure.PEOPLE:
                taken[code] = Decimal(1 if undoing.is_whole else 0)
            case Metric.Measure.POINTS:
                taken[code] = Decimal(reversed_points)
    return taken
