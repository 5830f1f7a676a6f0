"""Text that a spreadsheet would run as a formula is written with an apostrophe before it, and read without."""

import re

_STARTS_A_FORMULA = "=+\\-@\t\r\n＝＋－＠"
_RUNS = re.compile(f"'*[{_STARTS_A_FORMULA}]")
_QUOTED = re.compile(f"'+[{_STARTS_A_FORMULA}]")
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula; numbers stay numbers."""
    return f"'{text}" if _RUNS.match(text) and not _NUMBER.match(text) else text


def restored(cell: str) -> str:
    """Return the text that `harmless` made a cell of."""
    return cell[1:] if cell[:1] == "'" and _QUOTED.match(cell) else cell
