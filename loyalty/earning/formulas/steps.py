"""A table of steps: another rate from each step on.

{"kind": "steps", "of": "activity.amount", "applies": "to the part",
 "bands": [{"from": "0", "to": "1000", "percent": "1"}, {"from": "1000", "percent": "2"}]}

"to the part": each band's rate counts for what lies inside it. "to the whole": the band that is reached counts for all
of it; then the number that decides (`by`) may be another than the one that is counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, NamedTuple, Self

from accounts.conditions import Catalogue, Values
from accounts.wording import N_, Translator, in_turn
from loyalty.earning.formulas.asking import RATE, Ask, Asks
from loyalty.earning.formulas.fixed import Fixed
from loyalty.earning.formulas.kind import AMOUNT, EXACT, MAX_POINTS, Kind, found, with_unit
from loyalty.earning.formulas.rates import RATE_KEYS, Rate, read_rate
from loyalty.earning.formulas.reading import FormulaError, Part, shown

MAX_BANDS = 20


class Applies(StrEnum):
    """What a band's rate counts for."""

    PART = "to the part"
    WHOLE = "to the whole"


class Band(NamedTuple):
    """A rate from `start` (inclusive) until the next band's."""

    start: Decimal
    rate: Rate


@dataclass(frozen=True, slots=True)
class Steps(Kind):
    """Bands of the fact `by`, the lowest first; below the first nothing is given."""

    by: str
    applies: Applies
    bands: tuple[Band, ...]

    kind: ClassVar[str] = "steps"
    keys: ClassVar[frozenset[str]] = frozenset({"by", "of", "applies", "bands"})
    optional: ClassVar[frozenset[str]] = frozenset({"by"})
    example: ClassVar[Mapping[str, object]] = {
        "kind": "steps",
        "of": "activity.amount",
        "applies": "to the part",
        "bands": [{"from": "0", "to": "1000", "percent": "1"}, {"from": "1000", "percent": "2"}],
    }
    title: ClassVar[str] = N_("a table of steps: another rate from each step on")
    asks: ClassVar[tuple[Ask, ...]] = (
        Ask("of", N_("of"), Asks.NUMBER_FACT, suggested=AMOUNT),
        Ask(
            "applies",
            N_("each step's rate counts"),
            Asks.WORD,
            words=((Applies.PART, N_("for its own part")), (Applies.WHOLE, N_("for the whole, once it is reached"))),
        ),
        Ask(
            "by",
            N_("step reached by another number (only where its rate is for the whole)"),
            Asks.NUMBER_FACT,
            is_optional=True,
        ),
        Ask("bands", N_("steps"), Asks.ROWS, parts=(Ask("from", N_("at least"), Asks.NUMBER), *RATE)),
    )

    @classmethod
    def read(cls, part: Part) -> Self:
        """Read the bands, which follow each other without a gap."""
        of = part.number_fact("of")
        by = part.number_fact("by") if "by" in part else of
        applies = Applies(part.one_of("applies", Applies))
        if applies is Applies.PART and by != of:
            template = N_("{key}: another number can decide which step is reached only where 'applies' is '{whole}'.")
            raise FormulaError(template, key=part.place("by"), whole=Applies.WHOLE)
        return cls(by, applies, _read_bands(part.parts("bands", most=MAX_BANDS), of, applies))

    @property
    def facts(self) -> tuple[str, ...]:
        """What decides, then what the bands' rates count."""
        return tuple(dict.fromkeys((self.by, *(code for band in self.bands for code in band.rate.facts))))

    @property
    def counted(self) -> tuple[str, ...]:
        """All of them."""
        return self.facts

    @property
    def is_table(self) -> bool:
        """It is one."""
        return True

    @property
    def lines(self) -> int:
        """Its bands."""
        return len(self.bands)

    def exact(self, values: Values) -> Decimal:
        """Return the points; 0 where what decides is not known, negative or below the first band."""
        value = values.get(self.by)
        if not isinstance(value, Decimal) or value < self.bands[0].start:
            return Decimal(0)
        if self.applies is Applies.WHOLE:
            return self._reached(value).rate.exact(values)
        points = Decimal(0)
        ends = [*(band.start for band in self.bands[1:]), value]
        for band, end in zip(self.bands, ends, strict=True):
            if band.start >= value:
                break
            points = EXACT.add(points, band.rate.exact({self.by: EXACT.subtract(min(end, value), band.start)}))
        return min(points, Decimal(MAX_POINTS))

    def sentence(self, catalogue: Catalogue, translate: Translator) -> str:
        """Return every band's rate and where it holds."""
        fact = catalogue[self.by]
        texts = []
        for index, (start, rate) in enumerate(self.bands):
            is_last = index == len(self.bands) - 1
            text = translate(_TEMPLATES[self.applies, is_last])
            end = "" if is_last else with_unit(self.bands[index + 1].start, fact, translate)
            # A range has its unit once, at its end.
            first = with_unit(start, fact, translate) if is_last else translate.number(start)
            give = rate.sentence(catalogue, translate)
            texts.append(text.format(give=give, start=first, end=end, fact=fact.label))
        return in_turn(texts, translate)

    def findings(self, values: Values, catalogue: Catalogue, translate: Translator) -> list[str]:
        """Tell also which band was reached."""
        findings = [found(catalogue[code], values, translate) for code in self.facts]
        value, fact = values.get(self.by), catalogue[self.by]
        if not isinstance(value, Decimal):
            return findings
        if value < self.bands[0].start:
            template = translate(N_("nothing is given below {start}"))
            return [*findings, template.format(start=with_unit(self.bands[0].start, fact, translate))]
        template = translate(N_("the step from {start} on was reached"))
        return [*findings, template.format(start=with_unit(self._reached(value).start, fact, translate))]

    def _reached(self, value: Decimal) -> Band:
        return next(band for band in reversed(self.bands) if band.start <= value)


