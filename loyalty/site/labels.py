"""What fields are called that have no name of their own: what Django makes of their names, in the reader's language."""

from collections.abc import Iterable

from django.db.models import Field, Model
from django.utils.translation import gettext_lazy

from accounts.wording import N_

NOWHERE_ELSE = (
    N_("actor"),
    N_("asked fingerprint"),
    N_("attachment"),
    N_("author"),
    N_("awaited source"),
    N_("check job"),
    N_("closed by"),
    N_("credit"),
    N_("credit wallet"),
    N_("debit"),
    N_("debit wallet"),
    N_("entry"),
    N_("extension"),
    N_("fingerprint"),
    N_("follow up"),
    N_("followed id"),
    N_("given by"),
    N_("go job"),
    N_("grant"),
    N_("granted by"),
    N_("is open"),
    N_("is whole"),
    N_("item"),
    N_("matrix"),
    N_("moved by"),
    N_("note"),
    N_("original"),
    N_("original amount"),
    N_("original quantity"),
    N_("owner"),
    N_("payload hash"),
    N_("period"),
    N_("period start"),
    N_("placed by"),
    N_("reversed"),
    N_("reverses"),
    N_("rule code"),
    N_("single sign on"),
    N_("subject"),
    N_("subject id"),
    N_("subscription"),
)
"""Labels of such fields that no other text of the product says, so that the catalogues hold them as well."""


def translate_labels(models: Iterable[type[Model]]) -> None:
    """Let those labels be translated whenever they are shown; migrations are made of what models say, without them."""
    for field in unnamed(models):
        field.verbose_name = gettext_lazy(str(field.verbose_name))


def unnamed(models: Iterable[type[Model]]) -> list[Field[object, object]]:
    """Return the fields of `models` that say no name of their own, the keys and those of a history left out."""
    return [
        field
        for model in models
        for field in model._meta.local_fields
        if (field.is_relation or not field.primary_key)
        and not field.name.startswith("history_")
        and "verbose_name" not in field.deconstruct()[3]
    ]
