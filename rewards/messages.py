"""What this floor tells people."""

from django.utils.translation import gettext_lazy as _

from accounts import delegations, messages
from accounts.messages import MessageKind
from accounts.models import NotificationPreference

_ORDERS = NotificationPreference.Topic.ORDERS

REDEEMED = MessageKind("redeemed", _("{reward} is ordered for {points} points"), "order", _ORDERS)
APPROVED = MessageKind("redemption-approved", _("Your order of {reward} is approved"), "order", _ORDERS)
ORDERED = MessageKind("redemption-ordered", _("{reward} is on its way to you"), "order", _ORDERS)
DELIVERED = MessageKind("redemption-delivered", _("{reward} is delivered"), "order", _ORDERS)
REJECTED = MessageKind(
    "redemption-rejected",
    _("The order of {reward} was rejected, {points} points are back: {reason}"),
    "order",
    _ORDERS,
)
CANCELLED = MessageKind(
    "redemption-cancelled", _("The order of {reward} is cancelled; {points} points are back"), "order", _ORDERS
)
APPROVAL_ASKED = MessageKind(
    "approval-asked", _("{person} asks you to approve {reward} for {points} points"), "company-approval"
)
APPROVAL_DECIDED = MessageKind("approval-decided", _("Your company has approved your order of {reward}"), "order")


def register() -> None:
    """Make the kinds known to the outbox, and the one below whose page lies on this floor."""
    messages.register(
        REDEEMED,
        APPROVED,
        ORDERED,
        DELIVERED,
        REJECTED,
        CANCELLED,
        APPROVAL_ASKED,
        APPROVAL_DECIDED,
        delegations.STANDS_IN,
    )
