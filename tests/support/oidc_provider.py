"""How does a test meet an OpenID Connect provider that lies? A small one here, which signs what it is told.

An honest one, by somebody else, runs as a process (`running_mock`).
"""

import base64
import hashlib
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.test import TestResponse

from tests.support.installation import free_port

CLIENT_ID, CLIENT_SECRET = "vestnik", "a secret between the two"
SECONDS_TO_START = 20
ANN = {"sub": "ann-1", "email": "ann@example.com", "email_verified": True, "name": "Ann"}
# Making one takes half a second.
KEY = RSAKey.generate_key(2048, {"kid": "one"})

Claims = dict[str, Any]


class LyingProvider:
    """`claims`: whom it vouches for. `change` may change the id token's claims, `sign` signs them.

    `metadata` is added to what it says of itself, `answer` to what the browser brings back.
    """

    def __init__(self, url: str) -> None:
        self.issuer = url
        self.claims: Claims = dict(ANN)
        self.change: Callable[[Claims], Claims] = lambda claims: claims
        self.sign: Callable[[Claims], str] = lambda claims: signed(claims)
        self.metadata: Claims = {}
        self.answer: dict[str, str] = {}
        self.userinfo: Claims = {}
        # Vestnik has no secret that it could show.
        self.is_public = False
        self.asked: list[dict[str, str]] = []
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def environ(self) -> dict[str, str]:
        """Settings of an installation that trusts it."""
        return {
            "OIDC_ISSUER": self.issuer,
            "OIDC_CLIENT_ID": CLIENT_ID,
            "OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "OIDC_NAME": "Example Login",
        }

    def discovery(self) -> Claims:
        at = self.issuer
        return {
            "issuer": at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "jwks_uri": f"{at}/jwks",
            "userinfo_endpoint": f"{at}/userinfo",
            "end_session_endpoint": f"{at}/logout",
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **self.metadata,
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        self.asked.append(query)
        code = secrets.token_urlsafe(8)
        self._codes[code] = query
        back = {"code": code, "state": query["state"], **self.answer}
        return f"{query['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str], authorization: str) -> Claims:
        """Raises KeyError for a code that is unknown, and AssertionError where PKCE or the secret do not fit."""
        query = self._codes.pop(form["code"])
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert query["code_challenge_method"] == "S256"
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == query["code_challenge"]
        assert form["redirect_uri"] == query["redirect_uri"]
        expected = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        assert authorization == ("" if self.is_public else f"Basic {expected}")
        assert not self.is_public or form["client_id"] == CLIENT_ID
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "nonce": query["nonce"],
            "iat": now,
            "exp": now + 300,
            **self.claims,
        }
        token: Claims = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300}
        id_token = self.sign(self.change(claims))
        return token | ({"id_token": id_token} if id_token else {})


def signed(claims: Claims, key: RSAKey = KEY) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)


@contextmanager
def lying_provider() -> Iterator[LyingProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if parts.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            pages: dict[str, Callable[[], Claims]] = {
                "/.well-known/openid-configuration": provider.discovery,
                "/jwks": lambda: {"keys": [KEY.as_dict(private=False)]},
                "/userinfo": lambda: provider.userinfo,
            }
            self._say(200, pages[parts.path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            try:
                self._say(200, provider.token(form, self.headers.get("Authorization", "")))
            except (AssertionError, KeyError):
                self._say(400, {"error": "invalid_grant"})

        def _say(self, status: int, told: Claims) -> None:
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: object) -> None:
            """Not into the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = LyingProvider(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running_mock(*users: Claims) -> Iterator[str]:
    """The issuer of oidc-provider-mock with these users, as a process of its own."""
    port = free_port()
    named = [word for user in users for word in ("--user-claims", json.dumps(user))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *named]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(process, f"{url}/.well-known/openid-configuration")
        yield url
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(process: subprocess.Popen[bytes], address: str) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        assert process.poll() is None, f"it ended with {process.returncode}"
        try:
            if requests.get(address, timeout=2).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise TimeoutError("the provider does not answer")


def sent_back(client: FlaskClient, wanted: str = "") -> str:
    """The address at which the browser comes back to us, once the provider knows who sits there."""
    away = client.get("/sign-in/provider" + (f"?next={wanted}" if wanted else ""))
    assert away.status_code == 302, away.text
    back = requests.get(away.location, allow_redirects=False, timeout=5)
    assert back.status_code == 302, back.text
    return back.headers["Location"].removeprefix("http://localhost")


def sign_in_by_provider(client: FlaskClient, wanted: str = "") -> TestResponse:
    return client.get(sent_back(client, wanted))
