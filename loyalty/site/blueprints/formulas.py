"""What a rule gives, in a document and as it is kept: exact numbers there, numbers as text here."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from loyalty.earning import KINDS, MODIFIER_ASKS, Ask, Asks
from loyalty.effects import effects
from loyalty.site.blueprints.keys import from_json, number, to_json

_Turn = Callable[[Any], Any]


def as_kept(give: Any) -> Any:
    """Return what a document says as a rule keeps it."""
    return to_json(_turned(give, _as_text))


def as_said(formula: Any) -> Any:
    """Return what a rule keeps as a document says it."""
    return from_json(_turned(formula, _as_number))


def _turned(document: Any, turn: _Turn) -> Any:
    if not isinstance(document, Mapping):
        return document
    kind = str(document.get("kind"))
    if kind in KINDS:
        return _part(document, (*KINDS[kind].asks, *MODIFIER_ASKS), turn)
    if kind in effects():
        return _part(document, effects()[kind].asks, turn)
    return document


def _part(document: Mapping[str, Any], asks: Iterable[Ask], turn: _Turn) -> dict[str, Any]:
    by_key = {ask.key: ask for ask in asks}
    order = {key: place for place, key in enumerate(("kind", *by_key))}
    return {
        key: _value(document[key], by_key[key], turn) if key in by_key else document[key]
        for key in sorted(document, key=lambda key: order.get(key, len(order)))
    }


def _value(value: Any, ask: Ask, turn: _Turn) -> Any:
    if ask.type is Asks.NUMBER:
        return turn(value)
    if ask.type is Asks.TIER_FACTORS and isinstance(value, Mapping):
        return {code: turn(factor) for code, factor in value.items()}
    if ask.type is Asks.PART and isinstance(value, Mapping):
        return _part(value, ask.parts, turn)
    if ask.type is Asks.ROWS and isinstance(value, list):
        return [_part(row, _row(ask.parts), turn) if isinstance(row, Mapping) else row for row in value]
    return value


def _row(asks: tuple[Ask, ...]) -> tuple[Ask, ...]:
    """Steps may say where each ends; forms ask only where the next one begins."""
    return (*asks[:1], Ask("to", "", Asks.NUMBER), *asks[1:])


def _as_text(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return value
    exact = number(value)
    return f"{exact:f}" if isinstance(exact, Decimal) else str(exact)


def _as_number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return value
    return number(exact) if exact.is_finite() else value
