"""Words of the whole installation that a program needs: stakeholder roles, types of activities, segments.

What there is already keeps its name and meaning, as other programs rest on it: a blueprint adds, and changes nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import company_facts
from accounts.conditions import ConditionError, sentence
from accounts.models import Segment, StakeholderRole
from accounts.reader import READER
from accounts.segments import parse_condition, save_condition
from accounts.wording import listed
from loyalty.models import ActivityAttribute, ActivityType, Program
from loyalty.own_activities import DERIVED_TYPES, ensure_derived_types
from loyalty.site.blueprints.documents import Path
from loyalty.site.blueprints.keys import entry_of, from_json, keys_of, to_json
from loyalty.site.blueprints.schema import Schema, entries, keys
from loyalty.site.blueprints.sections.references import references_of
from loyalty.site.blueprints.sections.section import Loading, Section
from loyalty.site.blueprints.sections.table import normal
from surveys.activity import TYPE_CODE, ensure_activity_type

OWN_TYPES = frozenset({*DERIVED_TYPES, TYPE_CODE})
"""Types of activities that this installation brings itself: no blueprint says what they are."""

_ROLE = keys_of(StakeholderRole, "code", "name")
_SEGMENT = keys_of(Segment, "code", "name", "condition", condition="only_if")
_TYPE = keys_of(ActivityType, "code", "name")
_ATTRIBUTE = keys_of(ActivityAttribute, "code", "name", "type", "unit", "is_required")


class RoleSection(Section):
    """Stakeholder roles that rules, benefits and examples name."""

    key = "roles"
    title = gettext_lazy("stakeholder roles")
    about = "Parts that people play at a client; those that there are already stay as they are."

    def schema(self) -> Schema:
        """A code and a name each."""
        return entries(keys(("code", "name"), **{key.name: key.schema() for key in _ROLE}))

    def load(self, part: Any, loading: Loading) -> None:
        """Make those that are missing."""
        known = set(StakeholderRole.objects.values_list("code", flat=True))
        for index, entry in enumerate(part):
            if entry["code"] in known:
                loading.same[str(self.title)] += 1
                continue
            row = StakeholderRole()
            path: Path = (self.key, index)
            if loading.fill(row, entry, _ROLE, path) and loading.check(row, _ROLE, path):
                row.save()
                loading.make(self, row.name, "", row.code)

    def dump(self, program: Program, *, now: datetime) -> list[dict[str, Any]]:
        """Return all; those that nothing names are left out in the end."""
        return [entry_of(row, _ROLE) for row in StakeholderRole.objects.order_by("pk")]

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return those that the document itself names."""
        named = references_of(data).roles
        return [normal(entry, _ROLE) for entry in part if entry["code"] in named]


