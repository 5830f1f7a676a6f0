"""Awarding: what verdicts give, cut by limits, to whom consent lets it go; and what returns take back of it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from loyalty.activities.dated import GivenConsent
from loyalty.activities.limits import Doer, budget_of, budget_of_promotion, consent_limit, limits_of
from loyalty.activities.originals import JudgedAward, JudgedFavour
from loyalty.activities.returns import Back
from loyalty.activities.scene import Scene
from loyalty.activities.writing import (
    AwardRow,
    EvaluationRow,
    FavourRow,
    write_awards,
    write_favours,
    write_reversals,
)
from loyalty.earning import (
    CapSubject,
    EarningRule,
    Favour,
    Gift,
    Verdict,
    campaign_beside,
    parted,
    points_to_budget,
    points_to_reverse,
)
from loyalty.effects import Effect, EffectBook, Given
from loyalty.ledger import Act, AwardEntry, Book, CapBook, CapKey, Limit, Owner


class _Budgets(NamedTuple):
    """Of what a gift's promotion and campaign add; None where there is none, or it adds nothing."""

    promotion: Limit | None
    campaign: Limit | None


_NO_BUDGETS = _Budgets(None, None)


def _budgets_of(gift: Gift, doer: Doer) -> _Budgets:
    promotion = gift.promotion
    if promotion is None and not gift.from_campaign:
        return _NO_BUDGETS
    of_promotion = (
        budget_of_promotion(promotion.id, promotion.budget, doer) if promotion and gift.from_promotion else None
    )
    adds = gift.from_campaign or gift.campaign_alone
    return _Budgets(of_promotion, budget_of(gift.rule, doer) if adds else None)


class Awarding:
    """The awards of one batch. It moves counters, wallets and effects that are open by then, and takes no lock."""

    def __init__(self, caps: CapBook, book: Book, effects: Mapping[str, EffectBook]) -> None:
        self._caps = caps
        self._book = book
        self._effects = effects
        self._awards: list[AwardRow] = []
        self._favours: list[FavourRow] = []
        self._reversed: dict[int, AwardEntry] = {}

    def give(
        self, verdict: Verdict, doer: Doer, consent: GivenConsent | None, evaluation: EvaluationRow
    ) -> Iterator[JudgedAward | JudgedFavour]:
        """Give what a rule gives for one activity, each recipient's; a limit of times counts all of it once.

        `consent` is the one under which it was done.
        """
        counted: set[CapKey] = set()
        for gift in self._within_consent(verdict.gifts, doer, consent):
            yield self._award(gift, doer, consent, evaluation, counted)
        for favour in verdict.favours:
            if favour.refusal is None and (judged := self._favour(favour, doer, evaluation, counted)):
                yield judged

    def take_back(self, act: Act, judged: JudgedAward, back: Back, freed: set[CapKey]) -> int:
        """Take back the part of an award that a return undoes; return its points."""
        award = judged.award
        points = points_to_reverse(
            granted=award.granted, already_reversed=award.reversed, remaining=back.remaining, original=back.of
        )
        if award.granted:
            self._caps.give_back(points, judged.caps, freed=freed if back.is_whole else None)
        if points:
            before = award.reversed
            self._book.reverse(act, award, points, at=back.at)
            for budget, added in (
                (judged.budget, judged.from_campaign),
                (judged.promotion_budget, judged.from_promotion),
            ):
                if budget is not None:
                    to_budget = points_to_budget(
                        from_campaign=added,
                        granted=award.granted,
                        reversed_before=before,
                        reversed_after=before + points,
                    )
                    self._caps.give_back(to_budget, [budget])
            self._reversed[id(award)] = award
        return points

    def withdraw(self, judged: JudgedFavour, back: Back, freed: set[CapKey]) -> None:
        """Take back what a rule gave beside points, once nothing of the activity is left."""
        if back.is_whole and judged.given is not None:
            self._effects[judged.given.effect.kind].take_back(judged.given, at=back.at)
            self._caps.give_back(0, judged.caps, freed=freed)

    def forget(self) -> None:
        """Let go of what was given and taken back so far: it is not to be written."""
        self._awards.clear()
        self._favours.clear()
        self._reversed.clear()

    @property
    def ids_needed(self) -> dict[str, int]:
        """How many ids `write` takes, a table."""
        return {"loyalty_award": len(self._awards), "loyalty_effectaward": len(self._favours)}

    def write_awards(self, ids: Mapping[str, list[int]]) -> None:
        """Write what was given; call it once the evaluations are written."""
        write_awards(self._awards, ids["loyalty_award"])
        write_favours(self._favours, ids["loyalty_effectaward"])

    def write_reversals(self) -> None:
        """Write what was taken back."""
        write_reversals(self._reversed.values())

    def _within_consent(self, gifts: Iterable[Gift], doer: Doer, consent: GivenConsent | None) -> Iterable[Gift]:
        """Give what is more than 0; what a person gets above the limit that the company has set goes where it wants."""
        if consent is None or not consent.is_for_company:
            return [gift for gift in gifts if gift.points > 0]
        return self._parted(gifts, doer, consent)

    def _parted(self, gifts: Iterable[Gift], doer: Doer, consent: GivenConsent) -> Iterator[Gift]:
        for gift in gifts:
            above = self._above_consent(gift, doer, consent) if gift.to is CapSubject.EMPLOYEE else 0
            for part in parted(gift, at=gift.points - above) if above else (gift,):
                if part.points:
                    yield part

    def _above_consent(self, gift: Gift, doer: Doer, consent: GivenConsent) -> int:
        """The points of a person's that are above the company's own limit and go to the company."""
        limit = consent_limit(doer.for_person(gift.person_id), consent)
        return 0 if limit is None else max(0, gift.points - self._caps.left(limit))

    def _award(
        self,
        gift: Gift,
        doer: Doer,
        consent: GivenConsent | None,
        evaluation: EvaluationRow,
        counted: set[CapKey],
    ) -> JudgedAward:
        of = doer.for_person(gift.person_id)
        limits: tuple[Limit, ...] = ()
        if gift.rule.caps or gift.to is CapSubject.EMPLOYEE:
            limits = tuple(limits_of(gift.rule, of, to=gift.to, consent=consent, is_instead=gift.is_instead))
        budgets = _budgets_of(gift, doer)
        granted, left, from_promotion, from_campaign = self._let_through(gift, limits, budgets, counted)
        employee_id = of.employee_id if gift.to is CapSubject.EMPLOYEE else None
        instead_of = of.employee_id if gift.is_instead else None
        award = AwardEntry(owner=Owner(doer.program_id, doer.company_id, employee_id), granted=granted)
        wallet_id = self._book.wallet_id(award.owner)
        promotion_id = None if gift.promotion is None else gift.promotion.id
        self._awards.append(
            AwardRow(
                award,
                evaluation,
                gift.rule,
                wallet_id,
                gift.points,
                left,
                from_campaign,
                instead_of,
                promotion_id,
                from_promotion,
            )
        )
        judged = JudgedAward(award, gift.rule.code, from_campaign, instead_of, limits, budgets.campaign)
        judged.from_promotion, judged.promotion_budget = from_promotion, budgets.promotion
        return judged

    def _let_through(
        self, gift: Gift, limits: tuple[Limit, ...], budgets: _Budgets, counted: set[CapKey]
    ) -> tuple[int, int | None, int, int]:
        """Return how many points pass, what the tightest limit had left before, and how many of them a promotion and a
        campaign added.

        The budget of either is asked for what it adds alone: once it is spent, rules give what they give without it.
        What limits cut of it goes back to the budget, the campaign's first.
        """
        if budgets is _NO_BUDGETS:
            if not limits:
                return gift.points, None, 0, 0
            return *self._caps.let_through(gift.points, limits, counted=counted), 0, 0
        without = gift.points - gift.from_campaign - gift.from_promotion
        promoted = self._left_of(gift.from_promotion, budgets.promotion)
        added = self._left_of(campaign_beside(gift, promoted), budgets.campaign)
        granted, left = self._caps.let_through(without + promoted + added, limits, counted=counted)
        kept, kept_added = min(promoted, max(0, granted - without)), max(0, granted - without - promoted)
        for budget, cut in ((budgets.promotion, promoted - kept), (budgets.campaign, added - kept_added)):
            if budget is not None and cut:
                self._caps.give_back(cut, [budget])
        return granted, left, kept, kept_added

    def _left_of(self, points: int, budget: Limit | None) -> int:
        """How many points a budget has for somebody; all of them where there is none."""
        return points if budget is None else self._caps.let_through(points, [budget])[0]

    def _favour(
        self, favour: Favour, doer: Doer, evaluation: EvaluationRow, counted: set[CapKey]
    ) -> JudgedFavour | None:
        """Give something that is no points, once, where no limit stands before it and it is not held already."""
        of = doer.for_person(favour.person_id)
        employee_id = of.employee_id if favour.to is CapSubject.EMPLOYEE else None
        given = _given(favour.rule, of, employee_id, evaluation.activity_id)
        if given is None:
            return None
        limits = tuple(limits_of(favour.rule, of, to=favour.to, consent=None))
        book = self._effects[given.effect.kind]
        judged = None
        if book.is_open_for(given) and self._caps.let_through(1, limits, counted=counted)[0]:
            book.give(given)
            judged = JudgedFavour(favour.rule.code, employee_id, caps=limits, given=given)
        self._favours.append(FavourRow(given, evaluation, favour.rule, judged))
        return judged


