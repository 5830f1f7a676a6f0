"""Seal every secret in the database with the first key of FIELD_KEYS, so that the keys after it can be taken away."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand
from django.db import models, transaction

from accounts.models import SingleSignOn, WebhookSecret
from accounts.secrets_at_rest import reseal

SEALED: tuple[tuple[type[models.Model], str, tuple[str, ...]], ...] = (
    (WebhookSecret, "sealed", ()),
    (SingleSignOn, "sealed_secret", ()),
    (Authenticator, "data", ("secret", "seed", "migrated_codes")),
)
"""Where secrets stand: tables, their column, and what is sealed in it, none: all. Whoever seals something adds it."""


class Command(BaseCommand):
    """Safe to run twice."""

    help = "Seal secrets anew with the first key of FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal a table at a time."""
        for model, column, names in SEALED:
            with transaction.atomic():
                rows = list(model._default_manager.select_for_update().order_by("pk"))
                for row in rows:
                    setattr(row, column, _resealed(getattr(row, column), names))
                model._default_manager.bulk_update(rows, [column], batch_size=500)
            self.stdout.write(f"{model._meta.label}: {len(rows)}")


def _resealed(held: Any, names: tuple[str, ...]) -> Any:
    """What a column holds, sealed anew: a text, a list of texts, or `names` of an object and nothing else of it."""
    if isinstance(held, dict):
        return {name: _resealed(value, ()) if name in names else value for name, value in held.items()}
    return [reseal(text) for text in held] if isinstance(held, list) else reseal(held)
