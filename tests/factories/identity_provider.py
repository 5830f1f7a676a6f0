"""A company's identity provider on this machine, as small as the protocol allows: it vouches for whoever it is told."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts.models import Company, SingleSignOn
from accounts.secrets_at_rest import seal

SECRET = "the provider knows us by this"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class IdentityProvider:
    """What it answers can be bent, to see what is refused."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self.issuer = f"http://127.0.0.1:{server.server_port}"
        self.configuration: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }
        self.userinfo: dict[str, Any] = {}
        self.token_changes: dict[str, Any] = {}
        self._visits: dict[str, dict[str, Any]] = {}

    def approve(self, address: str, **claims: Any) -> str:
        """Sign somebody in whom the site has sent to `address`; gives the address to go back to."""
        parts = urlsplit(address)
        assert address.startswith(f"{self.issuer}/authorize?")
        asked = dict(parse_qsl(parts.query))
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self._visits)}"
        self._visits[code] = {"asked": asked, "claims": claims}
        self.userinfo = self.userinfo or {"sub": claims["sub"]}
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, sent: dict[str, str]) -> dict[str, Any] | None:
        """Give the tokens of a visit once, to whoever began it."""
        visit = self._visits.pop(sent.get("code", ""), None)
        if visit is None or sent.get("client_secret") != SECRET:
            return None
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != visit["asked"]["code_challenge"]:
            return None
        claims = {
            "iss": self.issuer,
            "aud": visit["asked"]["client_id"],
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
            "nonce": visit["asked"]["nonce"],
            **visit["claims"],
            **self.token_changes,
        }
        signed = jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "1"})
        return {"access_token": "let me see", "token_type": "Bearer", "id_token": signed}


@contextmanager
def an_identity_provider() -> Iterator[IdentityProvider]:
    """Run a provider."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(provider.configuration if "well-known" in self.path else provider.userinfo)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer(provider.token({name: values[0] for name, values in parse_qs(body).items()}))

        def _answer(self, content: dict[str, Any] | None) -> None:
            self.send_response(400 if content is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = IdentityProvider(server)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def a_single_sign_on(company: Company, issuer: str, *domains: str, **fields: Any) -> SingleSignOn:
    """A company's provider, which answers for `domains`."""
    fields = {"client_id": "twofold", "sealed_secret": seal(SECRET), **fields}
    sign_on = SingleSignOn.objects.create(company=company, issuer=issuer, **fields)
    for domain in domains:
        sign_on.domains.create(domain=domain)
    return sign_on
