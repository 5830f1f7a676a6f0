"""What speaks for and against a version of rules, put together for who asks for it and who decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import localize
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_stubs_ext import StrOrPromise

from accounts.models import Approval
from loyalty import agreements, promotions
from loyalty.activation import KIND, is_as_asked, start_of
from loyalty.admin.by_hand import MINUS
from loyalty.admin.rule_editor.preview import in_words
from loyalty.concerns import Concern, Look, look_at
from loyalty.earning.complexity import EASY, EXPLAINED, WEIGHTS, Burden, Ease
from loyalty.examples import Ran, run_examples
from loyalty.models import Replay, Rule, RuleSet
from loyalty.proving import MissingProof, missing_proofs
from loyalty.replaying import latest_replay
from loyalty.rule_changes import RuleChange, changes, predecessor_of
from loyalty.vocabulary import Vocabulary

_BURDENS: Mapping[Burden, StrOrPromise] = {
    Burden.RULE: gettext_lazy("rules"),
    Burden.ROW: gettext_lazy("rows of conditions"),
    Burden.GROUP: gettext_lazy("groups of rows in conditions"),
    Burden.NAMED: gettext_lazy("segments, tiers, roles and lists of products that conditions name"),
    Burden.FORMULA: gettext_lazy("kinds of formulas beyond the first"),
    Burden.RATE: gettext_lazy("rates that tables list"),
    Burden.EXTRA: gettext_lazy("minimum spends, factors, roundings, minimums and maximums"),
    Burden.CAMPAIGN: gettext_lazy("campaigns"),
    Burden.LIMIT: gettext_lazy("limits of rules"),
    Burden.SHARED_LIMIT: gettext_lazy("limits that rules share"),
    Burden.SHARE: gettext_lazy("rules that share, or give to a role"),
}
_EASE: Mapping[Ease, StrOrPromise] = {
    Ease.EASY: gettext_lazy("easy to explain"),
    Ease.TAKES_EXPLAINING: gettext_lazy("takes explaining"),
    Ease.HARD: gettext_lazy("hard to explain"),
}


@dataclass(frozen=True, slots=True)
class BurdenLine:
    """What a reader keeps in mind: how many, how much each counts."""

    label: str
    count: int
    weight: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.count * self.weight


@dataclass(frozen=True, slots=True)
class PlainComplexity:
    """How hard a version is to explain, as a page shows it."""

    score: int
    ease: str
    scale: str
    burdens: Sequence[BurdenLine]
    rules: Sequence[tuple[Rule, int]]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything about a version that a decision rests on."""

    rule_set: RuleSet
    before: RuleSet | None
    rules: Sequence[tuple[Rule, str]]
    changes: Sequence[RuleChange]
    missing: Sequence[MissingProof]
    ran: Sequence[Ran]
    replay: Replay | None
    look: Look

    @property
    def complexity(self) -> PlainComplexity:
        """How hard it is to explain."""
        return plain_complexity(self.look)

    @property
    def failing(self) -> list[str]:
        """What is wrong with each example that does not come true."""
        return [each.in_words() for each in self.ran if not each.is_met]

    @property
    def examples_in_words(self) -> str:
        """How many there are, and how many come true."""
        if not self.ran:
            return _("There are none.")
        met = sum(each.is_met for each in self.ran)
        return ngettext(
            "%(met)s of %(count)s example comes true.", "%(met)s of %(count)s examples come true.", len(self.ran)
        ) % {"met": met, "count": len(self.ran)}

    @property
    def replay_in_words(self) -> str:
        """What the latest one since the last edit found."""
        if self.replay is None:
            return _("None since the last edit.")
        difference = self.replay.points_then - self.replay.points_today
        return _("%(days)s: %(then)s points in place of %(today)s (%(difference)s)") % {
            "days": self.replay.get_days_display(),
            "then": localize(self.replay.points_then),
            "today": localize(self.replay.points_today),
            "difference": f"{'+' if difference >= 0 else MINUS}{localize(abs(difference))}",
        }


