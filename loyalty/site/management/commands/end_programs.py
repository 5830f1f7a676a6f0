"""Give the notices of programs that end, and let what is left after their last day go its way; run it every hour."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.ending import end_programs


class Command(BaseCommand):
    """`manage.py end_programs`."""

    help = "Tells companies and people of programs that end, and empties wallets after the last day to spend."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was done."""
        done = end_programs(now=timezone.now())
        self.stdout.write(f"{done.notices:,} notices; {done.points:,} points of {done.wallets:,} wallets were left.")
