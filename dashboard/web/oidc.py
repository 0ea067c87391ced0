"""What does the OpenID Connect provider say, and is it to be believed?

Authlib speaks the protocol: authorization code with PKCE, state, nonce. Here stands what it leaves to its user:
how long to wait, which algorithms may sign, that provider and token name the issuer of the settings, and that
nothing is asked for without TLS.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import FlaskIntegration, FlaskOAuth2App
from flask import Flask, Response, current_app, request, session
from joserfc.errors import JoseError

from config import Oidc, is_provider_address

from .. import clock
from ..domain.errors import Conflict
from ..domain.identities import Arrival
from ..models import Role

logger = logging.getLogger(__name__)

NAME = "oidc"
# A provider that does not answer holds a web thread for no longer than this, twice or thrice.
TIMEOUT_SECONDS = 5
# What the provider says of itself, and its keys, are read anew after this.
METADATA_SECONDS = 3600
CLOCK_LEEWAY_SECONDS = 60
# Signed by a key of its own. Neither "none", nor what our secret or its public key could be made to sign (HS256).
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
OPTIONAL_ENDPOINTS = ("userinfo_endpoint", "end_session_endpoint")
LONGEST_CLAIM = 255


@dataclass(frozen=True, slots=True)
class Vouched:
    """`is_proven_twice`: the provider has asked for more than one factor itself (RFC 8176, "mfa")."""

    who: Arrival
    is_proven_twice: bool


class Unbelievable(Exception):
    """What the provider has sent is not what it must be."""


class Provider(FlaskOAuth2App):  # type: ignore[misc]
    """One for the process; several threads may read its metadata at once, each finds them whole."""

    def __init__(self, settings: Oidc) -> None:
        super().__init__(
            FlaskIntegration(NAME),
            name=NAME,
            client_id=settings.client_id,
            client_secret=settings.client_secret or None,
            server_metadata_url=settings.issuer.rstrip("/") + "/.well-known/openid-configuration",
            client_kwargs={
                "scope": settings.scopes,
                "code_challenge_method": "S256",
                "default_timeout": TIMEOUT_SECONDS,
                **({} if settings.client_secret else {"token_endpoint_auth_method": "none"}),
            },
        )
        self.settings = settings
        self._read_at = float("-inf")

    def load_server_metadata(self) -> dict[str, Any]:
        """Raises Unbelievable, and what requests raises."""
        if clock.monotonic() - self._read_at > METADATA_SECONDS:
            with self._get_session() as http:
                answer = http.request("GET", self._server_metadata_url, withhold_token=True)
            answer.raise_for_status()
            self.server_metadata = _checked(answer.json(), self.settings.issuer)
            self._read_at = clock.monotonic()
        return self.server_metadata


def _checked(told: Any, issuer: str) -> dict[str, Any]:
    """OpenID Connect Discovery 4.3: it must name the issuer that was asked."""
    if not isinstance(told, dict) or told.get("issuer") != issuer:
        raise Unbelievable("the provider names another issuer than OIDC_ISSUER")
    for name in (*ENDPOINTS, *(each for each in OPTIONAL_ENDPOINTS if each in told)):
        if not is_provider_address(str(told.get(name, ""))):
            raise Unbelievable(f"{name} is no address with TLS")
    offered = told.get("id_token_signing_alg_values_supported")
    algorithms = [each for each in ALGORITHMS if each in offered] if isinstance(offered, list) else []
    # RS256 is what each provider must know (OpenID Connect Discovery 3).
    return told | {"id_token_signing_alg_values_supported": algorithms or ["RS256"]}


def init_app(app: Flask) -> None:
    settings = app.config["SETTINGS"].oidc
    if settings is not None:
        app.extensions[NAME] = Provider(settings)


def provider() -> Provider | None:
    """None: the settings name none."""
    return cast("Provider | None", current_app.extensions.get(NAME))


def way_there(to: Provider, callback: str) -> Response:
    """To the provider's own page. Only the last sign-in that was begun in this browser counts.

    Raises Conflict("provider_away", "provider_answer_wrong").
    """
    for key in [key for key in session if key.startswith(f"_state_{NAME}_")]:
        session.pop(key)
    with _explained():
        return cast("Response", to.authorize_redirect(callback))


def vouched(by: Provider) -> Vouched:
    """Whom the provider sends back to us.

    Raises Conflict("provider_away", "provider_denied", "provider_stale", "provider_answer_wrong").
    """
    if "error" in request.args:
        logger.warning("the provider refuses: %s", request.args["error"][:80].encode("unicode_escape").decode())
        raise Conflict("provider_denied")
    if by.framework.get_state_data(session, request.args.get("state")) is None:
        raise Conflict("provider_stale")
    with _explained():
        return _believed(by, by.settings)


def _believed(by: Provider, settings: Oidc) -> Vouched:
    if request.args.get("iss", settings.issuer) != settings.issuer:
        raise Unbelievable("another issuer answers (RFC 9207)")
    must_be = {
        "iss": {"essential": True, "value": settings.issuer},
        "aud": {"essential": True, "value": settings.client_id},
        "sub": {"essential": True},
    }
    token = by.authorize_access_token(claims_options=must_be, leeway=CLOCK_LEEWAY_SECONDS)
    claims = token.get("userinfo")
    if claims is None:
        raise Unbelievable("there is no id token")
    claims = _with_userinfo(by, dict(claims))
    amr = claims.get("amr")
    return Vouched(_arrival(claims, settings), isinstance(amr, list) and "mfa" in amr)


def _with_userinfo(by: Provider, claims: dict[str, Any]) -> dict[str, Any]:
    """Some put the address into a second answer only; what is signed counts more (OpenID Connect Core 5.3.2)."""
    if "email" in claims or "userinfo_endpoint" not in by.load_server_metadata():
        return claims
    more = dict(by.userinfo())
    if more.get("sub") != claims["sub"]:
        raise Unbelievable("the second answer is about somebody else")
    return more | claims


def _arrival(claims: Mapping[str, Any], settings: Oidc) -> Arrival:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_CLAIM:
        raise Unbelievable("the subject is no text of a usual length")
    named = (claims.get(each) for each in ("name", "preferred_username", "nickname"))
    return Arrival(
        issuer=settings.issuer,
        subject=subject,
        email=_text(claims.get("email")),
        # Nothing but true: a provider that says "true" or 1 has not understood the question.
        is_email_verified=claims.get("email_verified") is True and bool(_text(claims.get("email"))),
        name=next(filter(None, map(_text, named)), ""),
        role=_role(claims, settings),
    )


def _text(value: Any) -> str:
    return value[:LONGEST_CLAIM] if isinstance(value, str) else ""


def _role(claims: Mapping[str, Any], settings: Oidc) -> Role | None:
    """The one that allows most, of all that the claim's values stand for."""
    roles = {settings.roles[value] for value in values_of(claims, settings.role_claim) if value in settings.roles}
    return next((role for role in (Role.ADMINISTRATOR, Role.OPERATOR, Role.VIEWER) if role.value in roles), None)


