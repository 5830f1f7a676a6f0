"""Examples: given a client, when this happens, then it has that. No draft is put in force with which one fails."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Segment, StakeholderRole
from loyalty.models import ActivityType, Example, ExampleStep, Program, Tier
from loyalty.site.blueprints.documents import Path
from loyalty.site.blueprints.keys import Key, entry_of, from_json, keys_of, to_json
from loyalty.site.blueprints.schema import CODE, FREE, Schema, entries, keys
from loyalty.site.blueprints.sections.section import Loading, Section
from loyalty.site.blueprints.sections.table import normal

_NAMED = keys_of(Example, "code", "name")
_GIVEN = keys_of(
    Example, "company_kind", "country", "segments", "tier", "roles", "may_earn", company_kind="kind",
    may_earn="people_may_earn",
)  # fmt: skip
_THEN_NAMES = {"gives_company": "company", "gives_person": "person", "tier_after": "tier"}
_THEN = keys_of(
    Example, "gives_company", "gives_person", "company_available", "company_waiting", "person_available",
    "person_waiting", "tier_after", **_THEN_NAMES,
)  # fmt: skip
_STEP = keys_of(ExampleStep, "day", "times", "amount", "quantity", "object", "by_person", "undoes", undoes="returns")
_STEP_THEN = keys_of(ExampleStep, "gives_company", "gives_person", **_THEN_NAMES)
_FAVOURS: Schema = entries({"type": "string", "minLength": 1, "maxLength": 120})


class ExampleSection(Section):
    """Examples, each with its steps."""

    key = "examples"
    title = gettext_lazy("examples")
    about = "Given a client, when this happens, then it has that: no rules are put in force with which one fails."

    def schema(self) -> Schema:
        """Given, when, then."""
        step = keys(
            ("what", "day"), what=CODE, attributes=FREE, then=keys((), **_schema_of(_STEP_THEN)), **_schema_of(_STEP)
        )
        return entries(
            keys(
                ("code", "name", "when"),
                **_schema_of(_NAMED),
                given=keys((), **_schema_of(_GIVEN)),
                when=entries(step, least=1),
                then=keys((), **_schema_of(_THEN), gets=_FAVOURS),
            )
        )

    def load(self, part: Any, loading: Loading) -> None:
        """Make or change each; leave alone what is as the document says."""
        rows = Example.objects.filter(program=loading.program).prefetch_related("steps__activity_type")
        there = {row.code: row for row in rows}
        last = max((row.position for row in there.values()), default=-1)
        known = {
            "tier": set(Tier.objects.filter(program=loading.program).values_list("code", flat=True)),
            "segments": set(Segment.objects.values_list("code", flat=True)),
            "roles": set(StakeholderRole.objects.values_list("code", flat=True)),
        }
        for index, entry in enumerate(part):
            path: Path = (self.key, index)
            row = there.get(entry["code"])
            if row is not None and _said(row) == _normal(entry):
                loading.same[str(self.title)] += 1
            elif self._names_what_is_there(entry, known, loading, path):
                self._load_one(row or Example(program=loading.program, position=last + 1 + index), entry, loading, path)
        codes = {entry["code"] for entry in part}
        loading.left += [(str(self.title), row.name) for code, row in there.items() if code not in codes]

    def _names_what_is_there(
        self, entry: Mapping[str, Any], known: Mapping[str, set[str]], loading: Loading, path: Path
    ) -> bool:
        given, then = entry.get("given", {}), entry.get("then", {})
        named = [
            ((*path, "given", name), "tier" if name == "tier" else name, given[name])
            for name in ("tier", "segments", "roles")
            if name in given
        ] + [((*path, "then", "tier"), "tier", then[name]) for name in ("tier",) if name in then]
        sound = True
        for at, kind, codes in named:
            for code in codes if isinstance(codes, list) else [codes]:
                if loading.find(dict.fromkeys(known[kind], loading.program), code, at) is None:
                    sound = False
        return sound

    def _load_one(self, row: Example, entry: Mapping[str, Any], loading: Loading, path: Path) -> None:
        is_new = row.pk is None
        given, then = entry.get("given", {}), entry.get("then", {})
        filled = [
            loading.fill(row, entry, _NAMED, path),
            loading.fill(row, given, _GIVEN, (*path, "given")),
            loading.fill(row, then, _THEN, (*path, "then")),
        ]
        row.favours = then.get("gets", [])
        if not all(filled) or not loading.check(row, (*_NAMED, *_GIVEN, *_THEN), path):
            return
        row.save()
        row.steps.all().delete()
        types = {kind.code: kind for kind in ActivityType.objects.all()}
        for number, given_step in enumerate(entry["when"], start=1):
            at: Path = (*path, "when", number - 1)
            kind = loading.find(types, given_step["what"], (*at, "what"))
            if kind is None:
                continue
            attributes = to_json(given_step.get("attributes", {}))
            step = ExampleStep(example=row, position=number, activity_type=kind, attributes=attributes)
            sound = loading.fill(step, given_step, _STEP, at)
            sound = loading.fill(step, given_step.get("then", {}), _STEP_THEN, (*at, "then")) and sound
            if sound and loading.check(step, (*_STEP, *_STEP_THEN), at):
                step.save()
        count = len(entry["when"])
        if is_new:
            loading.make(self, row.name, "", ngettext("%(count)s step", "%(count)s steps", count) % {"count": count})
        else:
            text = _("“%(example)s” says something else now.") % {"example": row.name}
            loading.say(self, text, is_at_once=True)

    def dump(self, program: Program, *, now: datetime) -> list[dict[str, Any]]:
        """Return all, in their order."""
        rows = Example.objects.filter(program=program).order_by("position", "pk")
        return [_said(row) for row in rows.prefetch_related("steps__activity_type")]

    def canonical(self, part: Any, data: Mapping[str, Any]) -> Any:
        """Return them without what is as usual."""
        return [_normal(entry) for entry in part]


def _schema_of(of: tuple[Key, ...]) -> dict[str, Schema]:
    return {key.name: key.schema() for key in of}


def _said(row: Example) -> dict[str, Any]:
    steps = sorted(row.steps.all(), key=lambda step: step.position)
    places = {step.position: number for number, step in enumerate(steps, start=1)}
    when = []
    for step in steps:
        said = entry_of(step, _STEP)
        if step.undoes is not None:
            said["returns"] = places.get(step.undoes, step.undoes)
        when.append(_step(step.activity_type.code, said, step.attributes, entry_of(step, _STEP_THEN)))
    then = entry_of(row, _THEN) | ({"gets": row.favours} if row.favours else {})
    return _example(entry_of(row, _NAMED), entry_of(row, _GIVEN), when, then)


def _normal(entry: Mapping[str, Any]) -> dict[str, Any]:
    given = entry.get("given", {})
    when = [
        _step(
            step["what"],
            normal({key.name: step[key.name] for key in _STEP if key.name in step}, _STEP),
            step.get("attributes", {}),
            normal(step.get("then", {}), _STEP_THEN),
        )
        for step in entry["when"]
    ]
    named = {"code": entry["code"], "name": entry["name"]}
    return _example(named, normal(given, _GIVEN), when, normal(entry.get("then", {}), _THEN))


def _step(what: str, said: dict[str, Any], attributes: Any, then: dict[str, Any]) -> dict[str, Any]:
    day = {"what": what, "day": said.pop("day", "")}
    step = {**day, **said, "attributes": from_json(attributes), "then": then}
    return {name: value for name, value in step.items() if value != {}}


def _example(named: dict[str, Any], given: dict[str, Any], when: list[Any], then: dict[str, Any]) -> dict[str, Any]:
    example = {**named, "given": given, "when": when, "then": then}
    return {name: value for name, value in example.items() if value != {}}
