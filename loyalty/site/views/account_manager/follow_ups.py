"""Follow-ups: all that is open by the day it is due, and one of them with what happened to it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import account_managers_only
from accounts.actors import Actor
from accounts.draft_views import let_go
from accounts.follow_ups import DayRefusedError, FollowUpClosedError, drop, finish, move
from accounts.middleware import actor_behind
from accounts.models import Company, FollowUp, FollowUpMove
from accounts.note_forms import DropForm, FinishForm, MoveForm, typed_again, why_refused
from loyalty.site.views.account_manager.drafting import drafting
from loyalty.site.views.account_manager.dues import due

FOLLOW_UPS_A_PAGE = 50
ALL, LATE, CLOSED = "", "late", "done"
FORMS: dict[str, type[Form]] = {"finish": FinishForm, "move": MoveForm, "drop": DropForm}


@require_safe
@account_managers_only
def follow_ups(request: HttpRequest) -> HttpResponse:
    """What is owed: all that is open, what is late, or what was done and dropped; of all companies or of one."""
    actor = actor_behind(request)
    shown = request.GET.get("show", ALL)
    shown = shown if shown in (LATE, CLOSED) else ALL
    today = timezone.localdate(actor.at)
    rows = FollowUp.objects.visible_to(actor).select_related("company")
    company = _chosen_company(request, actor)
    if company is not None:
        rows = rows.filter(company=company)
    if shown == CLOSED:
        rows = rows.exclude(state=FollowUp.State.OPEN).order_by("-closed_at", "-pk")
    else:
        rows = rows.filter(state=FollowUp.State.OPEN).order_by("due_on", "pk")
    if shown == LATE:
        rows = rows.filter(due_on__lt=today)
    page = Paginator(rows, FOLLOW_UPS_A_PAGE).get_page(request.GET.get("page"))
    of_company = f"company={company.pk}" if company else ""
    context = {
        "follow_ups": [due(row, today=today) for row in page],
        "page": page,
        "shown": shown,
        "company": company,
        "tabs": [
            (label, "?" + "&".join(filter(None, (f"show={code}" if code else "", of_company))), code == shown)
            for code, label in ((ALL, _("Open")), (LATE, _("Late")), (CLOSED, _("Done and dropped")))
        ],
        "kept": "&".join(filter(None, (f"show={shown}" if shown else "", of_company))),
    }
    return render(request, "am/follow_ups.html", context)


def _chosen_company(request: HttpRequest, actor: Actor) -> Company | None:
    """The company that the list is cut down to; a foreign one, or none at all, cuts nothing."""
    wanted = request.GET.get("company", "")
    if not (wanted.isascii() and wanted.isdecimal() and len(wanted) < 19):
        return None
    return Company.objects.visible_to(actor).filter(pk=int(wanted)).first()


@require_http_methods(["GET", "HEAD", "POST"])
@account_managers_only
def follow_up(request: HttpRequest, pk: int) -> HttpResponse:
    """One follow-up: what became of it, and the ways to close or move it."""
    actor = actor_behind(request)
    row = FollowUp.objects.visible_to(actor).filter(pk=pk).select_related("company", "created_by", "closed_by").first()
    if row is None:
        raise Http404
    draft = drafting(request, actor)
    step = request.POST.get("step", "")
    forms = {name: form(auto_id=f"{name}_%s") for name, form in FORMS.items()}
    if draft.typed is not None and (typed_step := draft.typed.get("step", "")) in FORMS:
        typed = typed_again(FORMS[typed_step](draft.typed))
        forms[typed_step] = FORMS[typed_step](initial=typed, auto_id=f"{typed_step}_%s")
    status = 200
    if step in FORMS:
        form = forms[step] = FORMS[step](request.POST, auto_id=f"{step}_%s")
        try:
            if form.is_valid():
                _carry_out(step, form, row, actor)
                let_go(request, user_id=actor.user_id, address=draft.address)
                messages.success(request, _DONE[step]())
                return HttpResponseRedirect(_back_to(request, row))
        except DayRefusedError as error:
            form.add_error("to_on", why_refused(error))
        except FollowUpClosedError as error:
            if step == "finish" and error.follow_up.state == FollowUp.State.DONE:
                messages.info(request, _done_already(error.follow_up))
                return HttpResponseRedirect(_back_to(request, row))
            status = 409
        if form.errors:
            status = 422
    elif request.method == "POST":
        status = 422
    return _page(request, row.pk, actor, {"forms": forms, "step": step, "drafting": draft}, status)


def _page(request: HttpRequest, pk: int, actor: Actor, context: dict[str, object], status: int) -> HttpResponse:
    row = FollowUp.objects.visible_to(actor).select_related("company", "created_by", "closed_by").get(pk=pk)
    moves = (
        FollowUpMove.objects.visible_to(actor)
        .filter(follow_up=row)
        .select_related("moved_by")
        .order_by("-moved_at", "-pk")
    )
    shown = {"follow_up": row, "due": due(row, today=timezone.localdate(actor.at)), "moves": moves}
    return render(
        request,
        "am/follow_up.html",
        {**shown, **context, "is_refused": status == 409, "has_errors": status == 422},
        status=status,
    )


def _carry_out(step: str, form: Form, row: FollowUp, actor: Actor) -> None:
    typed, who = form.cleaned_data, actor.user_id
    if step == "finish":
        finish(follow_up_id=row.pk, by_user_id=who, now=actor.at, outcome=typed["outcome"])
    elif step == "drop":
        drop(follow_up_id=row.pk, by_user_id=who, now=actor.at, reason=typed["reason"])
    else:
        today = timezone.localdate(actor.at)
        move(
            follow_up_id=row.pk, to_on=typed["to_on"], reason=typed["reason"], by_user_id=who, today=today, now=actor.at
        )


_DONE = {
    "finish": lambda: _("Done. It stands in the timeline."),
    "move": lambda: _("Moved. The reason stands in the timeline."),
    "drop": lambda: _("Dropped. The reason stands in the timeline."),
}


def _done_already(row: FollowUp) -> str:
    who = row.closed_by.name if row.closed_by else ""
    return _("That was done already, by %(who)s. Nothing more is to be done.") % {"who": who}


def _back_to(request: HttpRequest, row: FollowUp) -> str:
    """Where the step was taken: today, a list, the company's page."""
    address = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        return address
    return reverse("am-company", args=[row.company_id]) + "#owed"
