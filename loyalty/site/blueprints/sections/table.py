"""Sections that are lists of rows with a code each: metrics, tiers, badges, benefits."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from accounts.conditions import Catalogue, ConditionError, parse, sentence
from accounts.reader import READER
from loyalty.models import Program
from loyalty.site.blueprints.documents import Path
from loyalty.site.blueprints.keys import Key, entry_of, from_json
from loyalty.site.blueprints.schema import Schema, entries, keys
from loyalty.site.blueprints.sections.section import Loading, Section


class Table(Section):
    """Rows of a program, each under its code. What a document does not name is left alone."""

    model: ClassVar[type[Model]]
    keys: ClassVar[tuple[Key, ...]]
    further_required: ClassVar[tuple[str, ...]] = ()
    """What an entry needs beside its keys."""
    condition: ClassVar[str] = "condition"
    """The field that holds a condition, in tables that have one."""

    def rows(self, program: Program) -> QuerySet[Any]:
        """Return the program's rows, in the order of a document."""
        return self.model._default_manager.filter(program=program).order_by("pk")

    def further_schema(self) -> dict[str, Schema]:
        """Return what an entry has beside its keys."""
        return {}

    def completed(self, entry: Mapping[str, Any], index: int, program: Mapping[str, Any]) -> dict[str, Any]:
        """Return an entry with what follows from the rest of the document where it is left out."""
        return dict(entry)

    def shortened(self, entry: dict[str, Any], index: int, program: Mapping[str, Any]) -> dict[str, Any]:
        """Return a complete entry without what follows from the rest."""
        return entry

    def refer(self, row: Any, entry: Mapping[str, Any], loading: Loading, path: Path) -> bool:
        """Set what a row refers to; return whether all is there."""
        return True

    def further(self, row: Any) -> dict[str, Any]:
        """Return what a row's entry has beside its keys."""
        return {}

    def after(self, row: Any, entry: Mapping[str, Any], loading: Loading, path: Path) -> None:
        """Make what belongs to a row that was saved."""

    def catalogue(self, row: Any) -> Catalogue:
        """Return what a row's condition may ask."""
        return {}

    def schema(self) -> Schema:
        """A list of such entries."""
        required = (*(key.name for key in self.keys if key.is_required), *self.further_required)
        return entries(keys(required, **{key.name: key.schema() for key in self.keys}, **self.further_schema()))

    def load(self, part: Any, loading: Loading) -> None:
        """Make or change each; leave alone what is as the document says."""
        there = {row.code: row for row in self.rows(loading.program)}
        for index, given in enumerate(part):
            path: Path = (self.key, index)
            entry = self.completed(given, index, loading.document.data["program"])
            self._load_one(there.get(entry["code"]), entry, loading, path)
        codes = {entry["code"] for entry in part}
        loading.left += [(str(self.title), str(row)) for code, row in there.items() if code not in codes]

    def _load_one(self, row: Any, entry: Mapping[str, Any], loading: Loading, path: Path) -> None:
        before: dict[str, Any] = {} if row is None else self._entry(row)
        if before and before == self._normal(entry):
            loading.same[str(self.title)] += 1
            return
        is_new = row is None
        if row is None:
            row = self.model(program=loading.program)
        said = {} if is_new else self._said(row)
        if not is_new and not self._keeps_fixed(row, before, entry, loading, path):
            return
        is_filled = loading.fill(row, entry, self.keys, path)
        if not (self.refer(row, entry, loading, path) and is_filled):
            return
        if not (loading.check(row, self.keys, path) and self._asks_soundly(row, loading, path)):
            return
        row.save()
        self.after(row, entry, loading, path)
        loading.compare(self, row, said, self._said(row))

    def _keeps_fixed(
        self, row: Any, before: Mapping[str, Any], entry: Mapping[str, Any], loading: Loading, path: Path
    ) -> bool:
        normal = self._normal(entry)
        changed = [key for key in self.keys if key.is_fixed and before.get(key.name) != normal.get(key.name)]
        for key in changed:
            words = {"key": key.name, "row": row, "value": key.in_words(getattr(row, key.field.attname))}
            text = _("“%(key)s” of “%(row)s” stays %(value)s: what was counted rests on it. Choose another code.")
            loading.fault((*path, key.name), text % words)
        return not changed

    def _asks_soundly(self, row: Any, loading: Loading, path: Path) -> bool:
        """Whether the row's condition, where it has one, can be asked."""
        for key in self.keys:
            if key.field.name == self.condition and (document := getattr(row, self.condition)):
                try:
                    parse(document, self.catalogue(row))
                except ConditionError as error:
                    loading.wrong_condition(error, (*path, key.name))
                    return False
        return True

    def _entry(self, row: Any) -> dict[str, Any]:
        return {**entry_of(row, self.keys), **self.further(row)}

    def _normal(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        return normal(entry, self.keys)

    def _said(self, row: Any) -> dict[str, str]:
        """Return what there is to say of a row, by what each is called."""
        said = {}
        for key in self.keys:
            value = getattr(row, key.field.attname)
            if key.field.name == "code" or key.write(value) is None:
                continue
            if key.field.name == self.condition:
                catalogue = self.catalogue(row)
                said[str(key.field.verbose_name)] = sentence(parse(value, catalogue), catalogue, READER)
            else:
                said[str(key.field.verbose_name)] = key.in_words(value)
        return {**said, **self.further_said(row)}

    def further_said(self, row: Any) -> dict[str, str]:
        """Return what there is to say of a row beside its keys."""
        return {}

    def dump(self, program: Program, *, now: datetime) -> list[dict[str, Any]]:
        """Return all rows."""
        terms = {"currency": program.currency}
        return [self.shortened(self._entry(row), index, terms) for index, row in enumerate(self.rows(program))]

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return the entries without what is as usual, or follows from the rest."""
        program = data["program"]
        return [
            self.shortened(self._normal(self.completed(entry, index, program)), index, program)
            for index, entry in enumerate(part)
        ]


def normal(entry: Mapping[str, Any], of: tuple[Key, ...]) -> dict[str, Any]:
    """Return an entry as a row of it would be said: its keys in their order, without what is as usual."""
    there = [(key, entry[key.name]) for key in of if key.name in entry]
    known = {key.name: key.write(key.read(value)) for key, value in there}
    rest = {name: from_json(value) for name, value in entry.items() if name not in known}
    return {name: value for name, value in (known | rest).items() if value not in (None, "", [], {})}
