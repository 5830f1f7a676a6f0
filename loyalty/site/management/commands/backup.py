"""Write a backup of the demo's database."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from loyalty.site import backups


class Command(BaseCommand):
    """`manage.py backup [FILE]`."""

    help = "Writes all of the demo's database into one file; an installation uses pg_dump (docs/operations.md)."

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to write."""
        parser.add_argument("file", nargs="?", type=Path, help="default: a new file in the demo's folder `backups`")

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        """Write, and say how large it is and what is not in it."""
        if settings.DATA_DIR is None:
            raise CommandError(
                "This installation has a database of its own: docs/operations.md says how to back it up."
            )
        named = settings.DATA_DIR / "backups" / f"{timezone.now():%Y%m%d-%H%M%S}{backups.SUFFIX}"
        path = (file or named).resolve()
        try:
            size = backups.write(path)
        except backups.BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{path}: {size:,} bytes. The keys in {settings.DATA_DIR / 'keys'} are not in it.")