def name_favour(judged: JudgedFavour, rule: EarningRule, doer: Doer, activity_id: int) -> Iterator[Limit]:
    """Say what a favour read from the database was, and give the limits that it stands in."""
    of = doer.for_person(judged.employee_id)
    judged.given = _given(rule, of, judged.employee_id, activity_id)
    if judged.given is not None:
        judged.given.award_id = judged.award_id
        to = CapSubject.COMPANY if judged.employee_id is None else CapSubject.EMPLOYEE
        judged.caps = tuple(limits_of(rule, of, to=to, consent=None))
        yield from judged.caps


def name_award(judged: JudgedAward, rule: EarningRule, doer: Doer, scene: Scene) -> Iterator[Limit]:
    """Find the counters in which an award read from the database stands: the limits of the rule that gave it."""
    person_id = judged.award.owner.employee_id
    to = CapSubject.COMPANY if person_id is None else CapSubject.EMPLOYEE
    of = doer.for_person(person_id or judged.instead_of)
    is_instead = judged.instead_of is not None
    judged.caps = tuple(limits_of(rule, of, to=to, consent=scene.consent_of(doer), is_instead=is_instead))
    yield from judged.caps
    if judged.from_campaign and (budget := budget_of(rule, doer)):
        judged.budget = budget
        yield budget
    if judged.promoted_by is not None and (budget := budget_of_promotion(*judged.promoted_by, doer)):
        judged.promotion_budget = budget
        yield budget


def _given(rule: EarningRule, doer: Doer, employee_id: int | None, activity_id: int) -> Given | None:
    if not isinstance(rule.effect, Effect):
        return None
    return Given(
        rule.effect,
        doer.membership_id,
        doer.program_id,
        doer.company_id,
        employee_id,
        activity_id,
        doer.occurred_at,
        rule.name,
    )
