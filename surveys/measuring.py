"""What a scale's answers add up to: mean, NPS and CSAT, each with what chance leaves open. Pure calculation."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

FEWEST = 5
"""Fewer answers than this are shown as counts only: a score of them says more about chance, or about one person."""

Z95 = 1.959964
"""How many standard errors a 95 % interval reaches to either side (the normal distribution's 0.975 quantile)."""

PROMOTERS, PASSIVES = range(9, 11), range(7, 9)

Counts = Mapping[int, int]
"""Answer to how many gave it."""


@dataclass(frozen=True, slots=True)
class Score:
    """A score in points of 100 with its 95 % interval; `n` answers stand behind it."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Camps:
    """How many of the people who were asked to recommend would (9, 10), might (7, 8) and would not (0 to 6)."""

    promoters: int
    passives: int
    detractors: int

    @property
    def n(self) -> int:
        """Everybody who answered."""
        return self.promoters + self.passives + self.detractors


def mean(counts: Counts) -> float | None:
    """Return the mean answer; None where there is none."""
    n = sum(counts.values())
    return sum(answer * count for answer, count in counts.items()) / n if n else None


def camps(counts: Counts) -> Camps:
    """Return promoters, passives and detractors of answers from 0 to 10."""
    promoters = sum(counts.get(answer, 0) for answer in PROMOTERS)
    passives = sum(counts.get(answer, 0) for answer in PASSIVES)
    return Camps(promoters, passives, sum(counts.values()) - promoters - passives)


def nps(counts: Counts) -> Score | None:
    """Return the Net Promoter Score, -100 to 100, with its 95 % adjusted-Wald interval; None below FEWEST answers.

    The score is what was found: 100 (promoters - detractors) / n. The interval follows B. Rocks, "Interval Estimation
    for the Net Promoter Score", The American Statistician 70 (2016), which J. Lewis and J. Sauro of MeasuringU found
    as good on real data ("Evaluating NPS Confidence Intervals with Real-World Data", 2021): add 3 answers, 3/4 of them
    promoters, 3/4 detractors and 3/2 passives, so

        n' = n + 3,  p = (promoters + 3/4) / n',  d = (detractors + 3/4) / n',
        interval = 100 (p - d ± z sqrt((p + d - (p - d)²) / n')),  z = 1.96, cut at -100 and 100.

    Its middle is the adjusted score, a little nearer to 0 than the one that was found.
    """
    found = camps(counts)
    if found.n < FEWEST:
        return None
    n = found.n + 3
    p, d = (found.promoters + 0.75) / n, (found.detractors + 0.75) / n
    reach = Z95 * sqrt((p + d - (p - d) ** 2) / n)
    return Score(
        value=100 * (found.promoters - found.detractors) / found.n,
        low=max(-100.0, 100 * (p - d - reach)),
        high=min(100.0, 100 * (p - d + reach)),
        n=found.n,
    )


def csat(counts: Counts, *, high: int) -> Score | None:
    """Return the share of satisfied people, 0 to 100, with its 95 % interval; None below FEWEST answers.

    Satisfied is who chose one of the two highest numbers of the scale. The interval is that of A. Agresti and
    B. A. Coull, "Approximate Is Better than 'Exact'", The American Statistician 52 (1998):

        n' = n + z²,  p = (satisfied + z²/2) / n',  interval = 100 (p ± z sqrt(p (1 - p) / n')), cut at 0 and 100.
    """
    n = sum(counts.values())
    if n < FEWEST:
        return None
    satisfied = counts.get(high, 0) + counts.get(high - 1, 0)
    adjusted = n + Z95**2
    p = (satisfied + Z95**2 / 2) / adjusted
    reach = Z95 * sqrt(p * (1 - p) / adjusted)
    return Score(value=100 * satisfied / n, low=max(0.0, 100 * (p - reach)), high=min(100.0, 100 * (p + reach)), n=n)
