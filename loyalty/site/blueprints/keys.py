"""Keys of a document that are fields of a model: their schema, and their values on either side.

Choices are written in small letters with hyphens, what is empty or as usual is left out, numbers are numbers.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext as _

from accounts.reader import READER
from accounts.wording import listed
from loyalty.site.blueprints.schema import CODE, CODES, DAY, FREE, Schema


@dataclass(frozen=True, slots=True)
class Key:
    """One key; `is_fixed`: once the row exists, it stays."""

    name: str
    field: models.Field[Any, Any]
    is_fixed: bool = False

    @property
    def is_required(self) -> bool:
        """Whether it cannot be left out."""
        return not (self.field.has_default() or self.field.blank or self.field.null)

    @property
    def usual(self) -> Any:
        """What holds where it is left out."""
        return self.field.get_default()

    def schema(self) -> Schema:
        """Return what may stand under it."""
        field = self.field
        if field.choices:
            return {"type": "string", "enum": [_small(str(value)) for value, _label in field.flatchoices]}
        for kind, schema in _SCHEMAS:
            if isinstance(field, kind):
                return {**schema, **_bounds_of(field)}
        raise TypeError(f"No blueprint says a {type(field).__name__}.")

    def read(self, value: Any) -> Any:
        """Return a value of the document as the field holds it. Raises ValidationError where it cannot."""
        if self.field.choices:
            return value.upper().replace("-", "_")
        if isinstance(self.field, models.JSONField):
            return to_json(value)
        if isinstance(self.field, models.DateField):
            return self.field.to_python(value)
        return self.field.clean(Decimal(value) if isinstance(self.field, models.DecimalField) else value, None)

    def write(self, value: Any) -> Any:
        """Return what the field holds as the document says it; None where it is left out."""
        if value is None or value in ("", [], {}) or (self._is_usual(value) and not self.is_required):
            return None
        if self.field.choices:
            return _small(value)
        if isinstance(value, date):
            return value.isoformat()
        return from_json(value)

    def _is_usual(self, value: Any) -> bool:
        return bool(value == self.usual)

    def in_words(self, value: Any) -> str:
        """Return what the field holds, for people."""
        if value is None or value in ("", [], {}):
            return _("nothing")
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if self.field.choices:
            return str(dict(self.field.flatchoices).get(value, value))
        if isinstance(value, Decimal | int):
            return READER.number(value)
        if isinstance(value, date):
            return READER.day(value)
        return listed(value, _) if isinstance(value, list) else str(value)


def keys_of(model: type[models.Model], *names: str, fixed: Iterable[str] = (), **called: str) -> tuple[Key, ...]:
    """Return keys for fields of a model; `called` are those that the document calls otherwise."""
    stays = set(fixed)
    found = []
    for name in names:
        field = model._meta.get_field(name)
        if not isinstance(field, models.Field):
            raise TypeError(name)
        found.append(Key(called.get(name, name.removeprefix("is_")), field, name in stays))
    return tuple(found)


def _small(value: str) -> str:
    return value.lower().replace("_", "-")


_SCHEMAS: tuple[tuple[type[models.Field[Any, Any]], Schema], ...] = (
    (models.SlugField, CODE),
    (models.CharField, {"type": "string"}),
    (models.TextField, {"type": "string"}),
    (models.BooleanField, {"type": "boolean"}),
    (models.IntegerField, {"type": "integer"}),
    (models.DecimalField, {"type": "number"}),
    (models.DateField, DAY),
    (models.JSONField, FREE),
    (ArrayField, CODES),
)


def _bounds_of(field: models.Field[Any, Any]) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    if isinstance(field, models.SlugField):
        return bounds
    if isinstance(field, models.CharField | models.TextField):
        if field.max_length:
            bounds["maxLength"] = field.max_length
        return {**bounds, "minLength": 0 if field.blank else 1}
    if isinstance(field, models.IntegerField | models.DecimalField):
        for validator in field.validators:
            limit = getattr(validator, "limit_value", None)
            if isinstance(validator, MinValueValidator):
                bounds["minimum"] = max(number(limit), bounds.get("minimum", number(limit)))
            elif isinstance(validator, MaxValueValidator):
                bounds["maximum"] = min(number(limit), bounds.get("maximum", number(limit)))
    return bounds


def number(value: Any) -> int | Decimal:
    """Return a number as a document writes it: whole where it is."""
    exact = Decimal(str(value))
    return int(exact) if exact == exact.to_integral_value() else exact.normalize()


def from_json(value: Any) -> Any:
    """Return what a table keeps as a document says it: exact numbers, whole where they are."""
    if isinstance(value, Mapping):
        return {key: from_json(value[key]) for key in sorted(value, key=_place)}
    if isinstance(value, list | tuple):
        return [from_json(each) for each in value]
    if isinstance(value, float | int | Decimal) and not isinstance(value, bool):
        return number(value)
    return value


def _place(key: str) -> int:
    """Comparisons read as a sentence does; the order of other keys is nobody's."""
    return ("fact", "op", "value").index(key) if key in ("fact", "op", "value") else 0


def to_json(value: Any) -> Any:
    """Return a part of a document as JSON keeps it."""
    if isinstance(value, Mapping):
        return {key: to_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [to_json(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


def values_from(entry: Mapping[str, Any], keys: Iterable[Key]) -> Iterator[tuple[Key, Any, str]]:
    """Yield each key with the value that its field gets, and what is wrong with it; empty where nothing is."""
    for key in keys:
        if key.name not in entry:
            yield key, key.usual, ""
            continue
        try:
            yield key, key.read(entry[key.name]), ""
        except ValidationError as error:
            yield key, None, " ".join(error.messages)


def entry_of(row: models.Model, keys: Iterable[Key]) -> dict[str, Any]:
    """Return a row as the document says it."""
    said = ((key.name, key.write(getattr(row, key.field.attname))) for key in keys)
    return {name: value for name, value in said if value is not None}
