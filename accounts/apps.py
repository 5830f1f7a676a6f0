"""The ground floor."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Who: companies and the people who work in them."""

    name = "accounts"
    verbose_name = _("Clients")

    def ready(self) -> None:
        """Register what this floor knows: facts about companies and employees, and what it announces of them."""
        from accounts import company_facts, facts, invitations, mail, new_devices, password_mail, personal, request_mail
        from accounts.mail import personal as personal_mail
        from accounts.webhooks import people
        from accounts.webhooks.personal import register_subject

        facts.register()
        company_facts.register(company_facts.OF_COMPANIES)
        personal.register()
        new_devices.register()
        request_mail.register()
        personal_mail.register()
        mail.register(invitations.INVITED, password_mail.NEW_PASSWORD, password_mail.NO_LOGIN)
        people.register_kinds()
        register_subject()
