"""Results: how many were asked, began and finished, and what those who finished said, question by question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, F, Q, Window
from django.db.models.functions import RowNumber

from accounts import arrays
from surveys.asking import ItemKind, Measure
from surveys.audience import people_asked
from surveys.measuring import FEWEST, Camps, Counts, Score, camps, csat, mean, nps
from surveys.models import Answer, Item, Response, Survey, SurveyVersion
from surveys.sheets import items_of

TEXTS_SHOWN = 10

_COUNTS = """
    SELECT a.item_id, coalesce(c.code, a.number::text, ''), count(*)
    FROM surveys_answer a
    JOIN surveys_response r ON r.id = a.response_id
    LEFT JOIN LATERAL unnest(a.choices) AS c(code) ON true
    WHERE r.version_id = %s AND r.submitted_at IS NOT NULL AND (c.code IS NOT NULL OR a.number IS NOT NULL)
    GROUP BY 1, 2"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One answer: what it is called, how many gave it, and their share of all who answered, in percent."""

    code: str
    label: str
    count: int
    percent: int


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What was said to one item by `n` people; `passed_by` others left it open.

    Below FEWEST answers there are counts, but neither mean nor score.
    """

    item: Item
    n: int
    passed_by: int
    bars: list[Bar]
    mean: float | None
    score: Score | None
    camps: Camps | None
    texts: list[Answer]

    @property
    def is_small(self) -> bool:
        """Whether there are too few answers for a mean or a score."""
        return self.n < FEWEST

    @property
    def is_nps(self) -> bool:
        """Whether the score is an NPS."""
        return self.item.measures == Measure.NPS

    @property
    def is_csat(self) -> bool:
        """Whether the score is a share of satisfied people."""
        return self.item.measures == Measure.CSAT


@dataclass(frozen=True, slots=True)
class Results:
    """`invited` are asked now; `begun` and `finished` count every version, `of_version` those who finished this one."""

    invited: int
    begun: int
    finished: int
    of_version: int
    items: list[ItemResult]


def results_of(survey: Survey, version: SurveyVersion | None, *, at: datetime) -> Results:
    """Return the results of a survey, question by question of one of its versions; at most six queries."""
    counts = Response.objects.filter(survey=survey).aggregate(
        begun=Count("pk"),
        finished=Count("pk", filter=Q(submitted_at__isnull=False)),
        of_version=Count("pk", filter=Q(submitted_at__isnull=False, version=version)),
    )
    items = items_of(version.pk) if version else []
    return Results(invited=len(people_asked(survey, at=at)), items=_item_results(items, version), **counts)


def _item_results(items: Sequence[Item], version: SurveyVersion | None) -> list[ItemResult]:
    if version is None or not items:
        return []
    given: dict[int, dict[str, int]] = {}
    for item_id, code, count in arrays.fetch(_COUNTS, version.pk):
        given.setdefault(item_id, {})[code] = count
    is_empty = Q(choices=[], number__isnull=True, text="")
    sent = Answer.objects.filter(item__version=version, response__submitted_at__isnull=False)
    totals = {
        row["item"]: (row["answered"], row["passed_by"])
        for row in sent.order_by()
        .values("item")
        .annotate(answered=Count("pk", filter=~is_empty), passed_by=Count("pk", filter=is_empty))
    }
    texts = _latest_texts(version)
    return [
        _item_result(item, given.get(item.pk, {}), totals.get(item.pk, (0, 0)), texts.get(item.pk, []))
        for item in items
    ]


def _latest_texts(version: SurveyVersion) -> dict[int, list[Answer]]:
    place = Window(RowNumber(), partition_by=[F("item")], order_by=[F("response__submitted_at").desc(), F("pk").desc()])
    latest = (
        Answer.objects.filter(item__version=version, response__submitted_at__isnull=False)
        .exclude(text="")
        .select_related("response__company", "response__employee")
        .annotate(place=place)
        .filter(place__lte=TEXTS_SHOWN)
        .order_by("place")
    )
    texts: dict[int, list[Answer]] = {}
    for answer in latest:
        texts.setdefault(answer.item_id, []).append(answer)
    return texts


def _item_result(item: Item, given: Mapping[str, int], total: tuple[int, int], texts: list[Answer]) -> ItemResult:
    n, passed_by = total
    if item.kind != ItemKind.SCALE or item.low is None or item.high is None:
        offered = [(option["code"], option["label"]) for option in item.options]
        return ItemResult(item, n, passed_by, _bars(offered, given, n), None, None, None, texts)
    numbers: Counts = {number: given.get(str(number), 0) for number in range(item.low, item.high + 1)}
    return ItemResult(
        item=item,
        n=n,
        passed_by=passed_by,
        bars=_bars([(str(number), str(number)) for number in numbers], given, n),
        mean=mean(numbers) if n >= FEWEST else None,
        score=_score(item, item.high, numbers),
        camps=camps(numbers) if item.measures == Measure.NPS else None,
        texts=texts,
    )


def _score(item: Item, high: int, numbers: Counts) -> Score | None:
    match item.measures:
        case Measure.NPS:
            return nps(numbers)
        case Measure.CSAT:
            return csat(numbers, high=high)
        case _:
            return None


def _bars(offered: Sequence[tuple[str, str]], given: Mapping[str, int], n: int) -> list[Bar]:
    return [
        Bar(code, label, given.get(code, 0), round(100 * given.get(code, 0) / n) if n else 0) for code, label in offered
    ]
