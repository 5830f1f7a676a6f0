"""Returns: how many points go back when an activity is undone, whole or in part."""

from decimal import Decimal


def points_to_reverse(*, granted: int, already_reversed: int, remaining: Decimal, original: Decimal) -> int:
    """Return the points to take back now that `remaining` of `original` (money or pieces) is left.

    Points kept = floor(granted x remaining / original); the rule's formula is not run again. With original 0 there is
    nothing to share out: all points go back once nothing remains to be returned, as the caller says with remaining 0.
    """
    if not original:
        return max(0, granted - already_reversed)
    (left, left_parts), (whole, whole_parts) = remaining.as_integer_ratio(), original.as_integer_ratio()
    kept = granted * left * whole_parts // (left_parts * whole)  # in whole numbers: Decimal would round a long product
    return max(0, granted - kept - already_reversed)


def points_to_budget(*, from_campaign: int, granted: int, reversed_before: int, reversed_after: int) -> int:
    """Return the points that go back to a campaign's budget as an award's reversal grows; not below 0.

    What the campaign added goes back in the share in which the award does: floor(from_campaign x reversed / granted) in
    all, so any split of a return gives back the same, and a whole one everything.
    """
    if not granted:
        return 0
    return from_campaign * reversed_after // granted - from_campaign * reversed_before // granted
