"""What clients say."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SurveysConfig(AppConfig):
    """Surveys, research, ideas and feedback."""

    name = "surveys"
    verbose_name = _("Voice")

    def ready(self) -> None:
        """Register what this floor promises, tells and announces."""
        from surveys import laws, messages, personal, webhooks

        laws.register()
        messages.register()
        personal.register()
        webhooks.register()