_TEMPLATES: Mapping[tuple[Applies, bool], str] = {
    (Applies.PART, False): N_("{give} for the part from {start} to {end}"),
    (Applies.PART, True): N_("{give} for the part above {start}"),
    (Applies.WHOLE, False): N_("{give} where {fact} is from {start} to below {end}"),
    (Applies.WHOLE, True): N_("{give} where {fact} is at least {start}"),
}


def _read_bands(parts: list[Part], of: str, applies: Applies) -> tuple[Band, ...]:
    bands: list[Band] = []
    end: Decimal | None = None
    for part in parts:
        part.require({"from"}, {"to", *RATE_KEYS})
        start = part.number("from", least="0", most=10**12)
        if bands:
            _refuse_gap_or_overlap(part, bands[-1].start if end is None else end, start, is_open=end is None)
        rate = read_rate(part, of)
        if applies is Applies.PART and isinstance(rate, Fixed) and rate.points:
            template = N_("{key}: add 'step', or write percent: {found} points are no rate for a part.")
            raise FormulaError(template, key=part.place("points"), found=shown(rate.points))
        end = part.number("to", least="0", most=10**12) if "to" in part else None
        if end is not None and end <= start:
            template = N_("{key}: {end} is not above {start}, where the step begins.")
            raise FormulaError(template, key=part.place("to"), end=end, start=start)
        bands.append(Band(start, rate))
    if end is not None:
        template = N_("{key}: leave it out; the last step has no end, or nothing would be given above it.")
        raise FormulaError(template, key=parts[-1].place("to"))
    return tuple(bands)


def _refuse_gap_or_overlap(part: Part, before: Decimal, start: Decimal, *, is_open: bool) -> None:
    """Refuse a band that does not begin where the one before ends; where that is open, it begins at `before`."""
    if is_open:
        template = N_("{key}: {start} is not above {before}, where the step before begins.")
        is_sound = start > before
    elif start < before:
        template = N_("{key}: {start} overlaps the step before, which ends at {before}.")
        is_sound = False
    else:
        template = N_("{key}: from {before} to {start} there is a gap; begin where the step before ends.")
        is_sound = start == before
    if not is_sound:
        raise FormulaError(template, key=part.place("from"), start=start, before=before)
