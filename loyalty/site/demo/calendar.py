"""What happens in the demo and when: everything is written down first, then lived through in the order of time."""

from collections.abc import Callable
from datetime import datetime

Deed = Callable[[datetime], object]


class Calendar:
    """Deeds with their moments; those of one moment keep the order in which they were written down."""

    def __init__(self, *, until: datetime) -> None:
        """Nothing happens after `until`."""
        self.until = until
        self._deeds: list[tuple[datetime, int, Deed]] = []

    def on(self, at: datetime, deed: Deed) -> None:
        """Write down that `deed` is done at `at`; what lies in the future is left to whoever tries the demo."""
        if at <= self.until:
            self._deeds.append((at, len(self._deeds), deed))

    def live(self) -> None:
        """Do everything, each at its moment."""
        for at, _number, deed in sorted(self._deeds, key=lambda entry: entry[:2]):
            deed(at)
