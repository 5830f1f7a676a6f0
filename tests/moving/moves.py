"""A table moved in as a manager does it, without the pages; and what came of it."""

import csv
from collections.abc import Mapping, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from django.utils import timezone

from accounts import attachments, jobs
from accounts.models import Attachment, Import, Job, User
from accounts.moving import steps
from accounts.moving.kinds import known_kinds
from accounts.moving.mapping import guess_columns
from accounts.moving.work import ask_export, job_kinds
from accounts.tables import Form, guess_form, open_table, writer_of

Rows = Sequence[Sequence[str]]

CSV = Form(is_workbook=False, encoding="utf-8-sig", delimiter=",")


def work() -> int:
    """Do what jobs wait; returns how many there were."""
    queue, done = jobs.queue_of(job_kinds()), 0
    while queue.take(timezone.now()):
        done += 1
    return done


def csv_bytes(rows: Rows) -> bytes:
    """Rows as another program writes them."""
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def received(kind: str, content: bytes, *, by: User, form: Form = CSV, name: str = "list.csv") -> Import:
    """An uploaded file."""
    return steps.receive(kind=kind, pieces=[content], name=name, form=form, by=by, now=timezone.now())


def checked(kind: str, rows: Rows | bytes, *, by: User, form: Form = CSV, **terms: Any) -> Import:
    """A file after its dry run, its columns guessed by their names."""
    content = rows if isinstance(rows, bytes) else csv_bytes(rows)
    import_ = received(kind, content, by=by, form=form)
    check(import_, by=by, **terms)
    return fresh(import_)


def check(import_: Import, *, by: User, **terms: Any) -> Job:
    """Do the dry run of a file."""
    columns = guess_columns(header_of(import_), known_kinds()[import_.kind].columns())
    asked = steps.ask_check(import_id=import_.pk, terms={"columns": columns, **terms}, by=by, now=timezone.now())
    work()
    assert asked.check_job is not None
    asked.check_job.refresh_from_db()
    return asked.check_job


def header_of(import_: Import) -> tuple[str, ...]:
    """The names of the columns of an uploaded file."""
    assert import_.file is not None
    with attachments.on_disk(import_.file) as path, open_table(path, Form(**import_.terms["form"]), name="") as table:
        return table.header


def moved_in(kind: str, rows: Rows | bytes, *, by: User, **terms: Any) -> Import:
    """A file after its dry run and its import."""
    import_ = checked(kind, rows, by=by, **terms)
    return gone(import_, by=by)


def gone(import_: Import, *, by: User) -> Import:
    """The import after it went in."""
    steps.ask_go(import_id=import_.pk, by=by, now=timezone.now())
    work()
    return fresh(import_)


def fresh(import_: Import) -> Import:
    """The import as it is now."""
    return Import.objects.select_related("file", "refused_file", "approval", "check_job", "go_job").get(pk=import_.pk)


def counts(findings: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """New, changed, unchanged, refused."""
    return findings["new"], findings["changed"], findings["unchanged"], findings["refused"]


def refusals(findings: Mapping[str, Any]) -> list[tuple[int, str, str]]:
    """Line, column and sentence of what was refused."""
    return [(one["line"], one["column"], one["sentence"]) for one in findings["refusals"]]


def refused_rows(import_: Import) -> list[list[str]]:
    """The file of refused rows."""
    assert import_.refused_file is not None
    return list(csv.reader(StringIO(content_of(import_.refused_file).decode("utf-8-sig"))))


def content_of(attachment: Attachment) -> bytes:
    """What a file holds."""
    return b"".join(attachments.stream(attachment))


def exported(kind: str, *, by: User, is_workbook: bool = False, **settings: str) -> bytes:
    """Our own file of what there is."""
    job = ask_export(kind=known_kinds()[kind], is_workbook=is_workbook, settings=settings, by=by)
    work()
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.failure
    return content_of(Attachment.objects.get(pk=job.result["attachment"]))


def form_of(content: bytes, folder: Path) -> Form:
    """The form of a file, as an upload would guess it."""
    path = folder / "guessed"
    path.write_bytes(content)
    return guess_form(path, "guessed")


def a_workbook(rows: Rows) -> bytes:
    """Rows as an Excel workbook."""
    file = BytesIO()
    writer = writer_of(file, is_workbook=True)
    for row in rows:
        writer.write(row)
    writer.close()
    return file.getvalue()
