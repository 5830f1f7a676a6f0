"""What pages read of the catalogue."""

from dataclasses import dataclass

from django.db.models import Case, F, When
from django.db.models.functions import Abs
from django.urls import reverse

from accounts.actors import Actor
from rewards.models import Reward


@dataclass(frozen=True, slots=True)
class ShownReward:
    """A reward as a client sees it; `missing` points are still to be earned, 0 where there are enough."""

    id: int
    name: str
    description: str
    price: int
    missing: int
    is_in_stock: bool

    @property
    def url(self) -> str:
        """The reward's page."""
        return reverse("reward", args=[self.id])


def shown(reward: Reward, *, points: int) -> ShownReward:
    """Return how a reward looks to somebody who has `points`."""
    stock = getattr(reward, "stock", None)
    return ShownReward(
        id=reward.pk,
        name=reward.name,
        description=reward.description,
        price=reward.price,
        missing=max(0, reward.price - points),
        is_in_stock=stock is not None and stock.left > 0,
    )


def catalogue(actor: Actor, *, program_id: int, points: int) -> list[ShownReward]:
    """Return the rewards of a program, what is within reach first, the cheaper first; one query."""
    rewards = (
        Reward.objects.visible_to(actor)
        .filter(program=program_id, is_published=True)
        .select_related("stock")
        .order_by("price", "name", "pk")
    )
    return [shown(reward, points=points) for reward in rewards]


def next_reward_for(actor: Actor, *, program_id: int, points: int) -> ShownReward | None:
    """Return the cheapest reward in stock that is out of reach yet, or the dearest one within it; one query."""
    rewards = (
        Reward.objects.visible_to(actor)
        .filter(program=program_id, is_published=True, stock__taken__lt=F("stock__total"))
        .select_related("stock")
    )
    reward = rewards.order_by(Case(When(price__gt=points, then=0), default=1), Abs(F("price") - points), "pk").first()
    return shown(reward, points=points) if reward else None
