"""The command writes what a program is, and loads it without a change; what it refuses it says."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from loyalty import rulesets
from loyalty.models import (
    Program,
    RuleSet,
    Tier,
)
from loyalty.site.blueprints import (
    read,
    text_of,
)
from tests.blueprints.club import CLUB, everything, loaded
from tests.factories.world import NOW, a_member

pytestmark = pytest.mark.django_db


def test_a_program_made_by_hand_comes_back_as_it_is(by: User, tmp_path: Path) -> None:
    first = loaded(CLUB, by)
    rule_set = RuleSet.objects.get()
    rule_set.rules.filter(code="list").update(
        position=40, formula={"kind": "percent", "percent": 2.50, "of": "activity.amount", "rounding": "up"}
    )
    first.program.examples.update(position=7)
    Tier.objects.filter(code="gold").update(rank=20)
    Tier.objects.filter(code="inner").update(rank=30, fee_currency="USD")
    a_member(first.program)
    file = tmp_path / "club.yaml"

    call_command("blueprint", "dump", "club", str(file))
    out = io.StringIO()
    call_command("blueprint", "load", str(file), "--by", by.email, stdout=out)

    assert out.getvalue() == "Nothing changes: everything is as the blueprint says.\n"
    data = read(file.read_text()).data
    assert [(tier["code"], tier.get("rank"), tier.get("fee_currency")) for tier in data["tiers"]] == [
        ("basic", None, None), ("gold", 20, None), ("inner", 30, "USD"),
    ]  # fmt: skip
    assert "percent: 2.5, of: activity.amount, rounding: up" in file.read_text()


def test_a_program_that_runs_loads_its_own_dump_without_a_change(by: User, tmp_path: Path) -> None:
    program = loaded(CLUB, by).program
    rulesets.activate(rule_set=RuleSet.objects.get(), by=by, starts_at=NOW, now=NOW)
    program.is_active = True
    program.save()
    file = tmp_path / "club.yaml"
    call_command("blueprint", "dump", "club", str(file))
    before, out = everything(), io.StringIO()

    call_command("blueprint", "load", str(file), "--by", by.email, stdout=out)

    assert out.getvalue() == "Nothing changes: everything is as the blueprint says.\n"
    assert everything() == before
    assert text_of(program, now=timezone.now()) == file.read_text()


def test_commands_check_and_refuse(by: User, tmp_path: Path) -> None:
    file = tmp_path / "club.yaml"
    say = refusing(file)

    file.write_text(CLUB)
    out = io.StringIO()
    call_command("blueprint", "check", str(file), stdout=out)
    file.write_text(CLUB.replace("then: {company: 7}", "then: {company: 8}"))

    assert "tiers: New – Gold: Rank: 2; From: 1,000" in out.getvalue()
    shape = io.StringIO()
    call_command("blueprint", "schema", stdout=shape)
    assert json.loads(shape.getvalue())["required"] == ["blueprint", "program", "rule_set"]
    assert not Program.objects.exists()
    assert say("check") == "“An order” fails – step 1, points of the company: expected 8, got 7."
    assert say("load", "--by", "nobody@example.com") == "nobody@example.com is no program manager here."
    file.write_text(CLUB.replace("name: Club", "nam: Club"))
    assert "Line 2, column 23, program › nam: There is no key “nam” here. Did you mean “name”?" in say("check")
    file.unlink()
    assert "cannot be read" in say("check")
    with pytest.raises(CommandError, match="There is no program club"):
        call_command("blueprint", "dump", "club")


def refusing(file: Path) -> Callable[..., str]:
    """Return what the command says of the file when it refuses it."""

    def say(way: str, *further: str) -> str:
        with pytest.raises(CommandError) as caught:
            call_command("blueprint", way, str(file), *further, stdout=io.StringIO())
        return str(caught.value)

    return say
