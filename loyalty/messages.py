"""What this floor tells people."""

from django.utils.translation import gettext_lazy as _

from accounts import messages
from accounts.messages import MessageKind

TIER_REACHED = MessageKind("tier-reached", _("Your company is now {tier}"))


def register() -> None:
    """Make the kinds known to the outbox."""
    messages.register(TIER_REACHED)
