"""Running an example: its client is made, what happens to it is recorded like all that arrives, and all is undone.

Of the real, only what holds is supposed: the draft's rules, and that no other company uses up what companies share.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.reader import READER
from accounts.wording import in_turn, listed
from loyalty.activities import ActivityItem, Outcome, record_activities
from loyalty.activities.configuration import configuration, holding
from loyalty.effects import effects
from loyalty.examples import found
from loyalty.examples.clients import MadeUp, entitle, make_up
from loyalty.explaining import PlainVerdict, verdicts_from
from loyalty.models import Example, ExampleStep, Program, RuleSet, Source, Tier
from loyalty.replaying.books import Supposed, supposing
from loyalty.standing import month_of, review_members
from loyalty.vocabulary import Vocabulary

_BEFORE = timedelta(days=1)
"""So long before its first step the client has been a member."""

_NEXT = timedelta(seconds=1)

_SOURCE = "example"

_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Expectation:
    """Something that an example says, and what came: both in words that differ where they do."""

    label: str
    expected: str
    found: str

    @property
    def is_met(self) -> bool:
        """Whether it came as it was said."""
        return self.expected == self.found


@dataclass(slots=True)
class RanStep:
    """A step: the points it brought, and what every rule said of it the last time that it happened."""

    step: ExampleStep
    at: datetime
    """When it was recorded; what was posted up to then, and not before the step before it, is the step's."""
    activity_ids: list[int] = field(default_factory=list)
    """The activities that it led to: one each time that it happens."""
    company_points: int = 0
    person_points: int = 0
    verdicts: list[PlainVerdict] = field(default_factory=list)
    given: list[int | None] = field(default_factory=list)
    """The points of the rule that each verdict is of, for all times together; None where it gives no points."""

    @property
    def rules(self) -> list[tuple[PlainVerdict, int | None]]:
        """What every rule said the last time, and the points that it gave."""
        return list(zip(self.verdicts, self.given, strict=True))

    @property
    def followed(self) -> int:
        """The points of what it led to beyond its own rules: a tier that was reached, a badge."""
        return self.company_points + self.person_points - sum(points or 0 for points in self.given)


@dataclass(slots=True)
class Ran:
    """An example that was run; `fault` says why it could not be."""

    example: Example
    steps: list[RanStep] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)
    fault: str = ""

    @property
    def is_met(self) -> bool:
        """Whether all that it says came true."""
        return not self.fault and all(each.is_met for each in self.expectations)

    @property
    def missed(self) -> list[Expectation]:
        """What came otherwise."""
        return [each for each in self.expectations if not each.is_met]

    def in_words(self) -> str:
        """Return what is wrong with it in a sentence; empty where nothing is."""
        if self.fault:
            return _("“%(example)s” cannot be run: %(fault)s") % {"example": self.example.name, "fault": self.fault}
        if not self.missed:
            return ""
        parts = [
            _("%(what)s: expected %(expected)s, got %(found)s")
            % {"what": each.label, "expected": each.expected, "found": each.found}
            for each in self.missed
        ]
        return _("“%(example)s” fails – %(parts)s.") % {"example": self.example.name, "parts": in_turn(parts, _)}


def run_examples(rule_set: RuleSet) -> list[Ran]:
    """Run all examples of the program as if `rule_set`, a draft or not, had always been in force; all is undone."""
    examples = (
        Example.objects.filter(program=rule_set.program_id)
        .order_by("position", "pk")
        .prefetch_related("steps__activity_type")
    )
    rows = list(examples)
    if not rows:
        return []
    words = Vocabulary()
    with with_draft(rule_set) as known:
        return [_run(example, rule_set, known, words) for example in rows]


@contextmanager
def with_draft(rule_set: RuleSet) -> Iterator[Supposed]:
    """Let a version of rules, a draft or not, hold for everything that is recorded meanwhile in this thread."""
    known = supposing(
        configuration(), program_id=rule_set.program_id, draft_id=rule_set.pk, from_=_LONG_AGO, is_apart=True
    )
    with holding(known):
        yield known


