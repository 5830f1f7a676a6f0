"""Measure the engine in a database of its own; a table on the screen, and build/bench.json."""

import json
import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from loyalty.site.bench import (
    CLIENTS,
    QUICK,
    WHOLE,
    Figure,
    a_club,
    api_event,
    real_file,
    single_event,
    tiers,
    yardstick,
)

NAMES = ("real_file", "single_event", "api_event", "tiers")
DATA_FILE = "online_retail_ii_2009_2010.csv.gz"


class Command(BaseCommand):
    """`manage.py bench [--quick] [--only NAME]`."""

    help = "Measures the engine, and fails where a figure misses its floor."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the short run."""
        parser.add_argument("--quick", action="store_true", help="smaller data, within two minutes")
        parser.add_argument("--only", choices=NAMES, action="append", help="measure this; may stand more than once")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure in fresh databases, which are dropped at the end."""
        quick: bool = options["quick"]
        wanted: list[str] = options["only"] or list(NAMES)
        build = Path(settings.BASE_DIR) / "build"
        figures: list[Figure] = []
        if "real_file" in wanted:
            data = Path(os.environ.get("TWOFOLD_DATA") or settings.BASE_DIR.parent / "shared" / "data") / DATA_FILE
            if data.exists():
                with _fresh_database():
                    figures.append(real_file(data, folder=build, quick=quick))
            else:
                self.stderr.write(f"real_file is left out: {DATA_FILE} is not there. TWOFOLD_DATA names its folder.")
        if events := [measure for measure in (single_event, api_event) if measure.__name__ in wanted]:
            with _fresh_database():
                club = a_club(members=500 if quick else 5_000)
                with yardstick(CLIENTS) as pgbench:
                    figures += [measure(club, pgbench, QUICK if quick else WHOLE) for measure in events]
        if "tiers" in wanted:
            with _fresh_database():
                figures.append(tiers(quick=quick))
        self._show(figures)
        build.mkdir(exist_ok=True)
        (build / "bench.json").write_text(json.dumps([figure.as_json() for figure in figures], indent=2) + "\n")
        missed = [figure.name for figure in figures if not figure.reaches_floor]
        if missed:
            raise CommandError(f"Below the floor: {', '.join(missed)}.")

    def _show(self, figures: list[Figure]) -> None:
        self.stdout.write(f"{'name':<20} {'value':>10} {'unit':<10} {'floor':>8} {'goal':>8}")
        for figure in figures:
            self.stdout.write(
                f"{figure.name:<20} {figure.value:>10,.2f} {figure.unit:<10} {figure.floor:>8g} {figure.goal:>8g}"
            )
            if figure.detail:
                self.stdout.write(f"  {figure.detail}")


@contextmanager
def _fresh_database() -> Iterator[None]:
    """A database with empty tables, in the place of the usual one, dropped at the end."""
    original_name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(original_name, verbosity=0)
