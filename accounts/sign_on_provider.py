"""Talking to a company's identity provider (OpenID Connect): what allauth leaves open is checked here.

allauth sends people off and back with `state` and PKCE, fetches the token over TLS from the very provider and checks
its issuer, audience and time. Besides, the provider must be the issuer that it says it is, the token must carry the
nonce of this very visit, and what the provider says of a person elsewhere must be said of the same person.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import requests
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.models import SingleSignOn
from accounts.outside import UnsafeAddressError, read_url
from accounts.secrets_at_rest import unseal
from accounts.sign_on_fetching import ProviderSession, UntrustworthyAnswerError, installed_reach
from accounts.single_sign_on import SignOnRefusedError, person_behind, sign_on_by_provider_id

AGAIN = "again"
"""The process of whoever is signed in and shows once more who they are; signing in is allauth's "login"."""

_CONFIGURATION_KEPT = timedelta(minutes=5)


def app_of(sign_on: SingleSignOn) -> SocialApp:
    """Return a company's provider as allauth knows providers; it is never saved."""
    return SocialApp(
        provider="openid_connect",
        provider_id=sign_on.provider_id,
        name=str(sign_on.company),
        client_id=sign_on.client_id,
        secret=unseal(sign_on.sealed_secret),
        settings={"server_url": sign_on.issuer.rstrip("/"), "oauth_pkce_enabled": True},
    )


class CompanyProvider(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """What is fetched from a provider, and what is made of it."""

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's own description, kept for some minutes. Raises UntrustworthyAnswerError."""
        provider = self.get_provider()
        key = f"openid-configuration:{provider.app.provider_id}"
        found: dict[str, Any] | None = cache.get(key)
        if found is None:
            with ProviderSession(installed_reach()) as session:
                answer = session.get(provider.server_url)
                answer.raise_for_status()
                found = answer.json()
            _check_configuration(found, provider.app.settings["server_url"])
            cache.set(key, found, _CONFIGURATION_KEPT.total_seconds())
        return found

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> SocialLogin:
        """Return whom the provider vouches for; the claims stay with this visit and are kept nowhere."""
        app.settings["fetch_userinfo"] = "userinfo_endpoint" in self.openid_config
        self.get_provider().app.settings.update(app.settings)
        login = super().complete_login(request, app, token, **kwargs)
        login.claims = login.account.extra_data
        login.account.extra_data = {}
        return login


class SignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Lets in by a company's provider whoever belongs to the company, and nobody else."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Nobody signs up: `person_behind` finds or adds people."""
        return False

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the one provider that is called so, if it is in use; nobody is shown them all."""
        if provider == "openid_connect" and client_id:  # how allauth remembers a provider between two steps
            rows = SingleSignOn.objects.select_related("company").filter(client_id=client_id)[:1]
            return [app_of(sign_on) for sign_on in rows]
        sign_on = sign_on_by_provider_id(provider or "")
        return [app_of(sign_on)] if sign_on is not None else []

    def get_requests_session(self) -> requests.Session:
        """Fetch where and as far as `accounts.outside` lets."""
        return ProviderSession(installed_reach())

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Find out who it is. Whoever is not let in gets the page that says why."""
        from accounts.sign_on_views import confirm_again, refuse  # they know this adapter's words

        sign_on = sign_on_by_provider_id(sociallogin.account.provider)
        if sign_on is None:
            raise ImmediateHttpResponse(refuse(request))
        try:
            claims = checked_claims(sociallogin.claims, nonce=(sociallogin.state.get("data") or {}).get("nonce", ""))
            user = person_behind(sign_on, claims, now=timezone.now())
        except (SignOnRefusedError, UntrustworthyAnswerError) as error:
            raise ImmediateHttpResponse(refuse(request, sign_on, error)) from error
        sociallogin.user = user
        sociallogin.account = SocialAccount.objects.get(provider=sign_on.provider_id, uid=claims["sub"])
        if sociallogin.state["process"] == AGAIN:
            raise ImmediateHttpResponse(confirm_again(request, sociallogin, claims))

    def on_authentication_error(self, request: HttpRequest, provider: Any, **kwargs: Any) -> None:
        """Say on a page of ours that it did not work."""
        from accounts.sign_on_views import refuse

        raise ImmediateHttpResponse(refuse(request, sign_on_by_provider_id(provider.app.provider_id)))


def checked_claims(data: Mapping[str, Any], *, nonce: str) -> dict[str, Any]:
    """Return what the provider says of a person: `sub`, and `email`, `email_verified` and `name` as far as it says so.

    `data` is what allauth gathered, `id_token` (checked) and perhaps `userinfo`. Raises UntrustworthyAnswerError where
    the token was not made for the visit with `nonce`, or the two speak of different people.
    """
    token, info = data.get("id_token"), data.get("userinfo")
    if not isinstance(token, dict) or not isinstance(token.get("sub"), str) or not token["sub"]:
        raise UntrustworthyAnswerError("There is no id token.")
    if not nonce or not constant_time_compare(str(token.get("nonce", "")), nonce):
        raise UntrustworthyAnswerError("The id token was made for another visit.")
    if isinstance(info, dict) and info.get("sub") != token["sub"]:
        raise UntrustworthyAnswerError("The id token and the user info speak of different people.")
    names = {"name": token.get("name") or (info or {}).get("name")}
    kept = {name: token[name] for name in ("sub", "auth_time") if name in token}
    return kept | names | _address_of(token, info if isinstance(info, dict) else {})


def _address_of(token: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, Any]:
    """Return `email`, as the token says it if it does, and `email_verified`; a doubt in either of the two stays one."""
    spoken = token if "email" in token else info
    address = {name: spoken[name] for name in ("email", "email_verified") if name in spoken}
    doubts = [said["email_verified"] for said in (token, info) if said.get("email_verified", True) is not True]
    return address | ({"email_verified": doubts[0]} if doubts else {})


def _check_configuration(found: Any, issuer: str) -> None:
    """A provider that calls itself by another name would let its tokens pass for another's."""
    if not isinstance(found, dict) or str(found.get("issuer", "")).rstrip("/") != issuer:
        raise UntrustworthyAnswerError("The provider calls itself by another name than its address.")
    for endpoint in ("authorization_endpoint", "token_endpoint"):
        try:
            read_url(str(found.get(endpoint, "")), inside=installed_reach().inside)
        except UnsafeAddressError as error:
            raise UntrustworthyAnswerError(str(error)) from error
