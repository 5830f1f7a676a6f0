"""Running an example: its client lives in memory alone, everything that happens to it is judged as what arrives is."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from django.utils.translation import gettext as _

from accounts.facts import COMPANY_COUNTRY, COMPANY_KIND
from loyalty.activities.configuration import configuration
from loyalty.activities.dated import Belonging, Enrolment, GivenConsent
from loyalty.activities.items import ActivityItem, Arrival, ItemError, read_attributes
from loyalty.activities.scene import Scene
from loyalty.effects import effects
from loyalty.explaining import PlainVerdict, verdicts_from
from loyalty.models import Example, ExampleStep, RuleSet, Source, Tier, TierAssignment
from loyalty.replaying.books import Supposed, blank_books, supposing
from loyalty.replaying.judging import Replaying
from loyalty.replaying.past import Past
from loyalty.replaying.run import effect_kinds
from loyalty.standing import Title
from loyalty.vocabulary import Vocabulary

_COMPANY, _PERSON, _MEMBERSHIP = 1, 1, 1
"""Ids that nothing else is asked by: an example's client stands in no table."""

_BEFORE = timedelta(days=1)
"""So long before its first step the client has been a member."""

_SOURCE = "example"


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


@dataclass(frozen=True, slots=True)
class RanStep:
    """A step: the points it brought, and what every rule said of it the last time that it happened."""

    step: ExampleStep
    company_points: int
    person_points: int
    verdicts: list[PlainVerdict]


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
        parts = "; ".join(
            _("%(what)s: %(expected)s expected, %(found)s came")
            % {"what": each.label, "expected": each.expected, "found": each.found}
            for each in self.missed
        )
        return _("“%(example)s” fails. %(parts)s.") % {"example": self.example.name, "parts": parts}


def run_examples(rule_set: RuleSet) -> list[Ran]:
    """Run all examples of the program as if `rule_set`, a draft or not, had always been in force."""
    examples = (
        Example.objects.filter(program=rule_set.program_id)
        .order_by("position", "pk")
        .prefetch_related("steps__activity_type")
    )
    found = list(examples)
    if not found:
        return []
    known = supposing(configuration(), program_id=rule_set.program_id, draft_id=rule_set.pk, from_=_LONG_AGO)
    words = Vocabulary()
    return [run_example(example, rule_set, known, words) for example in found]


_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def run_example(example: Example, rule_set: RuleSet, known: Supposed, words: Vocabulary) -> Ran:
    """Run one example under what is supposed; nothing is written and nothing locked."""
    ran = Ran(example)
    steps = sorted(example.steps.all(), key=lambda step: step.position)
    if not steps:
        ran.fault = _("it has no steps.")
        return ran
    start = _at(known, rule_set.program_id, steps[0]) - _BEFORE
    scene = _scene(example, known, rule_set.program_id, start)
    judging = Replaying(
        scene,
        blank_books(known, now=start, effect_kinds=effect_kinds(known, rule_set.program_id)),
        {0: Source(code=_SOURCE)},
        rule_set.program_id,
        now=start,
    )
    if fault := _begin(judging, example, known, rule_set.program_id, start) or _fault_of(steps, known):
        ran.fault = fault
        return ran
    past = list(_past(steps, known, rule_set.program_id))
    points: dict[int, list[int]] = {step.position: [0, 0] for step in steps}
    verdicts: dict[int, list[PlainVerdict]] = {}
    numbers = [step.position for step in steps]
    for (position, _one), told in zip(past, judging.replay((one for _position, one in past), ()), strict=True):
        for kept in told:
            points[position][kept.employee_id is not None] += kept.points
        verdicts[position] = _verdicts(judging, rule_set, known, words, steps[numbers.index(position)])
    for step in steps:
        company_points, person_points = points[step.position]
        ran.steps.append(RanStep(step, company_points, person_points, verdicts.get(step.position, [])))
    ran.expectations = list(_expectations(example, ran.steps, judging, words))
    return ran


def _scene(example: Example, known: Supposed, program_id: int, start: datetime) -> Scene:
    consents = {_MEMBERSHIP: [GivenConsent(start, None, frozenset(), None)]} if example.may_earn else {}
    return Scene(
        known,
        memberships={_COMPANY: [Enrolment(start, None, _MEMBERSHIP, _COMPANY, program_id)]},
        companies={_COMPANY: {COMPANY_KIND: example.company_kind, COMPANY_COUNTRY: example.country or None}},
        segments={_COMPANY: [Belonging(start, None, code) for code in example.segments]},
        consents=consents,
        roles={_PERSON: [Belonging(start, None, code) for code in example.roles]},
    )


