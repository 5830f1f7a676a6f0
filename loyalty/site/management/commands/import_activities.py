"""Import a file of another system; a profile says how to read it."""

import os
import re
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from loyalty.importing import (
    ErrorFile,
    ImportResult,
    ImportStoppedError,
    NotPreparedError,
    Profile,
    ProfileError,
    UnreadableFileError,
    import_activities,
    load_profile,
)

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
_PREPARED_BY = {"wholesale": "manage.py create_wholesale"}
_RESUME = "What was imported until then stays; run the same command again to go on."


class Command(BaseCommand):
    """`manage.py import_activities FILE --profile P`."""

    help = "Import activities from a CSV file (plain or gzipped). Run again, it imports what is missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("file", type=Path, help="the file to import")
        parser.add_argument(
            "--profile",
            required=True,
            help=f"how to read it: a name ({', '.join(_names())}) or the path of a YAML file",
        )
        parser.add_argument("--errors", type=Path, help="where to list rejected lines (default: FILE.errors.csv)")
        parser.add_argument(
            "--processes", type=int, default=os.cpu_count() or 1, help="in how many processes at once (default: all)"
        )
        parser.add_argument("--quiet", action="store_true", help="show no progress")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what became of the lines."""
        path: Path = options["file"]
        started = time.monotonic()
        progress = _Progress(is_quiet=options["quiet"])
        try:
            profile = load_profile(_profile_path(options["profile"]))
        except ProfileError as error:
            raise CommandError(str(error)) from error
        try:
            with _error_file(path, options["errors"]) as errors:
                result = import_activities(
                    path=path,
                    profile=profile,
                    now=timezone.now(),
                    on_progress=progress.show,
                    on_rejection=errors.write,
                    processes=options["processes"],
                )
        except NotPreparedError as error:
            raise CommandError(f"{error} {_advice(profile)}") from error
        except UnreadableFileError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            cause = str(error).partition("\n")[0]
            raise CommandError(f"The database stopped the import: {cause}. {_RESUME}") from error
        except ImportStoppedError as error:
            raise CommandError(f"{error} {_RESUME}") from error
        except KeyboardInterrupt as error:
            raise CommandError(f"Stopped. {_RESUME}") from error
        finally:
            progress.end()
        self._report(result, errors.path, time.monotonic() - started)

    def _report(self, result: ImportResult, errors: Path, seconds: float) -> None:
        write = self.stdout.write
        write(f"{result.lines:>10,} lines in {seconds:,.1f} s")
        write(f"{result.recorded:>10,} recorded")
        write(f"{result.returned:>10,} returned")
        if result.waiting:
            write(f"{result.waiting:>10,} returned, waiting for what they undo")
        write(f"{result.already_there:>10,} already there")
        if result.left_out:
            write(f"{result.left_out:>10,} left out by the filter")
        write(f"{sum(result.rejected.values()):>10,} rejected, listed in {errors}")
        for reason, count in sorted(result.rejected.items(), key=lambda item: (-item[1], item[0])):
            write(f"{count:>10,}   {reason}")
        if not result.adds_up:
            raise CommandError("These numbers do not add up to the lines of the file; please report this.")


class _Progress:
    """One line on the terminal that fills up, or elsewhere a line every tenth of the file."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._is_terminal = sys.stderr.isatty()
        self._shown = ""

    def show(self, done: int, total: int) -> None:
        """Show how far it is."""
        if self._is_quiet:
            return
        if not total:
            text = "checking the file" if not self._is_terminal else f"checking the file: {done:,} lines"
        elif self._is_terminal:
            bar = "#" * (30 * done // total)
            text = f"[{bar:<30}] {100 * done // total:>3} %  {done:,} of {total:,} lines"
        else:
            text = f"{10 * done // total * 10} % of {total:,} lines"
        if text != self._shown:
            self._shown = text
            sys.stderr.write(f"\r\033[K{text}" if self._is_terminal else f"{text}\n")
            sys.stderr.flush()

    def end(self) -> None:
        """Leave the line."""
        if self._shown and self._is_terminal:
            sys.stderr.write("\n")


def _names() -> list[str]:
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def _profile_path(name: str) -> Path:
    if re.fullmatch(r"[A-Za-z0-9_-]+", name):
        if name not in _names():
            raise CommandError(
                f"There is no profile “{name}”; there are {', '.join(_names())}, or give the path of one."
            )
        return PROFILES / f"{name}.yaml"
    return Path(name)


def _error_file(path: Path, wish: Path | None) -> ErrorFile:
    """Open the list of rejected lines: where asked for, else beside the file, else in the current folder."""
    beside = path.with_name(f"{path.name}.errors.csv")
    places = [wish] if wish is not None else [beside, Path.cwd() / beside.name]
    for place in places:
        try:
            return ErrorFile(place)
        except OSError:
            continue
    raise CommandError(f"{places[0]} cannot be written; name another place with --errors.")


def _advice(profile: Profile) -> str:
    command = _PREPARED_BY.get(profile.program_code)
    return f"Create it with `{command}`." if command else "Create it first, or correct the profile."
