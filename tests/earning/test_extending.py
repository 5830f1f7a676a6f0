"""docs/extending.md: its menu is the one there is, and the kind that it leads through works as a stranger's would."""

import json
import re
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings

from accounts.conditions import Catalogue, Fact, FactType
from accounts.models import Segment
from accounts.wording import PLAIN
from loyalty.earning import KINDS, MODIFIERS, Kind, formula_sentence, parse_formula
from loyalty.effects import effects
from loyalty.explaining import plain_rules
from loyalty.rulesets import activate
from tests.earning import test_kinds
from tests.factories.world import EPOCH, NOW, a_manager, a_member, a_program, a_purchase, a_rule_set, record

PAGE = (Path(settings.BASE_DIR) / "docs" / "extending.md").read_text()
MENU, MODIFIED, EFFECTS = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
CATALOGUE: Catalogue = {
    "activity.amount": Fact("activity.amount", FactType.NUMBER, "amount", "GBP"),
    "activity.quantity": Fact("activity.quantity", FactType.NUMBER, "freight", "GBP"),
}


def documented_kind() -> type[Kind]:
    """The class that the page gives."""
    snippet, _effect = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = ModuleType("loyalty.earning.formulas.net")
    exec(snippet, vars(module))  # noqa: S102  the page is ours
    [kind] = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Kind) and each.__module__ == module.__name__
    ]
    return kind


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> type[Kind]:
    """The documented kind, on the menu."""
    kind = documented_kind()
    monkeypatch.setitem(dict_of_kinds(), kind.kind, kind)
    return kind


def dict_of_kinds() -> dict[str, type[Kind]]:
    assert isinstance(KINDS, dict)
    return KINDS


def test_menu_of_the_page_is_the_menu() -> None:
    assert [json.loads(line) for line in MENU.splitlines()] == [kind.example for kind in KINDS.values()]


def test_modifiers_of_the_page_are_those_that_every_kind_takes() -> None:
    said = json.loads(MODIFIED)

    assert set(said) == MODIFIERS
    for kind in KINDS.values():
        assert parse_formula({**kind.example, **said}, test_kinds.CATALOGUE)


def test_menu_is_where_the_page_says() -> None:
    door = Path(settings.BASE_DIR) / "loyalty" / "earning" / "formulas" / "__init__.py"

    assert "\nKINDS: " in door.read_text()
    assert not [
        name for name in re.findall(r"`(tests/[\w/.]+)`", PAGE) if not (Path(settings.BASE_DIR) / name).exists()
    ]


@pytest.mark.parametrize(
    ("amount", "freight", "points"),
    [("1000", "50", 19), ("1000", "0", 20), ("50", "50", 0), ("49", "50", 0), ("1000", None, 0), (None, "0", 0)],
)
def test_documented_kind_gives_what_it_says(
    net: type[Kind], amount: str | None, freight: str | None, points: int
) -> None:
    formula = parse_formula(net.example, CATALOGUE)
    values = {"activity.amount": amount and Decimal(amount), "activity.quantity": freight and Decimal(freight)}

    assert formula.give(values) == points
    assert formula_sentence(formula, CATALOGUE, PLAIN) == "2 % of amount less freight in points"


def test_documented_kind_takes_modifiers_and_passes_what_every_kind_keeps_to(net: type[Kind]) -> None:
    formula = parse_formula({**net.example, "rounding": "up", "at_most": 15}, CATALOGUE)
    facts: dict[str, Any] = {"activity.amount": Decimal("10.01"), "activity.quantity": Decimal(0)}

    assert formula.give(facts) == 1
    for law in vars(test_kinds).values():
        if getattr(law, "__name__", "").startswith("test_"):
            law(kind=net)


def test_menu_of_effects_is_the_menu() -> None:
    assert [json.loads(line) for line in EFFECTS.splitlines()] == [kind.example for kind in effects().values()]


@pytest.mark.django_db
def test_documented_effect_is_given_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    _formula, snippet = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    module = ModuleType("loyalty.effects.segment")
    exec(snippet, vars(module))  # noqa: S102  the page is ours
    menu = effects()
    assert isinstance(menu, dict)
    monkeypatch.setitem(menu, "segment", vars(module)["SegmentEffect"])
    segment = Segment.objects.create(code="regulars", name="Regulars")
    program = a_program()
    draft = a_rule_set(program, [{"formula": {"kind": "segment", "segment": "regulars"}}], status="DRAFT")
    activate(rule_set=draft, by=a_manager(), starts_at=EPOCH, now=NOW)
    member = a_member(program)
    [rule] = plain_rules(draft, program)
    sale = a_purchase(member.company, 50)

    record(sale)
    record(a_purchase(member.company, 50))
    assert [*member.company.segments.values_list("segment", "ends_at")] == [(segment.pk, None)]

    record(a_purchase(member.company, 50, reverses=sale.external_id))
    assert [*member.company.segments.values_list("segment", "ends_at")] == [(segment.pk, NOW)]
    assert rule.sentence == "Purchase: the segment “Regulars” to the company."
