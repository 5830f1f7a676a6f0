"""A blueprint as it was read: plain data, where each part of it stands in the text, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from django.utils.translation import gettext as _

from accounts.wording import listed

Path = tuple[str | int, ...]
"""Keys and places in lists, from the root on: ("rule_set", "rules", 0, "give")."""

_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the text; both count from 1. (0, 0): the blueprint as a whole."""

    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong: where it stands, the place in words, and a sentence that says what to do."""

    mark: Mark
    place: str
    sentence: str

    def __str__(self) -> str:
        words = {"line": self.mark.line, "column": self.mark.column, "place": self.place, "sentence": self.sentence}
        if not self.mark.line:
            return _("%(place)s: %(sentence)s") % words if self.place else self.sentence
        if not self.place:
            return _("Line %(line)s, column %(column)s: %(sentence)s") % words
        return _("Line %(line)s, column %(column)s, %(place)s: %(sentence)s") % words


class BlueprintError(Exception):
    """A blueprint that cannot be loaded; `faults` are what is wrong with it, in the order of the text."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(faults, key=lambda fault: (fault.mark.line, fault.mark.column))
        super().__init__("\n".join(map(str, self.faults)))


@dataclass(slots=True)
class Document:
    """What a text says: `keys` and `values` tell where a key stands, and what is under it, by its path."""

    data: dict[str, Any]
    keys: Mapping[Path, Mark] = field(default_factory=dict)
    values: Mapping[Path, Mark] = field(default_factory=dict)

    def fault(self, path: Path, sentence: str, *, is_of_key: bool = False) -> Fault:
        """Return a fault of what stands at a path, or of its key; of the nearest part around it that there is."""
        marks = self.keys if is_of_key else self.values
        there = path
        while there and there not in marks:
            there = there[:-1]
        return Fault(marks.get(there, Mark()), self.place(path), sentence)

    def place(self, path: Path) -> str:
        """Return a path in words, entries by their codes: rule_set › rules › orders › give."""
        parts, here = [], self.data
        for step in path:
            here = _under(here, step)
            if isinstance(step, str):
                parts.append(step[:_MOST_SHOWN])
            else:
                code = here.get("code") if isinstance(here, dict) else None
                parts.append(code[:_MOST_SHOWN] if isinstance(code, str) else str(step + 1))
        return " › ".join(parts)

    def with_program(self, **adjusted: str) -> Document:
        """Return the same blueprint for a program of another code, name, currency or time zone; empty: as it stands."""
        data = deepcopy(self.data)
        program = data.get("program")
        if isinstance(program, dict):
            old = program.get("code")
            program.update({key: value for key, value in adjusted.items() if value})
            if isinstance(old, str) and isinstance(data.get("segments"), list):
                new = str(program.get("code"))
                data["segments"] = _about(data["segments"], f"program.{old}.", f"program.{new}.")
        return Document(data, self.keys, self.values)


def _about(part: Any, old: str, new: str) -> Any:
    """Segments that ask for where a company stands in the program ask for the program of the new code."""
    if isinstance(part, list):
        return [_about(each, old, new) for each in part]
    if isinstance(part, dict):
        return {
            key: new + value.removeprefix(old)
            if key == "fact" and isinstance(value, str) and value.startswith(old)
            else _about(value, old, new)
            for key, value in part.items()
        }
    return part


def _under(here: Any, step: str | int) -> Any:
    if isinstance(here, dict):
        return here.get(step)
    if isinstance(here, list) and isinstance(step, int) and step < len(here):
        return here[step]
    return None


def nearest(word: object, known: Iterable[str]) -> str:
    """Return a sentence that names the word that was probably meant, or some of those that there are."""
    there = sorted(known)
    near = get_close_matches(str(word)[:_MOST_SHOWN], there, n=1)
    if near:
        return _("Did you mean “%(near)s”?") % {"near": near[0]}
    shown = listed(there[:_MOST_LISTED] + ["…"] * (len(there) > _MOST_LISTED), _)
    return _("There is: %(known)s.") % {"known": shown or "–"}


_MOST_LISTED = 20


def shown(value: object) -> str:
    """Return what stands in the document in words, and no more of it than helps."""
    if value is None:
        return _("nothing")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _("keys with values")
    if isinstance(value, list):
        return _("a list")
    text = str(value)
    text = text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"
    return f"“{text}”" if isinstance(value, str) else text
