"""From a JSON document to a checked condition, or to an error that names the place and says what to do about it."""

import difflib
import math
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from accounts.conditions.facts import OPERATOR_NAMES, Catalogue, Fact, FactType, Operator, iso_date
from accounts.conditions.language import ALWAYS, All, Any, Condition, Leaf, Node, Not, Operand, step
from accounts.wording import N_, Translate, listed

MAX_DEPTH = 3
MAX_LEAVES = 20

_NUMBERS_END = 10**18
_DECIMAL_PLACES = 12
_LISTED = 12
_QUOTED = 40

_GROUPS = ("all", "any", "not")
_LEAF_KEYS = ("fact", "op", "value")

_Word = str | Callable[[Translate], str]
_End = TypeVar("_End", Decimal, date)

_TYPE_NAMES: dict[FactType, str] = {
    FactType.NUMBER: N_("number"),
    FactType.TEXT: N_("text"),
    FactType.CHOICE: N_("choice"),
    FactType.BOOLEAN: N_("yes/no"),
    FactType.DATE: N_("date"),
    FactType.SET: N_("set"),
}


class ConditionError(ValueError):
    """A document is not a condition. `path` is the place (empty for the root), `sentence` says what is wrong.

    `sentence` is English; `translated` says the same in a reader's language.
    """

    def __init__(self, path: str, sentence: str, **words: _Word) -> None:
        super().__init__(path, sentence)
        self.path = path
        self._template = sentence
        self._words = words

    def at(self, path: str) -> "ConditionError":
        """The same about another place, as whoever wrote the document calls it."""
        return ConditionError(path, self._template, **self._words)

    @property
    def sentence(self) -> str:
        return self.translated(lambda template: template)

    def translated(self, translate: Translate) -> str:
        words = {name: word if isinstance(word, str) else word(translate) for name, word in self._words.items()}
        return translate(self._template).format(**words) if words else translate(self._template)

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence}" if self.path else self.sentence


def parse(document: object, catalogue: Catalogue) -> Condition:
    """The condition that `document` (JSON, already loaded) describes; `{}` and None mean always.

    At most 3 groups deep (`not` is one) and 20 leaves. Raises ConditionError for anything else that it is not.
    """
    if document is None or document == {}:
        return ALWAYS
    return _Parser(catalogue).node(document, path="", depth=0)


