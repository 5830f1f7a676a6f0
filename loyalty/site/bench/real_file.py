"""The real invoices from end to end, against copying the same rows into the bare table with its indexes."""

import gzip
import io
import os
import resource
import time
from itertools import islice
from pathlib import Path

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from loyalty.importing import import_activities, load_profile
from loyalty.site.bench.figures import Figure, LawBrokenError, check_laws, figure

PROFILE = Path(__file__).resolve().parents[1] / "profiles" / "online_retail.yaml"
QUICK_LINES = 40_000
_COPY = "COPY {table} ({columns}) {direction}"


def real_file(path: Path, *, folder: Path, quick: bool) -> Figure:
    """Import `path` into an empty database and return seconds divided by the seconds that COPY takes for the rows.

    `folder` takes the shortened file of a quick run. Raises LawBrokenError where a law does not hold afterwards.
    """
    call_command("create_wholesale", stdout=io.StringIO())
    file = _head(path, folder) if quick else path
    started = time.perf_counter()
    processes = os.cpu_count() or 1
    result = import_activities(path=file, profile=load_profile(PROFILE), now=timezone.now(), processes=processes)
    import_seconds = time.perf_counter() - started
    own, largest = (
        resource.getrusage(whose).ru_maxrss / 1024 for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    check_laws()
    if not result.adds_up:
        raise LawBrokenError("The lines do not add up.")
    copy_seconds = _copy_seconds()
    return figure(
        "real_file",
        import_seconds / copy_seconds,
        f"{result.lines:,} lines in {import_seconds:.1f} s ({result.lines / import_seconds:,.0f} a second), "
        f"{result.recorded:,} recorded, {result.returned:,} returned, {sum(result.rejected.values()):,} rejected; "
        f"COPY {copy_seconds:.2f} s; {processes} processes, none above {max(own, largest):,.0f} MB; all laws hold",
    )


def _head(path: Path, folder: Path) -> Path:
    """The first lines of the file, as a file of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    shortened = folder / "real_file_head.csv.gz"
    with (
        gzip.open(path, "rt", encoding="utf-8", newline="") as whole,
        gzip.open(shortened, "wt", encoding="utf-8", newline="") as head,
    ):
        head.writelines(islice(whole, QUICK_LINES + 1))
    return shortened


def _copy_seconds() -> float:
    """Seconds to COPY the imported activities into a table of the same columns and indexes, committed."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_activity (LIKE loyalty_activity INCLUDING ALL)")
        cursor.execute(
            """SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position)
               FROM information_schema.columns WHERE table_name = 'bench_activity'"""
        )
        columns = cursor.fetchone()[0]
        with cursor.copy(_COPY.format(table="loyalty_activity", columns=columns, direction="TO STDOUT")) as copy:
            rows = [bytes(block) for block in copy]
        started = time.perf_counter()
        with cursor.copy(_COPY.format(table="bench_activity", columns=columns, direction="FROM STDIN")) as copy:
            for block in rows:
                copy.write(block)
        seconds = time.perf_counter() - started
        cursor.execute("DROP TABLE bench_activity")
    return seconds
