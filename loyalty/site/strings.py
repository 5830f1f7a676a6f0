"""What Babel finds to translate in Django templates; `[tool.babel]` in pyproject.toml says where it looks."""

import re
from ast import literal_eval
from collections.abc import Callable, Collection, Iterator
from typing import IO, Any

from django.utils.translation.template import templatize

Found = tuple[int, str, str | tuple[str, ...], list[str]]
"""Line, function that translates, its strings, comments for who translates."""

_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_CALL = re.compile(rf"\b(_|gettext|ngettext|pgettext|npgettext)\(\s*{_STRING}(?:,\s*{_STRING})?(?:,\s*{_STRING})?")


def in_template(
    fileobj: IO[bytes], keywords: Collection[str], comment_tags: Collection[str], options: dict[str, Any]
) -> Iterator[Found]:
    """Strings of a template, as an extraction method of Babel's gives them; Django says which they are."""
    source: str = _templatize(fileobj.read().decode())
    for call in _CALL.finditer(source):
        function, *literals = call.groups()
        strings = tuple(literal_eval(literal) for literal in literals if literal is not None)
        line = source.count("\n", 0, call.start()) + 1
        yield line, function, strings if len(strings) > 1 else strings[0], []


_templatize: Callable[[str], str] = templatize
