"""A formula or effect as a form has it: texts under names, made from what its kind asks for.

Names join keys and numbers of rows by hyphens, such as `bands-0-from`. `answers_of` reads a document, `document_of`
writes one; whoever shows a document as a form makes sure that both ends mean the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from accounts.conditions import Catalogue, Fact, FactType
from loyalty.earning.formulas.asking import Ask, Asks

Answers = Mapping[str, tuple[str, ...]]

_WHOLE = re.compile(r"\d{1,18}", re.ASCII)


def document_of(asks: Iterable[Ask], answers: Answers, catalogue: Catalogue) -> dict[str, object]:
    """Return the keys that were answered; what is no number yet is left as it was typed, to be refused by its name."""
    return _written(asks, answers, catalogue, "")


def answers_of(asks: Iterable[Ask], document: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    """Return the texts under which a form shows a document; keys that nobody asks for are left out."""
    return dict(_read(asks, document, ""))


def row_numbers(answers: Answers, name: str) -> list[int]:
    """Return the numbers of the rows that stand under a name, in their order."""
    pattern = re.compile(rf"{re.escape(name)}-(\d{{1,4}})-")
    return sorted({int(match[1]) for each in answers if (match := pattern.match(each))})


def with_rows(answers: Answers, ask: Ask, order: Iterable[int | None]) -> dict[str, tuple[str, ...]]:
    """Return the answers with the rows of `ask` in another order; None stands for a blank one."""
    start = f"{ask.key}-"
    rows = {name: values for name, values in answers.items() if name.startswith(start)}
    changed = {name: values for name, values in answers.items() if not name.startswith(start)}
    for new, old in enumerate(order):
        if old is None:
            changed |= {f"{start}{new}-{part.key}": ("",) for part in ask.parts}
            continue
        before = f"{start}{old}-"
        changed |= {
            f"{start}{new}-{name.removeprefix(before)}": values
            for name, values in rows.items()
            if name.startswith(before)
        }
    return changed


def place_of(asks: Iterable[Ask], answers: Answers, catalogue: Catalogue, path: str) -> list[tuple[str, int | None]]:
    """Return what a form calls a place in the document: labels, those of tables with the number of the row.

    `bands[1].from` is [("steps", 2), ("from", None)], where no row before it was left blank.
    """
    places: list[tuple[str, int | None]] = []
    prefix, within = "", list(asks)
    for key, index in re.findall(r"([^.\[\]]+)(?:\[(\d+)\])?", path):
        ask = next((one for one in within if one.key == key), None)
        if ask is None:
            places.append((key, None))
            break
        number = None
        if ask.type is Asks.ROWS and index:
            filled = [
                (place, row)
                for place, row in enumerate(row_numbers(answers, f"{prefix}{key}"), start=1)
                if _written(ask.parts, answers, catalogue, f"{prefix}{key}-{row}-")
            ]
            number, row = filled[int(index)] if int(index) < len(filled) else (int(index) + 1, int(index))
            prefix = f"{prefix}{key}-{row}-"
        else:
            prefix = f"{prefix}{key}-"
        places.append((ask.label, number))
        within = list(ask.parts)
    return places


def _written(asks: Iterable[Ask], answers: Answers, catalogue: Catalogue, prefix: str) -> dict[str, object]:
    document: dict[str, object] = {}
    for ask in asks:
        value = _value(ask, answers, catalogue, f"{prefix}{ask.key}")
        if value not in ("", {}, []):
            document[ask.key] = value
    return document


def _value(ask: Ask, answers: Answers, catalogue: Catalogue, name: str) -> object:
    texts = texts_of(answers.get(name, ()))
    match ask.type:
        case Asks.ROWS:
            rows = (
                _written(ask.parts, answers, catalogue, f"{name}-{number}-") for number in row_numbers(answers, name)
            )
            return [row for row in rows if row]
        case Asks.PART:
            return _written(ask.parts, answers, catalogue, f"{name}-")
        case Asks.TIER_FACTORS:
            factors = {each.removeprefix(f"{name}-"): texts_of(answers[each]) for each in answers}
            return {code: found[0] for code, found in factors.items() if f"{name}-{code}" in answers and found}
        case Asks.CAMPAIGNS:
            return list(texts)
        case Asks.KEYS:
            return _keys(texts, next((catalogue.get(code) for code in answers.get(ask.of, ())), None))
        case Asks.POINTS if texts and _WHOLE.fullmatch(texts[0]):
            return int(texts[0])
        case _:
            return texts[0] if texts else ""


def _keys(texts: tuple[str, ...], fact: Fact | None) -> object:
    keys: list[object] = [*texts]
    if fact is not None and fact.type is FactType.BOOLEAN:
        keys = [{"true": True, "false": False}.get(text, text) for text in texts]
    return keys[0] if len(keys) == 1 else keys


def texts_of(values: Iterable[str]) -> tuple[str, ...]:
    """Return what was typed one by one, without what is blank: several may have been typed a line each."""
    lines = (line.strip() for value in values for line in value.splitlines())
    return tuple(line for line in lines if line)


def _read(asks: Iterable[Ask], document: Mapping[str, object], prefix: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for ask in asks:
        raw, name = document.get(ask.key), f"{prefix}{ask.key}"
        if ask.type is Asks.ROWS:
            for number, row in enumerate(raw if isinstance(raw, list) else ()):
                yield from _read(ask.parts, row if isinstance(row, Mapping) else {}, f"{name}-{number}-")
        elif ask.type is Asks.PART:
            yield from _read(ask.parts, raw if isinstance(raw, Mapping) else {}, f"{name}-")
        elif ask.type is Asks.TIER_FACTORS:
            factors = raw if isinstance(raw, Mapping) else {}
            yield from ((f"{name}-{code}", (_text(factor),)) for code, factor in factors.items())
        else:
            yield name, tuple(map(_text, raw if isinstance(raw, list) else [raw]))


def _text(raw: object) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return "" if raw is None else str(raw)
