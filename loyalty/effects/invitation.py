"""An invitation to a tier: the company's admin accepts or declines it. One at a time waits for an answer.

{"kind": "invitation", "tier": "gold", "days": 365, "answer_days": 30}
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self

from accounts.wording import N_, Translator
from loyalty.earning import Ask, Asks, FormulaError, Part
from loyalty.effects.kind import Effect, EffectBook, Given
from loyalty.titles.by_rules import Asked, Doors, ask, open_doors, withdraw

_MOST_DAYS = 3_660
_ANSWER_DAYS = 30


class InvitationBook(EffectBook):
    """What some companies are invited to."""

    def __init__(self) -> None:
        self._doors = Doors()
        self._waiting: dict[int, Given | None] = {}
        self._new: list[Given] = []
        self._withdrawn: list[Given] = []

    def open(self, membership_ids: Collection[int]) -> None:
        """Read what waits for an answer, what is held by invitation, and which tiers are open to it."""
        self._doors = open_doors(membership_ids)

    def is_open_for(self, given: Given) -> bool:
        """Whether the tier is open by invitation, and the company neither holds it so nor has one to answer."""
        at, membership_id = given.occurred_at, given.membership_id
        tier_id = self._doors.tiers.get((given.program_id, given.effect.subject))
        if tier_id is None or self._doors.is_held(membership_id, tier_id, at=at):
            return False
        if membership_id in self._waiting:
            return self._waiting[membership_id] is None
        return not self._doors.is_waiting(membership_id, at=at)

    def give(self, given: Given) -> None:
        """Ask the company in."""
        self._waiting[given.membership_id] = given
        self._new.append(given)

    def take_back(self, given: Given, *, at: datetime) -> None:
        """Withdraw it where nobody has answered; a tier that was accepted stays."""
        membership_id = given.membership_id
        if membership_id in self._waiting:
            is_the_one = self._waiting[membership_id] is given
        else:
            is_the_one = self._doors.is_of_award(membership_id, given.award_id)
        if is_the_one:
            self._waiting[membership_id] = None
            self._withdrawn.append(given)

    def write(self, *, now: datetime) -> None:
        """Write what was asked and withdrawn, and tell those who act for the company of what waits."""
        asked = [self._asked(given) for given in self._new]
        withdrawn = {given.award_id for given in self._withdrawn}
        withdraw(withdrawn - {one.award_id for one in asked}, now=now)
        ask(asked, withdrawn=withdrawn, now=now)

    def _asked(self, given: Given) -> Asked:
        effect = given.effect
        assert isinstance(effect, InvitationEffect)  # noqa: S101 (tells the type checker)
        return Asked(
            given.membership_id,
            given.company_id,
            self._doors.tiers[given.program_id, effect.subject],
            effect.days,
            effect.answer_days,
            given.award_id,
            given.rule_name,
        )


@dataclass(frozen=True, slots=True)
class InvitationEffect(Effect):
    """Into the tier of a code for `days`, if the company accepts within `answer_days`; both count from its asking."""

    code: str
    days: int
    answer_days: int
    name: str = ""

    kind: ClassVar[str] = "invitation"
    keys: ClassVar[frozenset[str]] = frozenset({"tier", "days", "answer_days"})
    optional: ClassVar[frozenset[str]] = frozenset({"answer_days"})
    example: ClassVar[Mapping[str, object]] = {"kind": "invitation", "tier": "gold", "days": 365, "answer_days": 30}
    title: ClassVar[str] = N_("an invitation to a tier")
    asks: ClassVar[tuple[Ask, ...]] = (
        Ask("tier", N_("tier"), Asks.SUBJECT),
        Ask("days", N_("for days"), Asks.POINTS, suggested="365"),
        Ask("answer_days", N_("to be answered within days"), Asks.POINTS, is_optional=True),
    )
    choices: ClassVar[str] = "SELECT program_id, code, name FROM loyalty_tier WHERE is_invited"
    book: ClassVar[type[EffectBook]] = InvitationBook
    is_for_people: ClassVar[bool] = False

    @classmethod
    def read(cls, part: Part) -> Self:
        """Read the code, for how long, and how long the company may think about it."""
        days = part.whole("days", most=_MOST_DAYS)
        answer_days = part.whole("answer_days", most=_MOST_DAYS) if "answer_days" in part else min(days, _ANSWER_DAYS)
        if answer_days > days:
            raise FormulaError(N_("answer_days: the tier would be over before the company has to answer."))
        return cls(part.code("tier"), days, answer_days)

    @property
    def subject(self) -> str:
        """The tier's code."""
        return self.code

    def named(self, name: str) -> Self:
        """With the tier's name of now."""
        return replace(self, name=name)

    def sentence(self, translate: Translator) -> str:
        """Return "an invitation to “Gold”, for 365 days, to be answered within 30"."""
        text = translate(N_("an invitation to “{name}”, for {days} days, to be answered within {answer_days}"))
        return text.format(
            name=self.name or self.code,
            days=translate.number(self.days),
            answer_days=translate.number(self.answer_days),
        )
