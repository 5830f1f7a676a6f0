"""What this floor tells people."""

from django.utils.translation import gettext_lazy as _

from accounts import messages
from accounts.messages import MessageKind
from accounts.models import NotificationPreference

SURVEY_OPENED = MessageKind(
    "survey-open", _("A survey is open: {survey}"), "survey", NotificationPreference.Topic.SURVEYS
)


def register() -> None:
    """Make the kinds known to the outbox."""
    messages.register(SURVEY_OPENED)
