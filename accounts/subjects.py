"""What an installation holds of a person, part by part: each can be exported and erased. Floors register theirs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise

from accounts.models import Employee

ERASED = "…"
"""Stands where words were that must not be empty: a reason was given, and is no longer to be read."""

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of what is held of a person.

    `rows` gives what the person may take away, as values that JSON knows. `erase` blanks or deletes what leads back to
    the person; it may run twice. `kept` says to the person what stays and why, "" where nothing does.
    """

    code: str
    label: str | Promise
    rows: Callable[[Employee], Iterable[Row]]
    erase: Callable[[Employee], None]
    kept: str | Promise = ""


_parts: dict[str, Part] = {}


def register(*parts: Part) -> None:
    """Add parts; a code belongs to one."""
    for part in parts:
        if _parts.setdefault(part.code, part) is not part:
            raise ValueError(f"Two parts of what is held of a person are called {part.code}.")


def parts() -> list[Part]:
    """Return every part, those of the highest floor first: what is erased last is the person."""
    return list(reversed(_parts.values()))