def _begin(judging: Replaying, example: Example, known: Supposed, program_id: int, start: datetime) -> str:
    """Let the client hold the tier that the example begins with; return what is wrong with it."""
    if not example.tier:
        return ""
    step = next((step for step in known.plans[program_id].steps if step.code == example.tier), None)
    if step is None:
        codes = ", ".join(Tier.objects.filter(program=program_id).order_by("rank").values_list("code", flat=True))
        return _("there is no tier “%(code)s”; there is: %(known)s.") % {"code": example.tier, "known": codes or "–"}
    judging.entitle(_MEMBERSHIP, Title(1, step, TierAssignment.Source.NEGOTIATED, start, None))
    return ""


def _fault_of(steps: Sequence[ExampleStep], known: Supposed) -> str:
    positions = {step.position: step for step in steps}
    for step in steps:
        read = read_attributes(_item(step, "", _LONG_AGO, ""), known.attributes.get(step.activity_type_id, {}))
        if isinstance(read, ItemError) and not step.undoes:
            return _("step %(number)s, %(field)s: %(sentence)s") % {
                "number": step.position, "field": read.field, "sentence": read.sentence,
            }  # fmt: skip
        if step.undoes is not None and (step.undoes not in positions or positions[step.undoes].undoes):
            return _("step %(number)s returns step %(other)s, which is no purchase.") % {
                "number": step.position, "other": step.undoes,
            }  # fmt: skip
    return ""


def _past(steps: Sequence[ExampleStep], known: Supposed, program_id: int) -> Iterator[tuple[int, Past]]:
    """Give what happens, each with the number of its step."""
    returned = {step.undoes for step in steps}
    firsts: dict[int, int] = {}
    order = 0
    currency = known.programs[program_id].currency
    for step in steps:
        at = _at(known, program_id, step)
        for number in range(step.times):
            order += 1
            firsts.setdefault(step.position, order)
            original = firsts[step.undoes] if step.undoes else None
            item = _item(step, f"{step.position}-{number + 1}", at + timedelta(seconds=number), currency)
            read = read_attributes(item, known.attributes.get(step.activity_type_id, {}))
            values = {} if isinstance(read, ItemError) else read
            arrival = Arrival(0, item, step.activity_type_id, b"", values, order)
            comes_back = step.position in returned and number == 0
            yield step.position, Past(order, 0, arrival, item.occurred_at, original, comes_back)


def _item(step: ExampleStep, external_id: str, at: datetime, currency: str) -> ActivityItem:
    return ActivityItem(
        external_id=external_id,
        type=step.activity_type.code,
        company_id=_COMPANY,
        occurred_at=at,
        employee_id=_PERSON if step.by_person else None,
        object=step.object,
        quantity=step.quantity,
        amount=step.amount,
        currency=currency if step.amount is not None else "",
        attributes=step.attributes,
        reverses=str(step.undoes or ""),
    )


def _at(known: Supposed, program_id: int, step: ExampleStep) -> datetime:
    return datetime.combine(step.day, time(12, step.position % 60), tzinfo=known.zones[program_id])


def _verdicts(
    judging: Replaying, rule_set: RuleSet, known: Supposed, words: Vocabulary, step: ExampleStep
) -> list[PlainVerdict]:
    if step.undoes or not judging.judged:
        return []
    first = judging.judged[0]
    return verdicts_from(
        first.facts,
        known.rules_of(rule_set.pk, step.activity_type_id).rules,
        activity_type=step.activity_type,
        program=rule_set.program,
        rule_set_id=rule_set.pk,
        granted=judging.granted,
        words=words,
    )


def _expectations(
    example: Example, steps: Sequence[RanStep], judging: Replaying, words: Vocabulary
) -> Iterator[Expectation]:
    company, person = sum(ran.company_points for ran in steps), sum(ran.person_points for ran in steps)
    for ran in steps:
        number = ran.step.position
        if ran.step.gives_company is not None:
            label = _("step %(number)s, points of the company") % {"number": number}
            yield Expectation(label, str(ran.step.gives_company), str(ran.company_points))
        if ran.step.gives_person is not None:
            label = _("step %(number)s, points of the person") % {"number": number}
            yield Expectation(label, str(ran.step.gives_person), str(ran.person_points))
    if example.gives_company is not None:
        yield Expectation(_("points of the company"), str(example.gives_company), str(company))
    if example.gives_person is not None:
        yield Expectation(_("points of the person"), str(example.gives_person), str(person))
    if example.tier_after:
        yield Expectation(_("tier"), example.tier_after, judging.tiers().get(_COMPANY) or "–")
    if example.favours:
        given = sorted(judging.given.elements())
        said = _in_words({*given, *example.favours}, words, example.program_id)
        expected, found = (", ".join(said[each] for each in each_of) for each_of in (sorted(example.favours), given))
        yield Expectation(_("beside points"), expected, found or "–")


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
