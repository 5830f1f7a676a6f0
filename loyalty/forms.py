"""What a company's management signs, and what it says of a program."""

from collections.abc import Iterable

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import StakeholderRole
from accounts.text import validate_plain_text
from loyalty.models import Consent, ProgramComment

MOST_A_MONTH = 1_000_000_000
"""The highest limit a person and month; a slip of the key stays harmless."""

EVERYBODY, SOME = "all", "some"


class ConsentForm(forms.Form):
    """Which roles may earn personally, and how much."""

    who = forms.ChoiceField(
        label=_("Who may earn points of their own"),
        choices=[(EVERYBODY, _("Everybody who works here")), (SOME, _("Only people in these roles:"))],
        widget=forms.RadioSelect,
    )
    roles = forms.MultipleChoiceField(
        label=_("Roles"), required=False, widget=forms.CheckboxSelectMultiple, help_text=_("Counts for “only” above.")
    )
    monthly_limit = forms.IntegerField(
        label=_("At most so many points a person and month"),
        required=False,
        min_value=1,
        max_value=MOST_A_MONTH,
        help_text=_("Empty: no limit of your own; those of the rules hold anyway."),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )

    unearned = forms.ChoiceField(
        label=_("Points that a person may not earn"),
        required=False,
        choices=Consent.Unearned.choices,
        widget=forms.RadioSelect,
        help_text=_("Those of other roles, and those above your limit."),
    )

    def __init__(self, *args: object, roles: Iterable[StakeholderRole], held: Consent | None, **kwargs: object) -> None:
        """Offer `roles`; start from what the company agrees to now."""
        initial = {
            "who": SOME if held is not None and held.roles else EVERYBODY,
            "roles": held.roles if held is not None else [],
            "monthly_limit": held.monthly_limit if held is not None else None,
            "unearned": held.unearned if held is not None else Consent.Unearned.LAPSE,
        }
        super().__init__(*args, **{"initial": initial, **kwargs})  # type: ignore[arg-type]
        choices = self.fields["roles"]
        assert isinstance(choices, forms.MultipleChoiceField)  # noqa: S101 (tells the type checker)
        choices.choices = [(role.code, role.name) for role in roles]

    def clean(self) -> None:
        """Refuse "only these roles" without a role: it would read as everybody."""
        super().clean()
        if self.cleaned_data.get("who") == SOME and not self.cleaned_data.get("roles") and "roles" not in self.errors:
            self.add_error("roles", _("Choose at least one role, or let everybody earn."))

    def clean_unearned(self) -> str:
        """Nothing chosen: nobody gets them."""
        return self.cleaned_data["unearned"] or Consent.Unearned.LAPSE

    @property
    def signed_roles(self) -> list[str]:
        """The codes of the roles that may earn, none: every role."""
        return self.cleaned_data["roles"] if self.cleaned_data["who"] == SOME else []


class CommentForm(forms.ModelForm[ProgramComment]):
    """What somebody of the management says of the program."""

    text = forms.CharField(
        label=_("Your comment"),
        max_length=2_000,
        validators=[validate_plain_text],
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("The vendor's program managers read it, and your colleagues who see the company."),
    )

    class Meta:
        model = ProgramComment
        fields = ["text"]
