"""JSON as it comes in, read strictly: numbers keep their digits, and nothing that could not be stored gets through."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.parsers import BaseParser

from accounts.api.problems import Problem

MOST_BYTES = 5_000_000
_MOST_DIGITS = 400
"""Numbers beyond are refused at once: writing one out could fill the memory."""


class StrictJSON(BaseParser):
    """Reads a JSON body of at most MOST_BYTES."""

    media_type = "application/json"

    def parse(  # type: ignore[override]  # a body may hold anything
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> object:
        """Return what stands in the body; raises Problem."""
        body = stream.read(MOST_BYTES + 1)
        if len(body) > MOST_BYTES:
            raise Problem("too_large", _("A body has at most %(most)s bytes.") % {"most": MOST_BYTES})
        return read_json(body)


def read_json(body: bytes) -> object:
    """Return the value that `body` holds: numbers as int or Decimal, never rounded. Raises Problem."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Problem("bad_json", _("The body is not UTF-8.")) from error
    try:
        value: object = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_without_doubles,
        )
    except json.JSONDecodeError as error:
        place = {"line": error.lineno, "column": error.colno}
        raise Problem(
            "bad_json", _("The JSON breaks off or goes wrong at line %(line)s, column %(column)s.") % place
        ) from error
    except RecursionError as error:
        raise Problem("bad_json", _("The JSON is nested too deeply.")) from error
    if "\\u" in text:
        _refuse_what_is_no_text(value)
    return value


def _decimal(digits: str) -> Decimal:
    number = Decimal(digits) if len(digits) <= _MOST_DIGITS else None
    if number is None or not -_MOST_DIGITS < number.adjusted() < _MOST_DIGITS:
        raise Problem("bad_json", _("A number has more digits than anything here could have."))
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise Problem("bad_json", _("A number has more digits than anything here could have."))
    return int(digits)


def _refuse_constant(name: str) -> object:
    raise Problem("bad_json", _("“%(name)s” is no number in JSON.") % {"name": name})


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _value in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise Problem("bad_json", _("“%(name)s” stands twice in one object.") % {"name": double[:50]})
    return value


def _refuse_what_is_no_text(value: object) -> None:
    """Refuse what only an escape can write: half a character, which no text holds, and NUL, which no column takes."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
                raise Problem("bad_json", _("A text holds a character that cannot be stored."))
            case dict() as pairs:
                waiting += [*pairs, *pairs.values()]
            case list() as values:
                waiting += values