def _run(example: Example, rule_set: RuleSet, known: Supposed, words: Vocabulary) -> Ran:
    with transaction.atomic():
        running = Running(example, known.programs[rule_set.program_id], known, words)
        ran = running.run()
        if not ran.fault:
            running.explain(rule_set)
        transaction.set_rollback(True)
    return ran


class Running:
    """One example, within the transaction that is to be rolled back, while the draft holds."""

    def __init__(self, example: Example, program: Program, known: Supposed, words: Vocabulary) -> None:
        self._program = program
        self._words = words
        self._known = known
        self._zone = known.zones[program.pk]
        self._plan = known.plans[program.pk]
        self._steps = sorted(example.steps.all(), key=lambda step: step.position)
        self._now = _LONG_AGO
        self.ran = Ran(example)
        self.client: MadeUp | None = None

    def run(self) -> Ran:
        """Make the client, let all steps happen, and set what came beside what is expected."""
        self.ran.fault = self._fault()
        if self.ran.fault:
            return self.ran
        self._now = self._at(self._steps[0]) - _BEFORE
        self.client = client = make_up(self.ran.example, self._program, start=self._now)
        if self.ran.example.tier and not entitle(client, self._plan, self.ran.example.tier):
            self.ran.fault = self._no_tier()
            return self.ran
        for step in self._steps:
            self.happen(step, client)
            if self.ran.fault:
                return self.ran
        self._count(client)
        self.ran.expectations = list(self._expectations(client))
        return self.ran

    def happen(self, step: ExampleStep, client: MadeUp) -> None:
        """Let time pass until a step, and record what happens in it; what is refused is the example's fault."""
        items = self.items(step, client)
        self._let_pass(items[0].occurred_at, client)
        self._now = max(self._now + _NEXT, items[-1].occurred_at)
        outcomes = record_activities(items, source=self._source(client), now=self._now)
        self.ran.fault = _refusal(step, outcomes)
        self.ran.steps.append(RanStep(step, self._now, [each.activity_id or 0 for each in outcomes]))

    def items(self, step: ExampleStep, client: MadeUp) -> list[ActivityItem]:
        """Return what is sent of a step: as many as it happens times, a second apart."""
        at = self._at(step)
        return [
            ActivityItem(
                external_id=_external_id(step.position, number),
                type=step.activity_type.code,
                company_id=client.company_id,
                occurred_at=at + number * _NEXT,
                employee_id=client.person_id if step.by_person else None,
                object=step.object,
                quantity=step.quantity,
                amount=step.amount,
                currency=self._program.currency if step.amount is not None else "",
                attributes=step.attributes,
                reverses=_external_id(step.undoes, 0) if step.undoes else "",
            )
            for number in range(step.times)
        ]

    def explain(self, rule_set: RuleSet) -> None:
        """Say of every step what each rule said of it; of a return there is nothing to say."""
        steps = [ran for ran in self.ran.steps if not ran.step.undoes]
        evaluations = found.evaluations([ran.activity_ids[-1] for ran in steps], self._program)
        granted = found.granted(activity_id for ran in steps for activity_id in ran.activity_ids)
        for ran in steps:
            evaluation = evaluations.get(ran.activity_ids[-1])
            if evaluation is not None and evaluation.rule_set_id is not None:
                rules = self._known.rules_of(rule_set.pk, ran.step.activity_type_id).rules
                each_time = [granted.get(activity_id, {}) for activity_id in ran.activity_ids]
                ran.verdicts = verdicts_from(
                    evaluation.facts,
                    rules,
                    activity_type=ran.step.activity_type,
                    program=self._program,
                    rule_set_id=rule_set.pk,
                    granted=each_time[-1],
                    words=self._words,
                )
                ran.given = [
                    None if rule.effect is not None else sum(given.get(rule.code, 0) for given in each_time)
                    for rule in rules
                ]

    def _fault(self) -> str:
        if not self._steps:
            return _("it has no steps.")
        positions = {step.position: step for step in self._steps}
        for step in self._steps:
            if step.undoes is not None and (step.undoes not in positions or positions[step.undoes].undoes):
                text = _(
                    "step %(number)s returns step %(other)s, which cannot be returned: name an earlier step that is no "
                    "return itself."
                )
                return text % {"number": step.position, "other": step.undoes}
        return ""

    def _no_tier(self) -> str:
        tiers = Tier.objects.filter(program=self._program).order_by("rank")
        words = {"code": self.ran.example.tier, "known": listed(tiers.values_list("code", flat=True), _) or "–"}
        return _("there is no tier “%(code)s”; choose one of: %(known)s.") % words

    def _at(self, step: ExampleStep) -> datetime:
        return datetime.combine(step.day, time(12, step.position % 60), tzinfo=self._zone)

    def _source(self, client: MadeUp) -> Source:
        """A source that no row stands for: neither what is sent by it nor what follows has an id that another has."""
        return Source(pk=-client.company_id, code=f"{_SOURCE}-{client.company_id}", name=_SOURCE)

    def _let_pass(self, at: datetime, client: MadeUp) -> None:
        """Review the tier when a month has begun, as the scheduled command does; earlier days move none."""
        month = month_of(at, self._zone)
        if month > month_of(self._now, self._zone):
            self._now = max(self._plan.moment(month), self._now + _NEXT)
            review_members(self._plan, [client.membership.pk], now=self._plan.moment(month))

    def _count(self, client: MadeUp) -> None:
        """Give every step the points that were posted for it, and since the one before."""
        for at, is_person, points in found.issued(client):
            step = next(ran for ran in self.ran.steps if at <= ran.at)
            if is_person:
                step.person_points += points
            else:
                step.company_points += points

    def _expectations(self, client: MadeUp) -> Iterator[Expectation]:
        example, steps = self.ran.example, self.ran.steps
        for ran in steps:
            number = {"number": ran.step.position}
            yield from _points(
                (_("step %(number)s, points of the company") % number, ran.step.gives_company, ran.company_points),
                (_("step %(number)s, points of the person") % number, ran.step.gives_person, ran.person_points),
            )
        yield from _points(
            (_("points of the company"), example.gives_company, sum(ran.company_points for ran in steps)),
            (_("points of the person"), example.gives_person, sum(ran.person_points for ran in steps)),
        )
        if example.states_wallets:
            company, person = found.held(client, self._program, at=self._now)
            yield from _points(
                (_("the company can spend"), example.company_available, company.available),
                (_("waiting for the company"), example.company_waiting, company.waiting),
                (_("the person can spend"), example.person_available, person.available),
                (_("waiting for the person"), example.person_waiting, person.waiting),
            )
        if example.tier_after:
            yield Expectation(_("tier"), example.tier_after, found.tier(client, at=self._now) or "–")
        if example.favours:
            given = found.favours(client)
            said = _in_words({*given, *example.favours}, self._words, self._program.pk)
            expected, came = (
                listed((said[each] for each in each_of), _) for each_of in (sorted(example.favours), given)
            )
            yield Expectation(_("beside points"), expected, came or "–")


