"""A benefit for a time, to be used so often; given again, it is there once more.

{"kind": "benefit", "benefit": "consulting-hour", "times": 1, "days": 90}
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import ClassVar, Self

from accounts import arrays
from accounts.wording import N_, Translator
from loyalty.earning import Ask, Asks, Part
from loyalty.effects.kind import Effect, EffectBook, Given
from loyalty.models import BenefitGrant, RuleCap

_MOST_TIMES = 1_000
_MOST_DAYS = 3_660


class BenefitBook(EffectBook):
    """Benefits that rules gave to some memberships."""

    def __init__(self) -> None:
        self._benefits: dict[tuple[int, str], int] = {}
        self._new: list[Given] = []
        self._ended: list[tuple[Given, datetime]] = []

    def open(self, membership_ids: Collection[int]) -> None:
        """Read the benefits of the programs."""
        for benefit_id, program_id, code in arrays.fetch("SELECT id, program_id, code FROM loyalty_benefit"):
            self._benefits[program_id, code] = benefit_id

    def is_open_for(self, given: Given) -> bool:
        """Whether the program has the benefit."""
        return (given.program_id, given.effect.subject) in self._benefits

    def give(self, given: Given) -> None:
        """Grant it."""
        self._new.append(given)

    def take_back(self, given: Given, *, at: datetime) -> None:
        """End it; what was used of it by then stays used."""
        self._ended.append((given, at))

    def write(self, *, now: datetime) -> None:
        """Write what begins, then what ends, be it at once."""
        BenefitGrant.objects.bulk_create(self._grant(given, now) for given in self._new)
        if self._ended:
            arrays.run(
                """UPDATE loyalty_benefitgrant g
                   SET ends_at = least(coalesce(g.ends_at, 'infinity'), greatest(c.at, g.starts_at))
                   FROM unnest(%s::bigint[], %s::timestamptz[]) AS c(award_id, at) WHERE g.award_id = c.award_id""",
                *arrays.columns_of([(given.award_id, at) for given, at in self._ended]),
            )

    def _grant(self, given: Given, now: datetime) -> BenefitGrant:
        effect = given.effect
        assert isinstance(effect, BenefitEffect)  # noqa: S101 (tells the type checker)
        return BenefitGrant(
            membership_id=given.membership_id,
            employee_id=given.employee_id,
            benefit_id=self._benefits[given.program_id, effect.subject],
            quota=effect.times,
            period=RuleCap.Per.EVER,
            starts_at=given.occurred_at,
            ends_at=None if effect.days is None else given.occurred_at + timedelta(days=effect.days),
            granted_at=now,
            award_id=given.award_id,
            reason=given.rule_name,
        )


@dataclass(frozen=True, slots=True)
class BenefitEffect(Effect):
    """The benefit of a code, to be used `times` (None: as often as wanted) within `days` (None: with no end)."""

    code: str
    times: int | None = None
    days: int | None = None
    name: str = ""

    kind: ClassVar[str] = "benefit"
    keys: ClassVar[frozenset[str]] = frozenset({"benefit", "times", "days"})
    optional: ClassVar[frozenset[str]] = frozenset({"times", "days"})
    example: ClassVar[Mapping[str, object]] = {
        "kind": "benefit",
        "benefit": "consulting-hour",
        "times": 1,
        "days": 90,
    }
    title: ClassVar[str] = N_("a benefit")
    asks: ClassVar[tuple[Ask, ...]] = (
        Ask("benefit", N_("benefit"), Asks.SUBJECT),
        Ask("times", N_("times (blank: as often as wanted)"), Asks.POINTS, is_optional=True, suggested="1"),
        Ask("days", N_("for days (blank: with no end)"), Asks.POINTS, is_optional=True),
    )
    choices: ClassVar[str] = "SELECT program_id, code, name FROM loyalty_benefit"
    book: ClassVar[type[EffectBook]] = BenefitBook

    @classmethod
    def read(cls, part: Part) -> Self:
        """Read the code, how often and for how long."""
        times = part.whole("times", most=_MOST_TIMES) if "times" in part else None
        days = part.whole("days", most=_MOST_DAYS) if "days" in part else None
        return cls(part.code("benefit"), times, days)

    @property
    def subject(self) -> str:
        """The benefit's code."""
        return self.code

    def named(self, name: str) -> Self:
        """With the benefit's name of now."""
        return replace(self, name=name)

    def sentence(self, translate: Translator) -> str:
        """Return "the benefit “Consulting hour”, once, for 90 days"."""
        text = translate(N_("the benefit “{name}”")).format(name=self.name or self.code)
        if self.times is not None:
            often = N_("{benefit}, once") if self.times == 1 else N_("{benefit}, {times} times")
            text = translate(often).format(benefit=text, times=translate.number(self.times))
        if self.days is not None:
            text = translate(N_("{benefit}, for {days} days")).format(benefit=text, days=translate.number(self.days))
        return text
