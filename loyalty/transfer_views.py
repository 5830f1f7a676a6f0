"""The page on which points are passed on within a company."""

from uuid import uuid4

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.access import employees_only
from accounts.idempotency import KeyUsedForAnotherRequestError
from accounts.middleware import actor_behind
from accounts.models import Employee
from accounts.text import validate_plain_text
from loyalty.selectors import membership_of
from loyalty.transfers import (
    MOST_POINTS,
    InsufficientPointsError,
    TransferError,
    can_pass_on,
    pass_on,
    refusal,
    takers_of,
)


class Takers(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Colleagues, by name; nobody chosen is the company, where the own points may go there."""

    def label_from_instance(self, obj: Employee) -> str:
        """The name alone."""
        return obj.name


class PassOnForm(forms.Form):
    """To whom, how many, and why."""

    to = Takers(label=gettext_lazy("To"), queryset=Employee.objects.none(), required=False)
    points = forms.IntegerField(
        label=gettext_lazy("Points"),
        min_value=1,
        max_value=MOST_POINTS,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        validators=[validate_plain_text],
        help_text=gettext_lazy("Stands on both statements."),
    )
    key = forms.CharField(label=gettext_lazy("Key"), max_length=60, widget=forms.HiddenInput)

    def __init__(self, data: object = None, *, takers: QuerySet[Employee], has_company: bool) -> None:
        super().__init__(data, initial={"key": uuid4().hex})  # type: ignore[arg-type]
        field: Takers = self.fields["to"]  # type: ignore[assignment]
        field.queryset = takers.order_by("name", "pk")
        field.required = not has_company
        if has_company:
            field.empty_label = _("The company, from my points")


@require_http_methods(["GET", "HEAD", "POST"])
@employees_only
def transfer(request: HttpRequest) -> HttpResponse:
    """Pass points on: the own to the company, or as an admin the company's to a colleague."""
    actor = actor_behind(request)
    membership = membership_of(actor, chosen=request.GET.get("program", ""))
    if membership is None:
        return render(request, "client/no_program.html")
    has_company, has_people = (can_pass_on(actor, membership, to_company=way) for way in (True, False))
    if not (has_company or has_people):
        raise Http404
    takers = takers_of(actor, membership) if has_people else Employee.objects.none()
    form = PassOnForm(request.POST if request.method == "POST" else None, takers=takers, has_company=has_company)
    back = f"{reverse('statement')}?program={membership.program.code}"
    status = 422 if form.is_bound else 200
    if form.is_valid():
        asked = form.cleaned_data
        to: Employee | None = asked["to"]
        try:
            passed = pass_on(
                actor=actor,
                membership=membership,
                to=to,
                points=asked["points"],
                reason=asked["reason"],
                key=asked["key"],
                now=timezone.now(),
            )
        except (TransferError, InsufficientPointsError, KeyUsedForAnotherRequestError) as error:
            form.add_error(None, _said(error))
            status = 409
        else:
            if passed.is_new:
                messages.success(request, _("Passed on. Both statements say so."))
            return HttpResponseRedirect(f"{back}&wallet={'own' if to is None else 'company'}")
    context = {"form": form, "program": membership.program, "back_url": back}
    return render(request, "client/pass_on.html", context, status=status)


def _said(error: Exception) -> str:
    """Return why points cannot be passed on, and what to do instead."""
    if isinstance(error, KeyUsedForAnotherRequestError):
        return _("This page was used for another request. Nothing is booked twice; start again from here.")
    return refusal(error)
