"""Which tokens does a program carry that has signed in by name and password? Two JWTs, signed with our own key.

The access token is good for 15 minutes, the refresh token for the next pair, once. Both name their family
(domain/token_families): once that has ended, neither is worth anything.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, create_refresh_token, decode_token
from flask_jwt_extended.exceptions import JWTExtendedException
from jwt import PyJWTError

from ..domain import token_families
from ..domain.token_families import Ticket
from ..domain.users import User

ACCESS_LIFETIME = timedelta(minutes=15)
FAMILY, SERIAL = "fam", "ser"


@dataclass(frozen=True, slots=True)
class Pair:
    access: str
    refresh: str
    expires_in: int


def init_app(app: Flask) -> None:
    # Another key than the sessions', so that neither can ever be taken for the other.
    app.config["JWT_SECRET_KEY"] = hashlib.sha256(b"api tokens:" + app.config["SECRET_KEY"].encode()).hexdigest()
    app.config["JWT_ACCESS_TOKEN_EXPIRES"] = ACCESS_LIFETIME
    app.config["JWT_REFRESH_TOKEN_EXPIRES"] = token_families.LIFETIME
    JWTManager(app)


def pair(ticket: Ticket) -> Pair:
    claims = {FAMILY: ticket.family_id, SERIAL: ticket.serial}
    who = str(ticket.user_id)
    return Pair(
        access=create_access_token(who, additional_claims=claims),
        refresh=create_refresh_token(who, additional_claims=claims),
        expires_in=int(ACCESS_LIFETIME.total_seconds()),
    )


def user_of(access: str) -> User | None:
    """Whose access token this is; None for one that is forged, has run out, or whose family has ended."""
    claims = _claims(access, "access")
    return token_families.member(claims[FAMILY]) if claims else None


def is_good(token: str) -> bool:
    """Either of the two: signed by us, not run out, not used up, its family not ended."""
    claims = _claims(token, "access") or _claims(token, "refresh")
    if not claims or token_families.member(claims[FAMILY]) is None:
        return False
    return claims["type"] == "access" or token_families.is_next(claims[FAMILY], claims[SERIAL])


def refreshed(refresh: str) -> Pair | None:
    """The next pair, once for each refresh token; one that comes a second time ends its family."""
    claims = _claims(refresh, "refresh")
    ticket = token_families.rotate(claims[FAMILY], claims[SERIAL]) if claims else None
    return pair(ticket) if ticket else None


def end(token: str) -> None:
    """Sign out, by either of the two. May be repeated, and says nothing of what it is not."""
    claims = _claims(token, "access") or _claims(token, "refresh")
    if claims:
        token_families.end(claims[FAMILY])


def _claims(token: str, kind: str) -> dict[str, Any] | None:
    try:
        claims: dict[str, Any] = decode_token(token)
    except (JWTExtendedException, PyJWTError, ValueError, UnicodeError):
        return None
    return claims if claims.get("type") == kind else None
