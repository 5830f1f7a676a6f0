"""What the cells of a row say, checked; and dated rows that a list of codes replaces."""

import re
from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import override
from django_stubs_ext import StrOrPromise

from accounts import wording
from accounts.moving.kinds import RefusedError, Row
from accounts.tables import CellError
from accounts.tables.cells import shown
from accounts.text import validate_plain_text

T = TypeVar("T")

_SEPARATOR = re.compile(r"[\s,;|]+")


def needed(row: Row, column: str, most: int) -> str:
    """Return a text that has to be there."""
    text = written(row, column, most)
    if not text:
        raise RefusedError(column, _("This cell must not be empty."))
    return text


def written(row: Row, column: str, most: int) -> str:
    """Return a text of at most so many characters; "" where the cell is empty or the file has no such column."""
    text = row.cells.get(column, "")
    if not text:
        return ""
    if len(text) > most:
        raise RefusedError(column, _("At most %(most)s characters fit here.") % {"most": most})
    try:
        validate_plain_text(text)
    except ValidationError as error:
        raise RefusedError(column, error.messages[0]) from error
    return text


def parsed(row: Row, column: str, read: Callable[[str], T]) -> T | None:
    """Return what `read` makes of a cell; None where it is empty."""
    text = row.cells.get(column, "")
    if not text:
        return None
    try:
        return read(text)
    except CellError as error:
        raise RefusedError(column, str(error)) from error


class Words:
    """The values of a choice by what people may write for them: the value, or its label in any of our languages."""

    def __init__(self, choices: Iterable[tuple[str, StrOrPromise]]) -> None:
        self._values: dict[str, str] = {}
        known = list(choices)
        for language, _name in settings.LANGUAGES:
            with override(language):
                self._values.update((str(label).casefold(), value) for value, label in known)
        self._values.update((value.casefold(), value) for value, _label in known)
        self._shown = [value for value, _label in known]

    def read(self, row: Row, column: str) -> str:
        """Return the value of a cell; "" where it is empty."""
        text = row.cells.get(column, "")
        value = self._values.get(text.casefold(), "")
        if text and not value:
            sentence = _("“%(value)s” is not one of %(choices)s.")
            raise RefusedError(column, sentence % {"value": shown(text), "choices": wording.listed(self._shown, _)})
        return value


def codes(row: Row, column: str, known: Collection[str]) -> frozenset[str] | None:
    """Return the codes that a cell lists, each of them `known`; None where it is empty."""
    text = row.cells.get(column, "")
    if not text:
        return None
    found = frozenset(filter(None, _SEPARATOR.split(text)))
    if unknown := sorted(found.difference(known)):
        raise RefusedError(column, _("There is no “%(code)s”.") % {"code": shown(unknown[0])})
    return found


def listed(codes: Iterable[str]) -> str:
    """Return codes as a cell lists them."""
    return ", ".join(sorted(codes))


class Held:
    """Which codes somebody holds at a moment, and until when another may be given: the beginning of a later row."""

    def __init__(self) -> None:
        self.now: dict[int, dict[str, int]] = {}
        self._later: dict[tuple[int, str], datetime] = {}

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int, str, datetime, datetime | None]], *, at: datetime) -> "Held":
        """Return what stands in dated rows: (row id, owner id, code, from, until)."""
        held = cls()
        for pk, owner, code, starts_at, ends_at in rows:
            if starts_at > at:
                held._later[owner, code] = min(starts_at, held._later.get((owner, code), starts_at))
            elif ends_at is None or ends_at > at:
                held.now.setdefault(owner, {})[code] = pk
        return held

    def codes(self, owner: int) -> frozenset[str]:
        """Return what the owner holds."""
        return frozenset(self.now.get(owner, ()))

    def until(self, owner: int, code: str) -> datetime | None:
        """Return when a later row of the owner begins."""
        return self._later.get((owner, code))
