"""A benefit given by hand: what is asked, and that a double click gives it once."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts import idempotency
from accounts.actors import Actor
from accounts.models import Employee
from accounts.note_forms import Named, day_input, key_field
from accounts.text import validate_plain_text
from loyalty.benefits import grant
from loyalty.models import Benefit, Membership, RuleCap

LASTS_AT_MOST = timedelta(days=10 * 366)
_PERIODS = [(code, _("in all") if code == RuleCap.Per.EVER else label) for code, label in RuleCap.Per.choices]


class GiveForm(forms.Form):
    """Who gets what, how often, until when, and why."""

    employee = forms.ModelChoiceField(
        label=_("For whom"),
        queryset=Employee.objects.none(),
        required=False,
        empty_label=_("The company as a whole"),
    )
    benefit = forms.ModelChoiceField(
        label=_("Benefit"), queryset=Benefit.objects.none(), empty_label=_("Choose a benefit")
    )
    quota = forms.IntegerField(
        label=_("Times"), required=False, min_value=1, max_value=10_000, help_text=_("Empty: as often as wanted.")
    )
    period = forms.ChoiceField(label=_("Per"), choices=_PERIODS, initial=RuleCap.Per.EVER)
    until_on = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=day_input(),
        help_text=_("Empty: until somebody withdraws it."),
    )
    reason = forms.CharField(
        label=_("Why it is given"),
        max_length=300,
        validators=[validate_plain_text],
        help_text=_("The client reads it."),
    )
    key = key_field()

    def __init__(
        self, *args: Any, membership: Membership, people: Iterable[Named], actor: Actor, **kwargs: Any
    ) -> None:
        """Offer the benefits of the membership's program, and `people`, who have been read already."""
        super().__init__(*args, **kwargs)
        self._today = actor.at.astimezone(membership.program.zone).date()
        employee, benefit = self.fields["employee"], self.fields["benefit"]
        assert isinstance(employee, forms.ModelChoiceField)  # noqa: S101 (tells the type checker)
        assert isinstance(benefit, forms.ModelChoiceField)  # noqa: S101 (tells the type checker)
        employee.queryset = Employee.objects.visible_to(actor).filter(company=membership.company_id, is_active=True)
        nobody = ("", employee.empty_label or "")
        employee.widget.choices = [nobody, *((person.pk, person.name) for person in people)]
        offered = Benefit.objects.visible_to(actor).filter(program=membership.program_id, is_active=True)
        benefit.queryset = offered.order_by("name", "pk")

    def clean_until_on(self) -> date | None:
        """Refuse a day that is over, or a slip of the key in the year."""
        day: date | None = self.cleaned_data["until_on"]
        if day is not None and not self._today <= day <= self._today + LASTS_AT_MOST:
            raise ValidationError(_("Choose today or a later day, at most ten years ahead."))
        return day


def give(form: GiveForm, *, membership: Membership, by: Actor) -> None:
    """Give what the form says; the same key again gives nothing more.

    The last day ends in the program's time zone. Raises loyalty.benefits.GrantError and
    idempotency.KeyUsedForAnotherRequestError; then nothing has changed.
    """
    typed = form.cleaned_data
    employee, benefit, until_on = typed["employee"], typed["benefit"], typed["until_on"]
    terms = [typed["quota"], typed["period"], until_on and until_on.isoformat(), typed["reason"]]
    content = ["grant-benefit", membership.pk, employee and employee.pk, benefit.pk, *terms]
    with transaction.atomic():
        claim = idempotency.claim(user_id=by.user_id, key=typed["key"], content=content)
        if claim.resource_id is None:
            given = grant(
                membership=membership,
                employee=employee,
                benefit=benefit,
                quota=typed["quota"],
                period=typed["period"],
                starts_at=by.at,
                ends_at=_end_of(until_on, membership) if until_on else None,
                by=by,
                reason=typed["reason"],
                now=by.at,
            )
            idempotency.settle(claim, given.pk)


def _end_of(day: date, membership: Membership) -> datetime:
    return datetime.combine(day + timedelta(days=1), time.min, membership.program.zone)


class WithdrawForm(forms.Form):
    """Why a benefit is withdrawn."""

    reason = forms.CharField(
        label=_("Why it is withdrawn"),
        max_length=300,
        validators=[validate_plain_text],
        help_text=_("The client reads it."),
    )
