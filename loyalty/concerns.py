"""What a version of rules should make its manager think twice about: said where it is read, and forbidden nowhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from accounts.conditions import Catalogue, ConditionError, Literal, explain, leaf_sentence
from accounts.facts import COMPANY_SEGMENTS, EMPLOYEE_ROLES
from accounts.models import RoleAssignment, SegmentMembership
from accounts.reader import READER
from accounts.wording import listed, quoted
from loyalty.earning import EarningRule, FormulaError
from loyalty.earning.complexity import Complexity, complexity_of
from loyalty.earning.scrutiny import Finding, Odd, Pair, Times, pairs, scrutinise
from loyalty.facts import AMOUNT, PRODUCT_LISTS, QUANTITY, TIER
from loyalty.models import Membership, Program, Rule, RuleSet, TierAssignment
from loyalty.versions import state_of
from loyalty.vocabulary import Vocabulary

NAMING = (COMPANY_SEGMENTS, EMPLOYEE_ROLES, TIER, PRODUCT_LISTS)
"""Facts whose codes are names of this installation."""

_NOTED = (Odd.NO_LIMIT,)
"""What may well be meant: it is said, but asks for no second look."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to say of a version, and the rules that it is about."""

    sentence: str
    rules: tuple[Rule, ...] = ()

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Look:
    """What there is to say of a version: `doubts` are worth a second look, `notes` are good to know."""

    doubts: Sequence[Concern]
    notes: Sequence[Concern]
    complexity: Complexity
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """By their codes."""


def paying_people_only(rule_sets: QuerySet[RuleSet]) -> QuerySet[RuleSet]:
    """Return those of `rule_sets` by which people gain and their company nothing: by no rule, or by none that measures
    what is bought.
    """
    rules = Rule.objects.filter(rule_set=OuterRef("pk"))
    bought = rules.filter(
        Q(formula__of__in=(AMOUNT, QUANTITY))
        | Q(formula__otherwise__of__in=(AMOUNT, QUANTITY))
        | Q(formula__table__contains=[{"of": AMOUNT}])
        | Q(formula__table__contains=[{"of": QUANTITY}])
    )
    return rule_sets.filter(
        (Exists(rules) & ~Exists(rules.filter(beneficiary__in=_TO_COMPANIES)))
        | (Exists(bought) & ~Exists(bought.filter(beneficiary__in=_TO_COMPANIES)))
    )


_TO_COMPANIES = (Rule.To.COMPANY, Rule.To.BOTH, Rule.To.SPLIT)


def look_at(rule_set: RuleSet, *, now: datetime) -> Look:
    """Return what is to be said of a version, as it would be, or is, from `now` on.

    At most thirteen queries, however many rules there are.
    """
    return _Looking(rule_set, now).look()


def findings_in_words(rule: EarningRule, catalogue: Catalogue, program: Program, *, now: datetime) -> list[str]:
    """Return what is odd about one rule by itself, a sentence each; no query."""
    times = Times(now.astimezone(program.zone).date(), program.last_earn_on)
    found = scrutinise(rule, catalogue=catalogue, times=times)
    return [_sentence(each, rule.name, catalogue, times) for each in found if each.odd not in _NOTED]


