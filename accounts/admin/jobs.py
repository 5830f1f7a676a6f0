"""What workers do: every job with its progress, those that failed to be sent again; and the work that comes round."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from accounts import jobs, naming
from accounts.admin.links import row_link
from accounts.admin.scoped import ReadOnlyAdmin
from accounts.admin.steps import Step, StepForm, SteppedAdmin
from accounts.jobs import CAN_BE_SENT_AGAIN, JobOverError
from accounts.models import Job, PeriodicWork


class KindFilter(admin.SimpleListFilter):
    """Jobs of one kind."""

    title = gettext_lazy("kind")
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The kinds that this installation knows."""
        return naming.JOBS.choices()

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        """Those of the kind asked for."""
        return queryset.filter(kind=self.value()) if self.value() in naming.JOBS else queryset


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin[Job], SteppedAdmin[Job]):
    """Jobs; those that failed wait here until somebody sends them again."""

    list_display = ("name", "state", "share", "asked_by", "created_at", "ended_at", "tries", "failure")
    list_filter = ("state", KindFilter)
    list_select_related = ("asked_by",)
    search_fields = ("kind", "asked_by__name", "asked_by__email", "failure")
    ordering = ("-pk",)
    fields = (
        "name",
        "state",
        "progress",
        ("asked_by", "created_at"),
        "due_at",
        ("started_at", "ended_at"),
        "tries",
        "is_cancel_asked",
        "asked",
        "came_of_it",
        "failure",
    )
    actions = ("send_many_again",)  # type: ignore[assignment]
    change_form_template = "admin/accounts/job/change_form.html"
    refusal: ClassVar[type[Exception]] = JobOverError
    steps: ClassVar[Mapping[str, Step]] = {
        "send_again": Step(
            gettext_lazy("Send again"),
            gettext_lazy("It gets in line as if it had just been asked for, and is tried up to three times."),
            gettext_lazy("%(row)s is in line again."),
            lambda job, by, now, _asked: jobs.send_again(job_id=job.pk, now=now),
        ),
        "cancel": Step(
            gettext_lazy("Cancel"),
            gettext_lazy("One that waits is cancelled at once; one that runs stops at its next step."),
            gettext_lazy("%(row)s is cancelled, or will be at its next step."),
            lambda job, by, now, _asked: jobs.cancel(job_id=job.pk, now=now),
            is_danger=True,
        ),
    }

    def offered(self, row: Job) -> list[str]:
        """What is over can be sent again unless it is done; what is not can be cancelled."""
        if row.is_open:
            return [] if row.is_cancel_asked else ["cancel"]
        return ["send_again"] if row.state in CAN_BE_SENT_AGAIN else []

    def may_take(self, request: HttpRequest, row: Job, step: Step) -> bool:
        """Program managers; nobody edits a job, which is what the permission would otherwise mean."""
        return self.has_send_permission(request)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Program managers."""
        return request.user.has_perm("accounts.change_job")

    @admin.display(description=gettext_lazy("job"), ordering="kind")
    def name(self, job: Job) -> str:
        """What it is called."""
        return jobs.label_of(job.kind)

    @admin.display(description=pgettext_lazy("job", "steps"))
    def share(self, job: Job) -> str:
        """How far it is."""
        return (
            _("%(done)s of %(total)s") % {"done": localize(job.done), "total": localize(job.total)} if job.total else ""
        )

    @admin.display(description=gettext_lazy("progress"))
    def progress(self, job: Job) -> str:
        """A bar that moves by itself, or when the page is loaded again."""
        return render_to_string("includes/job_progress.html", {"job": job})

    @admin.display(description=gettext_lazy("parameters"))
    def asked(self, job: Job) -> str:
        """What it was asked to do."""
        return _listed(job.parameters)

    @admin.display(description=gettext_lazy("result"))
    def came_of_it(self, job: Job) -> str:
        """What came of it."""
        return _listed(job.result)

    @admin.action(description=gettext_lazy("Send again"), permissions=["send"])
    def send_many_again(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        """Send the chosen jobs again, after a look at how many there are."""
        able = list(queryset.filter(state__in=CAN_BE_SENT_AGAIN).order_by("pk"))
        if "confirm" not in request.POST:
            return self._confirmation(request, able, others=queryset.count() - len(able))
        sent = 0
        for job in able:
            try:
                jobs.send_again(job_id=job.pk, now=timezone.now())
            except JobOverError:
                continue
            self.log_change(request, job, _("Sent again."))
            sent += 1
        text = ngettext("%(count)s job is in line again.", "%(count)s jobs are in line again.", sent)
        self.message_user(request, text % {"count": localize(sent)}, messages.SUCCESS if sent else messages.WARNING)
        return None

    def _confirmation(self, request: HttpRequest, able: list[Job], *, others: int) -> HttpResponse:
        facts = [(_("Jobs to send again"), localize(len(able)))]
        if others:
            facts.append((_("Not to be sent again: done, waiting or running"), localize(others)))
        step = self.steps["send_again"]
        hidden = [(ACTION_CHECKBOX_NAME, job.pk) for job in able]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": step.label,
            "facts": facts,
            "consequence": step.consequence,
            "form": StepForm(),
            "hidden": [*hidden, ("action", "send_many_again"), ("index", 0), ("confirm", "yes")],
            "submit": step.label,
            "is_impossible": not able,
            "back_url": request.get_full_path(),
        }
        return TemplateResponse(request, self.step_template, context)


@admin.register(PeriodicWork)
class PeriodicWorkAdmin(ReadOnlyAdmin[PeriodicWork]):
    """Work that comes round: when it is due next, and how it went last time."""

    list_display = ("name", "next_due_at", "latest", "started_at", "ended_at", "failed_at", "failure")
    list_select_related = ("job",)
    search_fields = ("code", "failure")
    ordering = ("next_due_at", "pk")
    fields = ("name", "next_due_at", "latest", "started_at", "ended_at", "failed_at", "failure")

    @admin.display(description=gettext_lazy("work"), ordering="code")
    def name(self, work: PeriodicWork) -> str:
        """What it is called."""
        return jobs.label_of(work.code)

    @admin.display(description=gettext_lazy("latest job"))
    def latest(self, work: PeriodicWork) -> str:
        """How it went, leading to the job."""
        return row_link(work.job, work.job.get_state_display() if work.job else None)

    @admin.display(description=gettext_lazy("started"))
    def started_at(self, work: PeriodicWork) -> Any:
        """When its latest job began."""
        return work.job.started_at if work.job else None

    @admin.display(description=gettext_lazy("ended"))
    def ended_at(self, work: PeriodicWork) -> Any:
        """When its latest job ended."""
        return work.job.ended_at if work.job else None


def _listed(values: Mapping[str, Any]) -> str:
    """Ids, codes and numbers under their names."""
    if not values:
        return "–"
    items = format_html_join(
        "", "<li>{}: <bdi>{}</bdi></li>", ((name, localize(value)) for name, value in values.items())
    )
    return format_html("<ul>{}</ul>", items)
