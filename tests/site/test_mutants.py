"""`make mutants` is red for a change that nobody notices and nobody explains, and for an explanation without one."""

import json
from pathlib import Path

import pytest

from tests.mutants import REASONS, WORK, Key, Mutant, Outcome, Part, found, parts, reasons, verdict

BOUNDARY = Key("loyalty.earning.caps.cut", "- return max(0, left)\n+ return max(1, left)")


def mutant(outcome: Outcome, key: Key = BOUNDARY) -> Mutant:
    return Mutant("loyalty.earning.caps.x_cut__mutmut_1", key, outcome)


@pytest.mark.parametrize(
    ("outcome", "reason", "says"),
    [
        (Outcome.KILLED, None, []),
        (Outcome.TIMED_OUT, None, []),
        (Outcome.SURVIVED, "1 is the least there is.", []),
        (Outcome.NO_TESTS, "Never called.", []),
        (Outcome.SURVIVED, None, ["survived"]),
        (Outcome.NO_TESTS, None, ["reached by no test"]),
        (Outcome.UNDECIDED, None, ["not decided"]),
        (Outcome.SURVIVED, " ", ["the reason is empty"]),
        (Outcome.KILLED, "1 is the least there is.", ["does not survive"]),
        (Outcome.TIMED_OUT, "1 is the least there is.", ["does not survive"]),
    ],
)
def test_changes_are_noticed_or_explained(outcome: Outcome, reason: str | None, says: list[str]) -> None:
    wrong = verdict([mutant(outcome)], {} if reason is None else {BOUNDARY: reason})

    assert len(wrong) == len(says)
    for text, said in zip(wrong, says, strict=True):
        assert said in text
        assert BOUNDARY.change in text


def test_reason_for_what_is_gone_counts_only_where_everything_was_changed() -> None:
    gone = Key("loyalty.earning.caps.gone", "- a\n+ b")

    assert len(verdict([mutant(Outcome.KILLED)], {gone: "Not needed."})) == 1
    assert verdict([mutant(Outcome.KILLED)], {gone: "Not needed."}, is_whole=False) == []


def test_change_is_known_by_its_function_and_the_lines_that_go_and_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.mutants.WORK", tmp_path)
    part = Part("earning", (), ())
    place = tmp_path / "earning" / "mutants" / "loyalty" / "earning"
    place.mkdir(parents=True)
    (place / "caps.py").write_text(
        "class Cap:\n"
        "    def xǁCapǁleft__mutmut_orig(self, used):\n        a = 1\n        return self.limit - used\n"
        "    def xǁCapǁleft__mutmut_2(self, used):\n        a = 1\n        return self.limit + used\n"
        "def x__cut__mutmut_orig(points=1): return points\n"
        "def x__cut__mutmut_1(points=2): return points\n"
    )
    codes = {"loyalty.earning.caps.xǁCapǁleft__mutmut_2": 0, "loyalty.earning.caps.x__cut__mutmut_1": 1}
    (place / "caps.py.meta").write_text(json.dumps({"exit_code_by_key": codes}))

    of_a_class, private = found(part)

    assert of_a_class.key == ("loyalty.earning.caps.Cap.left", "- return self.limit - used\n+ return self.limit + used")
    assert of_a_class.outcome is Outcome.SURVIVED
    assert private.key.function == "loyalty.earning.caps._cut"
    assert private.outcome is Outcome.KILLED


def test_reasons_are_of_rooms_that_are_changed() -> None:
    assert WORK.name in (WORK.parent / ".gitignore").read_text()
    assert {key.function.split(".")[1] for key in reasons()} <= {part.name for part in parts()}
    assert all(reason.strip() for reason in reasons().values())
    assert REASONS.exists()
    for part in parts():
        for path in (*part.mutate, *part.tests):
            assert (WORK.parent / path.removeprefix("--deselect=").partition("::")[0]).exists()
