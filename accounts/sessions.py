"""Where somebody is signed in: each session with its device, and ending one or all the others."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils.crypto import constant_time_compare

from accounts import devices
from accounts.models import User

SEEN_KEY = "seen_at"
"""Where a session keeps when its last visit was written down, in seconds since 1970."""

WRITTEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A session that still lets somebody in."""

    pk: int
    device: str
    address: str
    began_at: datetime
    seen_at: datetime
    is_current: bool


def sessions_of(user: User, *, current_key: str | None, now: datetime) -> list[OpenSession]:
    """Return the sessions of `user` that still let somebody in, the current one first, then the last seen.

    Rows of sessions that are over are left to the next sign-in, which sweeps them. Two queries.
    """
    rows = list(UserSession.objects.filter(user_id=user.pk))
    kept = Session.objects.filter(pk__in=[row.session_key for row in rows], expire_date__gt=now)
    alive = {session.pk for session in kept if _is_of_today_s_password(session, user)}
    found = [
        OpenSession(
            pk=row.pk,
            device=devices.in_words(row.user_agent),
            address=row.ip,
            began_at=row.created_at,
            seen_at=row.last_seen_at,
            is_current=row.session_key == current_key,
        )
        for row in rows
        if row.session_key in alive
    ]
    return sorted(found, key=lambda session: (session.is_current, session.seen_at), reverse=True)


def begin(request: HttpRequest, *, now: datetime) -> None:
    """Have the session that has just begun write down its visits."""
    request.session[SEEN_KEY] = now.timestamp()


def note_visit(request: HttpRequest, *, now: datetime) -> None:
    """Write down that the session was used, at most every few minutes: a visit costs nothing in between."""
    seen = request.session.get(SEEN_KEY)
    if seen is None or now - datetime.fromtimestamp(seen, UTC) < WRITTEN_EVERY:
        return
    request.session[SEEN_KEY] = now.timestamp()
    UserSession.objects.filter(session_key=request.session.session_key).update(last_seen_at=now)


def end_session(*, user_id: int, session_id: int) -> bool:
    """End a session of the user; returns whether there was such a one."""
    return _end(UserSession.objects.filter(user_id=user_id, pk=session_id).values_list("session_key", flat=True)) > 0


def end_other_sessions(*, user_id: int, current_key: str | None) -> int:
    """End all sessions of the user but the current one; returns how many there were."""
    rows = UserSession.objects.filter(user_id=user_id).exclude(session_key=current_key)
    return _end(rows.values_list("session_key", flat=True))


def end_sessions_of(user_ids: Collection[int]) -> int:
    """End every session of these users; returns how many there were."""
    return _end(UserSession.objects.filter(user_id__in=user_ids).values_list("session_key", flat=True))


def _end(found: Collection[str]) -> int:
    keys = list(found)
    with transaction.atomic():
        Session.objects.filter(pk__in=keys).delete()
        UserSession.objects.filter(session_key__in=keys).delete()
    return len(keys)


def _is_of_today_s_password(session: Session, user: User) -> bool:
    """Whether the session began, or was renewed, since the password last changed: an older one lets nobody in."""
    kept: str = session.get_decoded().get(HASH_SESSION_KEY, "")
    return constant_time_compare(kept, user.get_session_auth_hash())
