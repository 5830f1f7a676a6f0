"""From plain data to YAML for people: keys in their order, short parts on one line, a comment above each section."""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from loyalty.site.blueprints.reading import plain

WIDTH = 110

_SAFE = re.compile(r"[^\W_](?:[^:#\[\]{},\n\t]|:(?=[^\s:,\[\]{}]))*")
"""What means itself without quotation marks, inside brackets as well."""
_SAFE_ON_A_LINE = re.compile(r"[^\W_](?:[^:#\n\t]|:(?=\S))*")
"""What does on a line of its own."""

_READ_OTHERWISE = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
"""Text for us, and yes or no for other readers of YAML."""


def write(data: Mapping[str, Any], *, heading: str = "", comments: Mapping[str, str] | None = None) -> str:
    """Return the text of a document; `heading` stands on top, `comments` before the keys that they are of."""
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    for key, value in data.items():
        comment = (comments or {}).get(key, "")
        lines += ["", *(f"# {line}" for line in comment.splitlines())]
        lines += _pair(key, value, 0)
    return "\n".join(lines).lstrip("\n") + "\n"


def _pair(key: str, value: Any, indent: int, begin: str = "") -> Iterator[str]:
    """Yield the lines of a key with its value; `begin` stands before the first of them instead of spaces."""
    start = f"{begin or ' ' * indent}{_text(key)}:"
    if isinstance(value, str):
        yield f"{start} {_text(value, _SAFE_ON_A_LINE)}"
        return
    if _is_leaf(value) or (indent and _is_short(value, len(start))):
        yield f"{start} {_flow(value)}"
        return
    yield start
    yield from _block(value, indent + 2)


def _block(value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _pair(key, each, indent)
        return
    for each in value:
        dash = " " * indent + "- "
        if not isinstance(each, Mapping) or not each or _is_short(each, len(dash)):
            yield f"{dash}{_flow(each)}"
            continue
        for number, (key, inner) in enumerate(each.items()):
            yield from _pair(key, inner, indent + 2, "" if number else dash)


def _is_leaf(value: Any) -> bool:
    return not isinstance(value, Mapping | list) or not value


def _is_short(value: Any, before: int) -> bool:
    return before + 1 + len(_flow(value)) <= WIDTH


def _flow(value: Any) -> str:
    """Return a value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        text = f"{value:f}"
        return text if "." in text else f"{text}.0"
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str, safe: re.Pattern[str] = _SAFE) -> str:
    """Return a text as it means itself, in quotation marks where it would mean something else."""
    if (
        isinstance(plain(text), str)
        and text.lower() not in _READ_OTHERWISE
        and safe.fullmatch(text)
        and text == text.strip()
        and text.isprintable()
    ):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in quoted)


def _escaped(sign: str) -> str:
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\U{ord(sign):08x}"
