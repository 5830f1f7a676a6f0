"""A condition in plain words. Editor, rules page, audit and explanation all show what is built here.

`translate` is the caller's gettext; every template is marked with `N_` and translated when a sentence is built.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from types import MappingProxyType

from accounts.conditions.facts import Catalogue, Fact, FactType, Operator, Value
from accounts.conditions.language import All, Always, Any, Condition, Leaf, LeafOutcome, Node, Not
from accounts.wording import N_, Translate, joined, listed, numbered, numeral, quoted

# `{value}` is one value or, for operators on several, their list; `{last}` is the far end of "from … to …".
_TEMPLATES: Mapping[Operator, str] = MappingProxyType(
    {
        Operator.EQ: N_("{fact} is {value}"),
        Operator.NE: N_("{fact} is not {value}"),
        Operator.GT: N_("{fact} is more than {value}"),
        Operator.GTE: N_("{fact} is at least {value}"),
        Operator.LT: N_("{fact} is less than {value}"),
        Operator.LTE: N_("{fact} is at most {value}"),
        Operator.BETWEEN: N_("{fact} is from {value} to {last}"),
        Operator.IN: N_("{fact} is one of {value}"),
        Operator.NOT_IN: N_("{fact} is none of {value}"),
        Operator.CONTAINS: N_("{fact} contains {value}"),
        Operator.STARTS_WITH: N_("{fact} starts with {value}"),
        Operator.ON_OR_AFTER: N_("{fact} is on or after {value}"),
        Operator.BEFORE: N_("{fact} is before {value}"),
        Operator.HAS: N_("{value} is among {fact}"),
        Operator.HAS_ANY: N_("at least one of {value} is among {fact}"),
        Operator.HAS_NONE: N_("none of {value} is among {fact}"),
        Operator.KNOWN: N_("{fact} is known"),
    }
)
_NOT_KNOWN = N_("{fact} is not known")


def sentence(condition: Condition, catalogue: Catalogue, translate: Translate) -> str:
    """The whole condition: "amount is at least 100 GBP and (tier is Gold or tier is Silver)"."""
    match condition:
        case Always():
            return translate(N_("always"))
        case Leaf():
            return leaf_sentence(condition, catalogue, translate)
        case Not(part):
            return translate(N_("not {part}")).format(part=_bracketed(sentence(part, catalogue, translate), translate))
        case All((only,)) | Any((only,)):
            return sentence(only, catalogue, translate)
        case All(parts):
            return joined(translate(N_("{first} and {second}")), _nested(parts, catalogue, translate))
        case Any(parts):
            return joined(translate(N_("{first} or {second}")), _nested(parts, catalogue, translate))


def leaf_sentence(leaf: Leaf, catalogue: Catalogue, translate: Translate) -> str:
    """One comparison: "amount is at least 100 GBP". A fact that has left the catalogue is called by its code."""
    fact = _fact(leaf, catalogue)
    said = partial(_said, fact=fact, translate=translate)
    template, value, last = _TEMPLATES[leaf.op], "", ""
    if leaf.op is Operator.KNOWN:
        template = template if leaf.value else _NOT_KNOWN
    elif not isinstance(leaf.value, tuple):
        value = said(leaf.value)
    elif leaf.op is Operator.BETWEEN:
        value, last = map(said, leaf.value)
    else:
        value = listed(map(said, leaf.value), translate)
    return translate(template).format(fact=str(fact.label), value=value, last=last)


def failure_sentence(outcome: LeafOutcome, catalogue: Catalogue, translate: Translate) -> str:
    """One of the `failures`: "amount is at least 100 GBP, but was 40 GBP". One that was met failed within a `not`."""
    wanted = leaf_sentence(outcome.leaf, catalogue, translate)
    if outcome.met:
        wanted = translate(N_("not {part}")).format(part=_bracketed(wanted, translate))
    if outcome.actual is None:
        template = N_("{sentence}, but is not known")
    elif isinstance(outcome.actual, frozenset):
        template = N_("{sentence}, but found {actual}")
    else:
        template = N_("{sentence}, but was {actual}")
    actual = _said(outcome.actual, fact=_fact(outcome.leaf, catalogue), translate=translate)
    return translate(template).format(sentence=wanted, actual=actual)


def value_in_words(value: Value, fact: Fact, translate: Translate) -> str:
    """What a fact was, as the sentences above say it: "40 GBP", "Gold", "yes"; empty where it is not known."""
    return _said(value, fact=fact, translate=translate)


def _fact(leaf: Leaf, catalogue: Catalogue) -> Fact:
    return catalogue.get(leaf.fact) or Fact(leaf.fact, FactType.TEXT, label=leaf.fact)


def _nested(parts: tuple[Node, ...], catalogue: Catalogue, translate: Translate) -> Iterator[str]:
    for part in parts:
        text = sentence(part, catalogue, translate)
        yield _bracketed(text, translate) if _is_several(part) else text


def _is_several(node: Node) -> bool:
    """Whether the words of `node` hold an "and" or "or" that brackets must keep together."""
    match node:
        case All((only,)) | Any((only,)):
            return _is_several(only)
        case _:
            return isinstance(node, All | Any)


def _bracketed(text: str, translate: Translate) -> str:
    return translate(N_("({part})")).format(part=text)


def _said(value: Value, *, fact: Fact, translate: Translate) -> str:
    match value:
        case None:
            return ""
        case bool():
            return translate(N_("yes")) if value else translate(N_("no"))
        case Decimal():
            return _number(value, str(fact.unit), translate)
        case date():
            return numbered(value, translate)
        case frozenset():
            said = sorted(_code(code, fact) for code in value)
            return listed(said, translate) or translate(N_("none"))
        case str() if fact.type is FactType.TEXT:
            return quoted(value, translate)
        case str():
            return _code(value, fact)


def _code(code: str, fact: Fact) -> str:
    return next((str(label) for listed, label in fact.choices if listed == code), code)


def _number(number: Decimal, unit: str, translate: Translate) -> str:
    text = numeral(number or Decimal(0), translate)
    return translate(N_("{number} {unit}")).format(number=text, unit=unit) if unit else text
