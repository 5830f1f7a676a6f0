"""What a blueprint looks like as JSON Schema, and what of a document is otherwise, in sentences.

The schema is made of the models' own fields, and uses the words of JSON Schema that `faults_of` knows: editors read it
(`manage.py blueprint schema`), and pages say by it what is wrong and where.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from loyalty.site.blueprints.documents import Document, Fault, Path, nearest, shown

Schema = Mapping[str, Any]

CODE_PATTERN = r"^[-a-zA-Z0-9_]{1,50}$"
CODE: Schema = {"type": "string", "pattern": CODE_PATTERN}
CODES: Schema = {"type": "array", "items": CODE}
DAY_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
DAY: Schema = {"type": "string", "pattern": DAY_PATTERN}
FREE: Schema = {"type": "object"}
"""A condition or a formula: what belongs into it is said by those who run it."""


def keys(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    """Return the schema of an object that has these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


MOST_ENTRIES = 1_000
"""Of one list: each is checked by the engine, and a manager waits for the answer."""


def entries(schema: Schema, *, least: int = 0) -> Schema:
    """Return the schema of a list of such things."""
    listed: dict[str, Any] = {"type": "array", "items": schema, "maxItems": MOST_ENTRIES}
    return {**listed, "minItems": least} if least else listed


def faults_of(document: Document, schema: Schema) -> Iterator[Fault]:
    """Yield what of a document is not as the schema has it."""
    yield from _faults(document, document.data, schema, ())


def _faults(document: Document, value: Any, schema: Schema, path: Path) -> Iterator[Fault]:
    if not _is(value, schema["type"]):
        yield document.fault(path, _wrong_type(value, schema["type"]))
        return
    for check in _CHECKS[schema["type"]]:
        for sentence in check(value, schema):
            yield document.fault(path, sentence)
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        for key, under in value.items():
            if key in known:
                yield from _faults(document, under, known[key], (*path, key))
            else:
                words = {"key": key[:60], "hint": nearest(key, known)}
                sentence = _("There is no key “%(key)s” here. %(hint)s") % words
                yield document.fault((*path, key), sentence, is_of_key=True)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from _faults(document, each, schema["items"], (*path, index))


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, _TYPES[kind])


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _wrong_type(value: Any, kind: str) -> str:
    wanted = {
        "string": _("a text"),
        "integer": _("a whole number"),
        "number": _("a number"),
        "boolean": _("true or false"),
        "array": _("a list"),
        "object": _("keys with values"),
    }[kind]
    sentence = _("This should be %(wanted)s, not %(found)s.") % {"wanted": wanted, "found": shown(value)}
    if kind == "string" and isinstance(value, bool | int | Decimal):
        sentence += " " + _("Put it in quotation marks if it is a text.")
    return sentence


def _required(value: Any, schema: Schema) -> Iterator[str]:
    for key in schema.get("required", ()):
        if key not in value:
            yield _("“%(key)s” is missing here.") % {"key": key}


def _bounds(value: Any, schema: Schema) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield _("%(found)s is too little: at least %(least)s.") % {"found": shown(value), "least": schema["minimum"]}
    if "maximum" in schema and value > schema["maximum"]:
        yield _("%(found)s is too much: at most %(most)s.") % {"found": shown(value), "most": schema["maximum"]}
    yield from _const(value, schema)


def _const(value: Any, schema: Schema) -> Iterator[str]:
    if "const" in schema and value != schema["const"]:
        yield _("This should be %(wanted)s, not %(found)s.") % {"wanted": schema["const"], "found": shown(value)}


def _texts(value: Any, schema: Schema) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        words = {"found": shown(value), "hint": nearest(value, schema["enum"])}
        yield _("%(found)s is not one of the choices. %(hint)s") % words
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        yield {
            CODE_PATTERN: _(
                "%(found)s is not a code: use letters of the English alphabet, digits and hyphens, 50 at most."
            ),
            DAY_PATTERN: _("%(found)s is not a day. Write it as 2026-01-31."),
        }[schema["pattern"]] % {"found": shown(value)}
    if len(value) < schema.get("minLength", 0):
        yield _("This is empty: write it, or leave the key out.")
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        counted = {"count": len(value), "most": schema["maxLength"]}
        yield _("This has %(count)s characters, and %(most)s is the most.") % counted


def _counts(value: Any, schema: Schema) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield _("This list is empty: it has at least one entry.")
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        words = {"count": f"{len(value):,}", "most": f"{schema['maxItems']:,}"}
        yield _("This list has %(count)s entries, and %(most)s is the most.") % words


_CHECKS: Mapping[str, tuple[Callable[[Any, Schema], Iterator[str]], ...]] = {
    "string": (_texts,),
    "integer": (_bounds,),
    "number": (_bounds,),
    "boolean": (),
    "array": (_counts,),
    "object": (_required,),
}
