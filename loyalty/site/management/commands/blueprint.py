"""Blueprints at the command line: check a file, load it, dump a program, print the schema."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from loyalty.models import Program
from loyalty.site.blueprints import (
    MAX_BYTES,
    MAY_LOAD,
    BlueprintError,
    Document,
    Loaded,
    foresee,
    load,
    read,
    schema,
    text_of,
)


class Command(BaseCommand):
    """`manage.py blueprint load|check|dump|schema`."""

    help = "Loads a program from a YAML document as a draft, says what that would change, or writes one."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do, and with which file."""
        ways = parser.add_subparsers(dest="way", required=True)
        for way, text in (("check", "say what a file would change; change nothing"), ("load", "load a file")):
            each = ways.add_parser(way, help=text)
            each.add_argument("file", type=Path)
            if way == "load":
                each.add_argument("--by", required=True, help="e-mail address of the manager on whose record it goes")
        dump = ways.add_parser("dump", help="write a program's blueprint")
        dump.add_argument("program", help="code of the program")
        dump.add_argument("file", type=Path, nargs="?", help="where to; without it, to the screen")
        ways.add_parser("schema", help="print the JSON Schema, for editors")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        {"check": self._check, "load": self._load, "dump": self._dump, "schema": self._schema}[options["way"]](options)

    def _check(self, options: Any) -> None:
        try:
            seen = foresee(document=_document(options["file"]), now=timezone.now())
        except BlueprintError as error:
            raise CommandError(f"{options['file'].name}\n{error}") from error
        self._tell(seen)
        if seen.failing:
            raise CommandError("\n".join(seen.failing))

    def _load(self, options: Any) -> None:
        by = User.objects.filter(email__iexact=options["by"], is_active=True).first()
        if by is None or not by.has_perms(MAY_LOAD):
            raise CommandError(f"{options['by']} is no program manager here.")
        try:
            self._tell(load(document=_document(options["file"]), by=by, now=timezone.now()))
        except BlueprintError as error:
            raise CommandError(f"{options['file'].name}\n{error}") from error

    def _tell(self, loaded: Loaded) -> None:
        for each in loaded.made:
            self.stdout.write(f"{each.section}: {each.sentence}")
        if not loaded.made:
            self.stdout.write("Nothing changes: everything is as the blueprint says.")

    def _dump(self, options: Any) -> None:
        program = Program.objects.filter(code=options["program"]).first()
        if program is None:
            raise CommandError(f"There is no program {options['program']}.")
        text = text_of(program, now=timezone.now())
        if options["file"] is None:
            self.stdout.write(text, ending="")
        else:
            options["file"].write_text(text, encoding="utf-8")

    def _schema(self, options: Any) -> None:
        self.stdout.write(json.dumps(schema(), indent=2, default=float))


def _document(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            return read(file.read(MAX_BYTES + 1))
    except OSError as error:
        raise CommandError(f"{path}: cannot be read ({error.strerror}).") from error
