"""What a section of a blueprint is, and what it is loaded with."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Protocol, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.conditions import ConditionError
from accounts.models import User
from accounts.reader import READER
from accounts.wording import in_turn
from loyalty.earning import FormulaError
from loyalty.models import Program
from loyalty.models.versions import ProgramVersion
from loyalty.rule_changes import RuleChange
from loyalty.site.blueprints.documents import BlueprintError, Document, Fault, Path, nearest
from loyalty.site.blueprints.keys import Key, values_from
from loyalty.site.blueprints.schema import Schema

M = TypeVar("M", bound=Model)


class Coded(Protocol):
    """A row with a code and a name."""

    @property
    def code(self) -> str: ...

    @property
    def name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Made:
    """What loading makes of one thing: new or another. `is_at_once`: it holds from then on, and waits in no draft."""

    section: str
    sentence: str
    is_at_once: bool


@dataclass(slots=True)
class Loading:
    """One blueprint that is being loaded: into which program, by whom, and what came of it so far.

    By nobody (None): everything is done all the same, and undone in the end.
    """

    document: Document
    by: User | None
    now: datetime
    made: list[Made] = field(default_factory=list)
    same: Counter[str] = field(default_factory=Counter)
    """How many things each section found as they are."""
    left: list[tuple[str, str]] = field(default_factory=list)
    """Section and name of what there is and the blueprint does not speak of."""
    drafts: list[Model] = field(default_factory=list)
    """Versions that were drawn up."""
    is_new: bool = False
    _program: Program | None = None
    _faults: list[Fault] = field(default_factory=list)
    _later: list[Callable[[], None]] = field(default_factory=list)

    @property
    def program(self) -> Program:
        """The program; its section is the first."""
        if self._program is None:
            raise LookupError
        return self._program

    @program.setter
    def program(self, program: Program) -> None:
        self._program = program

    def fault(self, path: Path, sentence: str) -> None:
        """Note what is wrong at a place."""
        self._faults.append(self.document.fault(path, sentence))

    def require_sound(self) -> None:
        """Raise BlueprintError where anything was noted."""
        if self._faults:
            raise BlueprintError(self._faults)

    def make(self, section: Section, name: str, before: str, after: str, *, is_at_once: bool = True) -> None:
        """Note something new (`before` is empty) or changed."""
        self.say(section, str(RuleChange(name, before, after)), is_at_once=is_at_once)

    def compare(self, section: Section, row: Coded, before: Mapping[str, str], after: Mapping[str, str]) -> None:
        """Note a row by what there is to say of it: all where there was nothing before, else what is another."""
        names = [key for key in {**before, **after} if before.get(key) != after.get(key)]
        if not before:
            said = {key: value for key, value in after.items() if value != row.name}
            self.make(section, row.name, "", _in_words(said) or row.code)
        elif names:
            was, there = ({key: said.get(key, _("nothing")) for key in names} for said in (before, after))
            self.make(section, row.name, _in_words(was), _in_words(there))
        else:
            text = _("“%(name)s” is written otherwise, and means the same.") % {"name": row.name}
            self.say(section, text, is_at_once=True)

    def say(self, section: Section, sentence: str, *, is_at_once: bool) -> None:
        """Note the same in a sentence."""
        self.made.append(Made(str(section.title), sentence, is_at_once))

    def later(self, step: Callable[[], None]) -> None:
        """Do something when all sections are loaded."""
        self._later.append(step)

    def finish(self) -> None:
        """Do what was left for the end."""
        for step in self._later:
            step()
        self.require_sound()

    def find(self, rows: Mapping[str, M], code: object, path: Path) -> M | None:
        """Return the row of a code; where there is none, note that."""
        row = rows.get(str(code))
        if row is None:
            words = {"code": str(code)[:60], "hint": nearest(code, rows)}
            self.fault(path, _("There is no “%(code)s”. %(hint)s") % words)
        return row

    def fill(self, row: Model, entry: Mapping[str, Any], keys: Iterable[Key], path: Path) -> bool:
        """Set the fields of a row as an entry says; return whether all could be."""
        sound = True
        for key, value, sentence in values_from(entry, keys):
            if sentence:
                self.fault((*path, key.name), sentence)
                sound = False
            else:
                setattr(row, key.field.attname, value)
        return sound

    def check(self, row: Model, keys: Iterable[Key], path: Path, *, but: Iterable[str] = ()) -> bool:
        """Hold a row against what its table allows; return whether it may be saved."""
        try:
            row.full_clean(exclude=set(but))
        except ValidationError as error:
            names = {key.field.name: key.name for key in keys}
            for name, sentences in error.message_dict.items():
                at = path if name == NON_FIELD_ERRORS else (*path, names.get(name, name))
                self.fault(at, " ".join(sentences))
            return False
        return True

    def wrong_condition(self, error: ConditionError, path: Path) -> None:
        """Note what is wrong with a condition that stands at a path."""
        self.fault((*path, *steps_of(error.path)), error.translated(READER))

    def wrong_formula(self, error: FormulaError, path: Path) -> None:
        """Note what is wrong with a formula that stands at a path."""
        sentence = error.translated(READER).removeprefix(f"{error.key}: ")
        self.fault((*path, *steps_of(error.key)), capfirst(sentence))


def _in_words(said: Mapping[str, str]) -> str:
    return in_turn((f"{capfirst(name)}: {value.rstrip('.')}" for name, value in said.items()), _)


def other_draft(version: ProgramVersion) -> str:
    """Return why no further draft is made beside one that there is."""
    text = _("Version %(version)s is a draft already, and says something else. Put it in force or delete it first.")
    return text % {"version": version.version}


def steps_of(path: str) -> Iterator[str | int]:
    """Yield the steps of a place as conditions and formulas write it: all[0].any[1], table[2].is."""
    for name, index in re.findall(r"([^.\[\]]+)|\[(\d+)\]", path):
        yield name or int(index)


class Section(ABC):
    """A part of a blueprint under one key; each is a module that shows, loads and dumps what it is about.

    A floor above adds its own with one more module, in the list of `loyalty.site.blueprints.sections`.
    """

    key: ClassVar[str]
    title: ClassVar[str | Promise]
    """What its things are called."""
    about: ClassVar[str]
    """The comment above it in a document that was dumped."""
    is_required: ClassVar[bool] = False

    @abstractmethod
    def schema(self) -> Schema:
        """Return what stands under the key."""

    @abstractmethod
    def load(self, part: Any, loading: Loading) -> None:
        """Make what the document says; note what is wrong instead of raising."""

    @abstractmethod
    def dump(self, program: Program, *, now: datetime) -> Any:
        """Return what the program has, as a document says it; empty where there is nothing."""

    @abstractmethod
    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return a part of a sound document as `dump` would say it; `data` is the whole."""

    def coded(self, part: Any) -> Iterator[tuple[Path, list[Any]]]:
        """Yield the lists whose entries have a code each, with their paths: in each a code stands once."""
        if isinstance(part, list):
            yield (self.key,), part
