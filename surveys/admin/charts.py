"""Results as a page draws them: where each number leads, and where a score lies on its axis."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import reverse
from django.utils.http import urlencode

from surveys.measuring import PASSIVES, PROMOTERS
from surveys.results import Bar, ItemResult


@dataclass(frozen=True, slots=True)
class LinkedBar:
    """A bar with the list of the answers behind it."""

    bar: Bar
    url: str
    camp: str


@dataclass(frozen=True, slots=True)
class Axis:
    """A score and its interval as whole numbers along an axis from `start` to `end`.

    Drawn from -100 to 100 whatever the ends, so that words have one size.
    """

    start: int
    end: int
    value: int
    low: int
    high: int

    @property
    def middle(self) -> int:
        """Half way along."""
        return (self.start + self.end) // 2

    @property
    def x_value(self) -> int:
        """Where the score is drawn."""
        return self._x(self.value)

    @property
    def x_low(self) -> int:
        """Where the interval begins."""
        return self._x(self.low)

    @property
    def x_high(self) -> int:
        """Where it ends."""
        return self._x(self.high)

    def _x(self, score: int) -> int:
        return 200 * (score - self.start) // (self.end - self.start) - 100


@dataclass(frozen=True, slots=True)
class ItemChart:
    """The result of one item, ready to be drawn."""

    result: ItemResult

    @property
    def all_url(self) -> str:
        """The list of everything that was answered to the item."""
        return _answers(self.result.item.pk)

    @property
    def bars(self) -> Iterator[LinkedBar]:
        """The answers to choose from; on a recommendation scale, the highest first with its camp."""
        bars = self.result.bars
        for bar in reversed(bars) if self.result.is_nps else bars:
            yield LinkedBar(bar, _answers(self.result.item.pk, given=bar.code), self._camp(bar))

    @property
    def axis(self) -> Axis | None:
        """The score's drawing; None where there is no score."""
        score = self.result.score
        if score is None:
            return None
        start = -100 if self.result.is_nps else 0
        return Axis(start, 100, round(score.value), round(score.low), round(score.high))

    def _camp(self, bar: Bar) -> str:
        if not self.result.is_nps:
            return ""
        number = int(bar.code)
        return "promoter" if number in PROMOTERS else "passive" if number in PASSIVES else "detractor"


def _answers(item_id: int, **filters: str) -> str:
    """The list of sent answers to an item."""
    query: dict[str, str | int] = {"item__exact": item_id, "response__submitted_at__isempty": 0, **filters}
    return f"{reverse('admin:surveys_answer_changelist')}?{urlencode(query)}"
