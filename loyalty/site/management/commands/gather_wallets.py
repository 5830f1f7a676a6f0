"""Move what came to people's wallets to the one wallet of their company; run it at any time."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.one_wallet import gather_wallets


class Command(BaseCommand):
    """`manage.py gather_wallets`."""

    help = "Moves what came to people's wallets since their company has one wallet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many companies there were."""
        self.stdout.write(f"{gather_wallets(now=timezone.now()):,} companies got what had come to their people.")
