"""How allauth behaves here: people are invited, nobody signs up alone, and e-mails go through our own queue."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language

from accounts import mail
from accounts.password_mail import NEW_PASSWORD, NO_LOGIN


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Closes public sign-up, and writes e-mails about passwords down instead of sending them."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Nobody signs up: a company admin or the vendor invites."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Write down what we have words for; whatever else allauth may come to send goes out as it has it."""
        now = timezone.now()
        match template_prefix:
            case "account/email/password_reset_key":
                mail.send(NEW_PASSWORD, user=context["user"], now=now)
            case "account/email/unknown_account":
                mail.send(NO_LOGIN, address=email, language=get_language() or "", now=now)
            case _:
                super().send_mail(template_prefix, email, context)
