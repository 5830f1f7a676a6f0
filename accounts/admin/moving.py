"""Moving in and out: a file is uploaded, its columns are said, a dry run tells what would change, then it goes in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import attachments, jobs
from accounts.admin.asked_again import must_be_asked
from accounts.admin.links import LinkedRowFilter, row_link
from accounts.admin.scoped import NeverDeleted, ReadOnlyAdmin, ScopedModelAdmin, manager_behind
from accounts.middleware import actor_behind
from accounts.models import Attachment, Import, ImportMapping, Job, User
from accounts.moving import steps
from accounts.moving.forms import ExportForm, TermsForm, UploadForm
from accounts.moving.kinds import FATES, Column, Fate, NotPreparedError, Setting, TableKind, known_kinds
from accounts.moving.mapping import LINE, WHY, form_of
from accounts.moving.stages import Stage, stage_of
from accounts.moving.steps import (
    AlreadyGoneError,
    FileGoneError,
    MovingError,
    NotCheckedError,
    StillRunningError,
    UnknownKindError,
)
from accounts.moving.work import EXPORT, ask_export
from accounts.reauthentication import ask_again
from accounts.tables import UnreadableFileError, open_table
from accounts.uploads import was_too_large

_RELATED = ("file", "refused_file", "approval", "check_job", "go_job", "created_by")
_SAMPLES = 5
_EXPORTS_SHOWN = 10


def refusal(error: Exception) -> str:
    """Return why a step cannot be taken, and what to do instead."""
    match error:
        case FileGoneError():
            return _("The file was deleted: its time was over. Upload it again.")
        case StillRunningError():
            return _("A dry run or an import of this file waits or runs. Wait for it, or cancel it.")
        case NotCheckedError():
            return _("This is not what the dry run was of. Do the dry run again, then import.")
        case AlreadyGoneError():
            return _("This import is done, or waits for a second person; upload a file for further rows.")
        case NotPreparedError():
            return str(error)
    return _("This is not possible at present.")


@dataclass(frozen=True, slots=True)
class Difference:
    """What would change in a field, or has changed."""

    line: int
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a row is refused."""

    line: int
    field: str
    sentence: str


