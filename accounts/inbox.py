"""A person's inbox: messages are read where they are opened, never by looking at the list."""

from datetime import datetime

from django.db.models import QuerySet

from accounts.actors import Actor
from accounts.models import Message


class NoSuchMessageError(Exception):
    """There is no such message, or it was written to somebody else."""


def inbox_of(actor: Actor) -> QuerySet[Message]:
    """Return the actor's messages, latest first, without those that went out by e-mail alone."""
    own = Message.objects.visible_to(actor).filter(employee=actor.employee_id, is_in_inbox=True)
    return own.order_by("-pk")


def open_message(*, actor: Actor, message_id: int, now: datetime) -> Message:
    """Mark a message of the actor's as read, once, and return it. Raises NoSuchMessageError."""
    message = inbox_of(actor).filter(pk=message_id).first()
    if message is None:
        raise NoSuchMessageError
    if message.read_at is None:
        inbox_of(actor).filter(pk=message_id, read_at__isnull=True).update(read_at=now)
        message.read_at = now
    return message


def mark_all_read(*, actor: Actor, up_to: int, now: datetime) -> int:
    """Mark what the actor has not read as read, up to the message of id `up_to`; what came later stays unread.

    Returns how many messages that were.
    """
    return inbox_of(actor).filter(pk__lte=up_to, read_at__isnull=True).update(read_at=now)
