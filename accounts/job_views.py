"""A job as whoever asked for it sees it: how far it is, what came of it, and the way to stop it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRefresh

from accounts import jobs
from accounts.access import signed_in
from accounts.jobs import JobOverError
from accounts.middleware import actor_behind
from accounts.models import Job


@require_safe
@signed_in
def job(request: HttpRequest, pk: int) -> HttpResponse:
    """One job; the page looks again by itself while it is open, or when it is loaded anew."""
    found = _visible(request, pk)
    context = {
        "job": found,
        "label": jobs.label_of(found.kind),
        "may_cancel": found.is_open and found.asked_by_id == actor_behind(request).user_id,
    }
    return render(request, "accounts/job.html", context)


@require_safe
@signed_in
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a job is, as a piece of whatever page shows it; once it has ended, that page comes anew."""
    found = _visible(request, pk)
    if getattr(request, "htmx", False) and not found.is_open:
        return HttpResponseClientRefresh()
    return render(request, "includes/job_progress.html", {"job": found})


@require_POST
@signed_in
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a job that one asked for oneself."""
    actor = actor_behind(request)
    stop(request, get_object_or_404(Job.objects.visible_to(actor), pk=pk, asked_by_id=actor.user_id))
    return HttpResponseRedirect(reverse("job", args=[pk]))


def stop(request: HttpRequest, found: Job) -> None:
    """Stop a job, and say on the next page what came of that."""
    try:
        ended = jobs.cancel(job_id=found.pk, now=timezone.now())
    except JobOverError as error:
        messages.warning(request, str(error))
    else:
        text = _("It stops at its next step.") if ended.is_open else _("It is cancelled.")
        messages.success(request, text)


def _visible(request: HttpRequest, pk: int) -> Job:
    return get_object_or_404(Job.objects.visible_to(actor_behind(request)), pk=pk)
