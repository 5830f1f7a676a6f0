"""Signing in with one's company: from the e-mail address to the company's provider, and back."""

import secrets
from typing import Any
from urllib.parse import urlencode

from allauth.account.adapter import get_adapter as get_account_adapter
from allauth.account.internal.flows.login import record_authentication
from allauth.core import ratelimit
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from requests import RequestException

from accounts.access import signed_in
from accounts.models import SingleSignOn, User
from accounts.reauthentication import resume
from accounts.secrets_at_rest import UnreadableSecretError
from accounts.sign_on_provider import AGAIN, CompanyProvider
from accounts.single_sign_on import (
    AddressNotVerifiedError,
    BoundToAnotherError,
    ForeignDomainError,
    UnknownPersonError,
    sign_on_by_provider_id,
    sign_on_for_address,
    sign_on_of,
)

_OUTSIDE = (OAuth2Error, RequestException, UnreadableSecretError, LookupError, TypeError, ValueError)
"""What comes of a provider that is away, set up wrongly, or answers nonsense."""


class AddressForm(forms.Form):
    """Whose company's provider is wanted."""

    email = forms.EmailField(
        label=gettext_lazy("Your e-mail address at work"),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        max_length=254,
    )


@require_safe
def company(request: HttpRequest) -> HttpResponse:
    """Ask for the e-mail address, and offer the provider of its domain. Whether anybody has it plays no part."""
    form = AddressForm(request.GET if "email" in request.GET else None)
    sign_on = None
    if form.is_bound:
        limited: HttpResponse | None = ratelimit.consume_or_429(request, action="login")
        if limited is not None:
            return limited
        sign_on = sign_on_for_address(form.cleaned_data["email"]) if form.is_valid() else None
    wanted = _wanted(request)
    start = f"{reverse('login-company-start', args=[sign_on.provider_id])}{_query(wanted)}" if sign_on else ""
    context = {
        "form": form,
        "sign_on": sign_on,
        "start": start,
        "wanted": wanted,
        "is_unknown": _is_unknown(form, sign_on),
    }
    return render(request, "accounts/company_sign_on.html", context, status=422 if form.errors else 200)


def _is_unknown(form: AddressForm, sign_on: SingleSignOn | None) -> bool:
    return form.is_bound and form.is_valid() and sign_on is None


@require_safe
def start(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send somebody to their company's provider, to sign in there."""
    sign_on = sign_on_by_provider_id(provider_id)
    if sign_on is None:
        raise Http404
    limited: HttpResponse | None = ratelimit.consume_or_429(request, action="login")
    return limited if limited is not None else _send_off(request, sign_on, process="login")


@require_safe
@signed_in
def again(request: HttpRequest) -> HttpResponse:
    """Send somebody who is signed in to their company's provider, to show there once more who they are."""
    assert isinstance(request.user, User)  # noqa: S101 (tells the type checker what `signed_in` saw to)
    sign_on = sign_on_of(request.user)
    if sign_on is None:
        raise Http404
    return _send_off(request, sign_on, process=AGAIN, prompt="login", max_age="0")


@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take in somebody who comes back from their company's provider."""
    sign_on = sign_on_by_provider_id(provider_id)
    if sign_on is None:
        raise Http404
    view = OAuth2CallbackView.adapter_view(CompanyProvider(request, provider_id))
    try:
        answer: HttpResponse = view(request)
    except _OUTSIDE as error:
        return refuse(request, sign_on, error)
    return answer


def refuse(request: HttpRequest, sign_on: SingleSignOn | None = None, error: Exception | None = None) -> HttpResponse:
    """Say that somebody was not let in, why as far as it concerns them, and what to do."""
    context = {"sign_on": sign_on, "why": _why(error)}
    return render(request, "accounts/sign_on_refused.html", context, status=403)


def confirm_again(request: HttpRequest, login: SocialLogin, claims: dict[str, Any]) -> HttpResponse:
    """Take as shown once more who somebody is, if it is they and the provider has asked them just now; then go on."""
    asked_at = claims.get("auth_time", timezone.now().timestamp())
    is_recent = timezone.now().timestamp() - float(asked_at) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    if login.user != request.user or not is_recent:
        return refuse(request, sign_on_by_provider_id(login.account.provider))
    record_authentication(
        request,
        login.user,
        "socialaccount",
        provider=login.account.provider,
        uid=login.account.uid,
        reauthenticated=True,
    )
    return resume(request, wanted=login.state.get("next", resolve_url(settings.LOGIN_REDIRECT_URL)))


def _send_off(request: HttpRequest, sign_on: SingleSignOn, *, process: str, **asked: str) -> HttpResponse:
    nonce = secrets.token_urlsafe(24)
    try:
        provider = get_adapter().get_provider(request, provider=sign_on.provider_id)
        provider.oauth2_adapter_class = CompanyProvider
        answer: HttpResponse = provider.redirect(
            request,
            process=process,
            next_url=_wanted(request) or None,
            data={"nonce": nonce},
            auth_params={"nonce": nonce, **asked},
        )
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except _OUTSIDE as error:
        return refuse(request, sign_on, error)
    return answer


def _wanted(request: HttpRequest) -> str:
    address = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if is_ours and get_account_adapter().is_safe_url(address) else ""


def _query(wanted: str) -> str:
    return f"?{urlencode({'next': wanted})}" if wanted else ""


def _why(error: Exception | None) -> str:
    """What happened, as far as it is the person's to know; whether a login exists is not."""
    match error:
        case AddressNotVerifiedError():
            return _("Your company's sign-in does not confirm an e-mail address of yours.")
        case ForeignDomainError():
            return _("Your e-mail address is not one of those that your company signs in with here.")
        case UnknownPersonError():
            return _("You do not take part here yet. An administrator of your company can add you.")
        case BoundToAnotherError():
            return _(
                "Somebody else at your company signs in with this address. Your account manager can sort that out."
            )
        case _:
            return _("Your company's sign-in did not let you in here.")
