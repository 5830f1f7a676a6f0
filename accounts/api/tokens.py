"""Where a client gets its access token: OAuth2 client credentials, by way of allauth's identity provider."""

import time

from allauth.core.internal import httpkit
from allauth.idp.oidc.internal.oauthlib.server import get_server
from allauth.idp.oidc.internal.oauthlib.utils import convert_response, extract_params
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth2.rfc6749.errors import UnauthorizedClientError

from accounts.api.throttling import MINUTE, count_in_minute
from accounts.models import ServiceClient

TRIES_A_MINUTE = 30
"""A token lasts an hour: whoever asks more often guesses secrets."""


@csrf_exempt
@require_POST
@transaction.atomic
def token(request: HttpRequest) -> HttpResponse:
    """Give an access token for a client's id and secret, in the shape that RFC 6749 has for answers and errors."""
    client_id = httpkit.extract_basic_auth(request.headers)[0] or request.POST.get("client_id", "")
    if "\0" in client_id:
        return JsonResponse({"error": "invalid_client"}, status=401)
    minute, second = divmod(int(time.time()), MINUTE)
    if count_in_minute(f"token:{client_id[:100]}", minute) > TRIES_A_MINUTE:
        error = {"error": "temporarily_unavailable", "error_description": "Too many tries; wait a minute."}
        return JsonResponse(error, status=429, headers={"Retry-After": str(MINUTE - second)})
    server = get_server()
    server.credentials_grant.custom_validators.post_token = [_admit]
    answer: HttpResponse = convert_response(*server.create_token_response(*extract_params(request)))
    return answer


def _admit(request: OAuthRequest) -> None:
    """Turn away clients that were switched off, and note that one came."""
    clients = ServiceClient.objects.filter(oauth_client=request.client.pk, is_active=True)
    if not clients.update(last_token_at=timezone.now()):
        raise UnauthorizedClientError(request=request)
