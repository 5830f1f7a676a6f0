"""Reach: every limit, wallet and effect that judging a batch can come to, so that all of it is locked beforehand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from loyalty.activities.awarding import name_award, name_favour
from loyalty.activities.dated import Enrolment
from loyalty.activities.deriving import Derived, within_reach
from loyalty.activities.items import Arrival
from loyalty.activities.limits import Doer, budget_of, budget_of_promotion, limits_of
from loyalty.activities.originals import Judgement, Original
from loyalty.activities.returns import Undoing
from loyalty.activities.scene import Done, Scene
from loyalty.activities.turns import Turn
from loyalty.earning import Beneficiary, CapSubject, EarningRule
from loyalty.effects import Effect
from loyalty.ledger import CapKey, Limit, Owner


@dataclass(slots=True)
class Reach:
    """Limits by their counters, owners of wallets, those of them whose points may be taken back, kinds of effects."""

    limits: dict[CapKey, int] = field(default_factory=dict)
    owners: set[Owner] = field(default_factory=set)
    taken_back: set[Owner] = field(default_factory=set)
    effects: dict[str, type[Effect]] = field(default_factory=dict)

    def add(self, limits: Iterable[Limit]) -> None:
        """Add limits; of several for one counter the highest."""
        for key, limit, _counts in limits:
            self.limits[key] = max(limit, self.limits.get(key, 0))


@dataclass(frozen=True, slots=True)
class Undone:
    """What returns undo, as it was recorded: the activities, and how each was judged."""

    done: Mapping[int, Original | Derived]
    judgements: Mapping[int, Sequence[Judgement]]


def reach_of(scene: Scene, turns: Sequence[Turn], undone: Undone) -> Reach:
    """Return what judging `turns` can come to."""
    reach = Reach()
    for doer, type_id, people in dict.fromkeys(_doers(scene, turns)):
        reach.owners.add(Owner(doer.program_id, doer.company_id))
        for rule in scene.rules_at(doer, type_id)[-1].about(doer.object).reaching:
            _reach_rule(reach, rule, doer, people, scene)
        budgets = (budget_of_promotion(each.id, each.budget, doer) for each in scene.promotions_of(doer))
        reach.add(budget for budget in budgets if budget is not None)
    companies = {turn.original.company_id for turn in turns if isinstance(turn, Undoing)}
    for activity_id, judgements in undone.judgements.items():
        for judgement in judgements:
            owners = {judged.award.owner for judged in judgement.awards}
            reach.taken_back |= owners | {owner.company for owner in owners if scene.has_one_wallet(owner)}
            reach.add(_of_undone(reach, judgement, undone.done[activity_id], scene))
    reach.taken_back |= {owner for owner in reach.owners if owner.company_id in companies}
    reach.owners |= reach.taken_back
    return reach


def membership_of(scene: Scene, judgement: Judgement, done: Done) -> Enrolment | None:
    """Return the membership that an activity counted for: that of its moment, else (its days were changed) any."""
    rows = [row for row in scene.memberships.get(done.company_id, []) if row.program_id == judgement.program_id]
    return next((row for row in rows if row.holds_at(done.occurred_at)), rows[0] if rows else None)


def _reach_rule(reach: Reach, rule: EarningRule, doer: Doer, people: tuple[int, ...], scene: Scene) -> None:
    if rule.effect is not None and isinstance(rule.effect, Effect):
        reach.effects[rule.effect.kind] = type(rule.effect)
    consent = scene.consent_of(doer)
    for to in rule.recipients:
        if to is CapSubject.COMPANY:
            reach.add(limits_of(rule, doer, to=to, consent=consent))
            continue
        for person_id in people if rule.beneficiary is Beneficiary.ROLE else (doer.employee_id,):
            reach.add(limits_of(rule, doer.for_person(person_id), to=to, consent=consent))
            if person_id is not None and rule.effect is None:
                reach.owners.add(Owner(doer.program_id, doer.company_id, person_id))
    if budget := budget_of(rule, doer):
        reach.add((budget,))


def _doers(scene: Scene, turns: Sequence[Turn]) -> Iterator[tuple[Doer, int, tuple[int, ...]]]:
    """Who did what the batch judges or undoes, in each program, with its type and all who had a part."""
    for turn in turns:
        of = turn.original if isinstance(turn, Undoing) else turn.item
        arrival = _arrival(turn)
        for membership in scene.memberships_at(of.company_id, of.occurred_at):
            doer, people = scene.doer(membership, of), arrival.item.people
            yield doer, arrival.type_id, people
            if isinstance(turn, Undoing):
                continue
            for type_id, subject in within_reach(
                scene.configuration, membership.program_id, arrival.type_id, of.occurred_at
            ):
                for person_id in (None, *people):
                    follows = doer._replace(employee_id=person_id, object=subject)
                    yield follows, type_id, () if person_id is None else (person_id,)


def _of_undone(reach: Reach, judgement: Judgement, done: Original | Derived, scene: Scene) -> Iterator[Limit]:
    """Find the counters in which awards read from the database stand, and say what favours were."""
    membership = membership_of(scene, judgement, done)
    if membership is None or judgement.rule_set_id is None:
        return
    doer = scene.doer(membership, done)
    judged_by = scene.configuration.rules_of(judgement.rule_set_id, done.type_id, judgement.agreement_id)
    rules = {rule.code: rule for rule in judged_by.rules}
    for judged in judgement.awards:
        if judged.rule_code in rules:
            yield from name_award(judged, rules[judged.rule_code], doer, scene)
    for favour in judgement.favours:
        if favour.rule_code in rules:
            rule = rules[favour.rule_code]
            if isinstance(rule.effect, Effect):
                reach.effects[rule.effect.kind] = type(rule.effect)
            yield from name_favour(favour, rule, doer, done.activity_id)


def _arrival(turn: Turn) -> Arrival:
    return turn.arrival if isinstance(turn, Undoing) else turn
