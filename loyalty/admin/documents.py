"""Formulas as people edit them; conditions are in `accounts.admin.documents`."""

from django import forms
from django.utils.translation import gettext

from accounts.conditions import Catalogue
from loyalty.earning import FormulaError, Scheme, parse_formula
from loyalty.effects import is_effect, parse_effect
from loyalty.vocabulary import Vocabulary


def check_formula(
    form: forms.BaseForm, document: object, catalogue: Catalogue, scheme: Scheme, *, words: Vocabulary, program_id: int
) -> None:
    """Refuse what is neither a formula nor an effect, naming the key."""
    try:
        if is_effect(document):
            words.require_subject(parse_effect(document), program_id)
        else:
            parse_formula(document, catalogue, scheme)
    except FormulaError as error:
        form.add_error("formula", error.translated(gettext))
