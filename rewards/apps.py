"""What points and goodwill buy."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RewardsConfig(AppConfig):
    """The catalogue and redemptions."""

    name = "rewards"
    verbose_name = _("Rewards")

    def ready(self) -> None:
        """Register what this floor promises and tells."""
        from rewards import laws, messages, personal

        laws.register()
        messages.register()
        personal.register()
