"""From a row to a sound line, or to the reason why not. No database: the same row always gives the same answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from accounts.conditions import FactType, Values, holds
from accounts.tables.cells import COMMA, FLAGS, POINT, SkippedTimeError, local_moment
from loyalty.activities.items import AHEAD
from loyalty.importing.profile import Profile
from loyalty.importing.rejections import Rejection, rejection

FOUR_PLACES = Decimal("0.0001")
_MOST = Decimal(10) ** 12


@dataclass(slots=True)
class Line:
    """A line that can become an activity: `quantity` and `amount` are never negative, a return says that it is one.

    `cells` is its row, by whose columns a company that is not known yet is named; `original` is what a return names.
    """

    number: int
    id: str
    customer: str
    type: str
    occurred_at: datetime
    object: str
    quantity: Decimal | None
    amount: Decimal | None
    currency: str
    employee: str
    is_return: bool
    original: str
    cells: Sequence[str]
    attributes: dict[str, Any] = field(default_factory=dict)


class _UnsoundError(Exception):
    """Why a line is rejected."""

    def __init__(self, reason: str, value: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.value = value


class LineReader:
    """Reads the rows of one file in their order; keeps what depends on the rows before: running numbers and time.

    `attribute_types` maps the codes of the profile's attributes to their types.
    """

    def __init__(
        self, profile: Profile, places: Mapping[str, int], attribute_types: Mapping[str, FactType], *, now: datetime
    ) -> None:
        self._profile = profile
        self._defaults = dict(profile.defaults)
        self._latest_allowed = now + AHEAD
        self._latest: datetime | None = None
        self._times: tuple[str, datetime | _UnsoundError] | None = None
        self._counts: Counter[str] = Counter()
        self._number = COMMA if profile.decimal_comma else POINT
        self._place = {field_: places[column] for field_, column in profile.columns.items()}
        self._id_places = [places[column] for column in profile.id_columns]
        self._condition_places = [(column, places[column]) for column in sorted(profile.condition_columns)]
        self._attributes = [
            (code, attribute_types[code], places[column]) for code, column in profile.attributes.items()
        ]
        returns = profile.returns
        self._original = places[returns.original_column] if returns and returns.original_column else None

    def read(self, number: int, row: Sequence[str]) -> Line | Rejection | None:
        """Return the sound line, or why it is rejected, or None for a line that the filter leaves out."""
        row = [cell.strip() for cell in row]
        id_ = self._id(row)
        values: Values = {column: row[place] or None for column, place in self._condition_places}
        if self._profile.filter is not None and not holds(self._profile.filter, values):
            return None
        time = self._time(row[self._place["occurred_at"]])
        is_late = self._is_out_of_order(time)
        try:
            line = self._line(number, id_, row, values, time)
        except _UnsoundError as error:
            return rejection(number, id_, error.reason, error.value)
        return rejection(number, id_, "out_of_order") if is_late else line

    def _line(self, number: int, id_: str, row: Sequence[str], values: Values, time: datetime | _UnsoundError) -> Line:
        """The checks, in the order in which a line with several faults is said to fail."""
        customer = self._cell(row, "company")
        if not customer:
            raise _UnsoundError("no_customer")
        if not all(row[place] for place in self._id_places):
            raise _UnsoundError("no_id")
        if len(id_) > 200 or len(customer) > 100:
            raise _UnsoundError("bad_id")
        if isinstance(time, _UnsoundError):
            raise time
        object_ = self._cell(row, "object")
        if len(object_) > 200:
            raise _UnsoundError("bad_object")
        returns = self._profile.returns
        is_return = returns is not None and holds(returns.when, values)
        quantity, amount = self._numbers(row, is_negative=returns is not None and is_return and returns.is_negative)
        return Line(
            number=number,
            id=id_,
            customer=customer,
            type=self._cell(row, "type"),
            occurred_at=time,
            object=object_,
            quantity=quantity,
            amount=amount,
            currency=self._cell(row, "currency") if amount is not None else "",
            employee=self._cell(row, "employee"),
            is_return=is_return,
            original=row[self._original] if self._original is not None and is_return else "",
            cells=row,
            attributes=self._read_attributes(row) if self._attributes else {},
        )

    def _cell(self, row: Sequence[str], field_: str) -> str:
        place = self._place.get(field_)
        text = row[place] if place is not None else ""
        return text or self._defaults.get(field_, "")

    def _id(self, row: Sequence[str]) -> str:
        """The id: its columns, and where they repeat over the file a running number. Every line of the file counts."""
        joined = "/".join([row[place] for place in self._id_places])
        if not self._profile.numbers_repeats:
            return joined
        self._counts[joined] += 1
        return f"{joined}/{self._counts[joined]}"

    def _time(self, text: str) -> datetime | _UnsoundError:
        """The moment that a cell says; lines that follow each other often share it."""
        if self._times is None or self._times[0] != text:
            try:
                self._times = text, self._parse_time(text)
            except _UnsoundError as error:
                self._times = text, error
        return self._times[1]

    def _parse_time(self, text: str) -> datetime:
        try:
            local = datetime.strptime(text, self._profile.date_format)  # noqa: DTZ007 (the zone comes next)
            at = local_moment(local, self._profile.zone)
        except SkippedTimeError as error:
            raise _UnsoundError("skipped_time", text) from error
        except (ValueError, OverflowError) as error:
            raise _UnsoundError("bad_time", text) from error
        if at > self._latest_allowed:
            raise _UnsoundError("future_time")
        if at.year < 1970:
            raise _UnsoundError("bad_time", text)
        return at

    def _is_out_of_order(self, time: datetime | _UnsoundError) -> bool:
        if not self._profile.in_time_order or isinstance(time, _UnsoundError):
            return False
        if self._latest is not None and time < self._latest:
            return True
        self._latest = time
        return False

    def _numbers(self, row: Sequence[str], *, is_negative: bool) -> tuple[Decimal | None, Decimal | None]:
        """Quantity and amount, both without sign."""
        quantity = self._read_number(row, "quantity")
        price, amount = self._read_number(row, "price"), self._read_number(row, "amount")
        if quantity is not None and quantity != quantity.to_integral_value() and quantity != round(quantity, 4):
            raise _UnsoundError("bad_quantity", self._cell(row, "quantity"))
        if price is not None and price <= 0:
            raise _UnsoundError("no_positive_price")
        if amount == 0:
            raise _UnsoundError("no_positive_price")
        is_written = "quantity" in self._place and row[self._place["quantity"]]
        for value in (quantity if is_written else None, amount):
            if value is not None and (value == 0 or value.is_signed() is not is_negative):
                raise _UnsoundError("wrong_sign")
        quantity = None if quantity is None else abs(quantity)
        if price is not None:
            amount = price * (quantity or 0)
        if amount is not None:
            amount = abs(amount).quantize(FOUR_PLACES, ROUND_HALF_UP)
            if amount > _MOST:
                raise _UnsoundError("bad_amount", str(amount))
        return quantity, amount

    def _read_number(self, row: Sequence[str], field_: str) -> Decimal | None:
        text = self._cell(row, field_)
        if not text and field_ not in self._place:
            return None
        return self._parse_number(text, f"bad_{field_}")

    def _parse_number(self, text: str, reason: str) -> Decimal:
        if not self._number.fullmatch(text):
            raise _UnsoundError(reason, text)
        return Decimal(text.replace(",", "."))

    def _read_attributes(self, row: Sequence[str]) -> dict[str, Any]:
        attributes: dict[str, Any] = {}
        for code, type_, place in self._attributes:
            text = row[place]
            if text:
                attributes[code] = self._attribute(text, type_)
        return attributes

    def _attribute(self, text: str, type_: FactType) -> Any:
        if type_ is FactType.NUMBER:
            return self._parse_number(text, "bad_attribute")
        if type_ is FactType.BOOLEAN:
            if text.lower() not in FLAGS:
                raise _UnsoundError("bad_attribute", text)
            return FLAGS[text.lower()]
        if type_ is FactType.DATE:
            try:
                return datetime.strptime(text, self._profile.date_format).date()  # noqa: DTZ007 (only the day counts)
            except ValueError as error:
                raise _UnsoundError("bad_attribute", text) from error
        return text
