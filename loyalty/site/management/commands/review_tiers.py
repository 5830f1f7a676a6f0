"""Move the tiers that time alone has outdated; run it after midnight of the first of a month, or every night."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.standing import review_tiers


class Command(BaseCommand):
    """`manage.py review_tiers`."""

    help = "Moves the tiers that their window no longer supports."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many companies changed their tier."""
        self.stdout.write(f"{review_tiers(now=timezone.now()):,} companies changed their tier.")
