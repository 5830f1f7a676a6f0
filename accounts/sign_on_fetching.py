"""Fetching from companies' identity providers: allauth speaks `requests`, which leaves by `accounts.outside` here.

A company's administrators name the issuer and the provider itself names the rest, so an address may lead anywhere.
"""

from collections.abc import Mapping
from http.client import HTTPException, responses
from io import BytesIO
from typing import Any

import requests
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.conf import settings
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers

from accounts.outside import Reach, Reply, UnsafeAddressError, exchange

MOST_READ = 256 * 1024
_SECONDS_TO_ANSWER = 5


class UntrustworthyAnswerError(OAuth2Error):  # type: ignore[misc]
    """A provider's answer that does not belong to this visit, or to itself, or that leads elsewhere."""


def installed_reach() -> Reach:
    """Return how this installation reaches providers."""
    seconds = _SECONDS_TO_ANSWER
    return Reach(inside=frozenset(settings.SIGN_ON_PRIVATE_HOSTS), connecting=seconds, in_all=seconds)


class ProviderSession(requests.Session):
    """Fetches from the outside only, follows nobody anywhere, and does not wait long."""

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self.trust_env = False
        self.headers = CaseInsensitiveDict(
            {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Twofold-Sign-On/1"}
        )
        for scheme in ("https://", "http://"):
            self.mount(scheme, _WayOut(reach))


class _WayOut(BaseAdapter):
    """How `requests` hands a request over."""

    def __init__(self, reach: Reach) -> None:
        super().__init__()
        self.reach = reach

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request, whatever else is asked for. Raises UntrustworthyAnswerError or a RequestException."""
        body = request.body or b""
        if not isinstance(body, str | bytes):
            raise requests.exceptions.InvalidSchema("Only what is whole beforehand is sent.", request=request)
        try:
            reply = exchange(
                request.method or "GET",
                request.url or "",
                body=body.encode() if isinstance(body, str) else body,
                headers={
                    name: value if isinstance(value, str) else value.decode("latin-1")
                    for name, value in request.headers.items()
                },
                reach=self.reach,
                most=MOST_READ,
            )
        except UnsafeAddressError as error:
            raise UntrustworthyAnswerError(str(error)) from error
        except TimeoutError as error:
            raise requests.Timeout(request=request) from error
        except (OSError, HTTPException) as error:
            raise requests.ConnectionError(error, request=request) from error
        if reply.status // 100 == 3:
            raise UntrustworthyAnswerError("The provider leads elsewhere, where nobody is followed.")
        if not reply.is_whole:
            raise UntrustworthyAnswerError("The provider's answer breaks off, or has no end.")
        return _as_requests_has_it(reply, request)

    def close(self) -> None:
        """Nothing is kept open."""


def _as_requests_has_it(reply: Reply, request: requests.PreparedRequest) -> requests.Response:
    answer = requests.Response()
    answer.request, answer.url = request, request.url or ""
    answer.status_code, answer.reason = reply.status, responses.get(reply.status, "")
    answer.headers = CaseInsensitiveDict(reply.headers.items())
    answer.encoding = get_encoding_from_headers(answer.headers)
    answer.raw = BytesIO(reply.body)
    return answer
