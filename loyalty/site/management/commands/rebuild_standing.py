"""Build metrics and tiers anew from what is on record, or compare only."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from loyalty.models import Program
from loyalty.standing import rebuild_standing

SHOWN = 20


class Command(BaseCommand):
    """`manage.py rebuild_standing`."""

    help = "Replays metrics and tiers from the evaluations and events on record, and puts right what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which program, and whether to change anything."""
        parser.add_argument("--program", help="code of one program; without it, all of them")
        parser.add_argument("--check", action="store_true", help="compare only; exits 1 where anything differs")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say how many memberships were replayed, and which of them stood otherwise."""
        programs = Program.objects.order_by("pk")
        if options["program"]:
            programs = programs.filter(code=options["program"])
            if not programs:
                raise CommandError(f"There is no program {options['program']}.")
        rebuilt = rebuild_standing(programs=list(programs), only_check=options["check"])
        different = len(rebuilt.different)
        self.stdout.write(f"{rebuilt.memberships:,} memberships replayed, {different:,} of them stood otherwise.")
        if different:
            shown = ", ".join(map(str, rebuilt.different[:SHOWN]))
            self.stdout.write(f"Memberships: {shown}{', …' if different > SHOWN else ''}")
            if options["check"]:
                raise CommandError("Nothing was changed. Without --check they are put right.")
