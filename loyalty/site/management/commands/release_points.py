"""Make points available that waited for a day; run it every hour, or as often as you like."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.ledger import release_points


class Command(BaseCommand):
    """`manage.py release_points`."""

    help = "Makes points available whose day, in their program's time zone, has come."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say of how many wallets."""
        result = release_points(now=timezone.now())
        self.stdout.write(f"Points of {result.wallets:,} wallets can be spent now.")
