"""From a document to its values, or to an error that names the place and says what belongs there."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from accounts.conditions import Catalogue, Fact, FactType
from accounts.wording import N_, PLAIN, Translator, listed

_SHOWN = 60
_CODE = re.compile(r"[-a-zA-Z0-9_]{1,50}")


class FormulaError(ValueError):
    """A formula document that cannot be run; the sentence names the key and says what it takes.

    `str()` is English; `translated` says the same in a reader's language. Several words are said as a list.
    """

    def __init__(self, template: str, *, key: str = "", **words: str | Sequence[str] | Decimal | int) -> None:
        self.key = key
        """Where in the document, such as `bands[1].from`; empty for the whole."""
        self._template = template
        self._words = words
        super().__init__(self.translated(PLAIN))

    @property
    def other(self) -> str:
        """The other place, or the other of two, that it speaks of; empty where it speaks of one alone."""
        return str(self._words.get("other", ""))

    def translated(self, translate: Translator, place: str = "", other: str = "") -> str:
        """Return the sentence in the language of `translate`; `place` and `other` are what its reader calls the two."""
        words = {name: _said(word, translate) for name, word in self._words.items()}
        words |= {"other": other} if other else {}
        return translate(self._template).format(key=place or self.key, **words)


def _said(word: str | Sequence[str] | Decimal | int, translate: Translator) -> str:
    match word:
        case str():
            return word
        case int() | Decimal():
            return translate.number(word)
        case _:
            return listed(word, translate) or "–"


class Part:
    """An object of a document, at its `path`: every method reads one key, and refuses what does not belong there."""

    def __init__(self, document: Mapping[str, object], catalogue: Catalogue, path: str = "") -> None:
        self.document = document
        self.catalogue = catalogue
        self.path = path

    def __contains__(self, key: str) -> bool:
        return key in self.document

    def place(self, key: str) -> str:
        """Return where a key stands, such as `bands[1].from`."""
        return f"{self.path}.{key}" if self.path else key

    def require(self, keys: Collection[str], optional: Collection[str] = ()) -> None:
        """Refuse a key that is neither of `keys` nor `optional`, and one of `keys` that is missing."""
        if unknown := sorted(str(key) for key in self.document if key not in keys and key not in optional):
            template = N_("{key}: no such key here; there are {keys}.")
            raise FormulaError(template, key=self.place(unknown[0]), keys=sorted({*keys, *optional}))
        if missing := sorted(set(keys) - set(self.document)):
            raise FormulaError(N_("{key}: missing."), key=self.place(missing[0]))

    def points(self, key: str, *, least: int = 1) -> int:
        """Read a whole number of points."""
        raw = self.document[key]
        if not isinstance(raw, int) or isinstance(raw, bool) or not least <= raw <= 10**9:
            template = N_("{key}: {found} is not a whole number from {least} to 1,000,000,000.")
            raise FormulaError(template, key=self.place(key), found=shown(raw), least=least)
        return raw

    def whole(self, key: str, *, most: int) -> int:
        """Read a whole number from 1 to `most`."""
        raw = self.document[key]
        if not isinstance(raw, int) or isinstance(raw, bool) or not 1 <= raw <= most:
            template = N_("{key}: {found} is not a whole number from 1 to {most}.")
            raise FormulaError(template, key=self.place(key), found=shown(raw), most=most)
        return raw

    def code(self, key: str) -> str:
        """Read a code: letters, digits, hyphens and underscores."""
        raw = self.document[key]
        if not isinstance(raw, str) or not _CODE.fullmatch(raw):
            raise FormulaError(N_("{key}: {found} is not a code."), key=self.place(key), found=shown(raw))
        return raw

    def number(self, key: str, *, most: int, least: str = "0.0001") -> Decimal:
        """Read a number, written as one or as text; by way of text, as 0.1 is meant and not the nearest fraction."""
        raw = self.document[key]
        try:
            number = Decimal(str(raw)) if isinstance(raw, int | float | str) and not isinstance(raw, bool) else None
        except (InvalidOperation, ValueError):
            number = None
        if number is None or not number.is_finite() or not Decimal(least) <= number <= most:
            template = N_("{key}: {found} is not a number from {least} to {most}.")
            raise FormulaError(template, key=self.place(key), found=shown(raw), least=least, most=most)
        return number

    def number_fact(self, key: str) -> str:
        """Read the code of a fact that is a number."""
        return self._fact(
            key,
            (FactType.NUMBER,),
            N_("{key}: {found} is not a number of this activity; choose one of {facts}."),
        ).code

    def named_fact(self, key: str) -> Fact:
        """Read the code of a fact that has one of several names: a text, a choice, a set, yes or no."""
        types = (FactType.TEXT, FactType.CHOICE, FactType.SET, FactType.BOOLEAN)
        return self._fact(key, types, N_("{key}: nothing can be looked up by {found}; choose one of {facts}."))

    def one_of(self, key: str, choices: Iterable[str]) -> str:
        """Read one of several words."""
        raw = self.document[key]
        known = list(choices)
        if not isinstance(raw, str) or raw not in known:
            template = N_("{key}: {found} is not one of {choices}.")
            raise FormulaError(template, key=self.place(key), found=shown(raw), choices=known)
        return raw

    def part(self, key: str) -> "Part":
        """Read an object."""
        return self._part(self.document[key], self.place(key))

    def parts(self, key: str, *, most: int) -> "list[Part]":
        """Read a list of objects, at least one and not more than `most`."""
        raw = self.document[key]
        if not isinstance(raw, list) or not raw:
            raise FormulaError(N_("{key}: {found} is not a list with entries."), key=self.place(key), found=shown(raw))
        if len(raw) > most:
            template = N_("{key}: there are {count} entries; {most} is the most.")
            raise FormulaError(template, key=self.place(key), count=len(raw), most=most)
        return [self._part(one, f"{self.place(key)}[{index}]") for index, one in enumerate(raw)]

    def _part(self, raw: object, path: str) -> "Part":
        if not isinstance(raw, Mapping):
            raise FormulaError(N_("{key}: {found} is not an object."), key=path, found=shown(raw))
        return Part(raw, self.catalogue, path)

    def _fact(self, key: str, types: Collection[FactType], template: str) -> Fact:
        code = self.document[key]
        fact = self.catalogue.get(code) if isinstance(code, str) else None
        if fact is None or fact.type not in types:
            facts = sorted(fact.code for fact in self.catalogue.values() if fact.type in types)
            raise FormulaError(template, key=self.place(key), found=shown(code), facts=facts)
        return fact


def shown(raw: object) -> str:
    """Return what stands in the document, and no more of it than helps."""
    text = repr(raw)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
