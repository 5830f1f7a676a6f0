"""A condition in plain words. Editor, rules page, audit and explanation all show what is built here.

`translate` speaks to the reader; every template is marked with `N_` and translated when a sentence is built.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from types import MappingProxyType

from accounts.conditions.facts import Catalogue, Fact, FactType, Operator, Value
from accounts.conditions.language import All, Always, Any, Condition, Leaf, LeafOutcome, Node, Not
from accounts.wording import N_, Translator, joined, listed, quoted, with_unit

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
        Operator.HAS: N_("{fact} include {value}"),
        Operator.HAS_ANY: N_("{fact} include at least one of {value}"),
        Operator.HAS_NONE: N_("{fact} include none of {value}"),
        Operator.KNOWN: N_("{fact} is known"),
    }
)
_OF_ONE: Mapping[Operator, str] = MappingProxyType(
    {
        Operator.IN: _TEMPLATES[Operator.EQ],
        Operator.NOT_IN: _TEMPLATES[Operator.NE],
        Operator.HAS_ANY: _TEMPLATES[Operator.HAS],
        Operator.HAS_NONE: N_("{fact} do not include {value}"),
    }
)
"""For operators on several values of which only one is named."""
_KNOWN = {
    # By whether the fact is a set, which is spoken of as several, and whether it is to be known.
    (False, True): _TEMPLATES[Operator.KNOWN],
    (False, False): N_("{fact} is not known"),
    (True, True): N_("{fact} are known"),
    (True, False): N_("{fact} are not known"),
}


def sentence(condition: Condition, catalogue: Catalogue, translate: Translator) -> str:
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


def leaf_sentence(leaf: Leaf, catalogue: Catalogue, translate: Translator) -> str:
    """One comparison: "amount is at least 100 GBP". A fact that has left the catalogue is called by its code."""
    fact = _fact(leaf, catalogue)
    said = partial(_said, fact=fact, translate=translate)
    template, value, last = _TEMPLATES[leaf.op], "", ""
    if leaf.op is Operator.KNOWN:
        template = _KNOWN[fact.type is FactType.SET, bool(leaf.value)]
    elif not isinstance(leaf.value, tuple):
        value = said(leaf.value)
    elif leaf.op is Operator.BETWEEN:
        value, last = map(said, leaf.value)
    else:
        template = template if len(leaf.value) > 1 else _OF_ONE[leaf.op]
        value = listed(map(said, leaf.value), translate)
    return translate(template).format(fact=str(fact.label), value=value, last=last)


def failure_sentence(outcome: LeafOutcome, catalogue: Catalogue, translate: Translator) -> str:
    """One of the `failures`: "amount is at least 100 GBP, but was 40 GBP". One that was met failed within a `not`."""
    fact = _fact(outcome.leaf, catalogue)
    if outcome.actual is None and outcome.leaf.op is Operator.KNOWN and not outcome.met:
        return unknown_sentence(fact, translate)
    wanted = leaf_sentence(outcome.leaf, catalogue, translate)
    if outcome.met:
        wanted = translate(N_("not {part}")).format(part=_bracketed(wanted, translate))
    is_set = fact.type is FactType.SET
    if outcome.actual is None:
        template = N_("{sentence}, but are not known") if is_set else N_("{sentence}, but is not known")
    elif not is_set:
        template = N_("{sentence}, but was {actual}")
    elif outcome.actual:
        template = N_("{sentence}, but were {actual}")
    else:
        template = N_("{sentence}, but there were none")
    actual = _said(outcome.actual, fact=fact, translate=translate)
    return translate(template).format(sentence=wanted, actual=actual)


def unknown_sentence(fact: Fact, translate: Translator) -> str:
    """That nothing is known of a fact: "amount is not known", "roles of the employee are not known"."""
    return translate(_KNOWN[fact.type is FactType.SET, False]).format(fact=fact.label)


def value_in_words(value: Value, fact: Fact, translate: Translator) -> str:
    """What a fact was, as the sentences above say it: "40 GBP", "Gold", "yes"; empty where it is not known."""
    return _said(value, fact=fact, translate=translate)


def _fact(leaf: Leaf, catalogue: Catalogue) -> Fact:
    return catalogue.get(leaf.fact) or Fact(leaf.fact, FactType.TEXT, label=leaf.fact)


def _nested(parts: tuple[Node, ...], catalogue: Catalogue, translate: Translator) -> Iterator[str]:
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


def _bracketed(text: str, translate: Translator) -> str:
    return translate(N_("({part})")).format(part=text)


def _said(value: Value, *, fact: Fact, translate: Translator) -> str:
    match value:
        case None:
            return ""
        case bool():
            return translate(N_("yes")) if value else translate(N_("no"))
        case Decimal():
            return with_unit(value, str(fact.unit), translate)
        case date():
            return translate.day(value)
        case frozenset():
            said = sorted(_code(code, fact) for code in value)
            return listed(said, translate) or translate(N_("none"))
        case str() if fact.type is FactType.TEXT:
            return quoted(value, translate)
        case str():
            return _code(value, fact)


def _code(code: str, fact: Fact) -> str:
    return next((str(label) for listed, label in fact.choices if listed == code), code)
