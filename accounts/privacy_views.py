"""What we hold of somebody: to look at, to take away, and to have erased."""

import json

from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import audit, erasing, subjects
from accounts.access import employees_only, freshly_signed_in_to_send
from accounts.middleware import actor_behind
from accounts.models import Employee, Erasure
from accounts.reauthentication import ask_again, is_fresh


@require_safe
@employees_only
def privacy(request: HttpRequest) -> HttpResponse:
    """Each part of what we hold, what stays of it, and the ways to take it away or have it erased."""
    actor = actor_behind(request)
    waiting = Erasure.objects.visible_to(actor).filter(employee_id=actor.employee_id, state=Erasure.State.WAITING)
    return render(request, "accounts/privacy.html", {"parts": reversed(subjects.parts()), "erasure": waiting.first()})


@require_POST
@employees_only
def export(request: HttpRequest) -> HttpResponse:
    """Everything as one file, for people and for programs."""
    if not is_fresh(request, now=timezone.now()):
        return ask_again(request, page=reverse("privacy"))
    actor = actor_behind(request)
    employee = Employee.objects.visible_to(actor).select_related("company").get(pk=actor.employee_id)
    now = timezone.now()
    content = {
        "exported_at": now,
        "parts": {
            part.code: {"label": str(part.label), "rows": list(part.rows(employee))}
            for part in reversed(subjects.parts())
        },
    }
    audit.record("person-exported", employee, actor_id=actor.user_id, now=now, company_id=actor.company_id)
    response = HttpResponse(
        json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1), content_type="application/json"
    )
    response["Content-Disposition"] = f'attachment; filename="twofold-{now:%Y-%m-%d}.json"'
    response["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
@freshly_signed_in_to_send
def erase(request: HttpRequest) -> HttpResponse:
    """Say what follows, and only then ask to be erased."""
    actor = actor_behind(request)
    if request.method != "POST":
        context = {"parts": reversed(subjects.parts()), "days": erasing.days_to_think(), "is_asking": True}
        return render(request, "accounts/privacy.html", context)
    try:
        erasing.ask_to_erase(employee_id=actor.employee_id, by_user_id=actor.user_id, now=timezone.now())
    except erasing.AlreadyAskedError:
        messages.info(request, _("You have asked already."))
    else:
        messages.success(request, _("You have asked to be erased. Until the day below you can still stay."))
    return HttpResponseRedirect(reverse("privacy"))


@require_POST
@employees_only
def stay(request: HttpRequest) -> HttpResponse:
    """Withdraw what was asked."""
    actor = actor_behind(request)
    waiting = Erasure.objects.visible_to(actor).filter(employee_id=actor.employee_id, state=Erasure.State.WAITING)
    erasure = waiting.first()
    try:
        if erasure is None:
            raise erasing.AlreadyEndedError
        erasing.withdraw_erasure(erasure_id=erasure.pk, by_user_id=actor.user_id, now=timezone.now())
    except erasing.AlreadyEndedError:
        messages.info(request, _("There is nothing to withdraw."))
    else:
        messages.success(request, _("You stay. Nothing was erased."))
    return HttpResponseRedirect(reverse("privacy"))
