"""What a worker does: the dry run of a file, its import, and the export of a table."""

import tempfile
from collections.abc import Mapping
from pathlib import PurePath
from typing import IO

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from accounts import attachments, audit, jobs
from accounts.attachments import DamagedFileError
from accounts.jobs import JobFailedError, JobKind, Run
from accounts.models import Attachment, Import, Job, User
from accounts.moving.kinds import NotPreparedError, TableKind, TooManyPointsError, known_kinds
from accounts.moving.mapping import form_of, rows_of
from accounts.moving.run import MOST_ROWS, Findings, Passage, RefusedRows, TooManyRowsError
from accounts.moving.steps import CHECK, GO, digest_of, kind_of, terms_of
from accounts.tables import CsvWriter, UnreadableFileError, open_table, rows_about, writer_of

EXPORT = "table-export"

_REPORTED = 5_000


def job_kinds() -> list[JobKind]:
    """Return the kinds of jobs that move tables in and out."""
    return [
        JobKind(CHECK, gettext_lazy("Dry run of an import"), _check),
        JobKind(GO, gettext_lazy("Import"), _import),
        JobKind(EXPORT, gettext_lazy("Export"), _export),
    ]


def _check(run: Run) -> Mapping[str, object]:
    return _Work(run).do(is_final=False)


def _import(run: Run) -> Mapping[str, object]:
    return _Work(run).do(is_final=True)


class _Work:
    """One job over one import, in the language of who asked for it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        related = ("file", "refused_file", "approval", "check_job", "go_job")
        self._import = Import.objects.select_related(*related).get(pk=run.job.parameters["import"])
        self._by = User.objects.get(pk=run.job.asked_by_id)
        if run.job.pk not in (self._import.check_job_id, self._import.go_job_id):
            raise JobFailedError(_("A later dry run or import of the same file took the place of this one."))

    def do(self, *, is_final: bool) -> Mapping[str, object]:
        """Go through the file and return the counts."""
        with override(self._by.language):
            file = self._import.file
            if file is None:
                raise JobFailedError(_("The file was deleted meanwhile: its time was over. Upload it again."))
            if is_final and bytes(self._import.checked_digest) != digest_of(self._import):
                raise JobFailedError(_("This is not what the dry run was of. Do the dry run again, then import."))
            try:
                return self._go_through(file, is_final=is_final)
            except (UnreadableFileError, NotPreparedError) as error:
                raise JobFailedError(str(error)) from error
            except DamagedFileError as error:
                raise JobFailedError(_("What is kept of the file is damaged. Upload it again.")) from error
            except TooManyRowsError as error:
                sentence = _("The file has more than %(most)s rows. Part it into several.")
                raise JobFailedError(sentence % {"most": f"{MOST_ROWS:,}"}) from error
            except TooManyPointsError as error:
                sentence = _("This would be more points than was agreed to: something has changed since the dry run.")
                raise JobFailedError(f"{sentence} {_('Upload the file again; what went in is known.')}") from error

    def _go_through(self, file: Attachment, *, is_final: bool) -> Mapping[str, object]:
        import_, kind, now = self._import, kind_of(self._import), timezone.now()
        form = form_of(import_.terms)
        findings = Findings.of(import_.done if is_final else {})
        sheet = kind.begin(terms_of(import_, by_user_id=self._by.pk, now=now))
        with attachments.on_disk(file) as path, tempfile.TemporaryFile() as refused:
            total = import_.checked.get("rows", 0) if is_final else rows_about(path, form)
            with open_table(path, form, name=import_.name) as table:
                refused_rows = RefusedRows(table.header, lambda: CsvWriter(refused))
                passage = Passage(kind, sheet, refused_rows, findings)
                try:
                    passage.go(
                        rows_of(table, import_.columns),
                        is_final=is_final,
                        on_batch=self._keep_done,
                        report=lambda done: self._run.report(done, total),
                    )
                finally:
                    self._keep_refused(refused if refused_rows.close() else None)
                    if is_final:
                        self._record(findings)
        if not is_final:
            self._keep_checked(findings)
        return {key: value for key, value in findings.kept().items() if isinstance(value, int)}

    def _keep_done(self, findings: Findings) -> None:
        Import.objects.filter(pk=self._import.pk).update(done=findings.kept())

    def _keep_checked(self, findings: Findings) -> None:
        Import.objects.filter(pk=self._import.pk).update(
            checked=findings.kept(), checked_digest=digest_of(self._import)
        )

    def _keep_refused(self, file: IO[bytes] | None) -> None:
        """Keep the file of refused rows in the place of the one before."""
        before = self._import.refused_file
        kept = None
        if file is not None:
            kept = attachments.store(
                attachments.pieces_of(file),
                name=f"{PurePath(self._import.name).stem[:150]}-refused.csv",
                content_type=Attachment.ContentType.CSV,
                created_by_id=self._by.pk,
                now=timezone.now(),
            )
        Import.objects.filter(pk=self._import.pk).update(refused_file=kept)
        if before is not None:
            before.delete()

    def _record(self, findings: Findings) -> None:
        """Put on record who moved in how much, also where it was stopped on the way."""
        counts = {key: value for key, value in findings.kept().items() if isinstance(value, int)}
        numbers: dict[str, int | str | None] = {"kind": self._import.kind, **counts}
        acts = [audit.Act("imported", self._import, None, numbers)]
        audit.record_many(acts, actor_id=self._by.pk, now=timezone.now())


def ask_export(*, kind: TableKind, is_workbook: bool, settings: Mapping[str, str], by: User) -> Job:
    """Ask for a file of the rows that there are."""
    parameters = {"kind": kind.code, "is_workbook": is_workbook, "settings": dict(settings)}
    return jobs.ask(kind=EXPORT, parameters=parameters, asked_by_id=by.pk, now=timezone.now())


def _export(run: Run) -> Mapping[str, object]:
    parameters, now = run.job.parameters, timezone.now()
    by = User.objects.get(pk=run.job.asked_by_id)
    kind = known_kinds()[parameters["kind"]]
    is_workbook = bool(parameters["is_workbook"])
    count = 0
    with tempfile.TemporaryFile() as file:
        writer = writer_of(file, is_workbook=is_workbook)
        writer.write([column.code for column in kind.columns()])
        for row in kind.export(settings=parameters["settings"], now=now):
            writer.write(row)
            count += 1
            if count % _REPORTED == 0:
                run.report(count)
        writer.close()
        kept = attachments.store(
            attachments.pieces_of(file),
            name=f"{kind.code}-{timezone.localdate(now)}.{'xlsx' if is_workbook else 'csv'}",
            content_type=Attachment.ContentType.XLSX if is_workbook else Attachment.ContentType.CSV,
            created_by_id=by.pk,
            now=now,
        )
    audit.record("exported", by, actor_id=by.pk, now=now, screen=kind.code, rows=count)
    return {"attachment": kept.pk, "rows": count}
