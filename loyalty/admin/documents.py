"""Formulas as people edit them; conditions are in `accounts.admin.documents`."""

from django import forms
from django.utils.translation import gettext

from accounts.conditions import Catalogue
from loyalty.earning import FormulaError, Scheme, parse_formula


def check_formula(form: forms.BaseForm, document: object, catalogue: Catalogue, scheme: Scheme) -> None:
    """Refuse a formula that is none, naming the key."""
    try:
        parse_formula(document, catalogue, scheme)
    except FormulaError as error:
        form.add_error("formula", error.translated(gettext))
