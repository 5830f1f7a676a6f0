"""A badge, held once: a second time changes nothing.

{"kind": "badge", "badge": "first-order"}
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Self

from accounts import arrays, messages
from accounts.messages import Telling
from accounts.models import Employee
from accounts.wording import N_, Translator
from loyalty.earning import Ask, Asks, Part
from loyalty.effects.kind import Effect, EffectBook, Given
from loyalty.messages import BADGE_GIVEN
from loyalty.models import BadgeHolding

_Key = tuple[int, int | None, str]
"""Membership, person, code of the badge."""


@dataclass(slots=True)
class _New:
    """A holding that begins, and where it was taken back at once ends."""

    given: Given
    ended_at: datetime | None = None


class BadgeBook(EffectBook):
    """Who of some memberships holds which badge."""

    def __init__(self) -> None:
        self._held: dict[_Key, int | None] = {}
        self._badges: dict[tuple[int, str], int] = {}
        self._new: list[_New] = []
        self._ended: dict[int, datetime] = {}

    def open(self, membership_ids: Collection[int]) -> None:
        """Read what is held, and the badges of the programs."""
        for holding_id, membership_id, employee_id, code in arrays.fetch(
            """SELECT h.id, h.membership_id, h.employee_id, b.code
               FROM loyalty_badgeholding h JOIN loyalty_badge b ON b.id = h.badge_id
               WHERE h.membership_id = ANY(%s::bigint[]) AND h.ended_at IS NULL""",
            [*membership_ids],
        ):
            self._held[membership_id, employee_id, code] = holding_id
        for badge_id, program_id, code in arrays.fetch("SELECT id, program_id, code FROM loyalty_badge"):
            self._badges[program_id, code] = badge_id

    def is_open_for(self, given: Given) -> bool:
        """Whether the program has the badge and it is not held."""
        return _key(given) not in self._held and (given.program_id, given.effect.subject) in self._badges

    def give(self, given: Given) -> None:
        """Let it be held."""
        self._held[_key(given)] = None
        self._new.append(_New(given))

    def take_back(self, given: Given, *, at: datetime) -> None:
        """End the holding that the activity brought."""
        holding_id = self._held.pop(_key(given), None)
        if holding_id is not None:
            self._ended[holding_id] = at
        for new in self._new:
            if new.given is given:
                new.ended_at = max(at, given.occurred_at)

    def write(self, *, now: datetime) -> None:
        """Write what ended before what begins, and tell the people who hold a new one."""
        if self._ended:
            arrays.run(
                """UPDATE loyalty_badgeholding h SET ended_at = greatest(h.given_at, c.ended_at)
                   FROM unnest(%s::bigint[], %s::timestamptz[]) AS c(id, ended_at) WHERE h.id = c.id""",
                *arrays.columns_of([*self._ended.items()]),
            )
        BadgeHolding.objects.bulk_create(
            BadgeHolding(
                membership_id=new.given.membership_id,
                employee_id=new.given.employee_id,
                badge_id=self._badges[new.given.program_id, new.given.effect.subject],
                award_id=new.given.award_id,
                given_at=new.given.occurred_at,
                ended_at=new.ended_at,
            )
            for new in self._new
        )
        _tell([new.given for new in self._new if new.ended_at is None], now=now)


@dataclass(frozen=True, slots=True)
class BadgeEffect(Effect):
    """The badge of a code."""

    code: str
    name: str = ""

    kind: ClassVar[str] = "badge"
    keys: ClassVar[frozenset[str]] = frozenset({"badge"})
    example: ClassVar[Mapping[str, object]] = {"kind": "badge", "badge": "first-order"}
    title: ClassVar[str] = N_("a badge")
    asks: ClassVar[tuple[Ask, ...]] = (Ask("badge", N_("badge"), Asks.SUBJECT),)
    choices: ClassVar[str] = "SELECT program_id, code, name FROM loyalty_badge"
    book: ClassVar[type[EffectBook]] = BadgeBook
    derives: ClassVar[str] = "badge-received"

    @classmethod
    def read(cls, part: Part) -> Self:
        """Read the code."""
        return cls(part.code("badge"))

    @property
    def subject(self) -> str:
        """The badge's code."""
        return self.code

    def named(self, name: str) -> Self:
        """With the badge's name of now."""
        return replace(self, name=name)

    def sentence(self, translate: Translator) -> str:
        """Return "the badge “First order”"."""
        return translate(N_("the badge “{name}”")).format(name=self.name or self.code)


def _key(given: Given) -> _Key:
    return given.membership_id, given.employee_id, given.effect.subject


def _tell(new: Collection[Given], *, now: datetime) -> None:
    """Tell a person of the own badge, and everybody of the company of its."""
    if not new:
        return
    companies = {given.company_id for given in new if given.employee_id is None}
    people: dict[int, list[int]] = {}
    if companies:
        rows = Employee.objects.filter(company__in=companies, is_active=True, user__isnull=False).order_by("pk")
        for employee_id, company_id in rows.values_list("pk", "company_id"):
            people.setdefault(company_id, []).append(employee_id)
    names = {(program_id, code): name for program_id, code, name in arrays.fetch(BadgeEffect.choices)}
    messages.tell(
        BADGE_GIVEN,
        [
            Telling(employee_id, given.award_id, {"badge": names[given.program_id, given.effect.subject]})
            for given in new
            for employee_id in (people.get(given.company_id, ()) if given.employee_id is None else (given.employee_id,))
        ],
        now=now,
    )
