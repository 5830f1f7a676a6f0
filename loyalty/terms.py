"""When points can be spent and how long they last, in words: the same sentences on every page."""

from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from loyalty.models import Program

Release, Expiry = Program.Release, Program.Expiry


def terms_in_words(program: Program) -> list[str]:
    """Return what a program says of the days of its points, in the language in force."""
    ends = [end_in_words(program)] if program.last_spend_on else []
    return [*ends, release_in_words(program), expiry_in_words(program)]


def end_in_words(program: Program) -> str:
    """Return that a program ends, when, and what happens to what is left; "" where it does not end."""
    if program.last_earn_on is None or program.last_spend_on is None:
        return ""
    days = {
        "earn": date_format(program.last_earn_on, "DATE_FORMAT"),
        "spend": date_format(program.last_spend_on, "DATE_FORMAT"),
    }
    sentence = _("The program ends: points are earned up to %(earn)s and can be spent up to %(spend)s.") % days
    return f"{sentence} {rest_in_words(program)}"


def rest_in_words(program: Program) -> str:
    """Return what happens to points that are left after the last day to spend."""
    if program.rest == Program.Rest.HAND_OVER:
        return _("What is left then is paid out in money.")
    return _("What is left then expires.")


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
    match program.expiry:
        case Expiry.MONTHS:
            return _months(program)
        case Expiry.FIXED_DAY:
            return _fixed_day(program)
        case Expiry.YEAR_END:
            return _year_end(program)
        case Expiry.INACTIVITY:
            months = program.expiry_months or 0
            text = ngettext(
                "All of them end %(months)s month after points last came or were spent; each time they last anew.",
                "All of them end %(months)s months after points last came or were spent; each time they last anew.",
                months,
            )
            return text % {"months": months}
        case _other:
            return _("Points do not expire.")


def _months(program: Program) -> str:
    months = program.expiry_months or 0
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


def _fixed_day(program: Program) -> str:
    day = date_format(date(2024, program.expiry_month or 1, program.expiry_day or 1), "MONTH_DAY_FORMAT")
    if not program.expiry_years:
        return _("They last up to the next %(day)s, that day counted in.") % {"day": day}
    text = ngettext(
        "They last up to the next %(day)s and %(years)s year more, that day counted in.",
        "They last up to the next %(day)s and %(years)s years more, that day counted in.",
        program.expiry_years,
    )
    return text % {"day": day, "years": program.expiry_years}


def _year_end(program: Program) -> str:
    if not program.expiry_years:
        return _("They last to the end of the calendar year in which they can be spent.")
    text = ngettext(
        "They last to the end of the calendar year in which they can be spent, and %(years)s year more.",
        "They last to the end of the calendar year in which they can be spent, and %(years)s years more.",
        program.expiry_years,
    )
    return text % {"years": program.expiry_years}
