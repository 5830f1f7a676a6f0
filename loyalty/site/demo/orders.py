"""What the demo's firms redeemed, how far each order came, and the points that were given by hand."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from accounts.actors import actor_of
from accounts.models import Employee, User
from loyalty.by_hand import adjust
from loyalty.ledger import Owner
from loyalty.models import Adjustment, Membership
from loyalty.site.demo.calendar import Calendar, Deed
from loyalty.site.demo.cast import Order
from loyalty.site.demo.settling import Settled, Staff
from loyalty.transfers import pass_on
from rewards import progress
from rewards.models import Redemption, Reward, SpendingPolicy
from rewards.policies import set_policy
from rewards.redemption import cancel, redeem

State = Redemption.State
_WAY = (State.APPROVED, State.ORDERED, State.DELIVERED)
_DAYS_A_STEP = 1


def go_shopping(calendar: Calendar, firms: Iterable[Settled], staff: Staff) -> None:
    """Write down what each company approves, what its people order, and what becomes of it."""
    for settled in firms:
        mode, above = settled.firm.policy
        if mode != SpendingPolicy.Mode.NEVER:
            calendar.on(calendar.until - timedelta(days=45), _agreeing(settled, mode, above))
        for number, order in enumerate(settled.firm.orders):
            placed_at = calendar.until - timedelta(days=order.days_ago, hours=3 + number)
            calendar.on(placed_at, _ordering(settled, order, f"demo-{settled.firm.number}-{number}", staff))


def give_by_hand(calendar: Calendar, firms: dict[str, Settled], staff: Staff) -> None:
    """Write down points by hand: within the limit, and above it, where a second person is asked."""
    for number, days_ago, points, by, code, reason in (
        ("C-3630", 13, 300, staff.manager, "GOODWILL", "For the delivery without test certificates"),
        ("C-2040", 20, 450, staff.manager, "GOODWILL", "For the pallet that arrived wet"),
        ("C-1001", 1, 2_500, staff.approver, "CAMPAIGN", "For showing the milling hall to three other clients"),
        ("C-4010", 2, 1_200, staff.manager, "CORRECTION", "Orders of March that the shop sent to another number"),
    ):
        calendar.on(
            calendar.until - timedelta(days=days_ago, hours=4),
            _giving(firms[number].membership, points, by, Adjustment.Reason[code], reason),
        )


def pass_points_on(calendar: Calendar, settled: Settled) -> None:
    """Write down what a company passed on to one of its people."""
    calendar.on(
        calendar.until - timedelta(days=9, hours=2),
        lambda at: pass_on(
            actor=actor_of(settled.admin.user, now=at),
            membership=settled.membership,
            to=settled.people[1],
            points=150,
            reason="For running the tool cabinet",
            key="demo-passed-on",
            now=at,
        ),
    )


def _giving(membership: Membership, points: int, by: User, code: Adjustment.Reason, reason: str) -> Deed:
    return lambda at: adjust(
        membership=membership, employee=None, points=points, reason_code=code, reason=reason, by=by, now=at
    )


def _agreeing(settled: Settled, mode: str, above: int | None) -> Deed:
    return lambda at: set_policy(
        actor=actor_of(settled.admin.user, now=at), mode=SpendingPolicy.Mode(mode), above=above, now=at
    )


def _ordering(settled: Settled, order: Order, key: str, staff: Staff) -> Deed:
    def place(at: datetime) -> None:
        person = settled.people[order.by]
        reward = Reward.objects.get(program=settled.membership.program_id, code=order.reward)
        employee_id = person.pk if order.payer == "own" else None
        placed = redeem(
            actor=actor_of(person.user, now=at),
            reward_id=reward.pk,
            payer=Owner(settled.membership.program_id, settled.company.pk, employee_id),
            shown_price=reward.price,
            key=key,
            now=at,
        ).redemption
        _take_further(placed, settled, order, staff, at)

    return place


def _take_further(placed: Redemption, settled: Settled, order: Order, staff: Staff, at: datetime) -> None:
    """Bring an order as far as the cast says: the company first where it is asked, then us."""
    helena = staff.manager.pk
    if order.state == State.CANCELLED:
        cancel(redemption_id=placed.pk, by_user_id=placed.placed_by_id, now=at + timedelta(hours=5))
        return
    if order.state == State.REQUESTED:
        return
    if placed.approval_id is not None:
        decider = _another_admin(settled, placed.employee_id)
        at += timedelta(hours=2)
        progress.approve_for_company(actor=actor_of(decider.user, now=at), redemption_id=placed.pk, now=at)
    if order.state == State.REJECTED:
        progress.reject(redemption_id=placed.pk, by_user_id=helena, reason=order.reason, now=at + timedelta(hours=20))
        return
    for number, (state, step) in enumerate(
        zip(_WAY, (progress.approve, progress.order, progress.deliver), strict=True), start=1
    ):
        if order.state == State.CLIENT_APPROVED:
            return
        step(redemption_id=placed.pk, by_user_id=helena, now=at + timedelta(days=number * _DAYS_A_STEP))
        if order.state == state:
            return


def _another_admin(settled: Settled, but: int) -> Employee:
    return next(p for p in settled.people if p.access == Employee.Access.ADMIN and p.pk != but)
