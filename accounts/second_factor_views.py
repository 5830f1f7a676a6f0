"""The way to a second factor: why it is asked for, setting one up, showing it, and on to where one was going."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from accounts.access import signed_in
from accounts.middleware import second_factor_of
from accounts.second_factors import SecondFactor, record_as_shown

WANTED_KEY = "wanted_with_second_factor"
"""Where a session keeps the page that somebody wanted before a second factor was asked for."""


@require_safe
@signed_in
def second_factor(request: HttpRequest) -> HttpResponse:
    """Ask for a second factor, or for setting one up; whoever has shown one goes on to where they were going."""
    wanted = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        request.session[WANTED_KEY] = wanted
    if second_factor_of(request) != SecondFactor.MISSING:
        return HttpResponseRedirect(request.session.pop(WANTED_KEY, resolve_url(settings.LOGIN_REDIRECT_URL)))
    ways = get_adapter().get_reauthentication_methods(request.user)
    shown = [way for way in ways if way["id"].startswith("mfa_")]
    context = {"ways": shown, "back": reverse("login-second-factor")}
    return render(request, "accounts/second_factor.html", context)


class _CountsAsShown:
    """Setting a second factor up is proof of having it: in this session it is not asked for once more."""

    request: HttpRequest
    did_generate_recovery_codes: bool
    kind: str

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it, and take it as shown."""
        response: HttpResponse = super().form_valid(form)  # type: ignore[misc]
        rows = Authenticator.objects.filter(user_id=self.request.user.pk, type=self.kind)
        record_as_shown(self.request, rows.latest("pk"))
        return response

    def get_success_url(self) -> str:
        """Recovery codes are shown where there are new ones; then, or at once, one goes on to where one was going."""
        if self.did_generate_recovery_codes:
            return reverse("mfa_view_recovery_codes")
        return reverse("login-second-factor" if WANTED_KEY in self.request.session else "mfa_index")


class ActivateTOTP(_CountsAsShown, ActivateTOTPView):  # type: ignore[misc]
    """Set up an authenticator app."""

    kind = Authenticator.Type.TOTP


class AddPasskey(_CountsAsShown, AddWebAuthnView):  # type: ignore[misc]
    """Add a passkey."""

    kind = Authenticator.Type.WEBAUTHN
