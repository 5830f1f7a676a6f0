"""The management's consent: see the program, comment on it, agree that people earn, and take that back."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.actors import Actor
from accounts.middleware import actor_behind
from accounts.models import StakeholderRole
from loyalty.explaining import agreement_in_force, plain_rules, rule_set_in_force
from loyalty.forms import CommentForm, ConsentForm
from loyalty.memberships import (
    SPENDING_TIME,
    NotYoursToSayError,
    NotYoursToSignError,
    comment,
    may_sign,
    sign_consent,
    sign_withdrawal,
)
from loyalty.models import Consent, Membership, ProgramComment
from loyalty.selectors import has_agreement, membership_of, memberships_of, with_own_terms
from loyalty.site.views.client.company import company_only
from loyalty.terms import terms_in_words

COMMENTS_SHOWN = 10
CONSENTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ShownConsent:
    """What was agreed to, by whom, from when to when; no `roles`: every role."""

    by: str
    starts_at: datetime
    ends_at: datetime | None
    roles: list[str]
    monthly_limit: int | None
    unearned: str


@require_http_methods(["GET", "HEAD", "POST"])
@company_only
def consent(request: HttpRequest) -> HttpResponse:
    """What the company agrees to, with the form that signs it and the one that comments."""
    actor = actor_behind(request)
    rows = with_own_terms(memberships_of(actor), actor)
    membership = membership_of(actor, chosen=request.GET.get("program", ""), among=rows)
    if membership is None:
        return render(request, "client/no_program.html")
    if request.method == "POST" and request.POST.get("step") == "comment":
        return _comment(request, actor, membership)
    if request.method == "POST":
        return _sign(request, actor, membership)
    return _show(request, actor, membership)


@require_http_methods(["GET", "HEAD", "POST"])
@company_only
def withdraw(request: HttpRequest) -> HttpResponse:
    """Take the consent back, once it has been said what then happens."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    if not may_sign(actor, membership):
        raise PermissionDenied
    held = Consent.objects.visible_to(actor).filter(membership=membership).in_force(actor.at).first()
    if request.method != "POST":
        context = {
            "program": membership.program,
            "held": held,
            "until": actor.at + SPENDING_TIME,
            "back": _back(request),
        }
        return render(request, "company/consent_withdraw.html", context)
    try:
        ended = sign_withdrawal(actor=actor, membership=membership, now=timezone.now())
    except NotYoursToSignError:
        raise PermissionDenied from None
    if ended:
        messages.success(request, _("The consent is withdrawn. Your people no longer earn points of their own."))
    else:
        messages.info(request, _("There was no consent to withdraw."))
    return HttpResponseRedirect(_back(request))


def _comment(request: HttpRequest, actor: Actor, membership: Membership) -> HttpResponse:
    form = CommentForm(request.POST)
    if not form.is_valid():
        return _show(request, actor, membership, comment_form=form, status=422)
    try:
        comment(actor=actor, membership=membership, text=form.cleaned_data["text"], now=timezone.now())
    except NotYoursToSayError:
        raise PermissionDenied from None
    messages.success(request, _("Thank you. Your comment has reached the vendor."))
    return HttpResponseRedirect(_back(request))


def _sign(request: HttpRequest, actor: Actor, membership: Membership) -> HttpResponse:
    if not may_sign(actor, membership):
        raise PermissionDenied
    form = ConsentForm(request.POST, roles=_roles(actor), held=None)
    if not form.is_valid():
        return _show(request, actor, membership, consent_form=form, status=422)
    try:
        sign_consent(
            actor=actor,
            membership=membership,
            roles=form.signed_roles,
            monthly_limit=form.cleaned_data["monthly_limit"],
            unearned=form.cleaned_data["unearned"],
            now=timezone.now(),
        )
    except NotYoursToSignError:
        raise PermissionDenied from None
    messages.success(request, _("Signed. It holds from now on."))
    return HttpResponseRedirect(_back(request))


def _show(
    request: HttpRequest,
    actor: Actor,
    membership: Membership,
    *,
    consent_form: ConsentForm | None = None,
    comment_form: CommentForm | None = None,
    status: int = 200,
) -> HttpResponse:
    roles = _roles(actor)
    rows = list(
        Consent.objects.visible_to(actor)
        .filter(membership=membership)
        .select_related("given_by")
        .order_by("-starts_at", "-pk")[:CONSENTS_SHOWN]
    )
    held = next((row for row in rows if row.holds_at(actor.at)), None)
    names = {role.code: role.name for role in roles}
    rule_set = rule_set_in_force(membership.program, at=actor.at)
    agreement = agreement_in_force(membership, at=actor.at) if has_agreement(membership) else None
    comments = ProgramComment.objects.visible_to(actor).filter(membership=membership).select_related("author")
    context = {
        "program": membership.program,
        "rule_set": rule_set,
        "rules": plain_rules(rule_set, membership.program, agreement) if rule_set else [],
        "agreement": agreement,
        "terms": terms_in_words(membership.program),
        "held": _shown(held, names) if held else None,
        "history": [_shown(row, names) for row in rows if row is not held],
        "comments": comments.order_by("-created_at", "-pk")[:COMMENTS_SHOWN],
        "may_sign": may_sign(actor, membership),
        "may_comment": not actor.seen_by_user_id,
        "consent_form": consent_form or ConsentForm(roles=roles, held=held),
        "comment_form": comment_form or CommentForm(),
        "wrong_form": consent_form or comment_form,
        "withdraw_url": f"{reverse('consent-withdraw')}?program={membership.program.code}",
        "spending_days": SPENDING_TIME.days,
    }
    return render(request, "company/consent.html", context, status=status)


def _shown(row: Consent, names: dict[str, str]) -> ShownConsent:
    roles = [names.get(code, code) for code in row.roles]
    return ShownConsent(
        row.given_by.name, row.starts_at, row.ends_at, roles, row.monthly_limit, row.get_unearned_display()
    )


def _roles(actor: Actor) -> list[StakeholderRole]:
    return list(StakeholderRole.objects.visible_to(actor).order_by("name", "pk"))


def _back(request: HttpRequest) -> str:
    query = request.GET.copy()
    for name in set(query) - {"program"}:
        del query[name]
    return f"{reverse('consent')}?{query.urlencode()}".removesuffix("?")
