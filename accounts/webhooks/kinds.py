"""The kinds of events that other systems can hear of; each floor registers its own."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class EventKind:
    """A kind of event.

    Events that are about the same thing, and the same one of them, arrive in the order in which things happened; kinds
    may share what they are `about`. `example` is what its data look like, for whoever reads them.
    """

    code: str
    label: str | Promise
    about: str
    example: Mapping[str, object]


PING = EventKind("ping", _("Test"), "ping", {"subscription": 4})
"""What the test of a subscription sends; it cannot be subscribed to."""

_kinds: dict[str, EventKind] = {PING.code: PING}


def register(*kinds: EventKind) -> None:
    """Make kinds known; a code belongs to one kind."""
    for kind in kinds:
        if _kinds.setdefault(kind.code, kind) != kind:
            raise ValueError(f"Two kinds of events are called {kind.code}.")


def known_kinds() -> list[EventKind]:
    """Return the kinds that can be subscribed to, by code."""
    return [kind for code, kind in sorted(_kinds.items()) if kind is not PING]
