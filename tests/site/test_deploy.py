"""What an installation is set up with: it names programs and settings that there are."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAMS = Path(sys.executable).parent
ANALYZE = shutil.which("systemd-analyze")


def commands() -> list[list[str]]:
    """Return every command that starts a part of an installation."""
    units = [
        shlex.split(found[1]) for unit in UNITS if (found := re.search(r"^ExecStart=(.*)$", unit.read_text(), re.M))
    ]
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    parts = [services[name]["command"] for name in ("worker", "beat")]
    image = re.search(r"^CMD (\[.*\])$", (DEPLOY / "Containerfile").read_text(), re.M)
    assert image is not None
    return [*units, *parts, yaml.safe_load(image[1])]


def test_every_part_starts_with_a_program_that_is_installed_and_an_application_that_is_there() -> None:
    started = commands()

    assert len(started) == len(UNITS) + 3 == 6
    for program, *words in started:
        assert (PROGRAMS / Path(program).name).exists(), program
        module = next(word for word in words if word.startswith("loyalty.")).split(":")[0]
        assert ROOT.joinpath(*module.split(".")).with_suffix(".py").exists(), module


def test_the_example_of_settings_names_settings_that_are_read() -> None:
    read = (ROOT / "loyalty/site/settings.py").read_text()

    named = re.findall(r"^([A-Z_]+)=", (DEPLOY / "twofold.env.example").read_text(), re.M)

    assert named
    assert [name for name in named if f'"{name}"' not in read] == []


def test_every_file_that_the_image_copies_is_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (DEPLOY / "Containerfile").read_text(), re.M)

    assert [name for line in copied for name in line.split() if not (ROOT / name).exists()] == []


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        text = unit.read_text().replace("/srv/twofold/.venv/bin", str(PROGRAMS)).replace("/srv/twofold", str(ROOT))
        (tmp_path / unit.name).write_text(text)

    verified = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", *sorted(map(str, tmp_path.glob("*.service")))],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (verified.returncode, verified.stderr) == (0, "")
