"""A rate looked up by what a fact is: a product, a tier, a list of products, a yes or no.

{"kind": "lookup", "by": "activity.object", "of": "activity.amount",
 "table": [{"is": "DRILL-9", "points": 50}, {"is": ["SAW-1", "SAW-2"], "percent": "5"}],
 "otherwise": {"percent": "1"}}

The first row that fits counts; one that counts another number has an `of` of its own. What fits none gets `otherwise`,
and nothing where that is left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar, NamedTuple, Self

from accounts.conditions import Catalogue, Fact, FactType, Value, Values, value_in_words
from accounts.wording import N_, Translator, in_turn
from loyalty.earning.formulas.asking import RATE, Ask, Asks
from loyalty.earning.formulas.kind import AMOUNT, Kind, found
from loyalty.earning.formulas.rates import RATE_KEYS, Rate, read_rate
from loyalty.earning.formulas.reading import FormulaError, Part, shown

MAX_ROWS = 100
MAX_KEYS = 1_000
"""Of one row: more are a list of products."""

Key = str | bool


class Row(NamedTuple):
    """A rate for any of several keys."""

    keys: tuple[Key, ...]
    rate: Rate


@dataclass(frozen=True, slots=True)
class Lookup(Kind):
    """Rows for what the fact `by` is; `otherwise` for what none of them names, a value not known included."""

    by: str
    rows: tuple[Row, ...]
    otherwise: Rate | None = None
    _row_of: Mapping[Key, int] = field(init=False, repr=False, compare=False)

    kind: ClassVar[str] = "lookup"
    keys: ClassVar[frozenset[str]] = frozenset({"by", "of", "table", "otherwise"})
    optional: ClassVar[frozenset[str]] = frozenset({"of", "otherwise"})
    example: ClassVar[Mapping[str, object]] = {
        "kind": "lookup",
        "by": "activity.object",
        "of": "activity.amount",
        "table": [{"is": "DRILL-9", "points": 50}, {"is": ["SAW-1", "SAW-2"], "percent": "5"}],
        "otherwise": {"percent": "1"},
    }
    title: ClassVar[str] = N_("a rate looked up by something, such as the product or the tier")
    asks: ClassVar[tuple[Ask, ...]] = (
        Ask("by", N_("looked up by"), Asks.NAMED_FACT),
        Ask("of", N_("what steps and percentages count"), Asks.NUMBER_FACT, is_optional=True, suggested=AMOUNT),
        Ask("table", N_("rates"), Asks.ROWS, parts=(Ask("is", N_("where it is"), Asks.KEYS, of="by"), *RATE)),
        Ask("otherwise", N_("otherwise"), Asks.PART, is_optional=True, parts=RATE),
    )

    def __post_init__(self) -> None:
        row_of = {key: index for index, row in enumerate(self.rows) for key in row.keys}
        object.__setattr__(self, "_row_of", row_of)

    @classmethod
    def read(cls, part: Part) -> Self:
        """Read the table, in which every key stands once."""
        fact = part.named_fact("by")
        of = part.number_fact("of") if "of" in part else None
        seen: dict[Key, str] = {}
        rows = []
        for row in part.parts("table", most=MAX_ROWS):
            row.require({"is"}, {"of", *RATE_KEYS})
            rows.append(Row(_read_keys(row, fact, seen), read_rate(row, of)))
        otherwise = None
        if "otherwise" in part:
            rest = part.part("otherwise")
            rest.require((), {"of", *RATE_KEYS})
            otherwise = read_rate(rest, of)
        return cls(fact.code, tuple(rows), otherwise)

    @property
    def facts(self) -> tuple[str, ...]:
        """What it looks up by, then what its rates count."""
        return tuple(dict.fromkeys((self.by, *self.counted)))

    @property
    def counted(self) -> tuple[str, ...]:
        """What its rates count."""
        return tuple(dict.fromkeys(code for rate in self._rates() for code in rate.facts))

    @property
    def is_table(self) -> bool:
        """It is one."""
        return True

    @property
    def lines(self) -> int:
        """Its rows, and what all others get."""
        return len(self.rows) + (self.otherwise is not None)

    def exact(self, values: Values) -> Decimal:
        """Return the points of the first row that fits, else those of `otherwise`."""
        row = self._row(values.get(self.by))
        rate = self.otherwise if row is None else row.rate
        return Decimal(0) if rate is None else rate.exact(values)

    def sentence(self, catalogue: Catalogue, translate: Translator) -> str:
        """Return every row, and what all others get."""
        fact = catalogue[self.by]
        template = translate(N_("{give} where {fact} is {keys}"))
        if fact.type is FactType.SET:
            template = translate(N_("{give} where {fact} include {keys}"))
        texts = [
            template.format(give=row.rate.sentence(catalogue, translate), fact=fact.label, keys=keys)
            for row in self.rows
            for keys in [_in_words(row.keys, fact, translate)]
        ]
        if self.otherwise is None:
            texts.append(translate(N_("nothing otherwise")))
        else:
            give = self.otherwise.sentence(catalogue, translate)
            texts.append(translate(N_("{give} otherwise")).format(give=give))
        return in_turn(texts, translate)

    def findings(self, values: Values, catalogue: Catalogue, translate: Translator) -> list[str]:
        """Tell also which row it came to."""
        value = values.get(self.by)
        fact, row = catalogue[self.by], self._row(value)
        findings = [found(catalogue[code], values, translate) for code in self.facts]
        if row is None:
            return [*findings, translate(N_("no row names it"))]
        keys = tuple(key for key in row.keys if key == value or (isinstance(value, frozenset) and key in value))
        return [*findings, translate(N_("the row for {keys} counts")).format(keys=_in_words(keys, fact, translate))]

    def _row(self, value: Value) -> Row | None:
        if isinstance(value, frozenset):
            indexes = [index for key in value if (index := self._row_of.get(key)) is not None]
            return self.rows[min(indexes)] if indexes else None
        index = self._row_of.get(value) if isinstance(value, str | bool) else None
        return None if index is None else self.rows[index]

    def _rates(self) -> Iterator[Rate]:
        yield from (row.rate for row in self.rows)
        if self.otherwise is not None:
            yield self.otherwise


def _read_keys(row: Part, fact: Fact, seen: dict[Key, str]) -> tuple[Key, ...]:
    """Read what a row stands for: one key or a list; `seen` are those of the rows before, with their places."""
    raw = row.document["is"]
    listed = raw if isinstance(raw, list) else [raw]
    if not listed or len(listed) > MAX_KEYS:
        template = N_("{key}: there are {count} entries; write from 1 to {most}, or make a list of products.")
        raise FormulaError(template, key=row.place("is"), count=len(listed), most=MAX_KEYS)
    for index, key in enumerate(listed):
        place = f"{row.place('is')}[{index}]" if isinstance(raw, list) else row.place("is")
        _refuse_wrong_key(key, fact, place)
        if key in seen:
            template = N_("{key}: {found} stands in {other} already; one row counts for it.")
            raise FormulaError(template, key=place, found=shown(key), other=seen[key])
        seen[key] = place
    return tuple(listed)


def _refuse_wrong_key(key: object, fact: Fact, place: str) -> None:
    if fact.type is FactType.BOOLEAN:
        if not isinstance(key, bool):
            raise FormulaError(N_("{key}: {found} is neither true nor false."), key=place, found=shown(key))
        return
    if not isinstance(key, str) or not key.strip() or not _can_be_stored(key):
        raise FormulaError(N_("{key}: {found} is not a text."), key=place, found=shown(key))
    codes = [code for code, _label in fact.choices]
    if codes and key not in codes:
        template = N_("{key}: {found} is not one of {choices}.")
        raise FormulaError(template, key=place, found=shown(key), choices=codes)


def _can_be_stored(text: str) -> bool:
    return not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text)


def _in_words(keys: tuple[Key, ...], fact: Fact, translate: Translator) -> str:
    if fact.type is FactType.SET:
        texts = [value_in_words(frozenset({str(key)}), fact, translate) for key in keys]
    else:
        texts = [value_in_words(key, fact, translate) for key in keys]
    text = texts[0]
    for following in texts[1:]:
        text = translate(N_("{first} or {second}")).format(first=text, second=following)
    return text
