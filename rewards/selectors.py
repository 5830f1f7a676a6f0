"""What pages read of the catalogue, of orders and of what waits for approval."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Case, F, Q, When
from django.db.models.functions import Abs
from django.urls import reverse

from accounts.actors import Actor
from accounts.models import Approval
from accounts.models.approvals import ApprovalQuerySet
from loyalty.ledger import Owner
from loyalty.models import Program
from loyalty.statement import balances_of
from rewards.models import Reward
from rewards.models.catalogue import RewardQuerySet
from rewards.paying import payers_of, pays_for
from rewards.policies import APPROVAL_KIND

SORTS: Mapping[str, tuple[str, ...]] = {
    "price": ("price", "name", "pk"),
    "-price": ("-price", "name", "pk"),
    "name": ("name", "pk"),
    "new": ("-pk",),
}
"""In which orders a catalogue can be read, the first unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Means:
    """What somebody may spend: the own points and the company's; None where they may not spend these."""

    own: int | None = None
    company: int | None = None

    def reach(self, paid_from: str) -> int | None:
        """The points that an order of a reward that is paid so can take; None where the reader cannot pay for it."""
        own = None if paid_from == Reward.PaidFrom.COMPANY else self.own
        company = None if paid_from == Reward.PaidFrom.EMPLOYEE else self.company
        found = [points for points in (own, company) if points is not None]
        return sum(found) if found else None


@dataclass(frozen=True, slots=True)
class Way:
    """A way to pay for a reward: whose points, or with `rest_from_company` one's own first and then the company's."""

    code: str
    payer: Owner
    own: int
    company: int
    rest_from_company: bool = False

    @property
    def points(self) -> int:
        """The points that an order can take this way."""
        return self.own + self.company

    def share_of_company(self, price: int) -> int:
        """What the company gives of a price that is paid this way."""
        return max(0, price - self.own) if self.rest_from_company or not self.own else 0


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody looks for in a catalogue; empty where it does not matter."""

    category: str = ""
    paid_from: str = ""
    only_affordable: bool = False
    only_in_stock: bool = False
    sort: str = "price"


@dataclass(frozen=True, slots=True)
class ShownReward:
    """A reward as a client sees it; `missing` points are still to be earned, 0 where there are enough."""

    id: int
    name: str
    description: str
    category: str
    price: int
    paid_from: str
    missing: int
    is_in_stock: bool
    can_pay: bool = True

    @property
    def url(self) -> str:
        """The reward's page."""
        return reverse("reward", args=[self.id])


def means_of(actor: Actor, program: Program) -> Means:
    """Return what the actor may spend in a program now; three queries."""
    owners = payers_of(actor, program_id=program.pk, now=actor.at)
    if not owners:
        return Means()
    today = actor.at.astimezone(program.zone).date()
    have = {bool(row.owner.employee_id): row.available for row in balances_of(owners, today=today)}
    return Means(own=have.get(True), company=have.get(False))


def ways_to_pay(actor: Actor, reward: Reward, means: Means) -> list[Way]:
    """Return how the actor can pay for a reward, whether or not the points reach."""
    own = Owner(reward.program_id, actor.company_id, actor.employee_id)
    ways = []
    if means.own is not None and pays_for(reward, own):
        ways.append(Way("own", own, means.own, 0))
    if means.company is not None and pays_for(reward, own.company):
        ways.append(Way("company", own.company, 0, means.company))
    if means.own is not None and means.company is not None and len(ways) == 2:
        ways.append(Way("both", own, means.own, means.company, rest_from_company=True))
    return ways


def shown(reward: Reward, *, points: int | None) -> ShownReward:
    """Return how a reward looks to somebody who can spend `points` on it; None where they cannot pay for it."""
    stock = getattr(reward, "stock", None)
    return ShownReward(
        id=reward.pk,
        name=reward.name,
        description=reward.description,
        category=reward.get_category_display(),
        price=reward.price,
        paid_from=reward.paid_from,
        missing=max(0, reward.price - (points or 0)),
        is_in_stock=stock is not None and stock.left > 0,
        can_pay=points is not None,
    )


def catalogue(actor: Actor, *, program_id: int, means: Means, wish: Wish) -> RewardQuerySet:
    """Return the rewards of a program that answer a wish, in its order, with their stock."""
    rewards = Reward.objects.visible_to(actor).filter(program=program_id, is_published=True).select_related("stock")
    if wish.category:
        rewards = rewards.filter(category=wish.category)
    if wish.paid_from:
        rewards = rewards.filter(paid_from__in=[wish.paid_from, Reward.PaidFrom.ANY])
    if wish.only_in_stock:
        rewards = rewards.filter(stock__taken__lt=F("stock__total"))
    if wish.only_affordable:
        reached = Q(pk__in=[])
        for paid_from in Reward.PaidFrom:
            reached |= Q(paid_from=paid_from, price__lte=means.reach(paid_from) or 0)
        rewards = rewards.filter(reached)
    return rewards.order_by(*SORTS[wish.sort])


def next_reward_for(actor: Actor, *, owner: Owner, points: int) -> ShownReward | None:
    """Return the cheapest reward in stock that is out of reach yet, or the dearest one within it; one query.

    Only rewards that `owner`, a person or a company, can pay for with the own `points`.
    """
    not_paid = Reward.PaidFrom.COMPANY if owner.employee_id else Reward.PaidFrom.EMPLOYEE
    rewards = (
        Reward.objects.visible_to(actor)
        .filter(program=owner.program_id, is_published=True, stock__taken__lt=F("stock__total"))
        .exclude(paid_from=not_paid)
        .select_related("stock")
    )
    reward = rewards.order_by(Case(When(price__gt=points, then=0), default=1), Abs(F("price") - points), "pk").first()
    return shown(reward, points=points) if reward else None


def orders_to_decide(actor: Actor) -> ApprovalQuerySet:
    """Return the requests for orders that the actor's company decides, waiting and decided."""
    rows = Approval.objects.visible_to(actor).filter(kind=APPROVAL_KIND, audience=Approval.Audience.CLIENT)
    return rows.select_related(
        "decided_by", "redemption__reward__program", "redemption__employee", "redemption__wallet"
    )
