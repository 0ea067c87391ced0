"""How does a program sign in, stay in, and sign out? And how do people give programs tokens of their own?"""

from typing import Any

from flask import current_app, request

from .. import counters
from ..domain import api_tokens, second_factor, token_families, users
from ..domain.api_tokens import TokenView
from ..domain.errors import Conflict, NotFound
from ..domain.sealing import Seal
from ..domain.second_factor import Demand, Verdict
from ..domain.users import User
from ..marks import open_to_all, own_account
from . import signed_tokens
from .access import actor, require_scope, shown_once
from .problems import Refusal
from .rates import creates, limited
from .resources import LARGEST_ID, Resource
from .schemas import tokens as schemas
from .signed_tokens import Pair

signing_in = Resource("token", __name__, "/token", "Sign in by name and password")
made = Resource("tokens", __name__, "/tokens", "Tokens that people make for programs")


def _login_name() -> str:
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    name = body.get("username") if isinstance(body, dict) else None
    return users.tries_key(name if isinstance(name, str) else "")


@signing_in.asked("POST")
@open_to_all
@limited("10/minute", only=401)
@limited(counters.SIGN_IN_RATE, by=_login_name, only=401, scope=counters.SIGN_IN)
@signing_in.takes(schemas.Credentials)
@signing_in.gives(200, schemas.Pair)
def sign_in(credentials: dict[str, str]) -> dict[str, Any]:
    """Sign in.

    Answers an access token, good for 15 minutes, and a refresh token for the next pair. Whoever has a second
    factor is told `otp_required` (401) once the password is right, and sends a code in `otp`; refreshing asks for
    none.
    """
    if not current_app.config["SETTINGS"].passwords_open:
        raise Refusal(403, "passwords_off")
    try:
        user = users.authenticate(credentials["username"], credentials["password"])
    except Conflict as refusal:
        raise Refusal(403, refusal.code) from None
    if user is None:
        raise Refusal(401, "sign_in_failed")
    _require_second_factor(user, credentials.get("otp", ""))
    return _told(signed_tokens.pair(token_families.begin(user.id)))


def _require_second_factor(user: User, otp: str) -> None:
    """Raises Refusal."""
    demand = second_factor.demand(user)
    if demand is Demand.SET_UP:
        raise Refusal(403, "otp_needed")
    if demand is Demand.NOTHING:
        return
    if not otp:
        raise Refusal(401, "otp_required")
    found = second_factor.check(user.id, otp, Seal(current_app.config["SECRET_KEY"]))
    if found.verdict is Verdict.BLOCKED:
        raise Refusal(429, "otp_blocked", {"Retry-After": str(found.wait_seconds)})
    if not found.is_right:
        raise Refusal(401, "otp_wrong")


@signing_in.asked("POST", "/refresh")
@open_to_all
@limited("60/minute")
@signing_in.takes(schemas.RefreshToken)
@signing_in.gives(200, schemas.Pair)
def refresh(body: dict[str, str]) -> dict[str, Any]:
    """Get the next pair.

    Each refresh token is good once. One that comes a second time was copied: it ends every token that came of the
    same sign-in.
    """
    pair = signed_tokens.refreshed(body["refresh"])
    if pair is None:
        raise Refusal(401, "token_invalid")
    return _told(pair)


@signing_in.asked("POST", "/verify")
@open_to_all
@limited("60/minute")
@signing_in.takes(schemas.AnyToken)
@signing_in.gives(204)
def verify(body: dict[str, str]) -> None:
    """Ask whether a token is good: 204 if so, else 401."""
    if not signed_tokens.is_good(body["token"]):
        raise Refusal(401, "token_invalid")


@signing_in.asked("POST", "/revoke")
@open_to_all
@limited("60/minute")
@signing_in.takes(schemas.AnyToken)
@signing_in.gives(204)
def revoke(body: dict[str, str]) -> None:
    """Sign out: no token of this sign-in is good any more. May be repeated."""
    signed_tokens.end(body["token"])


@made.asked("GET")
@made.takes(schemas.ApiTokenQuery, "query")
@made.gives(200, schemas.ApiToken(many=True))
def index(query: dict[str, int]) -> list[dict[str, Any]]:
    """List the user's own API tokens; an administrator may ask for another user's."""
    return [_shown(token) for token in api_tokens.listed(actor(), query.get("user_id"))]


@made.asked("POST")
@creates
@own_account
@shown_once
@made.takes(schemas.NewApiToken)
@made.gives(201, schemas.MadeApiToken)
def make(body: dict[str, Any]) -> dict[str, Any]:
    """Make an API token, with no scope that the asking token lacks; administrators may make one for another user.

    Its text is shown this once, and kept nowhere: the same request again, by its `Idempotency-Key`, makes no
    second one, and is refused with `answer_shown_once`.
    """
    user_id = body["user_id"]
    if user_id is not None and not 0 < user_id <= LARGEST_ID:
        raise NotFound
    for scope in body["scopes"]:
        require_scope(scope)
    token, text = api_tokens.make(actor(), body["name"], [scope.value for scope in body["scopes"]], user_id)
    return _shown(token) | {"token": text}


@made.asked("DELETE", f"/<int(max={LARGEST_ID}):token_id>")
@own_account
@made.gives(204)
def end(token_id: int) -> None:
    """Revoke an API token; an administrator may revoke anybody's."""
    api_tokens.revoke(actor(), token_id)


def _told(pair: Pair) -> dict[str, Any]:
    return {"access": pair.access, "refresh": pair.refresh, "token_type": "Bearer", "expires_in": pair.expires_in}


def _shown(token: TokenView) -> dict[str, Any]:
    return {
        "id": token.id,
        "user_id": token.user_id,
        "name": token.name,
        "beginning": token.beginning,
        "scopes": sorted(token.scopes),
        "created_at": token.created_at,
        "used_at": token.used_at,
    }
