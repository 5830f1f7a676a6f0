"""Programs that end: companies and their people are told, in time and once; then what is left goes its way."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db import transaction
from django.utils import translation
from django.utils.formats import date_format

from accounts import messages
from accounts.messages import MessageKind, Telling
from accounts.models import Employee
from loyalty.ledger import end_points, expire_points
from loyalty.messages import EARNING_ENDS, PROGRAM_ENDS, SPENDING_ENDS
from loyalty.models import EndNotice, Membership, Program
from loyalty.terms import rest_in_words

NOTICE = timedelta(days=14)
"""So long before each last day people are told again."""

_About = EndNotice.About
_KINDS: dict[str, MessageKind] = {
    _About.END: PROGRAM_ENDS,
    _About.EARN: EARNING_ENDS,
    _About.SPEND: SPENDING_ENDS,
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How many notices were given, and what was left in how many wallets."""

    notices: int
    wallets: int
    points: int


def end_programs(*, now: datetime) -> Ended:
    """Give the notices that are due, and empty the wallets of programs whose last day to spend is over.

    Safe to run twice: each notice is given once for the days that it speaks of.
    """
    programs = list(Program.objects.filter(last_spend_on__isnull=False).order_by("pk"))
    notices = sum(tell_of_end(program, now=now) for program in programs)
    if all(program.spends_on(_today(program, now)) for program in programs):
        return Ended(notices, 0, 0)
    expire_points(now=now)
    emptied = end_points(now=now)
    return Ended(notices, emptied.wallets, emptied.points)


def tell_of_end(program: Program, *, now: datetime) -> int:
    """Tell a program's companies and their people what is due to be told of its end; return how many notices.

    That it ends is told at once; each of the two days again NOTICE before it, on another day than the first time.
    """
    end, today = _end_of(program), _today(program, now)
    if end is None or not program.is_active or today > end.last_spend_on:
        return 0
    with transaction.atomic():
        if _give(program, end, _About.END, now):
            return 1
        first_told = EndNotice.objects.get(program=program, about=_About.END, **end._asdict()).told_at
        if first_told.astimezone(program.zone).date() == today:
            return 0
        near = [
            about
            for about, last_day in ((_About.EARN, end.last_earn_on), (_About.SPEND, end.last_spend_on))
            if last_day - NOTICE <= today <= last_day
        ]
        return sum(_give(program, end, about, now) for about in near)


class _End(NamedTuple):
    """The last days of a program that ends."""

    last_earn_on: date
    last_spend_on: date


def _end_of(program: Program) -> _End | None:
    if program.last_earn_on is None or program.last_spend_on is None:
        return None
    return _End(program.last_earn_on, program.last_spend_on)


def _give(program: Program, end: _End, about: str, now: datetime) -> bool:
    """Write a notice down and tell it; False where it was given before."""
    notice, is_new = EndNotice.objects.get_or_create(
        program=program, about=about, **end._asdict(), defaults={"told_at": now}
    )
    if is_new:
        companies = Membership.objects.filter(program=program).in_force(now).values("company")
        people = Employee.objects.filter(company__in=companies, is_active=True, user__isnull=False)
        people = people.select_related("user").order_by("pk")
        told = (Telling(person.pk, notice.pk, _facts(program, end, person)) for person in people.iterator())
        messages.tell(_KINDS[about], told, now=now)
    return is_new


def _facts(program: Program, end: _End, person: Employee) -> dict[str, str | int]:
    """What the message is made of, in the person's own language."""
    with translation.override(person.user.language if person.user else None):
        return {
            "program": program.name,
            "earn": date_format(end.last_earn_on, "DATE_FORMAT"),
            "spend": date_format(end.last_spend_on, "DATE_FORMAT"),
            "rest": rest_in_words(program),
        }


def _today(program: Program, now: datetime) -> date:
    return now.astimezone(program.zone).date()
