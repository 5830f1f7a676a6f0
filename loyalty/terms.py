"""When points can be spent and how long they last, in words: the same sentences on every page."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty.models import Program

Release = Program.Release


def terms_in_words(program: Program) -> list[str]:
    """Return what a program says of the days of its points, in the language in force."""
    return [release_in_words(program), expiry_in_words(program)]


def release_in_words(program: Program) -> str:
    """Return from when points can be spent."""
    match program.release:
        case Release.CONFIRMED:
            return _("Points wait until we confirm what they were earned for; from then on they can be spent.")
        case Release.AFTER_DAYS:
            days = program.release_days or 0
            text = ngettext(
                "Points can be spent %(days)s day after what they were earned for, or as soon as we confirm it.",
                "Points can be spent %(days)s days after what they were earned for, or as soon as we confirm it.",
                days,
            )
            return text % {"days": days}
        case _other:
            return _("Points can be spent at once.")


def expiry_in_words(program: Program) -> str:
    """Return how long points last."""
    months = program.expiry_months
    if months is None:
        return _("Points do not expire.")
    if program.release == Release.AT_ONCE:
        text = ngettext(
            "They last %(months)s month from the day they are earned, that day of the month counted in.",
            "They last %(months)s months from the day they are earned, that day of the month counted in.",
            months,
        )
    else:
        text = ngettext(
            "They last %(months)s month from the day they can be spent, that day of the month counted in.",
            "They last %(months)s months from the day they can be spent, that day of the month counted in.",
            months,
        )
    return text % {"months": months}
