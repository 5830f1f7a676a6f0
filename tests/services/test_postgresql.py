"""The engine on a PostgreSQL as production has it, where one is running: it may be older than the embedded one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SERVER = os.environ.get("TWOFOLD_SERVICES_POSTGRESQL", "postgres://postgres@127.0.0.1:5432")


@pytest.mark.services("postgresql")
def test_main_flow_and_the_refusals_of_the_database_hold_on_the_running_postgresql() -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "DATABASE_URL": f"{SERVER}/twofold_services_{os.getpid()}",
        "SECRET_KEY": "only-for-this-run-abcdefghijklmnopqrstuvwxyz-0123456789",
        "FIELD_KEYS": "only-for-this-run-zyxwvutsrqponmlkjihgfedcba-9876543210",
        "ALLOWED_HOSTS": "testserver",
        "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
        "TWOFOLD_HTTPS": "off",
    }
    suites = ["tests/loyalty/test_recording.py", "tests/loyalty/test_triggers.py", "tests/rewards/test_redemption.py"]

    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *suites], cwd=CHECKOUT, env=environment, capture_output=True, text=True
    )

    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert " passed" in run.stdout
