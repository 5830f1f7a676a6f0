"""Tell people of surveys that have opened, or that they have come to be asked; run it every hour, or as you like."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from surveys.versions import announce_open


class Command(BaseCommand):
    """`manage.py announce_surveys`."""

    help = "Tells everybody who is asked by an open survey and has not begun it; each person once a survey."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many surveys are open."""
        self.stdout.write(f"{announce_open(now=timezone.now()):,} open surveys announced.")
