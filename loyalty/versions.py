"""The steps of what a program has in versions, rule sets and benefit matrices: numbered, put in force, and ended."""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from django.db import models, transaction
from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Greatest
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.models import User
from loyalty.models import Agreement, Program, RuleSet
from loyalty.models.versions import ProgramVersion

M = TypeVar("M", bound=models.Model)
V = TypeVar("V", bound=ProgramVersion)


class VersionError(Exception):
    """A step that a version cannot take; `str()` says why and what to do, in the language in force."""


class NotADraftError(VersionError):
    """The version is, or was, in force already."""


class StartsTooEarlyError(VersionError):
    """The version would begin where another has held already, or begins later itself."""


class NotInForceError(VersionError):
    """Only a version that is in force, or will be, can be taken out of force."""


class State(models.TextChoices):
    """What the dates make of a version's status, or of an agreement's, at a moment: the words for it everywhere."""

    DRAFT = "DRAFT", gettext_lazy("draft")
    WAITING = "WAITING", gettext_lazy("waits for approval")
    TO_COME = "TO_COME", gettext_lazy("to come")
    IN_FORCE = "IN_FORCE", gettext_lazy("in force")
    ENDED = "ENDED", gettext_lazy("ended")


def state_of(version: ProgramVersion | Agreement, *, now: datetime) -> State:
    """Return the state of a version, or of an agreement, at `now`; no query."""
    match version:
        case Agreement():
            waits = version.status == Agreement.Status.WAITING
        case RuleSet():
            waits = version.status == RuleSet.Status.DRAFT and version.approval_id is not None
        case _:
            waits = False
    if waits:
        return State.WAITING
    if version.starts_at is None or version.status == version.Status.DRAFT:
        return State.DRAFT
    if version.ends_at is not None and version.ends_at <= max(now, version.starts_at):
        return State.ENDED
    return State.IN_FORCE if version.starts_at <= now else State.TO_COME


_WAITS: Mapping[type[models.Model], Q] = {
    Agreement: Q(status="WAITING"),
    RuleSet: Q(status="DRAFT", approval__isnull=False),
}


def in_state(rows: QuerySet[M], state: State, *, now: datetime) -> QuerySet[M]:
    """Return those of `rows`, versions or agreements, that are in a state at `now`."""
    waits = _WAITS.get(rows.model, Q(pk__in=()))
    held = ~Q(status="DRAFT") & ~waits
    over = held & Q(ends_at__lte=Greatest(F("starts_at"), now))
    begun = Q(starts_at__lte=now)
    return rows.filter(
        {
            State.DRAFT: Q(status="DRAFT") & ~waits,
            State.WAITING: waits,
            State.TO_COME: held & ~over & ~begun,
            State.IN_FORCE: held & ~over & begun,
            State.ENDED: over,
        }[state]
    )


def version_of(kind: type[V], program: Program, *, now: datetime) -> V | None:
    """Return the version that tells what a program is: in force, or to come, or drawn up, or the last one that was."""
    rows = list(kind._default_manager.filter(program=program).order_by("version"))
    draft = kind.Status.DRAFT
    held = [
        row for row in rows
        if row.status != draft and row.starts_at is not None and (row.ends_at is None or row.ends_at > now)
    ]  # fmt: skip
    if held:
        return min(held, key=lambda row: row.starts_at or now)
    drafts = [row for row in rows if row.status == draft]
    there = drafts or rows
    return there[-1] if there else None


def drafts_of(kind: type[V], program: Program) -> list[V]:
    """Return its drafts."""
    return list(kind._default_manager.filter(program=program, status=kind.Status.DRAFT).order_by("version"))


def next_version(kind: type[V], program_id: int) -> int:
    """Lock the program until the transaction ends, and return the number of its next version of this kind."""
    _lock(program_id)
    return (kind._default_manager.filter(program=program_id).aggregate(last=Max("version"))["last"] or 0) + 1


