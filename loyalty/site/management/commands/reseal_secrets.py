"""Seal every secret in the database with the first key of FIELD_KEYS, so that the keys after it can be taken away."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import models, transaction

from accounts.models import WebhookSecret
from accounts.secrets_at_rest import reseal

SEALED: tuple[tuple[type[models.Model], str], ...] = ((WebhookSecret, "sealed"),)
"""Where secrets stand: tables and their column. Whoever seals something adds it here."""


class Command(BaseCommand):
    """Safe to run twice."""

    help = "Seal secrets anew with the first key of FIELD_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal a table at a time."""
        for model, column in SEALED:
            with transaction.atomic():
                rows = list(model._default_manager.select_for_update().order_by("pk"))
                for row in rows:
                    setattr(row, column, reseal(getattr(row, column)))
                model._default_manager.bulk_update(rows, [column], batch_size=500)
            self.stdout.write(f"{model._meta.label}: {len(rows)}")
