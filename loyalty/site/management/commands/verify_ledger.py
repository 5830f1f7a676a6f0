"""Check every law over all data: one line a law, exit code 1 on a breach."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import laws


class Command(BaseCommand):
    """`manage.py verify_ledger`."""

    help = "Checks the laws of the ledger over all data."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print one line a law, and where a law is broken the first rows that break it."""
        broken = 0
        for finding in laws.verify():
            state = "holds" if not finding.count else f"BROKEN {finding.count} times"
            self.stdout.write(f"{finding.law.code:<4} {state}: {finding.law.promise}")
            for example in finding.examples:
                self.stdout.write(f"       {example}")
            broken += bool(finding.count)
        if broken:
            raise CommandError(f"{broken} laws are broken.")
