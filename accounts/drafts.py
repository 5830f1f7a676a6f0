"""Drafts: what somebody had typed when the session ended or the line broke, kept for that person and page alone.

A form carries a signed word that says whose and where it is; with it, what was typed can be kept even though nobody is
signed in any more. What a draft holds is never logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core import signing
from django.db.models import QuerySet
from django.http import QueryDict

from accounts.models import Draft

TOKEN_FIELD = "draft"  # noqa: S105 (the name of a field)
TOKEN_LASTS = timedelta(days=1)
KEPT = timedelta(days=30)
MOST_CHARACTERS = 20_000
"""Names and values together: twice the longest note."""

_SALT = "accounts.drafts"
_LEFT_OUT = frozenset({TOKEN_FIELD, "csrfmiddlewaretoken", "key"})
"""Words of the form, not of the person: one that is shown again is another request, with a key of its own."""


class NotOursError(Exception):
    """The word that a form carried was not signed here, is too old, or is somebody else's."""


@dataclass(frozen=True, slots=True)
class Word:
    """What a form's token says: whose form it is, on the page of which address, and when that page was shown."""

    user_id: int
    address: str
    given_at: datetime


def token_for(*, user_id: int, address: str, now: datetime) -> str:
    """Return the token with which a form of the page at `address`, shown `now`, may keep what `user_id` types."""
    return signing.dumps([user_id, address, now.isoformat()], salt=_SALT)


def word_of(token: str) -> Word:
    """Return what `token` says. Raises NotOursError."""
    try:
        user_id, address, given_at = signing.loads(token, salt=_SALT, max_age=TOKEN_LASTS)
    except signing.BadSignature as error:
        raise NotOursError from error
    return Word(user_id, address, datetime.fromisoformat(given_at))


def keep(*, token: str, typed: Mapping[str, Sequence[str]], now: datetime) -> bool:
    """Keep what was `typed` into the form that carries `token`, in place of what was kept of that page before.

    Tokens and keys are left out, as are NULs, which the database cannot hold. Returns whether it was kept: too much, or
    nothing but blanks, is not. Raises NotOursError.
    """
    word = word_of(token)
    fields = {
        name.replace("\0", ""): [value.replace("\0", "") for value in values]
        for name, values in typed.items()
        if name not in _LEFT_OUT
    }
    size = sum(len(name) + sum(map(len, values)) for name, values in fields.items())
    if size > MOST_CHARACTERS or not any(value.strip() for values in fields.values() for value in values):
        return False
    Draft.objects.filter(user_id=word.user_id, saved_at__lt=now - KEPT).delete()
    Draft.objects.update_or_create(
        user_id=word.user_id, address=word.address, defaults={"fields": fields, "saved_at": now}
    )
    return True


def kept(*, user_id: int, address: str, now: datetime) -> QuerySet[Draft]:
    """Return the draft of `user_id` at `address`, if there is one that is not too old, for a page to ask after."""
    return Draft.objects.filter(user_id=user_id, address=address, saved_at__gte=now - KEPT)


def draft_of(*, user_id: int, address: str, now: datetime) -> QueryDict | None:
    """Return what `user_id` had typed at `address` and not saved, as a form takes it; None where nothing is kept."""
    draft = kept(user_id=user_id, address=address, now=now).first()
    if draft is None:
        return None
    typed = QueryDict(mutable=True)
    for name, values in draft.fields.items():
        typed.setlist(name, values)
    return typed


def discard(*, user_id: int, address: str) -> None:
    """Forget what `user_id` had typed at `address`: it was saved, or is not wanted any more."""
    Draft.objects.filter(user_id=user_id, address=address).delete()


def forget_old(*, now: datetime) -> int:
    """Forget what nobody came back to within KEPT; returns how many drafts that were."""
    return Draft.objects.filter(saved_at__lt=now - KEPT).delete()[0]
