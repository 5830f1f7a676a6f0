"""Lines that are not imported: why, in a stable code and a sentence, and the file that lists them."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from accounts.tables import harmless

REASONS: Mapping[str, StrOrPromise] = {
    "no_customer": _("The line names no customer."),
    "no_id": _("A column that the id is made of is empty."),
    "bad_id": _("The id has more than 200 characters, or the customer number more than 100."),
    "bad_time": _("“%(value)s” is not a time in the format of the profile, or a day that does not exist."),
    "skipped_time": _("“%(value)s” does not exist: the clocks were put forward over it."),
    "future_time": _("The time lies in the future."),
    "out_of_order": _("The line is earlier than a line before it."),
    "bad_quantity": _("“%(value)s” is not a number such as the profile describes, with at most 4 decimals."),
    "bad_price": _("“%(value)s” is not a number such as the profile describes."),
    "bad_amount": _("“%(value)s” is not an amount such as the profile describes."),
    "bad_object": _("The product code has more than 200 characters."),
    "bad_attribute": _("“%(value)s” is not a value of this attribute."),
    "bad_company": _("The company's name or country is too long, or holds characters that cannot be seen."),
    "wrong_sign": _(
        "The quantity or amount has the wrong sign: sales are above 0, returns are written as the profile says."
    ),
    "no_positive_price": _("The price or amount is not above 0."),
    "unknown_customer": _("No company has this customer number."),
    "unknown_employee": _("The company has no employee with this number."),
    "no_original": _("No earlier purchase of the same customer and product has enough left to be returned."),
}
"""What an import itself says; recording adds the codes of `loyalty.activities`."""

_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line that was not imported; `id` is empty where it has none."""

    line: int
    id: str
    reason: str
    sentence: str


def rejection(line: int, id_: str, reason: str, value: str = "") -> Rejection:
    """Return a rejection for one of REASONS; `value` is the cell it speaks of."""
    sentence = str(REASONS[reason])
    if "%(value)s" in sentence:
        sentence %= {"value": value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"}
    return Rejection(line, id_, reason, sentence)


class ErrorFile:
    """A CSV of rejections; it takes its name when it is whole, and until then stands beside it as `.part`."""

    def __init__(self, path: Path) -> None:
        """Open the file; OSError where that is not possible."""
        self.path = path
        self._part = path.with_name(f"{path.name}.part")
        self._file = self._part.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["line", "id", "reason", "sentence"])

    def write(self, rejected: Rejection) -> None:
        """Add a line; an id that a spreadsheet would take for a formula is defused."""
        self._writer.writerow([rejected.line, harmless(rejected.id), rejected.reason, rejected.sentence])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._file.close()
        if error is None:
            self._part.replace(self.path)
        else:
            self._part.unlink(missing_ok=True)
