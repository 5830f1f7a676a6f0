"""What a version of rules changes beside another one, in the words in which clients read rules."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import F
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from accounts.wording import listed
from loyalty.models import Rule, RuleSet
from loyalty.vocabulary import Vocabulary

InWords = Callable[[Rule, Vocabulary], str]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One thing that is new (`before` is empty), gone (`after` is empty) or another."""

    name: str
    before: str
    after: str

    def __str__(self) -> str:
        if not self.before:
            return _("New – %(name)s: %(after)s") % {"name": self.name, "after": self.after}
        if not self.after:
            return _("Gone – %(name)s: %(before)s") % {"name": self.name, "before": self.before}
        return _("Changed – %(name)s: %(after)s Before: %(before)s") % {
            "name": self.name, "after": self.after, "before": self.before,
        }  # fmt: skip


def predecessor_of(rule_set: RuleSet) -> RuleSet | None:
    """Return the version beside which one is read: of those that came to hold, the latest before it.

    For a draft that is the latest of all, whatever its number: it would take the place of that one.
    """
    held = RuleSet.objects.filter(program=rule_set.program_id).exclude(status=RuleSet.Status.DRAFT)
    held = held.exclude(ends_at=F("starts_at"))
    if rule_set.status != RuleSet.Status.DRAFT:
        held = held.filter(starts_at__lt=rule_set.starts_at)
    return held.order_by("-starts_at").first()


def changes(before: RuleSet | None, after: RuleSet, in_words: InWords) -> list[RuleChange]:
    """Return what `after` changes: rules, lists of products, campaigns, each by its code; `in_words` says a rule.

    Nine queries at most, however many rules there are.
    """
    words = Vocabulary()
    found = list(_between(_rules(before, in_words, words), _rules(after, in_words, words)))
    found += _list_changes(before, after)
    found += _between({} if before is None else _campaigns(before), _campaigns(after))
    return found


Said = dict[str, tuple[str, str]]
"""Name and sentence, by code."""


def _between(before: Said, after: Said) -> Iterator[RuleChange]:
    for code, (name, sentence) in after.items():
        was = before.get(code, ("", ""))[1]
        if sentence != was:
            yield RuleChange(name, was, sentence)
    for code, (name, sentence) in before.items():
        if code not in after:
            yield RuleChange(name, sentence, "")


def _rules(rule_set: RuleSet | None, in_words: InWords, words: Vocabulary) -> Said:
    if rule_set is None:
        return {}
    rows = rule_set.rules.select_related("rule_set__program", "activity_type").prefetch_related("caps")
    return {rule.code: (rule.name, in_words(rule, words)) for rule in rows.order_by("position", "code")}


def _list_changes(before: RuleSet | None, after: RuleSet) -> Iterator[RuleChange]:
    """Lists by what comes onto them and what goes: the whole of one may be ten thousand products."""
    was = {} if before is None else {row.code: row for row in before.product_lists.all()}
    there = {row.code: row for row in after.product_lists.order_by("code")}
    for code in sorted(was.keys() | there.keys()):
        old, new = (set(rows[code].products) if code in rows else set[str]() for rows in (was, there))
        if old != new:
            yield RuleChange((there.get(code) or was[code]).name, _products(old - new), _products(new - old))


def _products(products: set[str]) -> str:
    if not products:
        return ""
    shown = listed(sorted(products)[:_MOST_SHOWN], _)
    if len(products) <= _MOST_SHOWN:
        return shown
    more = number_format(len(products) - _MOST_SHOWN, force_grouping=True)
    return _("%(products)s and %(more)s more") % {"products": shown, "more": more}


_MOST_SHOWN = 20


def _campaigns(rule_set: RuleSet) -> Said:
    said: Said = {}
    for row in rule_set.campaigns.order_by("code"):
        sentence = _("%(factor)s times, from %(first)s to %(last)s") % {
            "factor": number_format(row.factor.normalize()),
            "first": date_format(row.starts_on, "DATE_FORMAT"),
            "last": date_format(row.ends_on, "DATE_FORMAT"),
        }
        if row.budget is not None:
            budget = number_format(row.budget, force_grouping=True)
            sentence = _("%(sentence)s, at most %(budget)s points in all") % {"sentence": sentence, "budget": budget}
        said[row.code] = row.name, sentence
    return said
