"""Keep the day's figures of every program; run it every night, shortly before midnight."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.figures import take_figures


class Command(BaseCommand):
    """`manage.py take_figures`."""

    help = "Keeps today's figures of every running program, from which the home page draws its changes."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many programs were looked at."""
        self.stdout.write(f"The figures of {take_figures(now=timezone.now()):,} programs are kept.")
