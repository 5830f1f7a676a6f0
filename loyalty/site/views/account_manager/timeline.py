"""A company's timeline: notes, what was promised, moved and done, and what its management said, merged by time.

One query, however long the history is: each table gives its latest rows before a place, the newest of all are shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    CharField,
    DateField,
    DateTimeField,
    Expression,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    Value,
)
from django.db.models.functions import Cast
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.models import Company, Employee, FollowUp, FollowUpMove, ServiceNote, ServiceNoteVersion
from loyalty.models import ProgramComment

ENTRIES_A_PAGE = 20
COMMENT, MADE, MOVED, CLOSED, NOTE = range(1, 6)
"""Where entries come from; of one moment, the later in this list stands above."""

FOLLOW_UPS, COMMENTS = "FOLLOW_UPS", "COMMENTS"
_PLACE_FORMAT = "%Y%m%dT%H%M%S.%f"

Place = tuple[datetime, int, int]
"""Where an entry stands: its moment, where it comes from, and its row."""

END: Place = (datetime.max.replace(tzinfo=UTC), NOTE, 0)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a timeline is wanted; empty and 0: everything."""

    kind: str = ""
    visibility: str = ""
    person_id: int = 0
    words: str = ""

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return not (self.kind or self.visibility or self.person_id or self.words)

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        """Read an address; what it cannot mean is ignored."""
        kind, visibility = query.get("kind", ""), query.get("visibility", "")
        person = query.get("person", "")
        return cls(
            kind if kind in (*ServiceNote.Kind.values, FOLLOW_UPS, COMMENTS) else "",
            visibility if visibility in ServiceNote.Visibility.values else "",
            int(person) if person.isascii() and person.isdecimal() and len(person) < 19 else 0,
            query.get("q", "").replace("\0", "").strip()[:200],
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline as a page shows it."""

    place: Place
    title: str
    about: str
    text: str
    who: str
    visibility_label: str
    people: list[str]
    day: date | None
    new_day: date | None
    edited_at: datetime | None
    url: str
    edit_url: str

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.place[0]


def timeline(company: Company, actor: Actor, *, wanted: Wanted, before: Place = END) -> tuple[list[Entry], str]:
    """Return the latest entries before a place, and the place to go on from, "" at the end; one query."""
    legs = [
        rows.filter(_before(source, before, at)).annotate(**_columns(source, at, columns)).values_list(*_COLUMNS)
        for source, at, rows, columns in _legs(company, actor, wanted)
    ]
    if not legs:
        return [], ""
    if len(legs) == 1:
        merged = legs[0]
    else:
        newest = [leg.order_by("-entry_at", "-entry_row")[: ENTRIES_A_PAGE + 1] for leg in legs]
        merged = newest[0].union(*newest[1:], all=True)
    rows = list(merged.order_by("-entry_at", "-entry_source", "-entry_row")[: ENTRIES_A_PAGE + 1])
    entries = [_entry(row) for row in rows[:ENTRIES_A_PAGE]]
    return entries, written(entries[-1].place) if len(rows) > ENTRIES_A_PAGE else ""


def written(place: Place) -> str:
    """Return a place as an address carries it."""
    at, source, row = place
    return f"{at.astimezone(UTC).strftime(_PLACE_FORMAT)}-{source}-{row}"


def place(text: str) -> Place:
    """Return the place that an address carries; the end where it carries none."""
    try:
        at, source, row = text.split("-")
        return datetime.strptime(at, _PLACE_FORMAT).replace(tzinfo=UTC), int(source), min(int(row), 2**62)
    except (ValueError, OverflowError):
        return END


Leg = tuple[int, str, QuerySet[Any], dict[str, Any]]


def _legs(company: Company, actor: Actor, wanted: Wanted) -> list[Leg]:
    legs: list[Leg] = []
    if wanted.kind not in (FOLLOW_UPS, COMMENTS):
        legs.append(_notes(company, actor, wanted))
    if wanted.kind in ("", FOLLOW_UPS):
        legs += _follow_ups(company, actor, wanted)
    if wanted.kind in ("", COMMENTS) and wanted.visibility != ServiceNote.Visibility.INTERNAL:
        legs.append(_comments(company, actor, wanted))
    return legs


def _notes(company: Company, actor: Actor, wanted: Wanted) -> Leg:
    rows = ServiceNote.objects.visible_to(actor).filter(company=company)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.visibility:
        rows = rows.filter(visibility=wanted.visibility)
    if wanted.person_id:
        rows = rows.filter(people=wanted.person_id)
    if wanted.words:
        rows = rows.filter(text__icontains=wanted.words)
    people = Employee.objects.filter(service_notes=OuterRef("pk")).order_by("name")
    edited = ServiceNoteVersion.objects.filter(note=OuterRef("pk")).order_by("-replaced_at").values("replaced_at")
    columns = {
        "entry_code": F("kind"),
        "entry_text": F("text"),
        "entry_who": F("author__name"),
        "entry_visibility": F("visibility"),
        "entry_people": ArraySubquery(people.values("name")),
        "entry_edited_at": Subquery(edited[:1]),
        "entry_link": F("pk"),
    }
    return NOTE, "happened_at", rows, columns


def _follow_ups(company: Company, actor: Actor, wanted: Wanted) -> list[Leg]:
    made = FollowUp.objects.visible_to(actor).filter(company=company)
    moved = FollowUpMove.objects.visible_to(actor).filter(follow_up__company=company)
    if wanted.visibility:
        made = made.filter(visibility=wanted.visibility)
    if wanted.person_id:
        made = made.filter(note__people=wanted.person_id)
        moved = moved.filter(follow_up__note__people=wanted.person_id)
    closed = made.filter(closed_at__isnull=False)
    if wanted.words:
        made = made.filter(text__icontains=wanted.words)
        moved = moved.filter(Q(reason__icontains=wanted.words) | Q(follow_up__text__icontains=wanted.words))
        closed = closed.filter(Q(outcome__icontains=wanted.words) | Q(text__icontains=wanted.words))
    of_follow_up = {"entry_about": F("text"), "entry_visibility": F("visibility"), "entry_link": F("pk")}
    first_day = FollowUpMove.objects.filter(follow_up=OuterRef("pk")).order_by("moved_at", "pk").values("from_on")[:1]
    legs: list[Leg] = [
        (MADE, "created_at", made, {
            **of_follow_up, "entry_code": F("kind"), "entry_who": F("created_by__name"),
            "entry_day": F("due_on"), "entry_new_day": Subquery(first_day),
        }),
        (CLOSED, "closed_at", closed, {
            **of_follow_up, "entry_code": F("state"), "entry_text": F("outcome"), "entry_who": F("closed_by__name"),
        }),
    ]  # fmt: skip
    if wanted.visibility != ServiceNote.Visibility.SHARED:  # why a day moved is never shared
        legs.append((MOVED, "moved_at", moved, {
            "entry_about": F("follow_up__text"), "entry_text": F("reason"), "entry_who": F("moved_by__name"),
            "entry_visibility": Value(ServiceNote.Visibility.INTERNAL.value), "entry_link": F("follow_up"),
            "entry_day": F("from_on"), "entry_new_day": F("to_on"),
        }))  # fmt: skip
    return legs


def _comments(company: Company, actor: Actor, wanted: Wanted) -> Leg:
    rows = ProgramComment.objects.visible_to(actor).filter(membership__company=company)
    if wanted.person_id:
        rows = rows.filter(author=wanted.person_id)
    if wanted.words:
        rows = rows.filter(text__icontains=wanted.words)
    columns = {
        "entry_about": F("membership__program__name"),
        "entry_text": F("text"),
        "entry_who": F("author__name"),
        "entry_link": F("pk"),
    }
    return COMMENT, "created_at", rows, columns


_KINDS: dict[str, Any] = {
    "entry_code": CharField(),
    "entry_about": TextField(),
    "entry_text": TextField(),
    "entry_who": TextField(),
    "entry_visibility": CharField(),
    "entry_people": ArrayField(CharField()),
    "entry_day": DateField(),
    "entry_new_day": DateField(),
    "entry_edited_at": DateTimeField(),
    "entry_link": BigIntegerField(),
}
_COLUMNS = ("entry_at", "entry_source", "entry_row", *_KINDS)


def _columns(source: int, at: str, columns: Mapping[str, Any]) -> dict[str, Expression]:
    """Every leg has the same columns of the same types: what it says nothing of is empty."""
    blanks: dict[str, Any] = {
        name: "" if isinstance(kind, (CharField, TextField)) else None for name, kind in _KINDS.items()
    }
    filled = {
        name: Cast(columns[name] if name in columns else Value(blanks[name]), kind) for name, kind in _KINDS.items()
    }
    start = {
        "entry_at": Cast(F(at), DateTimeField()),
        "entry_source": Value(source),
        "entry_row": Cast(F("pk"), BigIntegerField()),
    }
    return {**start, **filled}


def _before(source: int, before: Place, at: str) -> Q:
    """The condition that a row of `source` stands before a place."""
    moment, place_source, row = before
    if source < place_source:
        return Q(**{f"{at}__lte": moment})
    earlier = Q(**{f"{at}__lt": moment})
    return earlier | Q(**{at: moment, "pk__lt": row}) if source == place_source else earlier


_PAGES = {NOTE: "am-note", MADE: "am-follow-up", MOVED: "am-follow-up", CLOSED: "am-follow-up"}


def _entry(row: tuple[Any, ...]) -> Entry:
    at, source, pk, code, about, text, who, visibility, people, day, new_day, edited_at, link = row
    if source == MADE and new_day is not None:
        day = new_day  # the day that it was promised for, not the one it has been moved to
    page = _PAGES.get(source)
    return Entry(
        place=(at, source, pk),
        title=_title(source, code),
        about=about,
        text=text,
        who=who,
        visibility_label=str(ServiceNote.Visibility(visibility).label) if visibility else "",
        people=people or [],
        day=day,
        new_day=new_day if source == MOVED else None,
        edited_at=edited_at,
        url=reverse(page, args=[link]) if page else "",
        edit_url=reverse("am-note-edit", args=[link]) if source == NOTE else "",
    )


def _title(source: int, code: str) -> str:
    if source == NOTE:
        return str(ServiceNote.Kind(code).label)
    if source == MADE:
        return str(FollowUp.Kind(code).label)
    if source == MOVED:
        return _("moved to another day")
    if source == CLOSED:
        return str(FollowUp.State(code).label)
    return _("comment of the management")
