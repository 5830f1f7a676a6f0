"""Restore a backup of the demo's database, or only try whether it could be."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from loyalty.site import backups


class Command(BaseCommand):
    """`manage.py restore FILE [--drill]`."""

    help = "Puts a backup in the place of the demo's database, which is kept under another name."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to restore."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--drill", action="store_true", help="restore beside, check every law, and drop it again")

    def handle(self, *args: Any, file: Path, drill: bool, **options: Any) -> None:
        """Restore and say what was found."""
        if settings.DATA_DIR is None:
            raise CommandError(
                "This installation has a database of its own: docs/operations.md says how to restore it."
            )
        kept = ""
        try:
            if drill:
                found = backups.drill(file.resolve())
            else:
                found, kept = backups.restore(file.resolve(), now=timezone.now())
        except backups.BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{found.companies:,} companies, {found.activities:,} activities, {found.postings:,} postings; "
            f"all {found.laws} laws hold."
        )
        self.stdout.write(
            "A drill: nothing has changed." if drill else f"Restored. What was there before is the database {kept}."
        )
