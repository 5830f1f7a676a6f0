"""Close the books of days that are over; run it every night, after noon of the next day at the latest."""

from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from loyalty.books import close_books


class Command(BaseCommand):
    """`manage.py close_books`."""

    help = "Closes every day that is over in every program; with --since, closes days again from their postings."

    def add_arguments(self, parser: CommandParser) -> None:
        """From which day on."""
        parser.add_argument("--since", type=date.fromisoformat, help="close again from this day on (2026-01-31)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many days were closed."""
        days = close_books(now=timezone.now(), since=options["since"])
        self.stdout.write(f"{days:,} days are closed.")
