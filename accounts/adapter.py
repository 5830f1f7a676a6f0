"""How allauth behaves here: people are invited, nobody signs up alone, and e-mails go through our own queue."""

from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from accounts import devices, mail, sessions
from accounts.models import User
from accounts.new_devices import tell_of_new_device
from accounts.password_mail import NEW_PASSWORD, NO_LOGIN
from accounts.reauthentication import is_fresh
from accounts.secrets_at_rest import seal, unseal
from accounts.single_sign_on import sign_on_of


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Closes public sign-up, asks again who one is, tells of new devices, and writes e-mails down for the queue."""

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

    def is_reauthentication_required(self, *, app: str, **kwargs: object) -> bool:
        """Whoever signed in, or was asked, within the last minutes is not asked again, on allauth's pages either."""
        return not is_fresh(self.request, now=timezone.now())

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Turn away whoever is switched off, and whose company is the only way in from every other way."""
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        if response is not None:
            return response
        sign_on = sign_on_of(user)
        came_by = (kwargs["signal_kwargs"] or {}).get("sociallogin")
        if sign_on is None or not sign_on.is_required:
            return None
        if came_by is not None and came_by.account.provider == sign_on.provider_id:
            return None
        clear_login(request)
        text = gettext("%(company)s signs in with its own sign-in only. Go on there.")
        messages.info(request, text % {"company": sign_on.company})
        return HttpResponseRedirect(f"{reverse('login-company')}?{urlencode({'email': user.email})}")

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:
        """Send none to whoever cannot sign in with a password."""
        sign_on = sign_on_of(user)
        if sign_on is None or not sign_on.is_required:
            super().send_password_reset_mail(user, email, context)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Begin a session: its device becomes one of the user's, who is told if it was none before."""
        now = timezone.now()
        response: HttpResponse = super().post_login(request, user, **kwargs)
        sessions.begin(request, now=now)
        if not devices.is_known(request, user.pk):
            tell_of_new_device(
                user,
                user_agent=request.headers.get("User-Agent", ""),
                address=self.get_client_ip(request),
                now=now,
            )
        devices.remember(request, response, user.pk)
        return response

    def get_reauthentication_methods(self, user: User | AnonymousUser) -> list[dict[str, Any]]:
        """Every way in which the user can show who they are, in the words of our pages."""
        words = {
            "reauthenticate": _("Password"),
            "mfa_reauthenticate": _("Authenticator app or recovery code"),
            "mfa_reauthenticate:webauthn": _("Passkey or security key"),
        }
        ways = [{**way, "description": words[way["id"]]} for way in super().get_reauthentication_methods(user)]
        sign_on = sign_on_of(user) if isinstance(user, User) else None
        if sign_on is None:
            return ways
        theirs = {"id": "company", "description": str(sign_on.company), "url": reverse("login-company-again")}
        return [theirs] if sign_on.is_required else [*ways, theirs]


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Encrypts the keys of authenticator apps, and names what people sign in with after their devices."""

    def encrypt(self, text: str) -> str:
        """Seal a key or the seed of recovery codes: both are read again."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Read one again."""
        return unseal(encrypted_text)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """Propose the device that is looking."""
        return devices.in_words(self.request.headers.get("User-Agent", ""))
