"""Why a return does not fit the activity that it undoes: a code, the field, and a sentence."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from loyalty.activities.items import ItemError
from loyalty.models import ReturnRefusal

_WORDS: Mapping[ReturnRefusal, tuple[str, StrOrPromise]] = {
    ReturnRefusal.RETURN_OF_RETURN: ("reverses", _("A return cannot be returned.")),
    ReturnRefusal.RETURN_OF_OTHER_TYPE: ("type", _("A return has the type of the activity that it undoes.")),
    ReturnRefusal.RETURN_IN_OTHER_CURRENCY: ("currency", _("The activity is in another currency.")),
    ReturnRefusal.RETURN_BEFORE_ORIGINAL: ("occurred_at", _("The return lies before the activity that it undoes.")),
    ReturnRefusal.RETURN_NEEDS_AMOUNT: (
        "amount",
        _("The activity has an amount, so a part of it is returned by amount."),
    ),
    ReturnRefusal.RETURN_EXCEEDS_ORIGINAL: ("amount", _("More is returned than is left of the activity.")),
    ReturnRefusal.NOTHING_RETURNED: ("amount", _("Nothing is returned.")),
}


class ReturnError(Exception):
    """A return that cannot be applied, and the field that says so."""

    def __init__(self, refusal: ReturnRefusal, *, field: str = "") -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.error = refusal_error(refusal, field=field)


def refusal_error(refusal: ReturnRefusal, *, field: str = "") -> ItemError:
    """Return the error that the source of a refused return is told, in the language in force."""
    usual, sentence = _WORDS[refusal]
    return ItemError(refusal.lower(), field or usual, str(sentence))
