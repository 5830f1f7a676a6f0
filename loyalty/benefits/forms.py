"""What is asked when a benefit is used."""

from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.text import validate_plain_text


class UseForm(forms.Form):
    """A wish, where somebody has something to do, and the key that makes a double click one use."""

    wish = forms.CharField(
        label=_("Your wish"),
        required=False,
        max_length=200,
        validators=[validate_plain_text],
        help_text=_("For example when, where, or for whom."),
    )
    key = forms.CharField(label=_("Key"), max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: object = None, *, asks_for_wish: bool) -> None:
        super().__init__(data, initial={"key": uuid4().hex})  # type: ignore[arg-type]
        if not asks_for_wish:
            del self.fields["wish"]
