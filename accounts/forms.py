"""What people change about themselves, and why somebody does what goes on record."""

from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.invitations import Arrival
from accounts.models import Employee, Interest, StakeholderRole, User
from accounts.people import Person
from accounts.text import validate_plain_text
from accounts.time_zones import time_zones


class ProfileForm(forms.ModelForm[User]):
    """How the site speaks to a user."""

    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=lambda: [(name, name.replace("_", " ")) for name in sorted(time_zones())]
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


class NewPersonForm(PersonForm):
    """Somebody to add, and to ask in where there is an address."""

    address = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        help_text=_("We send the invitation there. Without one the person earns, too, and can be invited later."),
    )
    field_order = ("name", "address")


class InvitationForm(forms.Form):
    """Where to ask somebody in."""

    address = forms.EmailField(
        label=_("E-mail address"),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_("The login will be for this address. The link in the e-mail works once, for 14 days."),
    )


class JoinForm(forms.Form):
    """What somebody says who accepts an invitation."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        validators=[validate_plain_text],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    password = forms.CharField(
        label=_("A password for here"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=password_validation.password_validators_help_text_html,
    )
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    time_zone = forms.ChoiceField(
        label=_("Time zone"), choices=lambda: [(name, name.replace("_", " ")) for name in sorted(time_zones())]
    )

    def __init__(self, *args: object, address: str, **kwargs: object) -> None:
        """Somebody who will sign in with `address`."""
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.address = address

    def clean(self) -> dict[str, Any]:
        """Refuse a password that is easy to guess, for this very person, too."""
        said = super().clean() or {}
        if "password" in said:
            user = User(email=self.address, name=said.get("name", ""))
            try:
                password_validation.validate_password(said["password"], user)
            except ValidationError as error:
                self.add_error("password", error)
        return said

    @property
    def arrival(self) -> Arrival:
        """What was said."""
        said = self.cleaned_data
        return Arrival(said["name"], said["password"], said["language"], said["time_zone"])


class ReasonForm(forms.Form):
    """Why somebody does what goes on record."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        validators=[validate_plain_text],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Goes on record with your name, for example: the client asked why points are missing."),
    )
