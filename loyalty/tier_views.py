"""The pages on which a company's admin takes a tier, answers an invitation, cancels a fee or gives up a plan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from accounts.access import employees_only
from accounts.actors import Actor
from accounts.middleware import actor_behind
from loyalty.models import Membership, Tier, TierInvitation, TierTitle
from loyalty.selectors import memberships_of
from loyalty.titles import TitleError, accept, cancel, choose, decline, give_up, subscribe


@dataclass(frozen=True, slots=True)
class _Act:
    """What an admin confirms: `of` is what the address names, `take` the use case, called with the row of it."""

    of: type[Tier] | type[TierTitle] | type[TierInvitation]
    heading: str | Promise
    button: str | Promise
    done: str | Promise
    take: Callable[..., object]
    name: str
    is_danger: bool = False


_ACTS: Mapping[str, _Act] = {
    "choose": _Act(Tier, _("Choose this plan"), _("Choose it"), _("Your company holds the plan."), choose, "tier"),
    "take": _Act(
        Tier, _("Take this tier for a fee"), _("Take it"), _("Your company holds the tier."), subscribe,
        "tier",
    ),
    "give-up": _Act(
        TierTitle, _("Give up this plan"), _("Give it up"), _("The plan is given up."), give_up, "title", True
    ),
    "cancel": _Act(TierTitle, _("Cancel the fee"), _("Cancel it"), _("The fee is cancelled."), cancel, "title", True),
    "accept": _Act(
        TierInvitation, _("Accept the invitation"), _("Accept it"), _("Accepted: the tier holds now."), accept,
        "invitation",
    ),
    "decline": _Act(
        TierInvitation, _("Decline the invitation"), _("Decline it"), _("Declined."), decline, "invitation", True
    ),
}  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def act(request: HttpRequest, name: str, pk: int) -> HttpResponse:
    """Say what follows, and do it once it is confirmed; or say why it cannot be done."""
    actor, step = actor_behind(request), _ACTS.get(name)
    if step is None or not actor.is_company_admin:
        raise Http404
    row, membership = _row(actor, step, pk)
    if isinstance(row, Tier) and request.method != "POST" and not (row.is_chosen if name == "choose" else row.is_paid):
        raise Http404
    back = f"{reverse('tier')}?program={membership.program.code}"
    form, status = forms.Form(request.POST if request.method == "POST" else None), 200
    if form.is_valid():
        asked: dict[str, Any] = {step.name: row}
        if step.of is Tier:
            asked["membership"] = membership
        try:
            step.take(actor=actor, now=timezone.now(), **asked)
        except TitleError as error:
            form.add_error(None, str(error))
            status = 409
        else:
            messages.success(request, str(step.done))
            return HttpResponseRedirect(back)
    context = {
        "step": step,
        "name": name,
        "row": row,
        "tier": row if isinstance(row, Tier) else row.tier,
        "program": membership.program,
        "form": form,
        "back_url": back,
    }
    return render(request, "client/tier_step.html", context, status=status)


def _row(actor: Actor, step: _Act, pk: int) -> tuple[Tier | TierTitle | TierInvitation, Membership]:
    """What the address names, among what is the company's own; Http404 where it is another's, or none."""
    memberships = memberships_of(actor)
    if step.of is Tier:
        tier = Tier.objects.visible_to(actor).filter(pk=pk).first()
        member = memberships.filter(program=tier.program_id).first() if tier is not None else None
        if tier is None or member is None:
            raise Http404
        return tier, member
    rows: Any = step.of.objects
    row = rows.visible_to(actor).filter(pk=pk, membership__in=memberships).select_related("tier").first()
    if row is None:
        raise Http404
    return row, memberships.get(pk=row.membership_id)
