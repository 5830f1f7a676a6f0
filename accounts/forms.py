"""What people change about themselves, and what account managers write."""

from datetime import datetime
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Company, Employee, ServiceNote, User

YEARS = range(1900, 2201)
"""The years a note may be of; at the ends of the calendar another time zone would fall off it."""


class ProfileForm(forms.ModelForm[User]):
    """How the site speaks to a user."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=lambda: [(name, name.replace("_", " ")) for name in sorted(available_timezones())]
    )

    class Meta:
        model = User
        fields = ["language", "time_zone"]


class ServiceNoteForm(forms.ModelForm[ServiceNote]):
    """A note on a company."""

    happened_at = forms.SplitDateTimeField(
        label=_("When"),
        widget=forms.SplitDateTimeWidget(
            date_attrs={"type": "date"}, time_attrs={"type": "time"}, date_format="%Y-%m-%d", time_format="%H:%M"
        ),
        initial=timezone.now,
    )

    class Meta:
        model = ServiceNote
        fields = ["text", "kind", "happened_at", "people", "visibility"]
        widgets = {"people": forms.CheckboxSelectMultiple, "text": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: object, company: Company, **kwargs: object) -> None:
        """Offer the people of `company` only."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        people = self.fields["people"]
        assert isinstance(people, forms.ModelMultipleChoiceField)  # noqa: S101 (tells the type checker)
        people.queryset = Employee.objects.filter(company=company, is_active=True).order_by("name")

    def clean_happened_at(self) -> datetime:
        """Refuse a slip of the key in the year: the database could keep it, but nobody could read it back."""
        happened_at: datetime = self.cleaned_data["happened_at"]
        if happened_at.year not in YEARS:
            raise ValidationError(
                _("Choose a day between the years %(first)s and %(last)s."),
                params={"first": str(YEARS[0]), "last": str(YEARS[-1])},
            )
        return happened_at
