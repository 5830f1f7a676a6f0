"""Measure the engine in a database of its own; a table on the screen, and build/bench.json."""

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from loyalty.site.bench import Figure, real_file

DATA_FILE = "online_retail_ii_2009_2010.csv.gz"


class Command(BaseCommand):
    """`manage.py bench [--quick]`."""

    help = "Measures the engine, and fails where a figure misses its floor."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the short run."""
        parser.add_argument("--quick", action="store_true", help="smaller data, within two minutes")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure in a fresh database, which is dropped at the end."""
        quick: bool = options["quick"]
        build = Path(settings.BASE_DIR) / "build"
        data = Path(os.environ.get("TWOFOLD_DATA") or settings.BASE_DIR.parent / "shared" / "data") / DATA_FILE
        figures: list[Figure] = []
        original_name = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            if data.exists():
                figures.append(real_file(data, folder=build, quick=quick))
            else:
                self.stderr.write(f"real_file is left out: {DATA_FILE} is not there. TWOFOLD_DATA names its folder.")
        finally:
            connection.creation.destroy_test_db(original_name, verbosity=0)
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
