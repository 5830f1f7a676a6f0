"""How a due day reads: late by how much, today, or in how many days; in words, not by colour alone."""

from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import FollowUp


@dataclass(frozen=True, slots=True)
class Due:
    """A follow-up as lists show it."""

    pk: int
    kind_label: str
    text: str
    company_name: str
    company_url: str
    url: str
    due_on: date
    in_words: str
    is_late: bool
    is_open: bool
    state_label: str
    is_shared: bool
    outcome: str


def due(row: FollowUp, *, today: date) -> Due:
    """Return `row`, fetched with its company, as seen on the day `today`."""
    is_open = row.state == FollowUp.State.OPEN
    return Due(
        pk=row.pk,
        kind_label=str(row.get_kind_display()),
        text=row.text,
        company_name=row.company.name,
        company_url=reverse("am-company", args=[row.company_id]),
        url=reverse("am-follow-up", args=[row.pk]),
        due_on=row.due_on,
        in_words=due_in_words(row.due_on, today=today) if is_open else "",
        is_late=is_open and row.due_on < today,
        is_open=is_open,
        state_label=str(row.get_state_display()),
        is_shared=row.visibility == "SHARED",
        outcome=row.outcome,
    )


def due_in_words(day: date, *, today: date) -> str:
    """Return how far `day` is from `today`."""
    days = (day - today).days
    if days < 0:
        return ngettext("%(days)s day late", "%(days)s days late", -days) % {"days": -days}
    if days == 0:
        return _("due today")
    if days == 1:
        return _("due tomorrow")
    return ngettext("due in %(days)s day", "due in %(days)s days", days) % {"days": days}
