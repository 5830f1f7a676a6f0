"""What is asked when somebody redeems."""

from collections.abc import Sequence
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from loyalty.ledger import Owner


def payer_code(owner: Owner) -> str:
    """Return how a form names whose points are spent."""
    return "own" if owner.employee_id else "company"


class RedeemForm(forms.Form):
    """Whose points pay, at which price the reward was shown, and the key that makes a double click one order."""

    payer = forms.ChoiceField(label=_("Pay with"), widget=forms.RadioSelect)
    price = forms.IntegerField(label=_("Price"), widget=forms.HiddenInput)
    key = forms.CharField(label=_("Key"), max_length=64, widget=forms.HiddenInput)

    def __init__(self, data: object = None, *, payers: Sequence[tuple[Owner, int]], price: int) -> None:
        """`payers` are whose points may pay, with what they have; a single one is not asked for."""
        initial = {"price": price, "key": uuid4().hex}
        if payers:
            initial["payer"] = payer_code(max(payers, key=lambda payer: payer[1])[0])
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        payer = self.fields["payer"]
        assert isinstance(payer, forms.ChoiceField)  # noqa: S101 (tells the type checker)
        names = {"own": _("My points"), "company": _("The company's points")}
        payer.choices = [(payer_code(owner), names[payer_code(owner)]) for owner, _points in payers]
        if len(payers) < 2:
            payer.widget = forms.HiddenInput()
