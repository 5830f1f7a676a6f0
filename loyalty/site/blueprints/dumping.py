"""From a program back to its blueprint."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from loyalty.models import Program
from loyalty.site.blueprints.loading import FORMAT
from loyalty.site.blueprints.sections import SECTIONS
from loyalty.site.blueprints.sections.references import references_of
from loyalty.site.blueprints.writing import write


def dump(program: Program, *, now: datetime) -> dict[str, Any]:
    """Return all that a program is at `now` as the data of a blueprint: what is as usual is left out.

    Of rules and benefits it is the version in force; where there is none, the one to come or drawn up.
    """
    said = {section.key: section.dump(program, now=now) for section in SECTIONS}
    return _named_alone({"blueprint": FORMAT} | {key: part for key, part in said.items() if part})


def canonical(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of a sound document as `dump` says it of the program that it makes."""
    parts = {each.key: each.canonical(data[each.key], data) for each in SECTIONS if each.key in data}
    return {"blueprint": FORMAT} | {key: part for key, part in parts.items() if part}


def text_of(program: Program, *, now: datetime) -> str:
    """Return a program's blueprint as a file, with a comment above each section."""
    comments = {section.key: section.about for section in SECTIONS}
    heading = f"Blueprint of {program.name} as it is on {now:%Y-%m-%d}."
    return write(dump(program, now=now), heading=heading, comments=comments)


def _named_alone(data: dict[str, Any]) -> dict[str, Any]:
    """Leave out words of the installation that the program does not name."""
    named = references_of(data)
    kept = {"roles": named.roles, "segments": named.segments, "activity_types": named.types}
    for key, codes in kept.items():
        entries = [entry for entry in data.get(key, []) if entry["code"] in codes]
        if entries:
            data[key] = entries
        else:
            data.pop(key, None)
    return data
