"""What do programs send and get when they sign in, and when tokens are made for them?"""

from ...domain.user_rules import LONGEST_NAME
from ...models import Scope
from .fields import MOMENT, NUMBER, Body, Choice, Instant, ListOf, NumberInAddress, Text, Whole

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIn0.vestnik"


class Credentials(Body):
    username = Text(required=True, metadata={"description": "Name or e-mail address", "example": "ann"})
    password = Text(required=True, load_only=True, metadata={"example": "correct horse battery staple"})
    otp = Text(
        load_only=True,
        metadata={
            "description": "For users with a second factor: a code of the authenticator, or a recovery code",
            "example": "492039",
        },
    )


class Pair(Body):
    access = Text(metadata={"description": "JWT for the header `Authorization: Bearer …`", "example": JWT})
    refresh = Text(metadata={"description": "Good for the next pair, once", "example": JWT})
    token_type = Text(metadata={"example": "Bearer"})
    expires_in = Whole(metadata={"description": "Seconds for which `access` is good", "example": 900})


class RefreshToken(Body):
    refresh = Text(required=True, metadata={"example": JWT})


class AnyToken(Body):
    token = Text(required=True, metadata={"description": "An access token or a refresh token", "example": JWT})


class NewApiToken(Body):
    name = Text(required=True, metadata={"minLength": 1, "maxLength": LONGEST_NAME, "example": "CRM"})
    scopes = ListOf(Choice(Scope), required=True, metadata={"minItems": 1, "example": ["read", "write"]})
    user_id = Whole(
        load_default=None,
        allow_none=True,
        metadata={**NUMBER, "description": "Whose, for administrators; else one's own"},
    )


class ApiTokenQuery(Body):
    user_id = NumberInAddress(metadata={"description": "Whose, for administrators; else one's own"})


class ApiToken(Body):
    id = Whole(metadata={**NUMBER, "example": 1})
    user_id = Whole(metadata={**NUMBER, "example": 7})
    name = Text(metadata={"example": "CRM"})
    beginning = Text(
        metadata={"description": "The first characters, to tell one from another", "example": "vst_3q2a"}
    )
    scopes = ListOf(Choice(Scope), metadata={"example": ["read", "write"]})
    created_at = Instant(metadata={"example": MOMENT})
    used_at = Instant(allow_none=True, metadata={"description": "To the minute"})


class MadeApiToken(ApiToken):
    token = Text(metadata={"description": "Shown this once", "example": "vst_3q2aVb…"})
