"""Tell people which benefits end with their company's tier; run it every night."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.benefits import announce_ends


class Command(BaseCommand):
    """`manage.py announce_benefit_ends`."""

    help = "Tells people which benefits end at the next turn unless their company comes to the threshold."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many people were told."""
        self.stdout.write(f"{announce_ends(now=timezone.now()):,} people were told of benefits that end.")
