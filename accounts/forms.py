"""What people change about themselves, and what account managers write."""

from zoneinfo import available_timezones

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Company, Employee, ServiceNote, User


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