def _in_words(favours: Iterable[str], words: Vocabulary, program_id: int) -> dict[str, str]:
    """Return what each is called, such as a badge “First order”; with its code where two are called the same."""
    said = {}
    for favour in favours:
        kind, _colon, code = favour.partition(":")
        name = words.subjects(kind, program_id).get(code)
        known = effects().get(kind)
        if name is None or known is None:
            said[favour] = favour
        else:
            said[favour] = _("%(kind)s “%(name)s”") % {"kind": _(known.title), "name": name}
    twice = {text for text, times in Counter(said.values()).items() if times > 1}
    return {favour: f"{text} ({favour})" if text in twice else text for favour, text in said.items()}


def _points(*rows: tuple[str, int | None, int]) -> Iterator[Expectation]:
    """Give what is said of points, and what came."""
    for label, expected, came in rows:
        if expected is not None:
            yield Expectation(label, READER.number(expected), READER.number(came))


def _external_id(position: int, number: int) -> str:
    return f"{position}-{number + 1}"


def _refusal(step: ExampleStep, outcomes: Sequence[Outcome]) -> str:
    """Return what the engine refused of a step, in words; empty where it refused nothing."""
    error = next((outcome.error for outcome in outcomes if outcome.error is not None), None)
    if error is None:
        return ""
    words = {"number": step.position, "field": error.field, "sentence": error.sentence}
    return _("step %(number)s, %(field)s: %(sentence)s") % words
