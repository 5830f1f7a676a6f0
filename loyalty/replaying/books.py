"""Books for what only might have been: they begin with nothing, lock nothing and are never written."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from loyalty.activities.configuration import Configuration
from loyalty.activities.deriving import Derivations
from loyalty.activities.items import Arrival
from loyalty.activities.judging import Books
from loyalty.effects import effects
from loyalty.ledger import Act, AwardEntry, Book, LotDays, Owner
from loyalty.ledger.caps import BlankCaps
from loyalty.rulebook import NO_RULES, Term, TypeRules, read_rules
from loyalty.standing import StandingBoard


@dataclass(frozen=True, slots=True)
class Supposed(Configuration):
    """What holds, but for one program other rules: those of a draft, which may still change and is read anew."""

    draft_id: int
    read: dict[int | None, Mapping[int, TypeRules]]
    """The draft's rules, by the agreement that they are under."""
    is_apart: bool
    """Whether nothing that companies share is counted for one of them together with others."""

    def rules_of(self, rule_set_id: int | None, type_id: int, agreement_id: int | None = None) -> TypeRules:
        """Return the rules of a version for an activity type, as an agreement has them."""
        if rule_set_id != self.draft_id:
            return Configuration.rules_of(self, rule_set_id, type_id, agreement_id)
        if agreement_id not in self.read:
            self.read[agreement_id] = read_rules(self.draft_id, agreement_id)
        return self.read[agreement_id].get(type_id, NO_RULES)

    def shared_id(self, program_id: int, company_id: int) -> int:
        """Return a company's own, which no program has, where it stands apart."""
        return -company_id if self.is_apart else program_id


def supposing(
    known: Configuration, *, program_id: int, draft_id: int, from_: datetime, is_apart: bool = False
) -> Supposed:
    """Return the configuration in which a draft took force at `from_`, and the versions before it as they were.

    With `is_apart`, every company has the program's limits to itself, as if there were no others.
    """
    before = [
        Term(term.rule_set_id, term.starts_at, from_ if term.ends_at is None else min(term.ends_at, from_))
        for term in known.terms.get(program_id, [])
        if term.starts_at < from_
    ]
    terms = {**known.terms, program_id: [*before, Term(draft_id, from_, None)]}
    kept = {field.name: getattr(known, field.name) for field in fields(Configuration)}
    return Supposed(**{**kept, "terms": terms}, draft_id=draft_id, read={}, is_apart=is_apart)


class NoWallets(Book):
    """A book in which nothing is spent and nothing expires: what rules give depends on neither."""

    def open(
        self,
        owners: Collection[Owner],
        *,
        spenders: Collection[Owner] = (),
        all_lots_of: Collection[Owner] = (),
        spends: int = 0,
    ) -> int:
        """There is nothing to lock."""
        return 0

    def wallet_id(self, owner: Owner) -> int:
        """No wallet has any id."""
        return 0

    def issue(self, act: Act, award: AwardEntry, *, at: datetime, days: LotDays, waits: bool) -> None:
        """What was granted stands in the award."""

    def reverse(self, act: Act, award: AwardEntry, points: int, *, at: datetime) -> None:
        """Note what was taken back."""
        award.reversed += points

    def take_over_debt(self, act: Act, owner: Owner, *, at: datetime) -> None:
        """Nobody owes anything."""


class NothingRecorded(Derivations):
    """What follows from activities, under ids that no activity has."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(configuration)
        self._last = 0

    def _new_id(self) -> int:
        self._last -= 1
        return self._last

    def forget(self) -> None:
        """Let go of what was made so far: nothing of it is written."""
        self._rows: list[Arrival] = []
        self._undone = []


def blank_books(known: Configuration, *, now: datetime, effect_kinds: Iterable[str]) -> Books:
    """Return books that begin with nothing, for rules that give effects of these kinds."""
    books = Books(BlankCaps(), NoWallets(now=now, programs=()), StandingBoard(), NothingRecorded(known))
    for kind in effect_kinds:
        books.effects[kind] = book = effects()[kind].book()
        book.open(())
    return books
