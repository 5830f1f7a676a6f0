"""What a rule gives, as people fill it in: a menu of kinds, then what the chosen kind asks for.

Formulas and effects describe themselves (`Ask`), so a new kind stands in this form without a line here.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from django.utils.translation import gettext as _

from accounts.admin.condition_forms import Option
from accounts.admin.documents import DocumentField
from accounts.admin.reshaping import asked_of
from accounts.conditions import Catalogue, Fact, FactType
from accounts.reader import READER
from accounts.wording import listed, quoted
from loyalty.earning import KINDS, MODIFIER_ASKS, TIER, Ask, Asks, FormulaError, Scheme, parse_formula
from loyalty.earning.formulas.filling import (
    Answers,
    answers_of,
    document_of,
    place_of,
    row_numbers,
    texts_of,
    with_rows,
)
from loyalty.effects import effects, is_effect, parse_effect
from loyalty.vocabulary import Vocabulary

_NAMED = (FactType.TEXT, FactType.CHOICE, FactType.SET, FactType.BOOLEAN)
_FIRST_ROWS = 2
"""Blank rows that a table begins with."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a formula of one rule may name: facts, campaigns, and what the program has to give."""

    catalogue: Catalogue
    scheme: Scheme
    words: Vocabulary
    program_id: int
    has_effects: bool = True
    """Whether something else than points can be given."""

    def read(self, document: object) -> object:
        """Return what a document means; raises FormulaError."""
        if not (self.has_effects and is_effect(document)):
            return parse_formula(document, self.catalogue, self.scheme)
        effect = parse_effect(document)
        self.words.require_subject(effect, self.program_id)
        return effect


@dataclass(frozen=True, slots=True)
class Filled:
    """A kind of the menu with what was filled in."""

    kind: str
    answers: Answers = field(default_factory=dict)

    @property
    def asks(self) -> tuple[Ask, ...]:
        """What the kind asks for; of a formula its modifiers, too."""
        if self.kind in effects():
            return effects()[self.kind].asks
        return (*KINDS[self.kind].asks, *MODIFIER_ASKS) if self.kind in KINDS else ()

    def document(self, catalogue: Catalogue) -> dict[str, object]:
        """Return the document that it means."""
        return {"kind": self.kind, **document_of(self.asks, self.answers, catalogue)}

    def reshaped(self, asked: Sequence[str]) -> "Filled":
        """Return it with a row of a table added, dropped or moved: a word, the table's key, and a number from 1."""
        word, key, number = (*asked, "", "", "")[:3]
        ask = next((one for one in self.asks if one.key == key and one.type is Asks.ROWS), None)
        if ask is None:
            return self
        order: list[int | None] = [*row_numbers(self.answers, key)]
        at = int(number) - 1 if re.fullmatch(r"\d{1,4}", number, re.ASCII) else -1
        if word == "add":
            order.append(None)
        elif 0 <= at < len(order):
            row = order.pop(at)
            if word != "drop":
                order.insert(max(0, at + {"up": -1, "down": 1}.get(word, 0)), row)
        return Filled(self.kind, with_rows(self.answers, ask, order))


def filled_of(document: object, offer: Offer | None) -> Filled | None:
    """Return a document as it is filled in; None where that would not bring back what it means."""
    if not isinstance(document, Mapping) or not isinstance(document.get("kind"), str):
        return None
    filled = Filled(document["kind"])
    filled = Filled(filled.kind, answers_of(filled.asks, document))
    if offer is None or not filled.asks:
        return filled if filled.asks else None
    try:
        means, written = offer.read(document), offer.read(filled.document(offer.catalogue))
    except FormulaError:
        return None
    return filled if means == written else None


@dataclass(frozen=True, slots=True)
class Shown:
    """One key as a template shows it; `kind` says how it is filled in."""

    kind: str
    key: str
    label: str
    name: str
    texts: list[str] = field(default_factory=list)
    options: list[Option] = field(default_factory=list)
    parts: "list[Shown]" = field(default_factory=list)
    rows: "list[list[Shown]]" = field(default_factory=list)
    decides: bool = False
    """Whether other keys offer something else once it is changed."""


