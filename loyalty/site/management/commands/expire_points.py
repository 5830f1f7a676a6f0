"""Expire points whose last day is over; run it every night, or as often as you like."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from loyalty.ledger import expire_points


class Command(BaseCommand):
    """`manage.py expire_points`."""

    help = "Expires points whose last day, in their program's time zone, is over."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many points of how many wallets expired."""
        result = expire_points(now=timezone.now())
        self.stdout.write(f"{result.points:,} points of {result.wallets:,} wallets expired.")