class _Looking:
    """One version, read once."""

    def __init__(self, rule_set: RuleSet, now: datetime) -> None:
        self._rule_set = rule_set
        self._now = now
        self._words = Vocabulary()
        self._read: list[tuple[Rule, EarningRule]] = []
        self._unsound: list[Concern] = []
        rows = rule_set.rules.select_related("rule_set__program", "activity_type").prefetch_related("caps")
        for rule in rows.order_by("position", "code"):
            try:
                self._read.append((rule, self._words.earning_rule(rule)))
            except (ConditionError, FormulaError) as error:
                reason = _("“%(rule)s” cannot be run. %(reason)s")
                sentence = reason % {"rule": rule.name, "reason": error.translated(READER)}
                self._unsound.append(Concern(sentence, (rule,)))

    def look(self) -> Look:
        """Put together what there is to say."""
        doubts, notes = [*self._unsound, *self._kickback()], list[Concern]()
        sound: list[tuple[Rule, EarningRule]] = []
        unlimited: list[Rule] = []
        times = self._times()
        for rule, earning in self._read:
            catalogue = self._catalogue(rule)
            found = scrutinise(earning, catalogue=catalogue, times=times)
            doubts += [
                Concern(_sentence(each, rule.name, catalogue, times), (rule,))
                for each in found
                if each.odd not in _NOTED
            ]
            if any(each.odd is Odd.NO_LIMIT for each in found):
                unlimited.append(rule)
            if not any(each.odd is Odd.CONTRADICTION for each in found):
                sound.append((rule, earning))
        if unlimited:
            notes.append(Concern(_("Nothing limits what these rules give over time."), tuple(unlimited)))
        notes += self._beside_each_other(sound)
        if self._rule_set.status == RuleSet.Status.DRAFT and (beside := drafts_beside(self._rule_set, now=self._now)):
            doubts.append(Concern(beside))
        complexity = complexity_of((earning for _rule, earning in self._read), naming=NAMING)
        return Look(doubts, notes, complexity, {rule.code: rule for rule, _earning in self._read})

    def _kickback(self) -> Iterator[Concern]:
        if paying_people_only(RuleSet.objects.filter(pk=self._rule_set.pk)).exists():
            sentence = _(
                "People gain by what their company buys, and the company itself gains nothing: that is a kickback. "
                "Let rules give to the company, or to both."
            )
            to_people = [rule for rule, _earning in self._read if rule.beneficiary not in _TO_COMPANIES]
            yield Concern(sentence, tuple(to_people))

    def _catalogue(self, rule: Rule) -> Catalogue:
        return self._words.catalogue(
            activity_type_id=rule.activity_type_id, program=self._rule_set.program, rule_set_id=self._rule_set.pk
        )

    def _times(self) -> Times:
        program = self._rule_set.program
        first = self._now.astimezone(program.zone).date()
        return Times(first, program.last_earn_on, self._nobody())

    def _nobody(self) -> dict[str, frozenset[str]]:
        """Which of the segments, tiers and roles that are asked for nobody in the program has; nobody joined: none."""
        asked = {fact: self._asked(fact) for fact in (COMPANY_SEGMENTS, TIER, EMPLOYEE_ROLES)}
        asked[EMPLOYEE_ROLES] |= {rule.role for rule, _earning in self._read if rule.role}
        members = Membership.objects.filter(program=self._rule_set.program_id)
        if not any(asked.values()) or not members.exists():
            return {}
        companies = members.values("company")
        held = {
            COMPANY_SEGMENTS: SegmentMembership.objects.filter(company__in=companies).values_list("segment__code"),
            TIER: TierAssignment.objects.filter(membership__in=members).values_list("tier__code"),
            EMPLOYEE_ROLES: RoleAssignment.objects.filter(employee__company__in=companies).values_list("role__code"),
        }
        current = Q(ends_at__isnull=True) | Q(ends_at__gt=self._now)
        return {
            fact: frozenset(codes - {code for (code,) in held[fact].filter(current).distinct()})
            for fact, codes in asked.items()
            if codes
        }

    def _asked(self, fact: str) -> set[str]:
        leaves = [outcome.leaf for _rule, earning in self._read for outcome in explain(earning.condition, {})]
        values = [leaf.value for leaf in leaves if leaf.fact == fact]
        codes = [code for value in values for code in (value if isinstance(value, tuple) else (value,))]
        return {code for code in codes if isinstance(code, str)}

    def _beside_each_other(self, sound: Iterable[tuple[Rule, EarningRule]]) -> Iterator[Concern]:
        """What rules for one kind of activity do together, told once for each rule with all that come after it."""
        by_type: dict[int, list[tuple[Rule, EarningRule]]] = {}
        for rule, earning in sound:
            by_type.setdefault(rule.activity_type_id, []).append((rule, earning))
        for several in by_type.values():
            rows = {earning.code: rule for rule, earning in several}
            found = pairs([earning for _rule, earning in several], catalogue=self._catalogue(several[0][0]))
            for is_apart, template in (
                (
                    False,
                    _(
                        "“%(rule)s” gives for the same activity (%(activity)s) as %(others)s: whoever meets both gets "
                        "both. If one is meant alone, let their rows exclude each other."
                    ),
                ),
                (
                    True,
                    _("“%(rule)s” never gives for the same activity (%(activity)s) as %(others)s: their rows exclude "
                      "each other."),
                ),
            ):  # fmt: skip
                yield from _grouped(template, [pair for pair in found if pair.is_apart is is_apart], rows)


