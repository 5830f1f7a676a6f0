"""What a version of rules changes beside another one, in the words in which clients read rules."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _

from loyalty.models import Campaign, ProductList, Rule, RuleSet
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
    """Return the version beside which a draft is read: the latest one that is or was in force."""
    versions = RuleSet.objects.filter(program=rule_set.program_id, version__lt=rule_set.version)
    return versions.exclude(status=RuleSet.Status.DRAFT).order_by("-version").first()


def changes(before: RuleSet | None, after: RuleSet, in_words: InWords) -> list[RuleChange]:
    """Return what `after` changes: rules, lists of products, campaigns, each by its code; `in_words` says a rule.

    Nine queries at most, however many rules there are.
    """
    words = Vocabulary()
    found = list(_between(_rules(before, in_words, words), _rules(after, in_words, words)))
    for say in (_list_in_words, _campaign_in_words):
        found += _between(_parts(before, say), _parts(after, say))
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


def _parts(rule_set: RuleSet | None, say: Callable[[RuleSet], Said]) -> Said:
    return {} if rule_set is None else say(rule_set)


def _list_in_words(rule_set: RuleSet) -> Said:
    rows: QuerySet[ProductList] = rule_set.product_lists.order_by("code")
    return {
        row.code: (
            row.name,
            _("%(count)s products: %(products)s")
            % {"count": len(row.products), "products": ", ".join(sorted(row.products))},
        )
        for row in rows
    }


def _campaign_in_words(rule_set: RuleSet) -> Said:
    rows: QuerySet[Campaign] = rule_set.campaigns.order_by("code")
    said: Said = {}
    for row in rows:
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
