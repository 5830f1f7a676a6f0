"""What a company and its people may use, what they used, and what is given and withdrawn by hand."""

from dataclasses import replace
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import account_managers_only
from accounts.actors import Actor, actor_of_employee, as_actors
from accounts.draft_views import let_go
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.middleware import actor_behind
from accounts.models import Company, Employee
from accounts.note_forms import new_key, overwrite, typed_again
from loyalty.benefits import Entitlement, GrantError, entitlements_of, withdraw
from loyalty.benefits.words import times
from loyalty.earning import Period
from loyalty.models import BenefitGrant, BenefitUse, Membership
from loyalty.selectors import Standing, standing_of
from loyalty.site.views.account_manager.drafting import Drafting, drafting
from loyalty.site.views.account_manager.giving import GiveForm, WithdrawForm, give
from loyalty.site.views.account_manager.portfolio import company_at, taking_part

USES_SHOWN = 10
GRANTS_SHOWN = 50
NOBODY = -1
"""No employee's id."""


def rights_of_company(
    company: Company, membership: Membership, *, actor: Actor, standing: Standing
) -> list[Entitlement]:
    """Return what the company may use as a whole, whoever works there; three queries."""
    anybody = Actor(at=actor.at, employee_id=NOBODY, company_id=company.pk, is_company_admin=True)
    return entitlements_of(anybody, membership, at=actor.at, standing=standing)


@require_http_methods(["GET", "HEAD", "POST"])
@account_managers_only
def benefits(request: HttpRequest, pk: int) -> HttpResponse:
    """What the company, and whom one chooses there, may use; and a form to give something by hand."""
    actor = actor_behind(request)
    row = company_at(request, actor, pk)
    draft = drafting(request, actor, may_be_kept=getattr(row, "has_draft", True))
    taking = taking_part(row, actor, chosen=_asked_for(request, draft, "program"))
    if taking is None:
        return render(request, "am/benefits.html", {"company": row}, status=409 if request.method == "POST" else 200)
    membership = taking.membership
    people = list(
        as_actors(Employee.objects.visible_to(actor).filter(company=row, is_active=True)).order_by("name", "pk")
    )
    form = _give_form(request, membership, people, actor, draft)
    status = 422 if form.is_bound else 200
    is_used_before = False
    if form.is_valid():
        try:
            give(form, membership=membership, by=actor)
        except KeyUsedForAnotherRequestError:
            overwrite(form, "key", new_key())
            is_used_before, status = True, 409
        except GrantError as error:
            form.add_error(None, str(error))
            status = 409
        else:
            let_go(request, user_id=actor.user_id, address=draft.address)
            messages.success(request, _("The benefit is given. Whoever may use it is told, with the reason."))
            return HttpResponseRedirect(_page_of(row, membership, form.cleaned_data["employee"]))
    person = _chosen(people, request.GET.get("person", ""))
    standing = standing_of(membership, at=actor.at)
    if person is None:
        rights = rights_of_company(row, membership, actor=actor, standing=standing)
    else:
        acting = replace(actor_of_employee(person, now=actor.at), is_company_admin=True)  # the company's are shown, too
        rights = entitlements_of(acting, membership, at=actor.at, standing=standing)
    context = {
        "company": row,
        "program": membership.program,
        "tabs": taking.tabs,
        "tier": standing.tier,
        "people": people,
        "person": person,
        "rights_of_company": [right for right in rights if right.is_for_company],
        "rights_of_person": [right for right in rights if not right.is_for_company],
        "uses": _uses(membership, actor),
        "grants": _grants(membership, actor),
        "form": form,
        "is_used_before": is_used_before,
        "drafting": draft,
        "as_of": actor.at,
    }
    return render(request, "am/benefits.html", context, status=status)


def _asked_for(request: HttpRequest, draft: Drafting, name: str) -> str:
    """What the address says, or the form that is sent or was kept."""
    kept = draft.typed.get(name) if draft.typed is not None else ""
    return request.GET.get(name) or request.POST.get(name) or kept or ""


def _give_form(
    request: HttpRequest, membership: Membership, people: list[Employee], actor: Actor, draft: Drafting
) -> GiveForm:
    if request.method == "POST":
        return GiveForm(request.POST, membership=membership, people=people, actor=actor)
    initial = {"employee": request.GET.get("person", "")}
    if draft.typed is not None:
        initial |= typed_again(GiveForm(draft.typed, membership=membership, people=people, actor=actor))
    return GiveForm(initial=initial, membership=membership, people=people, actor=actor)


def _chosen(people: list[Employee], pk: str) -> Employee | None:
    return next((person for person in people if str(person.pk) == pk), None)


def _page_of(company: Company, membership: Membership, employee: Employee | None) -> str:
    query = {"program": membership.program.code, **({"person": employee.pk} if employee else {})}
    return f"{reverse('am-benefits', args=[company.pk])}?{urlencode(query)}#given"


def _uses(membership: Membership, actor: Actor) -> list[BenefitUse]:
    rows = BenefitUse.objects.visible_to(actor).filter(membership=membership)
    return list(rows.select_related("benefit", "employee", "follow_up").order_by("-used_at", "-pk")[:USES_SHOWN])


def _grants(membership: Membership, actor: Actor) -> list[dict[str, object]]:
    """What was given by hand and has not ended, the latest first."""
    rows = BenefitGrant.objects.visible_to(actor).filter(membership=membership).in_force(actor.at)
    latest = rows.select_related("benefit", "employee", "granted_by").order_by("-granted_at", "-pk")[:GRANTS_SHOWN]
    return [{"row": row, "times": times(row.quota, Period(row.period))} for row in latest]


@require_http_methods(["GET", "HEAD", "POST"])
@account_managers_only
def given_benefit(request: HttpRequest, pk: int) -> HttpResponse:
    """A benefit that was given by hand: to whom, why, how often it was used; and a form to withdraw it."""
    actor = actor_behind(request)
    rows = BenefitGrant.objects.visible_to(actor).filter(pk=pk).annotate(used=Count("uses"))
    row = rows.select_related("benefit", "employee", "granted_by", "membership__company", "membership__program").first()
    if row is None:
        raise Http404
    draft = drafting(request, actor)
    if request.method == "POST":
        form = WithdrawForm(request.POST)
    else:
        form = WithdrawForm(initial=typed_again(WithdrawForm(draft.typed)) if draft.typed is not None else None)
    status = 422 if form.is_bound else 200
    if form.is_valid():
        try:
            withdraw(grant=row, by=actor, reason=form.cleaned_data["reason"], now=actor.at)
        except GrantError as error:
            form.add_error(None, str(error))
            status = 409
        else:
            let_go(request, user_id=actor.user_id, address=draft.address)
            messages.success(
                request, _("The benefit is withdrawn. Whoever might have used it is told, with the reason.")
            )
            return HttpResponseRedirect(_page_of(row.membership.company, row.membership, row.employee))
    context = {
        "given": row,
        "company": row.membership.company,
        "times": times(row.quota, Period(row.period)),
        "has_ended": row.ends_at is not None and row.ends_at <= actor.at,
        "back_url": _page_of(row.membership.company, row.membership, row.employee),
        "form": form,
        "drafting": draft,
    }
    return render(request, "am/given_benefit.html", context, status=status)
