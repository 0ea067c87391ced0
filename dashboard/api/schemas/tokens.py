"""What do programs send and get when they sign in, and when tokens are made for them?"""

from ...models import Scope
from .fields import Body, Choice, InAddress, Instant, ListOf, Text, Whole


class Credentials(Body):
    username = Text(required=True, metadata={"description": "Name or e-mail address", "example": "ann"})
    password = Text(required=True, load_only=True, metadata={"example": "correct horse battery staple"})


class Pair(Body):
    access = Text(metadata={"description": "JWT for the header `Authorization: Bearer …`"})
    refresh = Text(metadata={"description": "Good for the next pair, once"})
    token_type = Text(metadata={"example": "Bearer"})
    expires_in = Whole(metadata={"description": "Seconds for which `access` is good", "example": 900})


class RefreshToken(Body):
    refresh = Text(required=True)


class AnyToken(Body):
    token = Text(required=True, metadata={"description": "An access token or a refresh token"})


class NewApiToken(Body):
    name = Text(required=True, metadata={"example": "CRM"})
    scopes = ListOf(Choice(Scope), required=True, metadata={"example": ["read", "write"]})


class ApiTokenQuery(Body):
    user_id = InAddress(metadata={"description": "Whose, for administrators; else one's own"})


class ApiToken(Body):
    id = Whole(metadata={"example": 1})
    user_id = Whole(metadata={"example": 7})
    name = Text(metadata={"example": "CRM"})
    beginning = Text(
        metadata={"description": "The first characters, to tell one from another", "example": "vst_3q2a"}
    )
    scopes = ListOf(Choice(Scope), metadata={"example": ["read", "write"]})
    created_at = Instant()
    used_at = Instant(allow_none=True, metadata={"description": "To the minute"})


class MadeApiToken(ApiToken):
    token = Text(metadata={"description": "Shown this once", "example": "vst_3q2aVb…"})