@admin.register(Import)
class ImportAdmin(NeverDeleted[Import], ScopedModelAdmin[Import]):
    """Imports: what was moved in, and the way to move something in."""

    list_display = ("name", "what", "who", "created_at", "stage", "rows_new", "rows_changed", "rows_refused")
    list_filter = ("kind", ("created_by", LinkedRowFilter))
    list_select_related = _RELATED
    search_fields = ("name", "kind", "created_by__name")
    ordering = ("-pk",)
    actions = None
    change_list_template = "admin/accounts/import/list.html"

    @admin.display(description=gettext_lazy("what"))
    def what(self, import_: Import) -> str:
        """What is in it."""
        return what_is_in(import_)

    @admin.display(description=gettext_lazy("uploaded by"), ordering="created_by__name")
    def who(self, import_: Import) -> str:
        """Who uploaded it."""
        return import_.created_by.name

    @admin.display(description=gettext_lazy("how far"))
    def stage(self, import_: Import) -> str:
        """How far it is."""
        return str(stage_of(import_).label)

    @admin.display(description=gettext_lazy("new"))
    def rows_new(self, import_: Import) -> int | None:
        """Rows that were, or would be, new."""
        return import_.counts().get(Fate.NEW.value)

    @admin.display(description=gettext_lazy("changed"))
    def rows_changed(self, import_: Import) -> int | None:
        """Rows that were, or would be, changed."""
        return import_.counts().get(Fate.CHANGED.value)

    @admin.display(description=gettext_lazy("refused"))
    def rows_refused(self, import_: Import) -> int | None:
        """Rows that were, or would be, refused."""
        return import_.counts().get(Fate.REFUSED.value)

    def get_urls(self) -> list[URLPattern]:
        """The pages of the steps."""
        pages: list[tuple[str, Callable[..., HttpResponse], str]] = [
            ("<int:pk>/columns/", self.columns_view, "columns"),
            ("<int:pk>/go/", self.go_view, "go"),
            ("<int:pk>/cancel/", self.cancel_view, "cancel"),
            ("move-out/", self.exports_view, "exports"),
            ("move-out/<slug:kind>/", self.export_kind_view, "move_out"),
        ]
        ours = [
            path(route, self.admin_site.admin_view(view), name=f"accounts_import_{name}") for route, view, name in pages
        ]
        return [*ours, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Take a file in."""
        me = manager_behind(request)
        kinds = [kind for kind in known_kinds().values() if me.has_perms(kind.permissions)]
        if not self.has_add_permission(request) or not kinds:
            raise PermissionDenied
        is_sent = request.method == "POST"
        posted = (request.POST, request.FILES) if is_sent else ()
        form = UploadForm(*posted, kinds=kinds, is_too_large=was_too_large(request), initial=request.GET.dict())
        if form.is_valid():
            file = form.cleaned_data["file"]
            import_ = steps.receive(
                kind=form.cleaned_data["kind"],
                pieces=file.chunks(),
                name=file.name,
                form=form.form,
                by=me,
                now=timezone.now(),
            )
            return HttpResponseRedirect(_url("columns", import_.pk))
        context = {
            "title": _("Move in"),
            "consequence": _("Nothing is read into the tables yet: what the columns mean comes next, then a dry run."),
            "submit": _("Upload"),
            "form": form,
            "back_url": reverse("admin:accounts_import_changelist"),
        }
        return self._page(request, "admin/step.html", context, status=422 if is_sent else 200)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show how far an import is, what was found, and the next step."""
        import_ = self.get_object(request, object_id)
        if import_ is None:
            raise Http404
        if not self.has_view_or_change_permission(request, import_):
            raise PermissionDenied
        stage, job = stage_of(import_), import_.open_job
        kind = known_kinds().get(import_.kind)
        columns = {column.code: column for column in kind.columns()} if kind else {}
        findings = import_.done or import_.checked
        context = {
            "title": import_.name,
            "original": import_,
            "what": self.what(import_),
            "stage": stage,
            "job": job,
            "failure": _failure(import_),
            "counts": [(label, findings.get(fate.value, 0)) for fate, label in FATES.items()] if findings else [],
            "findings": findings,
            "points_told": points_told(findings),
            "differs": bool(import_.done) and stage == Stage.DONE and not _same_counts(import_),
            "differences": list(_differences(findings, columns)),
            "refusals": list(_refusals(findings, columns)),
            "left_out": import_.terms.get("left_out", []),
            "refused_file": import_.refused_file,
            "to_go": findings.get(Fate.NEW.value, 0) + findings.get(Fate.CHANGED.value, 0),
            "may_step": self._may(request, kind),
            "approval_link": row_link(import_.approval, _("The request")) if import_.approval else "",
            "leads_to": _rows_of(import_, kind),
            "choices": _choices(import_, kind),
        }
        return self._page(request, "admin/accounts/import/page.html", context)

    def columns_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what the columns of a file mean, then for a dry run of it."""
        import_, kind = self._asked_for(request, pk)
        if import_.file is None:
            return self._refused(request, pk, FileGoneError())
        saved = ImportMapping.objects.visible_to(actor_behind(request)).filter(kind=import_.kind).order_by("name")
        chosen = saved.filter(pk=request.GET.get("mapping", "0")).first() if _is_number(request) else None
        terms = {**import_.terms, **(chosen.terms if chosen else {})}
        try:
            header, samples = _beginning(import_)
        except UnreadableFileError as error:
            header, samples = (), []
            self.message_user(request, str(error), messages.ERROR)
        me = manager_behind(request)
        is_sent = request.method == "POST"
        form = TermsForm(
            request.POST if is_sent else None, kind=kind, header=header, terms=terms, time_zone=me.time_zone
        )
        if form.is_valid():
            return self._check(request, import_, form, header)
        if is_sent and (read_anew := self._read_anew(request, import_, form)):
            return read_anew
        context = {
            "title": _("What the columns mean: %(file)s") % {"file": import_.name},
            "original": import_,
            "consequence": _("A dry run comes next. It changes nothing; an empty cell leaves what is there as it is."),
            "submit": _("Dry run"),
            "form": form,
            "back_url": _url("change", pk),
            "header": header,
            "samples": samples,
            "saved": saved,
        }
        return self._page(request, "admin/accounts/import/columns.html", context, status=422 if is_sent else 200)

    def go_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Let an import go, or ask a second person: it may say who may do what, so whoever does it is asked again."""
        self._asked_for(request, pk)
        if must_be_asked(request):
            return ask_again(request)
        if request.method == "POST":
            try:
                import_ = steps.ask_go(import_id=pk, by=manager_behind(request), now=timezone.now())
            except (MovingError, NotPreparedError) as error:
                return self._refused(request, pk, error)
            if import_.go_job is None:
                text = _("So many points need a second person: a colleague finds the request in the queue.")
                self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(_url("change", pk))

    def cancel_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Stop the dry run or the import."""
        self._asked_for(request, pk)
        if request.method == "POST":
            try:
                steps.cancel(import_id=pk, now=timezone.now())
            except jobs.JobOverError:
                self.message_user(request, _("It had ended already."), messages.WARNING)
            else:
                self.message_user(
                    request, _("It stops after the rows that are on their way; those that are in stay in.")
                )
        return HttpResponseRedirect(_url("change", pk))

    def exports_view(self, request: HttpRequest) -> HttpResponse:
        """Offer the tables, and the files that were made."""
        me = manager_behind(request)
        if not self.has_view_permission(request):
            raise PermissionDenied
        made = Job.objects.visible_to(actor_behind(request)).filter(kind=EXPORT, asked_by=me).order_by("-pk")
        context = {
            "title": _("Move out"),
            "kinds": [kind for kind in known_kinds().values() if me.has_perms(kind.permissions)],
            "exports": _exports(list(made[:_EXPORTS_SHOWN])),
        }
        return self._page(request, "admin/accounts/import/exports.html", context)

    def export_kind_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Ask for a file of a table."""
        me, table = manager_behind(request), known_kinds().get(kind)
        if table is None:
            raise Http404
        if not self._may(request, table):
            raise PermissionDenied
        if must_be_asked(request):
            return ask_again(request)
        form = ExportForm(request.POST if request.method == "POST" else None, kind=table)
        if form.is_valid():
            is_workbook = form.cleaned_data["form"] == "xlsx"
            ask_export(kind=table, is_workbook=is_workbook, settings=form.settings(), by=me)
            self.message_user(request, _("The file is being made. It stands below when it is ready."))
            return HttpResponseRedirect(reverse("admin:accounts_import_exports"))
        context = {
            "title": _("Move out: %(what)s") % {"what": table.label},
            "consequence": _("The file has the form in which the same is moved in. That it was made goes on record."),
            "submit": _("Export"),
            "form": form,
            "back_url": reverse("admin:accounts_import_exports"),
        }
        return self._page(request, "admin/step.html", context, status=422 if form.is_bound else 200)

    def _asked_for(self, request: HttpRequest, pk: int) -> tuple[Import, TableKind]:
        """The import, for whoever may take a step with it."""
        import_ = self.get_object(request, str(pk))
        if import_ is None:
            raise Http404
        try:
            kind = steps.kind_of(import_)
        except UnknownKindError as error:
            raise Http404 from error
        if not self._may(request, kind):
            raise PermissionDenied
        return import_, kind

    def _may(self, request: HttpRequest, kind: TableKind | None) -> bool:
        me: User = manager_behind(request)
        return kind is not None and self.has_change_permission(request) and me.has_perms(kind.permissions)

    def _check(self, request: HttpRequest, import_: Import, form: TermsForm, header: tuple[str, ...]) -> HttpResponse:
        if anew := self._read_anew(request, import_, form):
            return anew
        me, now, terms = manager_behind(request), timezone.now(), form.terms()
        if name := form.cleaned_data["save_as"]:
            steps.save_mapping(kind=import_.kind, name=name, terms=terms, by=me, now=now)
        taken = {*terms["columns"].values(), LINE, WHY}
        terms["left_out"] = [name for name in header if name and name not in taken]
        try:
            steps.ask_check(import_id=import_.pk, terms=terms, by=me, now=now)
        except MovingError as error:
            return self._refused(request, import_.pk, error)
        return HttpResponseRedirect(_url("change", import_.pk))

    def _read_anew(self, request: HttpRequest, import_: Import, form: TermsForm) -> HttpResponse | None:
        """Read the file in another encoding or with another delimiter, where somebody chose one."""
        if "encoding" in form.errors or "delimiter" in form.errors:
            return None
        known, wanted = form_of(import_.terms), form.form()
        if (known.encoding, known.delimiter) == (wanted.encoding, wanted.delimiter):
            return None
        try:
            steps.read_as(import_id=import_.pk, form=wanted)
        except MovingError as error:
            return self._refused(request, import_.pk, error)
        self.message_user(request, _("The file is read anew. Look at its columns again."))
        return HttpResponseRedirect(_url("columns", import_.pk))

    def _refused(self, request: HttpRequest, pk: int, error: Exception) -> HttpResponse:
        self.message_user(request, refusal(error), messages.ERROR)
        return HttpResponseRedirect(_url("change", pk))

    def _page(
        self, request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
    ) -> TemplateResponse:
        shared = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, {**shared, **context}, status=status)


