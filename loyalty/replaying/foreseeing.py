"""What activities would bring somebody right now: rules and facts at hand, limits and budgets as far as they are used.

For lists, where `what_if` would ask too much: it reads one thing, the counters, for all of them at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from accounts.conditions import Values
from loyalty.activities.awarding import Awarding
from loyalty.activities.dated import GivenConsent
from loyalty.activities.limits import Doer, budget_of, budget_of_promotion, limits_of
from loyalty.activities.originals import JudgedAward
from loyalty.activities.writing import EvaluationRow
from loyalty.earning import CapSubject, EarningRule, Gift, Person, Promotion, Verdict, evaluate
from loyalty.ledger import CapKey, Limit
from loyalty.ledger.caps import BlankCaps, read_used
from loyalty.replaying.books import NoWallets


@dataclass(frozen=True, slots=True)
class Case:
    """An activity that somebody may do: by which rules, facts, people, consent and promotions it would be judged."""

    doer: Doer
    rules: Sequence[EarningRule]
    values: Values
    people: tuple[Person, ...] = ()
    consent: GivenConsent | None = None
    promotions: tuple[Promotion, ...] = ()

    @property
    def verdicts(self) -> list[Verdict]:
        """What the rules say of it."""
        return evaluate(
            self.rules, self.values, self.people, promotions=self.promotions, person_id=self.doer.employee_id
        )


@dataclass(slots=True)
class Foreseen:
    """Points for people and for the company; `is_limited`: what others earn before may leave less of them."""

    points: int = 0
    company_points: int = 0
    is_limited: bool = False


def foresee(cases: Sequence[Case], *, now: datetime) -> list[Foreseen]:
    """Return what each of `cases` would bring at `now` if it came first; nothing is written or locked.

    What a rule gives beside points, and what would follow from it, is left out. One query, none where nothing limits.
    """
    verdicts = [case.verdicts for case in cases]
    used = read_used(
        {
            limit.key
            for case, of_case in zip(cases, verdicts, strict=True)
            for verdict in of_case
            for gift in verdict.gifts
            for limit in _limits_of(gift, case)
        }
    )
    return [_foreseen(case, of_case, used, now) for case, of_case in zip(cases, verdicts, strict=True)]


def _foreseen(case: Case, verdicts: Sequence[Verdict], used: Mapping[CapKey, int], now: datetime) -> Foreseen:
    caps, doer, found = BlankCaps(), case.doer, Foreseen()
    caps.begin_with(used)
    awarding = Awarding(caps, NoWallets(now=now, programs=()), {})
    evaluation = EvaluationRow(0, doer.company_id, doer.program_id, None, {}, {})
    for verdict in verdicts:
        for judged in awarding.give(verdict._replace(favours=()), doer, case.consent, evaluation):
            if isinstance(judged, JudgedAward):
                _add(found, judged)
    return found


def _add(found: Foreseen, judged: JudgedAward) -> None:
    if judged.award.owner.employee_id is None:
        found.company_points += judged.award.granted
    else:
        found.points += judged.award.granted
    found.is_limited |= bool(judged.caps or judged.budget or judged.promotion_budget)


def _limits_of(gift: Gift, case: Case) -> Iterator[Limit]:
    """Every limit and budget that a gift may come to, that of the company's own for its people included."""
    of = case.doer.for_person(gift.person_id)
    yield from limits_of(gift.rule, of, to=gift.to, consent=case.consent, is_instead=gift.is_instead)
    if gift.to is CapSubject.EMPLOYEE:
        # What is above the company's own limit may go to the company, by the rule's limits of that.
        yield from limits_of(gift.rule, of, to=CapSubject.COMPANY, consent=case.consent, is_instead=True)
    budgets = [budget_of(gift.rule, case.doer)]
    if gift.promotion is not None:
        budgets.append(budget_of_promotion(gift.promotion.id, gift.promotion.budget, case.doer))
    yield from (budget for budget in budgets if budget is not None)
