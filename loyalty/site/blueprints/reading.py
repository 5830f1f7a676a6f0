"""From bytes to a document: YAML without what makes a small file large, slow or ambiguous.

No anchors and aliases, no tags, one document, no key twice. Only true, false, null, whole and decimal numbers are
something else than text: a country called NO stays one, a day is text, and 0.1 is exactly that.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import yaml
from django.utils.translation import gettext as _

from loyalty.site.blueprints.documents import BlueprintError, Document, Fault, Mark, Path

MAX_BYTES = 1_000_000
MAX_DEPTH = 20
MAX_NODES = 200_000

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's parser where it is there: a megabyte in a second; the events of both are the same."""

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_WHOLE = re.compile(r"[-+]?[0-9]{1,30}")
_DECIMAL = re.compile(r"[-+]?[0-9]{0,30}\.[0-9]{1,30}")
_WORDS: dict[str, object] = {"": None, "~": None, "null": None, "true": True, "false": False}


def read(raw: bytes | str) -> Document:
    """Return the document that a file holds. Raises BlueprintError with the first thing that is wrong."""
    text = _text(raw)
    reader = _Reader()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _error(mark, _("This is not YAML: %(problem)s.") % {"problem": error.problem or error.context}) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _error(None, _("This is not YAML that can be read.")) from error
    if not isinstance(reader.root, dict):
        raise _error(None, _("A blueprint begins with keys and values, such as “program:”. This file does not."))
    return Document(reader.root, reader.keys, reader.values)


def _text(raw: bytes | str) -> str:
    size = len(raw) if isinstance(raw, bytes) else len(raw.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise _error(None, _("The file is larger than 1 MB, and no blueprint is. Is it the right one?"))
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw.removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1 if isinstance(raw, bytes) else 0
        sentence = _("The file is not in UTF-8. Save it anew with the encoding UTF-8.")
        raise BlueprintError([Fault(Mark(line, 1), "", sentence)]) from error
    if found := _UNPRINTABLE.search(text):
        before = text[: found.start()]
        mark = Mark(before.count("\n") + 1, found.start() - before.rfind("\n"))
        raise BlueprintError([Fault(mark, "", _("There is a character here that cannot be printed. Take it out."))])
    return text


def _error(mark: Any, sentence: str) -> BlueprintError:
    return BlueprintError([Fault(_mark(mark), "", sentence)])


def _mark(mark: Any) -> Mark:
    return Mark() if mark is None else Mark(mark.line + 1, mark.column + 1)


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being filled; `key` is the one that waits for its value."""

    path: Path
    content: Any
    key: str | None = None


@dataclass(slots=True)
class _Reader:
    """Takes events in and builds data of them, one part after the other: no text makes it go deep."""

    root: Any = None
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    _open: list[_Open] = field(default_factory=list)
    _nodes: int = 0
    _documents: int = 0

    def take(self, event: yaml.Event) -> None:
        """Take in the next event."""
        for sentence in self._refused(event):
            raise _error(event.start_mark, sentence)
        if isinstance(event, yaml.ScalarEvent):
            if self._awaits_key():
                self._take_key(event)
            else:
                self._put(event, _scalar(event))
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if self._awaits_key():
                raise _error(event.start_mark, _("A key is a text, such as “code”; this is more than that."))
            content: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
            path = self._put(event, content)
            if len(self._open) >= MAX_DEPTH:
                raise _error(event.start_mark, _("This nests more than %(most)s deep.") % {"most": MAX_DEPTH})
            self._open.append(_Open(path, content))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._open.pop()

    def _refused(self, event: yaml.Event) -> Iterator[str]:
        """Say what is not taken, whatever it holds."""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            yield _("Anchors (&name) and aliases (*name) are not used here: write it out.")
        if getattr(event, "tag", None) is not None:
            yield _("Tags (!name) are not used here: leave it out.")
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                yield _("A file holds one blueprint; a second document begins here.")
        if "\0" in str(getattr(event, "value", "")):
            yield _("A NUL is not a character of a text. Take it out.")
        self._nodes += 1
        if self._nodes > MAX_NODES:
            yield _("The file holds more than %(most)s parts, and no blueprint does.") % {"most": f"{MAX_NODES:,}"}

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].content, dict) and self._open[-1].key is None

    def _take_key(self, event: yaml.ScalarEvent) -> None:
        around = self._open[-1]
        path = (*around.path, event.value)
        if event.value in around.content:
            words = {"key": event.value[:60], "line": self.keys[path].line}
            raise _error(event.start_mark, _("“%(key)s” is written twice: it is in line %(line)s, too.") % words)
        around.key = event.value
        self.keys[path] = _mark(event.start_mark)

    def _put(self, event: yaml.Event, value: Any) -> Path:
        """Put a value where it belongs, and return its path."""
        path: Path = ()
        if not self._open:
            self.root = value
        else:
            around = self._open[-1]
            step: str | int = around.key if around.key is not None else len(around.content)
            path = (*around.path, step)
            if around.key is None:
                around.content.append(value)
            else:
                around.content[around.key] = value
                around.key = None
        self.values[path] = _mark(event.start_mark)
        return path


def _scalar(event: yaml.ScalarEvent) -> object:
    """Return what a scalar means; whatever is quoted is text."""
    text = str(event.value)
    return text if event.style else plain(text)


def plain(text: str) -> object:
    """Return what a text means that stands without quotation marks."""
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text) and (len(digits := text.lstrip("+-")) == 1 or digits[0] != "0"):
        return int(text)
    return Decimal(text) if _DECIMAL.fullmatch(text) else text
