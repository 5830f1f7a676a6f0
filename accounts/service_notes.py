"""Service notes: what an account manager writes down of a client, and how it read before it was edited."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts import audit, follow_ups, idempotency
from accounts.follow_ups import Promise
from accounts.models import Company, Employee, FollowUp, ServiceNote, ServiceNoteVersion


class NoteChangedError(Exception):
    """Somebody edited the note since it was looked at; `latest` says who and when."""

    def __init__(self, latest: ServiceNoteVersion) -> None:
        super().__init__(f"note {latest.note_id} was edited")
        self.latest = latest


@dataclass(frozen=True, slots=True)
class NoteWords:
    """What a note says: everything about it that can be edited."""

    text: str
    kind: str
    happened_at: datetime
    visibility: str
    people: frozenset[int]
    """Ids of employees of the company."""


def write_note(
    *,
    company: Company,
    author_id: int,
    kind: str,
    text: str,
    happened_at: datetime,
    visibility: str = ServiceNote.Visibility.INTERNAL,
    people: Iterable[Employee] = (),
    promise: Promise | None = None,
    key: str = "",
) -> ServiceNote:
    """Write a note on `company`; `people` are those of the company it was about or with.

    What was promised is written with it, and is shared with the client where the note is. The same `key` again gives
    the same note. Raises idempotency.KeyUsedForAnotherRequestError where the key stands for other words; then nothing
    has changed.
    """
    named = [person for person in people if person.company_id == company.pk]
    with transaction.atomic():
        claim = None
        if key:
            promised = [promise.text, promise.due_on.isoformat(), promise.kind] if promise is not None else None
            about = sorted(person.pk for person in named)
            content = ["note", company.pk, kind, text, happened_at.isoformat(), visibility, about, promised]
            claim = idempotency.claim(user_id=author_id, key=key, content=content)
            if claim.resource_id is not None:
                return ServiceNote.objects.get(pk=claim.resource_id)
        note = ServiceNote.objects.create(
            company=company,
            author_id=author_id,
            kind=kind,
            text=text,
            happened_at=happened_at,
            visibility=visibility,
        )
        note.people.set(named)
        if promise is not None:
            follow_ups.promise(promise, company=company, by_user_id=author_id, visibility=visibility, note=note)
        if claim is not None:
            idempotency.settle(claim, note.pk)
    return note


def words_of(note: ServiceNote) -> NoteWords:
    """Return what the note says now."""
    people = frozenset(note.people.values_list("pk", flat=True))
    return NoteWords(note.text, note.kind, note.happened_at, note.visibility, people)


def edit_note(*, note_id: int, words: NoteWords, edits_seen: int, by_user_id: int, now: datetime) -> ServiceNote:
    """Let a note say `words` from now on, and keep how it read before.

    `edits_seen` is how often it had been edited when the editor looked at it. Promises made in the note are shared
    when it is, and taken back with it; either goes on record. Words that change nothing leave no trace. Raises
    NoteChangedError where somebody else was faster; then nothing has changed.
    """
    with transaction.atomic():
        note = ServiceNote.objects.select_for_update().get(pk=note_id)
        _refuse_unseen_edits(note, edits_seen)
        before = words_of(note)
        own = Employee.objects.filter(company=note.company_id, pk__in=words.people)
        people = frozenset(own.values_list("pk", flat=True))
        after = NoteWords(words.text, words.kind, words.happened_at, words.visibility, people)
        if after == before:
            return note
        ServiceNoteVersion.objects.create(
            note=note,
            text=before.text,
            kind=before.kind,
            visibility=before.visibility,
            happened_at=before.happened_at,
            replaced_by_id=by_user_id,
            replaced_at=now,
        )
        note.text, note.kind = after.text, after.kind
        note.happened_at, note.visibility = after.happened_at, after.visibility
        note.save(update_fields=["text", "kind", "happened_at", "visibility"])
        note.people.set(people)
        if after.visibility != before.visibility:
            _record_visibility(note, by_user_id, now)
    return note


def _refuse_unseen_edits(note: ServiceNote, edits_seen: int) -> None:
    versions = ServiceNoteVersion.objects.filter(note=note)
    if versions.count() != edits_seen:
        latest = versions.select_related("replaced_by").order_by("-replaced_at", "-pk").first()
        if latest is not None:
            raise NoteChangedError(latest)


def _record_visibility(note: ServiceNote, by_user_id: int, now: datetime) -> None:
    promises = FollowUp.objects.filter(note=note).update(visibility=note.visibility)
    is_shared = note.visibility == ServiceNote.Visibility.SHARED
    audit.record(
        "note-shared" if is_shared else "note-made-internal",
        note,
        actor_id=by_user_id,
        now=now,
        company_id=note.company_id,
        follow_ups=promises,
    )
