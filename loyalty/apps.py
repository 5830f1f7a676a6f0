"""The engine."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LoyaltyConfig(AppConfig):
    """Programs, activities, rules, points, standing."""

    name = "loyalty"
    verbose_name = _("Program")

    def ready(self) -> None:
        """Register what this floor knows, promises, tells and announces, and what follows from a tier that moves."""
        from loyalty import approval_mail, facts, laws, messages, personal, segment_facts, webhooks
        from loyalty.activities import follow_moves
        from loyalty.standing.review import let_follow

        let_follow(follow_moves)
        facts.register()
        segment_facts.register()
        laws.register()
        messages.register()
        approval_mail.register()
        personal.register()
        webhooks.register()
