"""How does a thing leave as JSON, with its version? And how is a long list cut into pages?

The version (ETag) is a digest of what is answered. A request that names one in If-None-Match is told 304 while
nothing has changed; one that names an older one in If-Match changes nothing: 412.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Response, current_app, request, url_for
from marshmallow import Schema

from ..domain.errors import Invalid, Problem
from ..domain.sealing import Seal, Unreadable
from .problems import Refusal

GREATEST_LIMIT = 500
# What a cursor is sealed for.
CURSOR = "cursor"


def one(schema: Schema, thing: Any, status: int = 200, location: str | None = None) -> Response:
    """A single thing, with its version."""
    response = _response(schema.dump(thing), status)
    if location:
        response.headers["Location"] = location
    return response


def require_version(schema: Schema, thing: Any) -> None:
    """Raises Refusal (412) where the request was meant for another version than there is.

    Only while the thing is held does this say anything about what will be changed.
    """
    if request.if_match and _version(_text(schema.dump(thing))) not in request.if_match:
        raise Refusal(412, "changed_since")


def once_per_version(response: Response) -> Response:
    """Behind every view: whatever is read bears its version, and is not sent again to whoever names that."""
    if request.method in ("GET", "HEAD") and response.status_code == 200 and not response.is_streamed:
        if response.get_etag()[0] is None:
            response.set_etag(_version(response.get_data()))
        response.make_conditional(request)
    return response


def limit_of(query: Mapping[str, Any]) -> int:
    """How many a page may have. Raises Invalid."""
    limit: int = query["limit"]
    if not 1 <= limit <= GREATEST_LIMIT:
        raise Invalid([Problem("limit", "limit_out_of_range", {"most": GREATEST_LIMIT})])
    return limit


def page(
    schema: Schema,
    items: Sequence[Any],
    total: int | None,
    total_is_exact: bool,
    next_key: Sequence[Any] | None,
    more: Mapping[str, Any] | None = None,
) -> Response:
    """`next_key` is where the next page begins, for `key_of_cursor`; None: this is the last."""
    following = None
    if next_key is not None:
        asked: dict[str, Any] = {**request.args.to_dict(), "cursor": _cursor(next_key)}
        following = url_for(request.endpoint or "", **(request.view_args or {}), **asked)
    body = {
        "items": schema.dump(items, many=True),
        "total": total,
        "total_is_exact": total_is_exact,
        "next": following,
        **(more or {}),
    }
    return _response(body, 200)


def key_of_cursor(cursor: str | None, read: Callable[..., Any]) -> Any:
    """What `read` makes of a cursor's values; None without one. Raises Refusal (422) for one that is not ours."""
    if cursor is None:
        return None
    try:
        return read(*json.loads(_seal().open_alike(CURSOR, cursor)))
    except (Unreadable, ValueError, TypeError):
        raise Refusal(422, "cursor_invalid") from None


def _cursor(key: Sequence[Any]) -> str:
    """Sealed, for lists that go by phone say one here, and addresses are written down by proxies."""
    return _seal().close_alike(CURSOR, json.dumps(list(key)))


def _seal() -> Seal:
    return Seal(current_app.config["SECRET_KEY"])


def _response(body: Mapping[str, Any] | Sequence[Any], status: int) -> Response:
    text = _text(body)
    response = Response(text, status, mimetype="application/json")
    response.set_etag(_version(text))
    return response


def _text(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _version(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:32]
