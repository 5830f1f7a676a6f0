"""Let companies into the segments by condition, and out of them; run it at any time."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.segments import refresh_segments


class Command(BaseCommand):
    """`manage.py refresh_segments`."""

    help = "Lets companies into the segments whose conditions they meet, and out of those that they no longer meet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many came in and left, and which conditions can no longer be asked."""
        done = refresh_segments(now=timezone.now())
        self.stdout.write(f"{done.begun:,} companies came into a segment, {done.ended:,} left one.")
        for code in sorted(done.broken):
            self.stderr.write(f"The condition of {code} can no longer be asked; who is in stays as it is.")
