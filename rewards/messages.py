"""What this floor tells people."""

from django.utils.translation import gettext_lazy as _

from accounts import messages
from accounts.messages import MessageKind

REDEEMED = MessageKind("redeemed", _("{reward} is ordered for {points} points"))
CANCELLED = MessageKind("redemption-cancelled", _("The order of {reward} is cancelled; {points} points are back"))


def register() -> None:
    """Make the kinds known to the outbox."""
    messages.register(REDEEMED, CANCELLED)
