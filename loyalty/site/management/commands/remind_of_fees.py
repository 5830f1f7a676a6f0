"""Tell companies that the fee of a tier is due; run it every day."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.titles import remind_of_fees


class Command(BaseCommand):
    """`manage.py remind_of_fees`."""

    help = "Tells those who act for a company that the fee of its tier is due, once for each period."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many people were told."""
        self.stdout.write(f"{remind_of_fees(now=timezone.now()):,} people were told of a fee that is due.")
