"""Rates: what one row of a table gives, an amount of points or a share of a number."""

from accounts.wording import N_
from loyalty.earning.formulas.fixed import Fixed
from loyalty.earning.formulas.per import Per
from loyalty.earning.formulas.percent import Percent
from loyalty.earning.formulas.reading import FormulaError, Part

Rate = Fixed | Per | Percent

RATE_KEYS = frozenset({"points", "step", "percent"})


def read_rate(part: Part, of: str | None) -> Rate:
    """Read `points` (0 included), `points` with a `step`, or `percent`; the latter two are of the fact `of`.

    A row that counts another number than the rest of its table has an `of` of its own.
    """
    if "of" in part:
        if not {"step", "percent"}.intersection(part.document):
            template = N_("{key}: nothing is counted here; leave it out, or write a step or percent.")
            raise FormulaError(template, key=part.place("of"))
        of = part.number_fact("of")
    if "percent" in part:
        if surplus := sorted({"points", "step"}.intersection(part.document)):
            template = N_("{key}: a rate is either points or percent; leave one of them out.")
            raise FormulaError(template, key=part.place(surplus[0]))
        return Percent(part.number("percent", most=10_000), _counted(part, "percent", of))
    if "points" not in part:
        raise FormulaError(N_("{key}: missing; a rate is points or percent."), key=part.place("points"))
    if "step" in part:
        return Per(part.points("points"), part.number("step", most=10**9), _counted(part, "step", of))
    return Fixed(part.points("points", least=0))


def _counted(part: Part, key: str, of: str | None) -> str:
    if of is None:
        template = N_("{key}: of which number? Say so under 'of' beside 'kind'.")
        raise FormulaError(template, key=part.place(key))
    return of