@admin.register(ImportMapping)
class ImportMappingAdmin(ReadOnlyAdmin[ImportMapping]):
    """Saved mappings: made, and replaced, on the page that asks what columns mean."""

    list_display = ("name", "kind", "created_by", "created_at")
    list_filter = ("kind",)
    list_select_related = ("created_by",)
    search_fields = ("name", "kind")
    ordering = ("kind", "name")
    fields = ("name", "kind", "created_by", "created_at")


@dataclass(frozen=True, slots=True)
class _Export:
    """A file of a table that is being made, or was."""

    job: Job
    what: str
    file: Attachment | None


def _exports(made: list[Job]) -> list[_Export]:
    """Each job with what it exports and the file, where it is ready and still there."""
    files = Attachment.objects.in_bulk([job.result.get("attachment", 0) for job in made])
    labels = {code: str(kind.label) for code, kind in known_kinds().items()}
    return [
        _Export(job, labels.get(job.parameters.get("kind", ""), ""), files.get(job.result.get("attachment", 0)))
        for job in made
    ]


def what_is_in(import_: Import) -> str:
    """Return what people call what is moved in."""
    kind = known_kinds().get(import_.kind)
    return str(kind.label) if kind else import_.kind


def points_told(findings: Mapping[str, Any]) -> str:
    """Return in a sentence how many points rows give to how many companies, or take from them; "" where they do not."""
    points, taken, companies = (findings.get(name, 0) for name in ("points", "taken", "companies"))
    if not companies:
        return ""
    template = _("This gives %(given)s points to %(companies)s, or to their people.")
    if taken:
        template = _("This takes %(taken)s points from %(companies)s, or from their people.")
        if taken < points:
            template = _("This gives %(given)s points and takes %(taken)s, in %(companies)s and of their people.")
    return template % {
        "given": number_format(points - taken, force_grouping=True),
        "taken": number_format(taken, force_grouping=True),
        "companies": ngettext("%(count)s company", "%(count)s companies", companies)
        % {"count": number_format(companies, force_grouping=True)},
    }


