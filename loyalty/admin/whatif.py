"""Why would a company get points for something? Asked for what has not happened; every rule answers."""

from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.actors import Actor
from accounts.middleware import actor_behind
from accounts.models import Employee
from loyalty.activities import ActivityItem
from loyalty.admin.attributes import AttributesField, check_attributes
from loyalty.models import ActivityType, Membership
from loyalty.own_activities import DERIVED_TYPES
from loyalty.replaying import WhatIf, what_if


class WhatIfForm(forms.Form):
    """What would happen."""

    activity_type = forms.ModelChoiceField(label=gettext_lazy("What"), queryset=ActivityType.objects.none())
    employee = forms.ModelChoiceField(
        label=gettext_lazy("By"), queryset=Employee.objects.none(), required=False,
        empty_label=gettext_lazy("nobody in particular"),
    )  # fmt: skip
    day = forms.DateField(label=gettext_lazy("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    amount = forms.DecimalField(
        label=gettext_lazy("Amount"), required=False, min_value=0, max_digits=14, decimal_places=4
    )
    quantity = forms.DecimalField(
        label=gettext_lazy("Quantity"), required=False, min_value=0, max_digits=14, decimal_places=4
    )
    object = forms.CharField(label=gettext_lazy("Product code"), required=False, max_length=200)
    attributes = AttributesField(
        label=gettext_lazy("Attributes"), required=False, help_text=gettext_lazy("A line each: code = value.")
    )

    def __init__(self, *args: Any, membership: Membership, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._membership = membership
        people = Employee.objects.visible_to(actor).filter(company=membership.company_id, is_active=True)
        kinds = ActivityType.objects.exclude(code__in=DERIVED_TYPES).order_by("name")
        for name, rows in (("activity_type", kinds), ("employee", people.order_by("name"))):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 (as declared above)
            field.queryset = rows

    def clean(self) -> dict[str, Any]:
        """Check the attributes."""
        cleaned = super().clean() or self.cleaned_data
        check_attributes(self, cleaned)
        return cleaned

    def item(self) -> ActivityItem:
        """Return what would happen, at noon of its day."""
        chosen, program = self.cleaned_data, self._membership.program
        return ActivityItem(
            external_id="what-if",
            type=chosen["activity_type"].code,
            company_id=self._membership.company_id,
            occurred_at=datetime.combine(chosen["day"], time(12), tzinfo=program.zone),
            employee_id=chosen["employee"].pk if chosen["employee"] else None,
            object=chosen["object"],
            quantity=chosen["quantity"],
            amount=chosen["amount"],
            currency=program.currency if chosen["amount"] is not None else "",
            attributes=chosen["attributes"],
        )


def what_if_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, and show what every rule of the member's program says."""
    if not request.user.has_perms(("loyalty.view_membership", "loyalty.view_rule")):
        raise PermissionDenied
    actor = actor_behind(request)
    rows = Membership.objects.visible_to(actor).select_related("program", "company")
    membership = rows.filter(pk=pk).first()
    if membership is None:
        raise Http404
    now = timezone.now()
    today = now.astimezone(membership.program.zone).date()
    form = WhatIfForm(request.GET or None, membership=membership, actor=actor, initial={"day": today})
    found: WhatIf | None = None
    status = 200
    if form.is_bound:
        found = what_if(membership, form.item(), actor, now=now) if form.is_valid() else None
        status = 200 if found is not None else 422
    context = {
        **admin.site.each_context(request),
        "opts": Membership._meta,
        "original": membership,
        "title": _("Why would %(company)s get points?") % {"company": membership.company.name},
        "form": form,
        "found": found,
        "back_url": reverse("admin:loyalty_membership_change", args=[membership.pk]),
    }
    return TemplateResponse(request, "admin/loyalty/membership/what_if.html", context, status=status)