class FormulaWidget(forms.Widget):
    """The menu and what the chosen kind asks for; a document where that cannot show it."""

    template_name = "admin/widgets/formula/editor.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.offer: Offer | None = None
        self.is_kept = False
        self.also_swapped = ""

    def id_for_label(self, id_: str) -> str:
        """There is no one control to name: it is a group of them."""
        return ""

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether the page had neither the menu nor a document."""
        return name not in data and f"{name}-kind" not in data

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Return what was filled in, with what a button asked done to it; or the text of a document."""
        asked = asked_of(data, name)
        self.is_kept = asked == ["by"]
        if name in data:
            return Filled(next(iter(KINDS))) if asked == ["menu"] else data.get(name)
        start = f"{name}-"
        answers = {
            key.removeprefix(start): tuple(data.getlist(key) if hasattr(data, "getlist") else [data[key]])
            for key in data
            if key.startswith(start) and key != f"{start}kind"
        }
        return Filled(str(data.get(f"{start}kind", "")), answers).reshaped(asked)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Lay out what the kind asks for."""
        editor: dict[str, Any] = {"name": name, "box": f"id_{name}-editor", "also": self.also_swapped}
        if isinstance(value, Filled):
            editor |= {
                "is_kept": self.is_kept,
                "menus": list(_menus(value.kind, has_effects=self.offer is None or self.offer.has_effects)),
                **_Page(self.offer, value, name).context(),
            }
        else:
            editor["text"] = "" if value is None else value
        return {**super().get_context(name, None, attrs), "editor": editor}


class FormulaField(DocumentField):
    """What a rule gives, out of an `offer`; while it is None, nothing is checked."""

    widget = FormulaWidget

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.offer: Offer | None = None
        self.before: object = None

    def ask(self, offer: Offer | None, *, before: object = None, also_swapped: str = "") -> None:
        """Say what may be named, what stood there before, and what else of the page an answer brings anew."""
        self.offer = self.widget.offer = offer
        self.widget.also_swapped = also_swapped
        self.before = before

    def clean(self, value: Any) -> Any:
        """Return the document: the very same where nothing was changed. Refuse a key by what the form calls it."""
        if not isinstance(value, Filled):
            return super().clean(value)
        before = filled_of(self.before, self.offer)
        if before is not None and _meant(before) == _meant(value):
            return self.before
        document = value.document({} if self.offer is None else self.offer.catalogue)
        if self.offer is not None:
            try:
                self.offer.read(document)
            except FormulaError as error:
                raise forms.ValidationError(said(error, value, self.offer), code="invalid") from error
        return document

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Keep what was typed."""
        if self.disabled or not isinstance(data, Filled):
            return super().bound_data(data, initial)
        return data

    def prepare_value(self, value: Any) -> Any:
        """Show the menu where it can show the document."""
        if isinstance(value, Filled | InvalidJSONInput):
            return value
        filled = filled_of(value, self.offer)
        return super().prepare_value(value) if filled is None else filled

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare documents."""
        if not isinstance(data, Filled):
            return super().has_changed(initial, data)
        try:
            document = self.clean(data)
        except forms.ValidationError:
            return True
        return json.dumps(initial, sort_keys=True) != json.dumps(document, sort_keys=True)


def said(error: FormulaError, filled: Filled, offer: Offer) -> str:
    """Return what is wrong, with the place as the form calls it, and the other row where it speaks of two."""
    other = _place(error.other, filled, offer) if "[" in error.other else ""
    return error.translated(READER, _place(error.key, filled, offer), other)


def _place(path: str, filled: Filled, offer: Offer) -> str:
    """Return what the form calls a place in a document; empty where it has none of that kind."""
    places = []
    for label, number in place_of(filled.asks, filled.answers, offer.catalogue, path):
        text = quoted(_(label), _)
        places.append(_("Row %(row)s of %(label)s") % {"row": number, "label": text} if number else text)
    return listed(places, _)


def _meant(filled: Filled) -> tuple[str, dict[str, tuple[str, ...]]]:
    answers = {name: texts_of(values) for name, values in filled.answers.items()}
    return filled.kind, {name: texts for name, texts in answers.items() if texts}


def _menus(chosen: str, *, has_effects: bool) -> Iterator[tuple[str, list[Option]]]:
    for label, kinds in ((_("Points"), KINDS), (_("Instead of points"), effects() if has_effects else {})):
        if not kinds:
            continue
        yield label, [Option(code, _(kind.title), code == chosen) for code, kind in kinds.items()]


class _Page:
    """What is shown of one kind that is filled in."""

    def __init__(self, offer: Offer | None, filled: Filled, name: str) -> None:
        self._offer = offer
        self._catalogue: Catalogue = {} if offer is None else offer.catalogue
        self._filled = filled
        self._name = name

    def context(self) -> dict[str, Any]:
        """Return what the kind asks for, and apart from it what every formula takes."""
        asks = [self._shown(ask, "") for ask in self._filled.asks if ask not in MODIFIER_ASKS]
        more = [self._shown(ask, "") for ask in self._filled.asks if ask in MODIFIER_ASKS]
        is_used = any(texts_of(self._filled.answers.get(name, ())) for name in self._names(MODIFIER_ASKS))
        return {"asks": asks, "more": more, "is_more_used": is_used}

    def _names(self, asks: Iterable[Ask]) -> list[str]:
        keys = tuple(ask.key for ask in asks)
        return [name for name in self._filled.answers if name.partition("-")[0] in keys]

    def _shown(self, ask: Ask, prefix: str) -> Shown:
        name = f"{prefix}{ask.key}"
        texts = list(self._filled.answers.get(name, (ask.suggested,)))
        match ask.type:
            case Asks.ROWS:
                return self._table(ask, name)
            case Asks.PART:
                parts = [self._shown(part, f"{name}-") for part in ask.parts]
                return self._as("part", ask, name, parts=parts)
            case Asks.TIER_FACTORS:
                return self._as("factors", ask, name, parts=list(self._factors(name)))
            case Asks.CAMPAIGNS:
                campaigns = self._offer.scheme.campaigns if self._offer else {}
                return self._as("choices", ask, name, options=_chosen_of(_names_of(campaigns), texts_of(texts)))
            case Asks.KEYS:
                return self._keys(ask, name, texts)
            case Asks.POINTS | Asks.NUMBER:
                return self._as(ask.type.value, ask, name, texts=texts)
            case _:
                return self._select(ask, name, texts)

    def _as(self, kind: str, ask: Ask, name: str, **more: Any) -> Shown:
        return Shown(kind, ask.key, _(ask.label), f"{self._name}-{name}", **more)

    def _table(self, ask: Ask, name: str) -> Shown:
        numbers = row_numbers(self._filled.answers, name) or range(_FIRST_ROWS)
        rows = [[self._shown(part, f"{name}-{number}-") for part in ask.parts] for number in numbers]
        return self._as("rows", ask, name, rows=rows)

    def _factors(self, name: str) -> Iterator[Shown]:
        fact = self._catalogue.get(TIER)
        for code, label in fact.choices if fact else ():
            texts = list(self._filled.answers.get(f"{name}-{code}", ("",)))
            yield Shown("number", code, str(label), f"{self._name}-{name}-{code}", texts)

    def _keys(self, ask: Ask, name: str, texts: list[str]) -> Shown:
        by = self._filled.answers.get(ask.of, ("",))
        fact = self._catalogue.get(by[0] if by else "") or next(iter(self._facts(_NAMED)), None)
        if fact is not None and fact.type is FactType.BOOLEAN:
            return self._as("choices", ask, name, options=_chosen_of({"true": _("yes"), "false": _("no")}, texts))
        if fact is not None and fact.choices:
            return self._as("choices", ask, name, options=_chosen_of(dict(fact.choices), texts_of(texts)))
        return self._as("lines", ask, name, texts=["\n".join(texts_of(texts))])

    def _select(self, ask: Ask, name: str, texts: list[str]) -> Shown:
        offered: list[tuple[str, object]]
        if ask.type is Asks.WORD:
            offered = [(code, _(label)) for code, label in ask.words]
        elif ask.type is Asks.SUBJECT:
            offered = list(
                self._offer.words.subjects(self._filled.kind, self._offer.program_id).items() if self._offer else ()
            )
        else:
            types = _NAMED if ask.type is Asks.NAMED_FACT else (FactType.NUMBER,)
            offered = [(fact.code, fact.label) for fact in self._facts(types)]
        chosen = texts[0] if texts else ""
        if chosen and chosen not in dict(offered):
            offered.append((chosen, _("%(code)s (there is none)") % {"code": chosen}))
        if ask.is_optional or not offered:
            offered.insert(0, ("", "---------"))
        options = [Option(code, label, code == chosen) for code, label in offered]
        return self._as("select", ask, name, options=options, decides=ask.type is Asks.NAMED_FACT)

    def _facts(self, types: Sequence[FactType]) -> list[Fact]:
        return [fact for fact in self._catalogue.values() if fact.type in types]


def _names_of(campaigns: Mapping[str, Any]) -> dict[str, object]:
    return {code: campaign.name for code, campaign in campaigns.items()}


def _chosen_of(offered: Mapping[str, object], chosen: Iterable[str]) -> list[Option]:
    """What is chosen stands first, in its order: so it comes back in the very same one."""
    codes = dict.fromkeys(chosen)
    labels = {**{code: _("%(code)s (there is none)") % {"code": code} for code in codes if code}, **offered}
    first = [Option(code, labels[code], True) for code in codes if code]
    return first + [Option(code, label, False) for code, label in offered.items() if code not in codes]