def locked_draft(version: V) -> V:
    """Return a draft as it stands, under the lock of its program. Raises NotADraftError."""
    draft = _locked(version)
    if draft.status != draft.Status.DRAFT:
        raise NotADraftError(
            _("Version %(version)s was put in force already. To change it, make a new draft.")
            % {"version": draft.version}
        )
    return draft


def closed_draft(version: V) -> V:
    """Return a draft as `locked_draft` does, once edits under way are done; none comes in until the transaction ends.

    Raises NotADraftError.
    """
    rows = type(version)._default_manager.select_for_update(no_key=True, of=("self",)).select_related("program")
    return rows.get(pk=locked_draft(version).pk)


def put_in_force(draft: V, *, action: str, by: User, starts_at: datetime, now: datetime, why_not_past: str) -> None:
    """Let a locked draft hold from `starts_at`; the version in force at that moment ends there. Recorded as `action`.

    A program's first version may start in the past, any other starts at `now` or later: `why_not_past` says why.
    Raises StartsTooEarlyError; then nothing has changed.
    """
    ended = _make_room(draft, require_room(draft, starts_at, now, why_not_past), starts_at, now)
    draft.status, draft.starts_at, draft.ends_at = draft.Status.ACTIVE, starts_at, None
    draft.save(update_fields=["status", "starts_at", "ends_at"])
    audit.record(
        action,
        draft,
        actor_id=by.pk,
        now=now,
        version=draft.version,
        starts_at=starts_at.isoformat(),
        takes_the_place_of=ended.version if ended else None,
    )


def take_out_of_force(version: V, *, action: str, by: User, now: datetime) -> V:
    """End a version at `now`; recorded as `action`. Returns the version as it stands then.

    A version that has not begun yet never will, and the one that it was to follow goes on. Raises NotInForceError;
    then nothing has changed.
    """
    with transaction.atomic():
        ended = _locked(version)
        starts_at, ends_at = ended.starts_at, ended.ends_at
        is_over = ends_at is not None and ends_at <= now
        if ended.status != ended.Status.ACTIVE or starts_at is None or is_over:
            raise NotInForceError(
                _("Version %(version)s is not in force, so there is nothing to end.") % {"version": ended.version}
            )
        ended.status, ended.ends_at = ended.Status.RETIRED, max(now, starts_at)
        ended.save(update_fields=["status", "ends_at"])
        if starts_at > now:
            type(ended)._default_manager.filter(
                program=ended.program_id, status=ended.Status.ACTIVE, ends_at=starts_at, starts_at__lt=starts_at
            ).update(ends_at=ends_at)
        audit.record(action, ended, actor_id=by.pk, now=now, version=ended.version)
    return ended


def require_room(draft: V, starts_at: datetime, now: datetime, why_not_past: str) -> list[V]:
    """Return the versions that hold or held, if a draft can begin at `starts_at`. Raises StartsTooEarlyError."""
    others = [
        (version, version.starts_at)
        for version in type(draft)._default_manager.filter(program=draft.program_id).exclude(status=draft.Status.DRAFT)
        if version.starts_at is not None and version.starts_at != version.ends_at
    ]
    if others and starts_at < now:
        raise StartsTooEarlyError(why_not_past)
    for version, start in others:
        if start >= starts_at:
            raise StartsTooEarlyError(
                _("Version %(version)s begins on %(start)s. Begin after that, or take that version out of force first.")
                % {"version": version.version, "start": date_format(localtime(start), "DATETIME_FORMAT")}
            )
    return [version for version, _start in others]


def _lock(program_id: int) -> None:
    """Two managers act one after the other."""
    Program.objects.select_for_update(no_key=True).get(pk=program_id)


def _locked(version: V) -> V:
    _lock(version.program_id)
    return type(version)._default_manager.select_related("program").get(pk=version.pk)


def _make_room(draft: V, others: list[V], starts_at: datetime, now: datetime) -> V | None:
    """End the one of `others` that is in force at `starts_at` there, and return it."""
    for version in others:
        if version.ends_at is None or version.ends_at > starts_at:
            version.ends_at = starts_at
            if starts_at <= now:
                version.status = version.Status.RETIRED
            version.save(update_fields=["status", "ends_at"])
            return version
    return None
