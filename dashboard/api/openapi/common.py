"""What is the same for all operations? How one says who one is, how one is refused, which headers there are."""

import json
from typing import Any

from flask import Flask

from ...domain.errors import Problem
from .. import problems, repeating

INFO = {
    "title": "Vestnik",
    "version": "1",
    "summary": "SMS mailings: clients, mailings, messages, statistics.",
    "description": """\
All of it is JSON, under `/api/v1/`, with or without a slash at the end.

**Who asks.** Sign in by name and password at `POST /api/v1/token` and send `Authorization: Bearer <access>`;
or make an API token at `POST /api/v1/tokens` and send `Authorization: Token <token>`. An API token does what
its scopes allow: `read`, `write`, `send`. Operators see and touch what is theirs, administrators everything,
viewers only look; what one may not see is answered with 404.

**Refusals** are problem details (RFC 9457): `code` is for programs and keeps its meaning, `detail` is for
people, in Russian or English as `Accept-Language` asks, and `errors` names each field that is wrong. Fields
and parameters that nobody knows are refused, too.

**Lists** come in pages: follow `next` until it is null. A walk meets each row that is there throughout
exactly once.

**Safely again.** A POST with an `Idempotency-Key` is done once, however often it is sent within 24 hours. A
change with `If-Match` is done only if nobody else has changed the thing since; a read with `If-None-Match`
answers 304 while nothing has changed.

**Times** are ISO 8601.
""",
}

SECURITY = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token that `POST /api/v1/token` answers; good for 15 minutes.",
    },
    "apiToken": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The word `Token`, a space, and an API token: `Token vst_…`.",
    },
}

PARAMETERS: dict[str, Any] = {
    repeating.HEADER: {
        "name": repeating.HEADER,
        "in": "header",
        "description": "Another word for each request; sent again within 24 hours, it gets the same answer.",
        "schema": {"type": "string", "minLength": 1, "maxLength": repeating.LONGEST_KEY},
        "example": "order-4711",
    },
    "If-Match": {
        "name": "If-Match",
        "in": "header",
        "description": "Only if the thing still has this version (ETag); else 412.",
        "schema": {"type": "string"},
        "example": "*",
    },
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "Not if it still has this version (ETag); then 304.",
        "schema": {"type": "string"},
        "example": '"d2a84f4b8b650937ec8f73cd8be2c74a"',
    },
}

LIMITS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
_COUNT = {"type": "integer", "minimum": 0}
HEADERS: dict[str, Any] = {
    "X-Request-ID": {
        "description": "By which this request is found in the log.",
        "schema": {"type": "string"},
        "example": "9f2c61d0b3aa",
    },
    "ETag": {
        "description": "The version of what is answered.",
        "schema": {"type": "string"},
        "example": '"d2a84f4b8b650937ec8f73cd8be2c74a"',
    },
    "Location": {
        "description": "Where it can be got.",
        "schema": {"type": "string"},
        "example": "/api/v1/clients/1",
    },
    "Idempotent-Replayed": {
        "description": "`true` where the answer is the one that was given before.",
        "schema": {"type": "string", "enum": ["true"]},
        "example": "true",
    },
    "RateLimit-Limit": {
        "description": "How many requests are allowed for a while.",
        "schema": _COUNT,
        "example": 600,
    },
    "RateLimit-Remaining": {"description": "How many of them are left.", "schema": _COUNT, "example": 599},
    "RateLimit-Reset": {
        "description": "After how many seconds all are allowed again.",
        "schema": _COUNT,
        "example": 60,
    },
    "Retry-After": {
        "description": "After how many seconds to ask again.",
        "schema": {"type": "string"},
        "example": "30",
    },
    "WWW-Authenticate": {
        "description": "How one may say who one is.",
        "schema": {"type": "string"},
        "example": 'Bearer realm="Vestnik", Token realm="Vestnik"',
    },
}

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "Why it was refused (RFC 9457).",
    "additionalProperties": False,
    "required": ["type", "title", "status", "code", "detail", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The status, in words"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string", "description": "For programs; never changes its meaning"},
        "detail": {"type": "string", "description": "For people, in the language they ask for"},
        "request_id": {"type": ["string", "null"], "description": "Name it when you report something"},
        "errors": {
            "type": "array",
            "description": "What is wrong with which field",
            "items": {"$ref": "#/components/schemas/FieldFault"},
        },
    },
}

# One example of each refusal, or a few: its code, and what is wrong with which field.
REFUSED: dict[int, tuple[tuple[str | None, tuple[Problem, ...]], ...]] = {
    400: ((None, ()),),
    401: (("token_missing", ()), ("token_invalid", ())),
    403: (("scope_not_granted", ()), (None, ())),
    404: ((None, ()),),
    409: (("request_in_progress", ()), ("mailing_not_draft", ())),
    412: (("changed_since", ()),),
    413: ((None, ()),),
    415: ((None, ()),),
    422: ((None, (Problem("phone_number", "field_missing"), Problem("colour", "field_unknown"))),),
    429: ((None, ()),),
}
WHEN = {
    400: "The request cannot be read.",
    401: "Nobody has said who asks, or the token is good for nothing.",
    403: "The role or the token's scopes do not allow it.",
    404: "There is no such thing, or none that one may see.",
    409: "The state it is in does not allow it, or the same request is being done.",
    412: "It has been changed since that version.",
    413: "The request is too large.",
    415: "The body is no JSON.",
    422: "Something in the request cannot be taken; `errors` names each field.",
    429: "Too many requests.",
}


def refusals(app: Flask) -> dict[str, Any]:
    """As they are really answered, in English."""
    with app.test_request_context(headers={"Accept-Language": "en"}):
        found = {str(status): _refusal(status) for status in REFUSED}
    found["304"] = {
        "description": "It still has the version named in If-None-Match.",
        "headers": _headers("X-Request-ID", "ETag"),
    }
    return found


def _refusal(status: int) -> dict[str, Any]:
    more = {401: ("WWW-Authenticate",), 429: ("Retry-After", *LIMITS)}.get(status, ())
    told = {}
    for code, faults in REFUSED[status]:
        body = json.loads(problems.answer(status, code, faults).get_data(as_text=True))
        told[body["code"]] = {"value": body | {"request_id": HEADERS["X-Request-ID"]["example"]}}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": WHEN[status],
        "headers": _headers("X-Request-ID", *more),
        "content": {problems.MEDIA_TYPE: {"schema": schema, "examples": told}},
    }


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
