"""The real invoices: the first of them always, all of them in `make test-all`."""

import gzip
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from itertools import islice
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from accounts import laws
from loyalty.importing import ImportResult, Profile, import_activities, load_profile
from loyalty.models import Activity
from tests.importing.files import NOW, import_file, outcome, rows_there

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("TWOFOLD_DATA") or CHECKOUT.parent / "shared" / "data")
INVOICES = DATA / "online_retail_ii_2009_2010.csv.gz"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not INVOICES.exists(), reason=f"the real invoices are not at {INVOICES} (set TWOFOLD_DATA)"),
]


@pytest.fixture
def profile() -> Profile:
    return load_profile(CHECKOUT / "loyalty" / "site" / "profiles" / "online_retail.yaml")


def first_lines(folder: Path, lines: int) -> Path:
    """A file with the first of the real lines."""
    path = folder / "part.csv"
    with gzip.open(INVOICES, "rt", encoding="utf-8", newline="") as whole, path.open("w", newline="") as part:
        part.writelines(islice(whole, lines + 1))
    return path


@pytest.mark.django_db
def test_first_real_lines_are_imported_once(tmp_path: Path, profile: Profile) -> None:
    call_command("create_wholesale", stdout=StringIO())
    path = first_lines(tmp_path, 6_000)

    first, _rejections = import_file(path, profile)
    state = rows_there()
    second, _rejections = import_file(path, profile)

    assert first.rejected.keys() == {"no_customer", "no_original", "no_positive_price"}
    assert (first.lines, second.already_there) == (6_000, first.recorded + first.returned)
    assert second.rejected == first.rejected
    assert rows_there() == state


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_all_real_lines_are_imported(profile: Profile) -> None:
    call_command("create_wholesale", stdout=StringIO())
    started = time.process_time()

    result = import_activities(path=INVOICES, profile=profile, now=NOW)

    assert time.process_time() - started < 360  # of this process: others may share the machine
    assert result == ImportResult(
        lines=525_461,
        recorded=407_664,
        returned=7_945,
        waiting=0,
        already_there=0,
        left_out=0,
        rejected={"no_customer": 107_927, "no_original": 1_894, "no_positive_price": 31},
    )


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_import_killed_without_warning_completes_when_run_again(tmp_path: Path, profile: Profile) -> None:
    call_command("create_wholesale", stdout=StringIO())
    path = first_lines(tmp_path, 20_000)

    _kill_import_of(path)
    killed_at = Activity.objects.count()
    result, _rejections = import_file(path, profile)
    state = outcome()
    again, _rejections = import_file(path, profile)

    assert 0 < killed_at < result.recorded + result.returned + result.already_there
    assert killed_at == result.already_there
    assert outcome() == state
    assert (again.recorded, again.returned) == (0, 0)
    assert not any(finding.count for finding in laws.verify())


def _kill_import_of(path: Path) -> None:
    """Start the command on the test's database, and kill it when a part of the file is done."""
    database = settings.DATABASES["default"]
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgres://{database['USER']}@/{database['HOST']}/{connection.settings_dict['NAME']}",
        "SECRET_KEY": "for a test that kills its process, 50 characters long",
        "FIELD_KEYS": "for a test that kills its process, also 50 characters",
        "ALLOWED_HOSTS": "localhost",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    }
    # Of several processes the others finish the batch in hand before they find that they are alone.
    wanted = ("--profile", "online_retail", "--processes", "1")
    command = [sys.executable, "manage.py", "import_activities", str(path), *wanted]
    with subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if line.startswith(("20 %", "30 %")):
                break
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, said
