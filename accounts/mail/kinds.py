"""Kinds of e-mails that speak for themselves: their words, and what is made only when they are sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise

from accounts.models import Mail


class NothingToSendError(Exception):
    """What the e-mail speaks of is over; `str()` says why it is not sent."""


Prepared = Mapping[str, str | int]
"""Facts that are made when an e-mail is sent, and kept nowhere."""


@dataclass(frozen=True, slots=True)
class MailKind:
    """A kind of e-mail. All words are translatable templates over its facts; `reason` says why one gets it.

    The button leads to the fact `link`, an address of this site. The fact `name` is whom it greets where there is no
    login yet.

    `prepare` makes further facts at the moment of sending, in a transaction that is committed before the words go out:
    what it writes holds from then on. It may raise NothingToSendError.
    """

    code: str
    subject: str | Promise
    paragraphs: tuple[str | Promise, ...]
    reason: str | Promise
    button: str | Promise = ""
    prepare: Callable[[Mail, datetime], Prepared] | None = None


_kinds: dict[str, MailKind] = {}


def register(*kinds: MailKind) -> None:
    """Make kinds known; each floor registers its own."""
    for kind in kinds:
        _kinds[kind.code] = kind


def codes() -> list[str]:
    """Return the codes of all kinds."""
    return list(_kinds)


def kind_of(mail: Mail) -> MailKind:
    """Return the kind of an e-mail that speaks for itself. Raises LookupError where no floor knows it."""
    return _kinds[mail.kind]


def prepares(mail: Mail) -> Callable[[Mail, datetime], Prepared] | None:
    """Return what makes further facts when this e-mail is sent, if anything does."""
    kind = _kinds.get(mail.kind) if mail.message_id is None else None
    return kind.prepare if kind is not None else None
