"""Measure the engine in databases of its own; a table on the screen, and build/bench.json."""

import json
import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from loyalty.site.bench import TARGETS, Figure, Setting, databases, measure, prove

DATA_FILE = "online_retail_ii_2009_2010.csv.gz"


class Command(BaseCommand):
    """`manage.py bench [--quick] [--only NAME]`."""

    help = "Measures the engine, and fails where a figure misses its floor."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the short run."""
        parser.add_argument("--quick", action="store_true", help="smaller data, within two minutes")
        parser.add_argument("--only", choices=TARGETS, action="append", help="measure this; may stand more than once")

    def handle(self, *args: Any, **options: Any) -> None:
        """Measure in fresh databases, which are dropped at the end."""
        started = time.monotonic()
        wanted = list(options["only"] or TARGETS)
        build = Path(settings.BASE_DIR) / "build"
        build.mkdir(exist_ok=True)
        data = Path(os.environ.get("TWOFOLD_DATA") or settings.BASE_DIR.parent / "shared" / "data") / DATA_FILE
        if "real_file" in wanted and not data.exists():
            self.stderr.write(f"real_file is left out: {DATA_FILE} is not there. TWOFOLD_DATA names its folder.")
            wanted.remove("real_file")
        self.stdout.write(f"{'name':<20} {'value':>10} {'unit':<10} {'floor':>8} {'goal':>8}")
        setting = Setting(databases(), data, build, options["quick"])
        figures = []
        for figure in measure(setting, wanted):
            self._show(figure)
            figures.append(figure)
            (build / "bench.json").write_text(json.dumps([one.as_json() for one in figures], indent=2) + "\n")
        if not options["only"]:
            self.stdout.write(prove(setting))
        self.stdout.write(f"{time.monotonic() - started:,.0f} s")
        if missed := [figure.name for figure in figures if not figure.reaches_floor]:
            raise CommandError(f"Below the floor: {', '.join(missed)}.")

    def _show(self, figure: Figure) -> None:
        numbers = f"{figure.value:>10,.2f} {figure.unit:<10} {figure.floor:>8g} {figure.goal:>8g}"
        self.stdout.write(f"{figure.name:<20} {numbers}\n  {figure.detail}")
        self.stdout.flush()
