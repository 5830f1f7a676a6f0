"""What one version of the matrix gives that another does not, in words: a calculation over plain tuples."""

from collections.abc import Iterable
from typing import NamedTuple

from django.utils.translation import gettext as _

from loyalty.benefits.words import place, times
from loyalty.earning import Period


class PlainCell(NamedTuple):
    """A benefit in a cell: `key` says which (rank of the tier, role, segment, benefit; 0 for none), the rest is words.

    `role` "" is the company as a whole, `segment` "" all companies.
    """

    key: tuple[int, int, int, int]
    tier: str
    role: str
    segment: str
    benefit: str
    quota: int | None
    period: Period

    @property
    def times(self) -> str:
        """How often it may be used."""
        return times(self.quota, self.period)


def difference(old: Iterable[PlainCell], new: Iterable[PlainCell]) -> list[str]:
    """Return what changes from `old` to `new`, a sentence a cell, in the order of the matrix."""
    before, after = ({cell.key: cell for cell in cells} for cells in (old, new))
    sentences = (_change(before.get(key), after.get(key)) for key in sorted({*before, *after}))
    return [sentence for sentence in sentences if sentence]


def _change(old: PlainCell | None, new: PlainCell | None) -> str:
    cell = new or old
    if cell is None:
        return ""
    words = {"place": place(cell.tier, cell.role, cell.segment), "benefit": cell.benefit}
    if new is None:
        return _("%(place)s: “%(benefit)s” is no longer given.") % words
    if old is None:
        return _("%(place)s: “%(benefit)s” is new, %(times)s.") % {**words, "times": new.times}
    if old.times == new.times:
        return ""
    return _("%(place)s: “%(benefit)s” from %(before)s to %(after)s.") % {
        **words, "before": old.times, "after": new.times,
    }  # fmt: skip
