"""What people change about themselves, and why somebody does what goes on record."""

from collections.abc import Iterable
from uuid import uuid4
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Employee, Interest, StakeholderRole, User
from accounts.people import Person
from accounts.text import validate_plain_text


class ProfileForm(forms.ModelForm[User]):
    """How the site speaks to a user."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=lambda: [(name, name.replace("_", " ")) for name in sorted(available_timezones())]
    )

    class Meta:
        model = User
        fields = ["language", "time_zone"]


class AboutMeForm(forms.ModelForm[Employee]):
    """What people say of themselves."""

    interests = forms.ModelMultipleChoiceField(
        label=_("Interests"),
        queryset=Interest.objects.order_by("name", "pk"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("So that what we offer is something you like. Your account manager sees them."),
    )

    class Meta:
        model = Employee
        fields = ["name", "alias", "phone", "preferred_channel", "interests"]
        labels = {"preferred_channel": _("How we reach you best")}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "alias": forms.TextInput(attrs={"autocomplete": "nickname"}),
            "phone": forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
        }

    def __init__(self, *args: object, **kwargs: object) -> None:
        """Ask for interests only where there are any to choose from."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not Interest.objects.exists():
            del self.fields["interests"]


class PersonForm(forms.Form):
    """What an admin says of somebody of the own company."""

    name = forms.CharField(label=_("Name"), max_length=150, validators=[validate_plain_text])
    roles = forms.MultipleChoiceField(
        label=_("Roles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Rules and benefits go by them, from now on; what was earned before stays."),
    )
    buying_role = forms.ChoiceField(
        label=_("Part in buying"),
        choices=Employee.BuyingRole.choices,
        initial=Employee.BuyingRole.USES,
        help_text=_("Whoever decides reads the company's pages and approves orders."),
    )
    access = forms.ChoiceField(
        label=_("May see and manage"), choices=Employee.Access.choices, initial=Employee.Access.MEMBER
    )
    key = forms.CharField(widget=forms.HiddenInput, max_length=100, required=False, initial=lambda: uuid4().hex)

    def __init__(self, *args: object, roles: Iterable[StakeholderRole], is_own: bool = False, **kwargs: object) -> None:
        """Offer `roles`; the own access is shown and stays (`is_own`)."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        choices = self.fields["roles"]
        assert isinstance(choices, forms.MultipleChoiceField)  # noqa: S101 (tells the type checker)
        choices.choices = [(role.code, role.name) for role in roles]
        if is_own:
            self.fields["access"].disabled = True
            self.fields["access"].help_text = _("Nobody changes the own access; another admin can.")

    @property
    def person(self) -> Person:
        """What was said."""
        said = self.cleaned_data
        return Person(said["name"], frozenset(said["roles"]), said["buying_role"], said["access"])


class ReasonForm(forms.Form):
    """Why somebody does what goes on record."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        validators=[validate_plain_text],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Goes on record with your name, for example: the client asked why points are missing."),
    )