def _url(page: str, pk: int) -> str:
    return reverse(f"admin:accounts_import_{page}", args=[pk])


def _rows_of(import_: Import, kind: TableKind | None) -> str:
    """The address of the list of rows that an import made."""
    if kind is None:
        return ""
    listed = reverse(kind.leads_to)
    return f"{listed}?{urlencode({kind.leads_by: import_.pk})}" if kind.leads_by else listed


def _is_number(request: HttpRequest) -> bool:
    text = request.GET.get("mapping", "")
    return text.isascii() and text.isdigit() and len(text) < 18


def _beginning(import_: Import) -> tuple[tuple[str, ...], list[list[str]]]:
    """The header of a file and its first rows."""
    assert import_.file is not None  # noqa: S101 (the caller has looked)
    with (
        attachments.on_disk(import_.file) as path,
        open_table(path, form_of(import_.terms), name=import_.name) as table,
    ):
        samples = [cells for _line, cells in (row for row, _number in zip(table.rows, range(_SAMPLES), strict=False))]
        return table.header, samples


def _failure(import_: Import) -> str:
    """Why the latest job stopped."""
    job = import_.go_job or import_.check_job
    if job is None or job.is_open or job.state == Job.State.DONE:
        return ""
    return job.failure or _("It was cancelled; rows that were in by then stayed in.")


def _same_counts(import_: Import) -> bool:
    return all(import_.checked.get(fate.value) == import_.done.get(fate.value) for fate in Fate)


def _label_of(code: str, columns: Mapping[str, Column]) -> str:
    return capfirst(str(columns[code].label)) if code in columns else code


def _differences(findings: Mapping[str, Any], columns: Mapping[str, Column]) -> list[Difference]:
    return [
        Difference(row["line"], _label_of(code, columns), before, after)
        for row in findings.get("differences", [])
        for code, before, after in row["changes"]
    ]


def _refusals(findings: Mapping[str, Any], columns: Mapping[str, Column]) -> list[Refusal]:
    return [
        Refusal(row["line"], _label_of(row["column"], columns), row["sentence"]) for row in findings.get("refusals", [])
    ]


def _choices(import_: Import, kind: TableKind | None) -> list[tuple[str, str]]:
    """What was chosen for the whole file."""
    chosen = import_.terms.get("settings", {})
    return [
        (str(one.label), _named(one, chosen[one.code]))
        for one in (kind.settings if kind else ())
        if chosen.get(one.code)
    ]


def _named(setting: Setting, value: str) -> str:
    """What was chosen, as it was called where it was chosen."""
    choices = dict(setting.choices()) if setting.choices else {}
    return str(choices.get(value, value))
