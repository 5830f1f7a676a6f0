"""What points and goodwill buy."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RewardsConfig(AppConfig):
    """The catalogue and redemptions."""

    name = "rewards"
    verbose_name = _("Rewards")

    def ready(self) -> None:
        """Register what this floor promises, tells and announces."""
        from rewards import laws, messages, personal, webhooks

        laws.register()
        messages.register()
        personal.register()
        webhooks.register()
