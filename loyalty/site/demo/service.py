"""What the demo's account managers wrote down and promised, and what managements said."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from accounts import follow_ups
from accounts.actors import actor_of
from accounts.follow_ups import Promise
from accounts.inbox import inbox_of, mark_all_read
from accounts.models import User
from accounts.service_notes import write_note
from loyalty.memberships import comment
from loyalty.site.demo.calendar import Calendar, Deed
from loyalty.site.demo.cast import Note
from loyalty.site.demo.settling import Settled


def keep_in_touch(calendar: Calendar, firms: Iterable[Settled]) -> None:
    """Write down calls, meetings, promises and comments."""
    for settled in firms:
        for note in settled.firm.notes:
            at = calendar.until - timedelta(days=note.days_ago, hours=2)
            calendar.on(at, _noting(settled, note, calendar.until))
        for days_ago, text in settled.firm.comments:
            calendar.on(calendar.until - timedelta(days=days_ago, hours=5), _commenting(settled, text))


def read_the_inbox(calendar: Calendar, firms: Iterable[Settled]) -> None:
    """Write down that everybody looked into the inbox a few days ago."""
    for settled in firms:
        for person in settled.people:
            if person.user is not None:
                calendar.on(calendar.until - timedelta(days=5), _reading(person.user))


def _reading(user: User) -> Deed:
    def read(at: datetime) -> None:
        actor = actor_of(user, now=at)
        latest = inbox_of(actor).first()
        if latest is not None:
            mark_all_read(actor=actor, up_to=latest.pk, now=at)

    return read


def _noting(settled: Settled, note: Note, today: datetime) -> Deed:
    def write(at: datetime) -> None:
        promise = None
        if note.promise:
            due_on = (today + timedelta(days=note.due_in)).date()
            promise = Promise(note.promise, due_on, at, note.follow_up)
        written = write_note(
            company=settled.company,
            author_id=settled.account_manager.pk,
            kind=note.kind,
            text=note.text,
            visibility=note.visibility,
            happened_at=at,
            people=settled.people[:1],
            promise=promise,
        )
        if note.is_done:
            kept = written.follow_ups.get()
            follow_ups.finish(
                follow_up_id=kept.pk, by_user_id=settled.account_manager.pk, now=at + timedelta(days=2), outcome="Done"
            )

    return write


def _commenting(settled: Settled, text: str) -> Deed:
    def say(at: datetime) -> None:
        comment(actor=actor_of(settled.admin.user, now=at), membership=settled.membership, text=text, now=at)

    return say
