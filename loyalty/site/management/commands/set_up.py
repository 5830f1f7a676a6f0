"""What an installation needs beside its tables: run it after every `migrate`."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.groups import ensure_groups


class Command(BaseCommand):
    """`manage.py set_up`."""

    help = "Makes the groups of vendor staff and brings their permissions up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the groups."""
        ensure_groups()
        self.stdout.write("The groups manager, approver and viewer are in place.")
