"""The steps of an import: uploaded, its columns said, dry run, perhaps agreed to by a second person, moved in."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import approvals, attachments, audit, jobs, request_mail
from accounts.models import Approval, Attachment, Import, ImportMapping, Job, User
from accounts.moving.kinds import TableKind, Terms, known_kinds
from accounts.moving.mapping import cells_of
from accounts.tables import Form

__all__ = [
    "APPROVAL",
    "CHECK",
    "GO",
    "AlreadyGoneError",
    "FileGoneError",
    "MovingError",
    "NotCheckedError",
    "StillRunningError",
    "UnknownKindError",
    "ask_check",
    "ask_go",
    "cancel",
    "decide",
    "delete_expired",
    "digest_of",
    "kind_of",
    "read_as",
    "receive",
    "save_mapping",
    "terms_of",
]

CHECK, GO = "table-check", "table-import"
"""Kinds of jobs."""

APPROVAL = "table-import"
"""The kind of `Approval` that waits for a second person."""


class MovingError(Exception):
    """A step that an import cannot take."""


class FileGoneError(MovingError):
    """The file was deleted: its time was over."""


class StillRunningError(MovingError):
    """A job of the import waits or runs."""


class NotCheckedError(MovingError):
    """What is to be moved in is not what the dry run was of."""


class AlreadyGoneError(MovingError):
    """The import is done, or waits for a second person."""


class UnknownKindError(MovingError):
    """The installation does not know what is to be moved in."""


def receive(*, kind: str, pieces: Iterable[bytes], name: str, form: Form, by: User, now: datetime) -> Import:
    """Keep an uploaded file; nothing is read into the tables yet."""
    content_type = Attachment.ContentType.XLSX if form.is_workbook else Attachment.ContentType.CSV
    with transaction.atomic():
        file = attachments.store(pieces, name=name, content_type=content_type, created_by_id=by.pk, now=now)
        return Import.objects.create(
            kind=kind,
            name=file.name,
            file=file,
            terms=_kept(form),
            created_by=by,
            created_at=now,
        )


def ask_check(*, import_id: int, terms: Mapping[str, Any], by: User, now: datetime) -> Import:
    """Say on which terms the file is read, and ask for a dry run of it.

    Raises FileGoneError, StillRunningError or AlreadyGoneError; then nothing has changed.
    """
    with transaction.atomic():
        import_ = _resting(import_id)
        if import_.done or import_.approval is not None:
            raise AlreadyGoneError
        import_.terms = {**import_.terms, **terms}
        import_.checked, import_.checked_digest = {}, b""
        import_.check_job = jobs.ask(kind=CHECK, parameters={"import": import_.pk}, asked_by_id=by.pk, now=now)
        import_.save(update_fields=["terms", "checked", "checked_digest", "check_job"])
    return import_


def read_as(*, import_id: int, form: Form) -> Import:
    """Say that a file has another encoding or delimiter than was guessed; what its columns mean is to be said anew.

    Raises FileGoneError, StillRunningError or AlreadyGoneError; then nothing has changed.
    """
    with transaction.atomic():
        import_ = _resting(import_id)
        if import_.done or import_.approval is not None:
            raise AlreadyGoneError
        import_.terms = {key: value for key, value in import_.terms.items() if key != "columns"} | _kept(form)
        import_.checked, import_.checked_digest = {}, b""
        import_.save(update_fields=["terms", "checked", "checked_digest"])
    return import_


def ask_go(*, import_id: int, by: User, now: datetime) -> Import:
    """Ask for the import of what the dry run was of; where so many points need it, ask a second person first.

    One that was cancelled or failed goes on where it stopped. Raises FileGoneError, StillRunningError, NotCheckedError
    or AlreadyGoneError; then nothing has changed.
    """
    with transaction.atomic():
        import_ = _resting(import_id)
        kind = kind_of(import_)
        if import_.go_job is not None and import_.go_job.state == Job.State.DONE:
            raise AlreadyGoneError
        if not import_.checked or bytes(import_.checked_digest) != digest_of(import_):
            raise NotCheckedError
        points = import_.checked.get("points", 0)
        terms = terms_of(import_, by_user_id=by.pk, now=now)
        if import_.approval is None and kind.needs_second_person(terms=terms, points=points):
            import_.approval = approvals.ask(
                kind=APPROVAL,
                subject_id=import_.pk,
                audience=Approval.Audience.VENDOR,
                company_id=None,
                asked_by_id=by.pk,
                points=points,
                note=import_.name,
                now=now,
            )
            import_.save(update_fields=["approval"])
            _record("import-asked", import_, by, now, points=points)
            request_mail.tell_approvers(import_.approval, about=import_.name, now=now)
            return import_
        if import_.approval is not None and import_.approval.state != Approval.State.APPROVED:
            raise AlreadyGoneError
        _go(import_, by.pk, now)
    return import_


def decide(*, import_id: int, by: User, is_approved: bool, reason: str = "", now: datetime) -> Import:
    """Let an import go that waited for a second person, or refuse it with a reason; by anybody but the one who asked.

    Raises approvals.ApprovalError of the fitting kind, FileGoneError or NotCheckedError; then nothing has changed. A no
    is possible also when the file is gone.
    """
    with transaction.atomic():
        import_ = _resting(import_id) if is_approved else _under_lock(import_id)
        if import_.approval is None:
            raise approvals.AlreadyDecidedError
        import_.approval = approvals.decide(
            approval_id=import_.approval.pk, by_user_id=by.pk, is_approved=is_approved, reason=reason, now=now
        )
        if is_approved:
            if bytes(import_.checked_digest) != digest_of(import_):
                raise NotCheckedError
            _go(import_, import_.approval.asked_by_id, now)
        else:
            _record("import-refused", import_, by, now, reason=reason)
        request_mail.tell_asker(import_.approval, about=import_.name, by=by, now=now)
    return import_


def cancel(*, import_id: int, now: datetime) -> None:
    """Stop the job of an import; what went in stays. Raises jobs.JobOverError where none waits or runs."""
    import_ = Import.objects.select_related("check_job", "go_job").get(pk=import_id)
    job = import_.open_job
    if job is None:
        raise jobs.JobOverError
    jobs.cancel(job_id=job.pk, now=now)


def save_mapping(*, kind: str, name: str, terms: Mapping[str, Any], by: User, now: datetime) -> ImportMapping:
    """Keep terms under a name; those that had it before are replaced."""
    kept = {key: value for key, value in terms.items() if key != "form"}
    mapping, _created = ImportMapping.objects.update_or_create(
        kind=kind, name=name, defaults={"terms": kept, "created_by": by, "created_at": now}
    )
    return mapping


def delete_expired(*, now: datetime) -> int:
    """Delete files whose time is over, and what imports found in them; safe to run twice. Returns how many files."""
    deleted = attachments.delete_expired(now=now)
    has_words = Q(checked__has_key="refusals") | Q(done__has_key="refusals")
    for import_ in Import.objects.filter(has_words, file__isnull=True):
        import_.checked, import_.done = _numbers_of(import_.checked), _numbers_of(import_.done)
        import_.save(update_fields=["checked", "done"])
    return deleted


def kind_of(import_: Import) -> TableKind:
    """Return what is moved in; raises UnknownKindError."""
    kind = known_kinds().get(import_.kind)
    if kind is None:
        raise UnknownKindError(import_.kind)
    return kind


def terms_of(import_: Import, *, by_user_id: int, now: datetime) -> Terms:
    """Return the terms on which a kind begins a sheet."""
    approval = import_.approval
    return Terms(
        cells=cells_of(import_.terms),
        settings=import_.terms.get("settings", {}),
        by_user_id=by_user_id,
        now=now,
        import_id=import_.pk,
        agreed_points=approval.points if approval and approval.state == Approval.State.APPROVED else None,
    )


def digest_of(import_: Import) -> bytes:
    """Return what tells one file on its terms from another."""
    content = json.dumps(import_.terms, sort_keys=True).encode()
    file = import_.file
    return hashlib.sha256((bytes(file.sha256) if file is not None else b"") + content).digest()


def _under_lock(import_id: int) -> Import:
    rows = Import.objects.select_for_update(of=("self",)).select_related(
        "file", "check_job", "go_job", "approval", "created_by"
    )
    return rows.get(pk=import_id)


def _resting(import_id: int) -> Import:
    """The import under lock, its file there and none of its jobs open."""
    import_ = _under_lock(import_id)
    if import_.file is None or import_.file.expires_at <= timezone.now():
        raise FileGoneError
    if import_.open_job is not None:
        raise StillRunningError
    return import_


def _kept(form: Form) -> dict[str, Any]:
    return {"form": {name: getattr(form, name) for name in Form.__dataclass_fields__}}


def _go(import_: Import, asked_by_id: int, now: datetime) -> None:
    import_.go_job = jobs.ask(kind=GO, parameters={"import": import_.pk}, asked_by_id=asked_by_id, now=now)
    import_.save(update_fields=["go_job"])


def _numbers_of(findings: Mapping[str, Any]) -> dict[str, Any]:
    """Findings without what stood in the rows."""
    return {key: value for key, value in findings.items() if isinstance(value, int)}


def _record(action: str, import_: Import, by: User, now: datetime, *, reason: str = "", **numbers: int) -> None:
    audit.record(action, import_, actor_id=by.pk, now=now, reason=reason, kind=import_.kind, **numbers)
