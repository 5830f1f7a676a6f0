"""Forms that keep what is typed into them: a word to carry, a draft to begin with, and a draft to let go of."""

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict

from accounts import drafts
from accounts.actors import Actor


@dataclass(frozen=True, slots=True)
class Drafting:
    """What a page needs to know of drafts: its address, the form's word, and what was typed before, if anything."""

    address: str
    token: str
    typed: QueryDict | None

    @property
    def is_restored(self) -> bool:
        """Whether the page begins with what was typed earlier."""
        return self.typed is not None


def drafting(request: HttpRequest, actor: Actor, *, may_be_kept: bool = True) -> Drafting:
    """Return the drafting of the page at `request`; one query when it is read, none when something is sent.

    Who knows that nothing is kept says so with `may_be_kept`, and saves that query.
    """
    address = request.path
    typed = None
    if may_be_kept and request.method != "POST":
        typed = drafts.draft_of(user_id=actor.user_id, address=address, now=actor.at)
    return Drafting(address, drafts.token_for(user_id=actor.user_id, address=address, now=actor.at), typed)