def case_of(rule_set: RuleSet, *, now: datetime) -> Case:
    """Put together what there is to say of a version, as it would be from `now` on."""
    before = predecessor_of(rule_set)
    look = look_at(rule_set, now=now)
    asleep = (*agreements.asleep_under(rule_set, at=now), *promotions.asleep_under(rule_set, at=now))
    return Case(
        rule_set=rule_set,
        before=before,
        rules=told(rule_set),
        changes=changes(before, rule_set, in_words) if before is not None else [],
        missing=missing_proofs(rule_set),
        ran=run_examples(rule_set),
        replay=latest_replay(rule_set),
        look=Look([*look.doubts, *map(Concern, asleep)], look.notes, look.complexity, look.rules),
    )


def told(rule_set: RuleSet) -> list[tuple[Rule, str]]:
    """Return every rule with its sentence, in the order in which they are asked."""
    vocabulary = Vocabulary()
    rules = rule_set.rules.select_related("rule_set__program", "activity_type").prefetch_related("caps")
    return [(rule, in_words(rule, vocabulary)) for rule in rules.order_by("position", "code")]


def plain_complexity(look: Look) -> PlainComplexity:
    """Return how hard a version is to explain, with what it is made of."""
    found = look.complexity
    scale = _(
        "What a reader has to keep in mind, added up: up to %(easy)s is easy to explain, up to %(explained)s takes "
        "explaining, above that is hard."
    )
    return PlainComplexity(
        score=found.score,
        ease=str(_EASE[found.ease]),
        scale=scale % {"easy": EASY, "explained": EXPLAINED},
        burdens=[BurdenLine(str(_BURDENS[burden]), count, WEIGHTS[burden]) for burden, count in found.counts.items()],
        rules=sorted(
            ((look.rules[code], adds) for code, adds in found.by_rule.items()), key=lambda each: (-each[1], each[0].pk)
        ),
    )


def concerns_shown(concerns: Sequence[Concern]) -> str:
    """Return concerns as a list that leads to the rules."""
    return render_to_string("admin/loyalty/ruleset/includes/concerns.html", {"concerns": concerns})


def complexity_shown(look: Look) -> str:
    """Return how hard a version is to explain, as its page shows it."""
    context = {"complexity": plain_complexity(look)}
    return render_to_string("admin/loyalty/ruleset/includes/complexity.html", context)


def last_request(rule_set: RuleSet) -> Approval | None:
    """Return the latest request to put a version in force; one query."""
    requests = Approval.objects.filter(kind=KIND, subject_id=rule_set.pk).select_related("asked_by", "decided_by")
    return requests.order_by("-pk").first()


def begins_in_words(draft: RuleSet, *, now: datetime) -> str:
    """Return from when a draft that waits would hold if it was approved now."""
    if draft.wanted_start_at is None:
        return _("as soon as it is approved")
    if start_of(draft, now=now) != draft.wanted_start_at:
        return _("as soon as it is approved (%(asked)s, which was asked for, is over)") % {
            "asked": localize(localtime(draft.wanted_start_at))
        }
    return localize(localtime(draft.wanted_start_at))


def review_of(rule_set: RuleSet) -> dict[str, object]:
    """Return what the page of a decision shows beyond its facts."""
    now = timezone.now()
    edited = "" if is_as_asked(rule_set) else edited_in_words(rule_set)
    begins = max(now, rule_set.wanted_start_at or now)
    return {"case": case_of(rule_set, now=begins), "warning": edited}


def edited_in_words(rule_set: RuleSet) -> str:
    """Return that a draft is no longer what was asked for."""
    return _(
        "Version %(version)s was edited after it was asked for, so it cannot be approved as it is: what stands here is "
        "not what was asked about. It can be asked for again on its page."
    ) % {"version": rule_set.version}
