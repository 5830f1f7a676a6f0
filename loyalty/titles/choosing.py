"""Plans that a company picks for itself, where their conditions let it."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actors import Actor
from accounts.wording import in_turn
from loyalty.models import Membership, Tier, TierTitle
from loyalty.selectors import standing_of
from loyalty.titles.acts import Source, TitleError, locked_title, on_record, opened, require_admin
from loyalty.titles.conditions import enrolment_catalogue, enrolment_facts, unmet


class ConditionsNotMetError(TitleError):
    """The company does not meet what the tier asks; `sentences` say each of it."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__(_("Not open to your company yet: %(why)s.") % {"why": in_turn(sentences, _)})
        self.sentences = sentences


def require_conditions(membership: Membership, tier: Tier, *, now: datetime) -> None:
    """Raise ConditionsNotMetError where the company may not take the tier."""
    if not tier.condition:
        return
    membership = Membership.objects.select_related("program").get(pk=membership.pk)
    facts = enrolment_facts(membership, standing_of(membership, at=now), at=now)
    if sentences := unmet(tier, facts, enrolment_catalogue(membership.program, with_codes=False)):
        raise ConditionsNotMetError(sentences)


def choose(*, actor: Actor, membership: Membership, tier: Tier, now: datetime) -> TierTitle:
    """Pick a plan for the company, in the place of the one picked before; the same again changes nothing.

    Raises NotYoursToDecideError, ConditionsNotMetError or TitleError; then nothing has changed.
    """
    require_admin(actor, membership)
    if not tier.is_chosen:
        raise TitleError(_("This tier cannot be chosen any more."))
    with transaction.atomic():
        at = opened(membership, now=now)
        held = TierTitle.objects.filter(membership=at.membership, source=Source.CHOSEN).in_force(now).first()
        if held is not None and held.tier_id == tier.pk:
            return held
        require_conditions(at.membership, tier, now=now)
        title = at.begin(tier, Source.CHOSEN, by_id=actor.user_id, ends_at=None)
        on_record("tier-chosen", title, actor.user_id, now)
    return title


def give_up(*, actor: Actor, title: TierTitle, now: datetime) -> TierTitle:
    """Give up a plan that was picked; what is earned is held from now on.

    Raises NotYoursToDecideError or TitleError; then nothing has changed.
    """
    require_admin(actor, title.membership)
    if title.source != Source.CHOSEN:
        raise TitleError(_("This tier was not chosen. Ask your account manager."))
    with transaction.atomic():
        at = opened(title.membership, now=now)
        row = locked_title(title, now=now)
        row.ends_at = now
        at.change(row)
        on_record("tier-given-up", row, actor.user_id, now)
    return row
