"""`make mutants`: change the calculations bit by bit, and see that for each change some test goes red.

mutmut makes the changes and runs the tests that reach them; what to change and by which tests stands in pyproject.toml.
Here what survived is held against the reasons in `mutants.toml`.
"""

import ast
import difflib
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from loyalty.site import embedded_postgres

ROOT = Path(__file__).resolve().parents[1]
REASONS = Path(__file__).with_suffix(".toml")
WORK = ROOT / "mutants"
PLUGINS_LEFT_OUT = (
    "randomly",
    "xdist",
    "unraisableexception",
    "threadexception",
    "playwright",
    "schemathesis",
    "pytest_cov",
)
"""What starts slowly or collects garbage at the end of each run: there are thousands, which fork from one process."""
COPIED = ("accounts", "deploy", "docs", "loyalty", "rewards", "static", "surveys", "templates", "manage.py")
"""What tests need beside themselves."""


class Outcome(StrEnum):
    """What became of a change."""

    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    NO_TESTS = "reached by no test"
    UNDECIDED = "not decided"


_OUTCOMES = {
    **dict.fromkeys((1, 2, 3, 37), Outcome.KILLED),  # 2: the changed code lets no test module be imported
    **dict.fromkeys((36, 24, -24, 152, 255), Outcome.TIMED_OUT),  # it never ends, which somebody would notice
    **dict.fromkeys((5, 33), Outcome.NO_TESTS),
    0: Outcome.SURVIVED,
}


class Key(NamedTuple):
    """Which change it is; a line that moves, or a change that joins it, leaves that as it is."""

    function: str
    change: str
    """The lines that go and come, without indentation."""


@dataclass(frozen=True)
class Mutant:
    """A change, by the name that mutmut has for it, and what became of it."""

    name: str
    key: Key
    outcome: Outcome


@dataclass(frozen=True)
class Part:
    """A room of `loyalty` whose code is changed."""

    name: str
    mutate: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Where mutmut works: `mutmut show` and `mutmut browse` are at home there."""
        return WORK / self.name


def parts() -> list[Part]:
    """Return what pyproject.toml names."""
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["twofold"]["mutants"]
    return [Part(name, tuple(table["mutate"]), tuple(table["tests"])) for name, table in tables.items()]


def reasons() -> dict[Key, str]:
    """Return why which change may survive."""
    rows = tomllib.loads(REASONS.read_text()).get("mutant", [])
    return {Key(row["function"], row["change"].strip()): row["reason"] for row in rows}


def verdict(mutants: Collection[Mutant], given: dict[Key, str], *, is_whole: bool = True) -> list[str]:
    """Return what is wrong: changes that nobody notices and nobody explains, and explanations of what is noticed.

    Unless the mutants are the whole of them, explanations count only of functions that have one among them.
    """
    unnoticed = {mutant.key for mutant in mutants if mutant.outcome in (Outcome.SURVIVED, Outcome.NO_TESTS)}
    judged = {mutant.key.function for mutant in mutants}
    wrong = [
        f"{mutant.name}: {mutant.outcome}.\n{mutant.key.change}"
        for mutant in mutants
        if (mutant.key in unnoticed and mutant.key not in given) or mutant.outcome is Outcome.UNDECIDED
    ]
    for key, reason in given.items():
        if not reason.strip():
            wrong.append(f"{key.function}: the reason is empty.\n{key.change}")
        if key not in unnoticed and (is_whole or key.function in judged):
            wrong.append(f"{key.function}: this change has a reason and does not survive.\n{key.change}")
    return wrong


def found(part: Part) -> Iterator[Mutant]:
    """Return the changes of a part as mutmut left them."""
    for meta in sorted((part.folder / "mutants").rglob("*.py.meta")):
        functions = _functions(meta.with_suffix(""))
        for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
            outcome = Outcome.UNDECIDED if code is None else _OUTCOMES.get(code, Outcome.UNDECIDED)
            module, _, mangled = name.rpartition(".")
            plain = mangled.partition("__mutmut_")[0]
            change = _change(functions[f"{plain}__mutmut_orig"], functions[mangled])
            # x_cut, x__private, xǁCapǁcounter
            yield Mutant(name, Key(f"{module}.{plain[2:].replace('ǁ', '.')}", change), outcome)


def _functions(path: Path) -> dict[str, list[str]]:
    """The lines of each function of a file: as it was, and each of its changed copies."""
    text = path.read_text()
    lines = text.splitlines()
    return {
        node.name: [re.sub(rf"\b{node.name}\b", "_", line).strip() for line in lines[node.lineno - 1 : node.end_lineno]]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }


def _change(before: Sequence[str], after: Sequence[str]) -> str:
    lines = list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]
    return "\n".join(f"{line[0]} {line[1:]}" for line in lines if not line.startswith("@@"))


@contextmanager
def one_server() -> Iterator[Mapping[str, str]]:
    """Keep the tests' server up, as the tests of each change would start and stop one; yield their environment."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "loyalty.site.settings")
    environment = {**os.environ, "TWOFOLD_HOME": str(embedded_postgres.home())}
    from tests import database

    database.redirect()
    locks = database.join()
    try:
        yield environment
    finally:
        if locks:
            database.leave(locks)


def run(part: Part, only: Sequence[str], environment: Mapping[str, str]) -> None:
    """Have mutmut change a part anew, or only what the patterns `only` name again."""
    if not only:
        shutil.rmtree(part.folder, ignore_errors=True)
    part.folder.mkdir(parents=True, exist_ok=True)
    for name in (*COPIED, "tests"):
        if not (part.folder / name).exists():
            (part.folder / name).symlink_to(ROOT / name)
    settings = {
        "source_paths": [*part.mutate],
        "also_copy": [*COPIED],
        "pytest_add_cli_args": ["--hypothesis-profile=first-failure", *(f"-pno:{name}" for name in PLUGINS_LEFT_OUT)],
        "pytest_add_cli_args_test_selection": [*part.tests],
    }
    lines = [f"{key} = {json.dumps(value)}\n" for key, value in settings.items()]
    ours = (ROOT / "pyproject.toml").read_text()
    (part.folder / "pyproject.toml").write_text(
        f"{ours}\n[tool.mutmut]\nuse_git_change_detection = false\n{''.join(lines)}"
    )
    mutmut = Path(sys.executable).with_name("mutmut")
    subprocess.run([mutmut, "run", *only], cwd=part.folder, env=environment, check=False)


def main(only: Sequence[str]) -> int:
    """Change what the patterns `only` name (none: everything), and return 1 where something is wrong."""
    chosen = [part for part in parts() if not only or any(one.startswith(f"loyalty.{part.name}.") for one in only)]
    with one_server() as environment:
        for part in chosen:
            run(part, only, environment)
    mutants: list[Mutant] = []
    for part in chosen:
        its = [each for each in found(part) if not only or any(fnmatch.fnmatchcase(each.name, one) for one in only)]
        counts = Counter(mutant.outcome for mutant in its)
        said = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in Outcome if counts[outcome])
        sys.stdout.write(f"{part.name}: {len(its):,} changes: {said}\n")
        mutants += its
    wrong = verdict(mutants, reasons(), is_whole=not only) if mutants else ["Nothing was changed."]
    for each in wrong:
        sys.stdout.write(f"\n{each}\n")
    if wrong:
        sys.stdout.write(f"\n{len(wrong)} to do: write a test, or a reason in {REASONS.relative_to(ROOT)}.\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