def values_of(claims: Mapping[str, Any], name: str) -> list[str]:
    """Of a claim by its whole name, which may be an address with dots, or by a path.

    Those of a list, the names in an object, or a text alone.
    """
    found: Any = claims
    for step in [name] if name in claims else name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    values = [found] if isinstance(found, str) else found
    return [each for each in values if isinstance(each, str)] if isinstance(values, (list, Mapping)) else []


def way_out(of: Provider, back: str) -> str | None:
    """Where the provider signs people out, too (RP-Initiated Logout); None if it does not offer that, or is away.

    Without the id token, which we do not keep: no token stands in an address.
    """
    try:
        metadata = of.load_server_metadata()
    except (requests.RequestException, ValueError, Unbelievable) as error:
        logger.warning("the provider cannot be asked: %s", type(error).__name__)
        return None
    if "end_session_endpoint" not in metadata:
        return None
    wanted = of.create_logout_url(post_logout_redirect_uri=back, client_id=of.client_id)
    return str(wanted["url"])


@contextmanager
def _explained() -> Iterator[None]:
    """What goes wrong between us and the provider becomes one of two codes; the log says which."""
    try:
        yield
    except requests.RequestException as error:
        logger.warning("the provider is away: %s", type(error).__name__)
        raise Conflict("provider_away") from error
    except (AuthlibBaseError, JoseError, Unbelievable, ValueError, KeyError, TypeError) as error:
        logger.warning("the provider's answer is not believed: %s: %s", type(error).__name__, str(error)[:200])
        raise Conflict("provider_answer_wrong") from error