class _Parser:
    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._leaves = 0

    def node(self, document: object, path: str, depth: int) -> Node:
        if not isinstance(document, dict):
            raise ConditionError(path, N_("A condition is an object, not {found}."), found=_found(document))
        if not document:
            raise ConditionError(path, N_("This part is empty; fill it in or leave it out."))
        group = next((key for key in _GROUPS if key in document), None)
        if group is None:
            return self._leaf(document, path)
        if len(document) > 1:
            raise ConditionError(
                path,
                N_("'{group}' stands alone in its object; move {others} into a part of its own."),
                group=group,
                others=_listed(str(key) for key in document if key != group),
            )
        return self._group(group, document[group], path, depth + 1)

    def _group(self, kind: str, content: object, path: str, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise ConditionError(path, N_("Groups nest at most {most} deep; move this one up."), most=str(MAX_DEPTH))
        if kind == "not":
            return Not(self.node(content, step(path, "not"), depth))
        if not isinstance(content, list):
            raise ConditionError(
                path, N_("'{group}' needs a list of conditions, not {found}."), group=kind, found=_found(content)
            )
        if not content:
            raise ConditionError(path, N_("'{group}' is empty; add a condition or leave the group out."), group=kind)
        parts = tuple(self.node(part, step(path, f"{kind}[{index}]"), depth) for index, part in enumerate(content))
        return All(parts) if kind == "all" else Any(parts)

    def _leaf(self, document: dict[object, object], path: str) -> Leaf:
        self._leaves += 1
        if self._leaves > MAX_LEAVES:
            raise ConditionError(
                path, N_("A condition has at most {most} comparisons; this is one more."), most=str(MAX_LEAVES)
            )
        unknown = [str(key) for key in document if key not in _LEAF_KEYS]
        if unknown:
            raise ConditionError(
                path,
                N_("{keys}: no such key; a comparison has 'fact', 'op' and 'value', a group 'all', 'any' or 'not'."),
                keys=_listed(unknown),
            )
        missing = [key for key in _LEAF_KEYS if key not in document]
        if missing:
            raise ConditionError(
                path,
                N_("{keys} is missing; a comparison has 'fact', 'op' and 'value'."),
                keys=_listed(missing),
            )
        fact = self._fact(document["fact"], path)
        op = _operator(document["op"], fact, path)
        return Leaf(fact.code, op, _Operand(fact, op, path).read(document["value"]))

    def _fact(self, code: object, path: str) -> Fact:
        if not isinstance(code, str):
            raise ConditionError(path, N_("'fact' is the code of a fact, not {found}."), found=_found(code))
        fact = self._catalogue.get(code)
        if fact is not None:
            return fact
        near = difflib.get_close_matches(code[:_QUOTED], self._catalogue, n=1)
        if near:
            raise ConditionError(
                path, N_("There is no fact {fact}; did you mean '{near}'?"), fact=_quoted(code), near=near[0]
            )
        raise ConditionError(path, N_("There is no fact {fact} here."), fact=_quoted(code))


def _operator(code: object, fact: Fact, path: str) -> Operator:
    if not isinstance(code, str):
        raise ConditionError(path, N_("'op' is the code of an operator, not {found}."), found=_found(code))
    if code not in list(Operator):
        raise ConditionError(
            path,
            N_("There is no operator {op}; for '{fact}' choose one of {choices}."),
            op=_quoted(code),
            fact=fact.code,
            choices=_operator_choices(fact),
        )
    op = Operator(code)
    if op not in fact.operators:
        raise ConditionError(
            path,
            N_("'{op}' cannot compare the {type} fact '{fact}'; choose one of {choices}."),
            op=op.value,
            type=lambda translate: translate(_TYPE_NAMES[fact.type]),
            fact=fact.code,
            choices=_operator_choices(fact),
        )
    return op


class _Operand:
    """Reads what one leaf compares with."""

    def __init__(self, fact: Fact, op: Operator, path: str) -> None:
        self._fact = fact
        self._op = op
        self._path = path

    def read(self, raw: object) -> Operand:
        match self._op, self._fact.type:
            case (Operator.KNOWN, _) | (_, FactType.BOOLEAN):
                return self._flag(raw)
            case Operator.BETWEEN, FactType.NUMBER:
                first, last = self._ends(raw)
                return self._in_order(self._number(first), self._number(last))
            case Operator.BETWEEN, _:
                first, last = self._ends(raw)
                return self._in_order(self._day(first), self._day(last))
            case ((Operator.IN | Operator.NOT_IN | Operator.HAS_ANY | Operator.HAS_NONE), _):
                return self._texts(raw)
            case _, FactType.NUMBER:
                return self._number(raw)
            case _, FactType.DATE:
                return self._day(raw)
            case _:
                return self._text(raw)

    def _error(self, sentence: str, **words: _Word) -> ConditionError:
        return ConditionError(self._path, sentence, op=self._op.value, fact=self._fact.code, **words)

    def _flag(self, raw: object) -> bool:
        if not isinstance(raw, bool):
            raise self._error(N_("'{op}' of '{fact}' takes true or false, not {found}."), found=_found(raw))
        return raw

    def _number(self, raw: object) -> Decimal:
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            raise self._error(N_("'{fact}' is compared with a number, not {found}."), found=_found(raw))
        if isinstance(raw, float) and not math.isfinite(raw):
            raise self._error(N_("'{fact}' is compared with a number; NaN and Infinity are none."))
        if abs(raw) >= _NUMBERS_END:
            raise self._error(N_("The number for '{fact}' is too large; it has at most 18 digits before the point."))
        # By way of text: 0.1 is meant, not the binary fraction nearest to it.
        number = Decimal(repr(raw))
        if len(format(number, "f").partition(".")[2]) > _DECIMAL_PLACES:
            raise self._error(N_("The number for '{fact}' is too fine; it has at most 12 digits after the point."))
        return number

    def _day(self, raw: object) -> date:
        day = iso_date(raw) if isinstance(raw, str) else None
        if day is None:
            raise self._error(
                N_("'{fact}' is compared with a date in quotes such as '2026-01-31', not {found}."), found=_found(raw)
            )
        return day

    def _text(self, raw: object) -> str:
        if not isinstance(raw, str):
            raise self._error(N_("'{fact}' is compared with a text, not {found}."), found=_found(raw))
        if not raw.strip():
            raise self._error(N_("'{op}' of '{fact}' needs a text that is not blank."))
        if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in raw):
            raise self._error(N_("The text for '{fact}' has a character that cannot be stored; type it again."))
        codes = [code for code, _ in self._fact.choices]
        if codes and raw not in codes:
            raise self._error(
                N_("{code} is not a choice of '{fact}'; choose one of {choices}."),
                code=_quoted(raw),
                choices=_listed(codes),
            )
        return raw

    def _texts(self, raw: object) -> tuple[str, ...]:
        if not isinstance(raw, list):
            raise self._error(N_("'{op}' of '{fact}' needs a list of texts, not {found}."), found=_found(raw))
        if not raw:
            raise self._error(N_("'{op}' of '{fact}' needs at least one value; the list is empty."))
        return tuple(dict.fromkeys(self._text(item) for item in raw))

    def _ends(self, raw: object) -> tuple[object, object]:
        if not isinstance(raw, list):
            raise self._error(N_("'{op}' of '{fact}' needs a list of two values, not {found}."), found=_found(raw))
        if len(raw) != 2:
            raise self._error(
                N_("'{op}' of '{fact}' needs a list of two values, but it has {count}."), count=str(len(raw))
            )
        return raw[0], raw[1]

    def _in_order(self, first: _End, last: _End) -> tuple[_End, _End]:
        if first > last:
            raise self._error(N_("'{op}' of '{fact}' never holds: its first value is past its last; swap them."))
        return first, last


def _operator_choices(fact: Fact) -> _Word:
    return lambda translate: listed(
        (f"{op.value} ({translate(OPERATOR_NAMES[op])})" for op in fact.operators), translate
    )


def _found(raw: object) -> _Word:
    """What stands in the document, said without repeating more of it than helps."""
    match raw:
        case None:
            return lambda translate: translate(N_("nothing"))
        case bool():
            return "true" if raw else "false"
        case int() | float():
            return lambda translate: translate(N_("a number"))
        case str():
            return lambda translate: translate(N_("the text {text}")).format(text=_quoted(raw))
        case list():
            return lambda translate: translate(N_("a list"))
        case dict():
            return lambda translate: translate(N_("an object"))
        case _:
            return lambda translate: translate(N_("something that JSON has no word for"))


def _quoted(text: str) -> str:
    return f"'{text}'" if len(text) <= _QUOTED else f"'{text[:_QUOTED]}…'"


def _listed(texts: Iterable[str]) -> _Word:
    quoted = [_quoted(text) for text in texts]
    return lambda translate: listed(quoted[:_LISTED] + ["…"] * (len(quoted) > _LISTED), translate)