class ActivityTypeSection(Section):
    """Types of activities with what they carry."""

    key = "activity_types"
    title = gettext_lazy("activity types")
    about = "What happens: the types of activities, and the attributes that they carry."

    def schema(self) -> Schema:
        """A code, a name, and attributes of a type each."""
        attributes = entries(keys(("code", "name", "type"), **{key.name: key.schema() for key in _ATTRIBUTE}))
        return entries(keys(("code", "name"), **{key.name: key.schema() for key in _TYPE}, attributes=attributes))

    def coded(self, part: Any) -> Iterator[tuple[Path, list[Any]]]:
        """The types, and the attributes of each."""
        yield from super().coded(part)
        for index, entry in enumerate(part):
            yield (self.key, index, "attributes"), entry.get("attributes", [])

    def load(self, part: Any, loading: Loading) -> None:
        """Make those that are missing, and attributes that are missing."""
        there = {row.code: row for row in ActivityType.objects.prefetch_related("attributes")}
        for index, entry in enumerate(part):
            path: Path = (self.key, index)
            if entry["code"] in OWN_TYPES:
                text = _("“%(code)s” is brought by this installation itself: leave it out here.")
                loading.fault(path, text % {"code": entry["code"]})
                continue
            kind = there.get(entry["code"])
            is_new = kind is None
            if kind is None:
                kind = ActivityType()
                if not (loading.fill(kind, entry, _TYPE, path) and loading.check(kind, _TYPE, path)):
                    continue
                kind.save()
            added = self._add_attributes(kind, entry, loading, path)
            if is_new:
                loading.make(self, kind.name, "", listed([kind.code, *added], _))
            elif added:
                words = {"kind": kind, "attributes": listed(added, _)}
                loading.say(self, _("“%(kind)s” carries %(attributes)s, too.") % words, is_at_once=True)
            else:
                loading.same[str(self.title)] += 1

    def _add_attributes(self, kind: ActivityType, entry: Mapping[str, Any], loading: Loading, path: Path) -> list[str]:
        declared = {attribute.code: attribute for attribute in kind.attributes.all()}
        added = []
        for number, given in enumerate(entry.get("attributes", [])):
            at: Path = (*path, "attributes", number)
            known = declared.get(given["code"])
            row = ActivityAttribute(activity_type=kind)
            if not loading.fill(row, given, _ATTRIBUTE, at):
                continue
            if known is None:
                if loading.check(row, _ATTRIBUTE, at):
                    row.save()
                    added.append(f"{row.name} ({row.get_type_display()})")
            elif known.type != row.type:
                words = {"code": row.code, "kind": kind, "type": known.get_type_display()}
                text = _("“%(code)s” of “%(kind)s” is there already, as “%(type)s”. Say that, or choose another code.")
                loading.fault((*at, "type"), text % words)
        return added

    def dump(self, program: Program, *, now: datetime) -> list[dict[str, Any]]:
        """Return all that are not this installation's own; those that nothing names are left out in the end."""
        rows = ActivityType.objects.exclude(code__in=OWN_TYPES).order_by("pk").prefetch_related("attributes")
        return [self._said(row) for row in rows]

    def _said(self, row: ActivityType) -> dict[str, Any]:
        attributes = [entry_of(each, _ATTRIBUTE) for each in sorted(row.attributes.all(), key=_by_key)]
        return entry_of(row, _TYPE) | ({"attributes": attributes} if attributes else {})

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return those that the document itself names."""
        named = references_of(data).types
        said = []
        for entry in part:
            if entry["code"] in named:
                attributes = [normal(each, _ATTRIBUTE) for each in entry.get("attributes", [])]
                own = {"code": entry["code"], "name": entry["name"]}
                said.append(own | ({"attributes": attributes} if attributes else {}))
        return said


class SegmentSection(Section):
    """Segments that conditions, tiers, benefits and examples name: listed by hand, or told by a condition."""

    key = "segments"
    title = gettext_lazy("segments")
    about = "Groups of companies: listed by hand, or those for which a condition holds."

    def schema(self) -> Schema:
        """A code, a name, and perhaps a condition."""
        return entries(keys(("code", "name"), **{key.name: key.schema() for key in _SEGMENT}))

    def load(self, part: Any, loading: Loading) -> None:
        """Make those that are missing; conditions come last, as they may ask for what else the document makes."""
        there = {row.code: row for row in Segment.objects.all()}
        for index, entry in enumerate(part):
            path: Path = (self.key, index)
            row = there.get(entry["code"])
            document = to_json(entry.get("only_if", {}))
            if row is None:
                row = Segment(code=entry["code"], name=entry["name"])
                if loading.check(row, _SEGMENT, path):
                    row.save()
                    loading.later(partial(self._tell_apart, row, document, loading, path))
            elif from_json(row.condition) != from_json(document):
                text = _(
                    "There is a segment “%(code)s” already, and other companies are in it. Choose another code, or "
                    "change that one under “Segments”."
                )
                loading.fault((*path, "only_if") if document else path, text % {"code": row.code})
            else:
                loading.same[str(self.title)] += 1

    def _tell_apart(self, row: Segment, document: Any, loading: Loading, path: Path) -> None:
        if not document:
            loading.make(self, row.name, "", _("listed by hand"))
            return
        catalogue = company_facts.catalogue()
        try:
            condition = parse_condition(document, catalogue)
        except ConditionError as error:
            loading.wrong_condition(error, (*path, "only_if"))
            return
        loading.make(self, row.name, "", sentence(condition, catalogue, READER))
        row.condition = document
        if loading.by is None:
            row.save()
        else:
            save_condition(segment=row, by_id=loading.by.pk, now=loading.now)

    def dump(self, program: Program, *, now: datetime) -> list[dict[str, Any]]:
        """Return all; those that nothing names are left out in the end."""
        return [entry_of(row, _SEGMENT) for row in Segment.objects.order_by("pk")]

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return those that the document itself names."""
        named = references_of(data).segments
        return [normal(entry, _SEGMENT) for entry in part if entry["code"] in named]


def ensure_own_types(data: Mapping[str, Any]) -> None:
    """Make the types of activities that this installation brings, where the document names one."""
    named = references_of(data).types
    if named & DERIVED_TYPES.keys():
        ensure_derived_types()
    if TYPE_CODE in named:
        ensure_activity_type()


def _by_key(row: Model) -> Any:
    return row.pk
