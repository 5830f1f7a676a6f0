"""YAML documents that people write: read key by key, every complaint with the line it is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
_OPENING = (
    *(yaml.FlowSequenceStartToken, yaml.FlowMappingStartToken),
    *(yaml.BlockSequenceStartToken, yaml.BlockMappingStartToken),
)
_CLOSING = (yaml.FlowSequenceEndToken, yaml.FlowMappingEndToken, yaml.BlockEndToken)


class DocumentError(Exception):
    """A document that is not what it should be; `str()` names the file, the line where known, and what to do."""


@dataclass(slots=True)
class Section:
    """A mapping of the document. Asked for what is not there, or is something else, it raises DocumentError."""

    name: str
    content: Mapping[str, Any]
    path: tuple[str, ...]
    lines: Mapping[tuple[str, ...], int]

    def error(self, sentence: str, key: str = "") -> DocumentError:
        """Return the complaint about a key, or about the whole section."""
        path = (*self.path, key) if key else self.path
        line = self.lines.get(path)
        where = self.name if line is None else f"{self.name}, line {line}"
        return DocumentError(f"{where}: {'.'.join(path) + ': ' if path else ''}{sentence}")

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.content

    def text(self, key: str, default: str | None = None) -> str:
        """Return a text that is not blank; without a default the key must be there."""
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.error("a text is needed here; put it in quotes.", key)
        if not str(value) or (str(value).isspace() and value != "\t"):
            raise self.error("a text is needed here, and this is blank.", key)
        return str(value)

    def flag(self, key: str, default: bool) -> bool:
        """Return true or false."""
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.error("true or false is needed here.", key)
        return value

    def choice(self, key: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """Return one of `choices`."""
        value = self.text(key, default)
        if value not in choices:
            raise self.error(f"“{value[:40]}” is not one of {', '.join(choices)}.", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, at least one."""
        value = self._value(key, None)
        if not isinstance(value, list) or not value or not all(isinstance(one, str) and one for one in value):
            raise self.error("a list of texts is needed here, such as [Invoice, Line].", key)
        return tuple(value)

    def document(self, key: str) -> Any:
        """Return whatever stands under the key, None where it is absent."""
        return self._value(key, "") if self.has(key) else None

    def section(self, key: str) -> Section:
        """Return the mapping under the key, an empty one where it is absent."""
        content = self._value(key, "") if self.has(key) else {}
        if not isinstance(content, dict):
            raise self.error("names with values are needed here.", key)
        return Section(self.name, content, (*self.path, key), self.lines)

    def refuse_unknown(self, *known: str) -> None:
        """Raise DocumentError for a key that is none of `known`."""
        for key in self.content:
            if key not in known:
                raise self.error(f"there is no such field; the fields here are {', '.join(known)}.", key)

    def _value(self, key: str, default: Any) -> Any:
        if key in self.content:
            return self.content[key]
        if default is None:
            raise self.error(f"the field “{key}” is missing.")
        return default


def read_document(path: Path) -> Section:
    """Read a YAML document whose root is a mapping with text keys; no anchors, no key twice. DocumentError if not."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(f"{path}: cannot be read ({error.strerror}).") from error
    if len(raw) > MAX_BYTES:
        raise DocumentError(f"{path.name}: is larger than 64 KB, and no profile is.")
    try:
        text = raw.decode()
        _refuse_tricks(text, path.name)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path.name}: is not in UTF-8.") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise DocumentError(f"{path.name}{line}: is not YAML: {error.problem}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DocumentError(f"{path.name}: is not YAML that can be read.") from error
    if not isinstance(content, dict) or root is None:
        raise DocumentError(f"{path.name}: names with values are needed, such as `program: wholesale`.")
    return Section(path.name, content, (), dict(_lines(root, (), path.name)))


def _refuse_tricks(text: str, name: str) -> None:
    """Refuse what makes a small document large or slow, before anything is built of it."""
    depth = 0
    for token in yaml.scan(text):
        if isinstance(token, yaml.AliasToken):
            raise DocumentError(f"{name}: aliases (*name) are not used here.")
        depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
        if depth > MAX_DEPTH:
            raise DocumentError(f"{name}: is nested more than {MAX_DEPTH} deep.")


def _lines(node: yaml.Node, path: tuple[str, ...], name: str) -> Iterator[tuple[tuple[str, ...], int]]:
    if not isinstance(node, yaml.MappingNode):
        return
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
            raise DocumentError(f"{name}, line {line}: a field's name is a text; put it in quotes.")
        if key.value in seen:
            raise DocumentError(f"{name}, line {line}: “{key.value[:40]}” is written twice.")
        seen.add(key.value)
        yield (*path, key.value), line
        yield from _lines(value, (*path, key.value), name)