def drafts_beside(rule_set: RuleSet, *, now: datetime) -> str:
    """Name the other drafts of a version's program and how each stands; "" where there is none. One query.

    Of two drafts from one version, the later one in force takes back what the earlier one brought.
    """
    others = RuleSet.objects.filter(program=rule_set.program_id, status=RuleSet.Status.DRAFT).exclude(pk=rule_set.pk)
    drafts = [
        _("version %(version)s (%(state)s)") % {"version": other.version, "state": state_of(other, now=now).label}
        for other in others.order_by("version")
    ]
    if not drafts:
        return ""
    return _(
        "There are further drafts of this program: %(drafts)s. What one of them changes, the others do not have: "
        "whichever begins later holds alone."
    ) % {"drafts": _joined(drafts)}


def _grouped(template: str, found: Iterable[Pair], rows: Mapping[str, Rule]) -> Iterator[Concern]:
    by_first: dict[str, list[Rule]] = {}
    for pair in found:
        by_first.setdefault(pair.first.code, []).append(rows[pair.second.code])
    for code, others in by_first.items():
        rule = rows[code]
        words = {
            "rule": rule.name,
            "activity": rule.activity_type.name,
            "others": _joined([quoted(other.name, _) for other in others]),
        }
        yield Concern(template % words, (rule, *others))


def _sentence(finding: Finding, rule: str, catalogue: Catalogue, times: Times) -> str:
    """Return a finding in words."""
    rows = _joined([quoted(_row(row, catalogue), _) for row in finding.rows])
    answers = {"True": _("yes"), "False": _("no")}
    words = {
        "rule": rule,
        "rows": rows,
        "subject": finding.subject or listed((answers.get(key, key) for key in finding.keys), _),
        "day": date_format(times.first, "DATE_FORMAT"),
    }
    return _template(finding) % words


_TEMPLATES: Mapping[tuple[Odd, int], StrOrPromise] = {
    (Odd.CONTRADICTION, 0): gettext_lazy("“%(rule)s” can never give anything: nothing meets all of its rows at once."),
    (Odd.CONTRADICTION, 1): gettext_lazy("“%(rule)s” can never give anything: %(rows)s holds for nothing."),
    (Odd.CONTRADICTION, 2): gettext_lazy("“%(rule)s” can never give anything: %(rows)s exclude each other."),
    (Odd.DEAD_ROW, 1): gettext_lazy("In “%(rule)s” a row never counts: %(rows)s can never hold there."),
    (Odd.DEAD_ROW, 2): gettext_lazy("In “%(rule)s” a row never counts: %(rows)s exclude each other."),
    (Odd.OVER, 0): gettext_lazy("“%(rule)s” gives nothing from %(day)s on: the last day to earn points is over."),
    (Odd.OVER, 1): gettext_lazy(
        "“%(rule)s” gives nothing from %(day)s on: %(rows)s leaves no day to come on which points are earned."
    ),
    (Odd.CAMPAIGN_OVER, 0): gettext_lazy(
        "“%(rule)s” names the campaign “%(subject)s”, which is over by %(day)s: it adds nothing."
    ),
    (Odd.NOBODY, 0): gettext_lazy(
        "“%(rule)s” gives nothing for now: nobody in the program has the role that it gives to."
    ),
    (Odd.NOBODY, 1): gettext_lazy("“%(rule)s” gives nothing for now: nobody in the program meets %(rows)s."),
    (Odd.TOO_SMALL, 0): gettext_lazy(
        "“%(rule)s” can never give anything: its rows keep out every amount that its minimum spend asks for."
    ),
    (Odd.TOO_SMALL, 1): gettext_lazy(
        "“%(rule)s” can never give anything: %(rows)s keeps out every amount that its minimum spend asks for."
    ),
    (Odd.DEAD_RATE, 0): gettext_lazy(
        "In the table of “%(rule)s” the row for %(subject)s never counts: its “only if” keeps that out."
    ),
    (Odd.LIMIT_OF_NOTHING, 0): gettext_lazy("“%(rule)s” gives nothing: one of its limits is 0."),
    (Odd.NO_LIMIT, 0): gettext_lazy("Nothing limits what “%(rule)s” gives over time."),
}
"""By how many rows tell it, at least."""


def _template(finding: Finding) -> str:
    told = (rows for rows in (2, 1, 0) if rows <= len(finding.rows) and (finding.odd, rows) in _TEMPLATES)
    return str(_TEMPLATES[finding.odd, next(told)])


def _row(row: Literal, catalogue: Catalogue) -> str:
    sentence = leaf_sentence(row.leaf, catalogue, READER)
    return sentence if row.is_met else _("not (%(row)s)") % {"row": sentence}


def _joined(texts: Sequence[str]) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return _("%(several)s and %(last)s") % {"several": listed(texts[:-1], _), "last": texts[-1]}
