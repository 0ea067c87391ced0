"""What does a program hear when a request cannot be done? Problem details (RFC 9457), in the language it asks for.

    {"type": "about:blank", "title": "Unprocessable Content", "status": 422, "code": "invalid",
     "detail": "…", "request_id": "…",
     "errors": [{"field": "tags", "code": "too_many_tags", "detail": "…"}]}

`code` is for programs and never changes its meaning; `detail` is for people and is worded by the same templates as
on the pages. `field` is a path into what was sent: `clients.3.phone_number`.
"""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, g, get_template_attribute, request
from flask_babel import force_locale, get_locale
from werkzeug.exceptions import HTTPException

from ..database import end_reading
from ..domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound, Problem
from ..domain.user_rules import LANGUAGES

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
STATUSES: dict[type[DomainError], int] = {NotFound: 404, Forbidden: 403, Conflict: 409, Invalid: 422}


class Refusal(Exception):
    """What the API itself refuses; `code` says why."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = headers or {}


def answer_for(blueprint: Blueprint) -> None:
    """What its views raise becomes a problem."""
    blueprint.register_error_handler(DomainError, _refused)
    blueprint.register_error_handler(
        Refusal, lambda refusal: answer(refusal.status, refusal.code, (), refusal.headers)
    )
    blueprint.register_error_handler(HTTPException, of_http)
    blueprint.register_error_handler(500, _broke)


def _refused(error: DomainError) -> Response:
    status = STATUSES.get(type(error), 422)
    code = error.code if isinstance(error, Conflict | Forbidden) else None
    return answer(status, code, error.problems if isinstance(error, Invalid) else ())


def of_http(error: HTTPException) -> Response:
    """Headers that belong to it, such as Allow and Retry-After, are kept."""
    kept = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in ("content-type", "content-length")
    }
    return answer(error.code or 500, None, list(_unreadable(getattr(error, "data", None) or {})), kept)


def _broke(_error: Exception) -> Response:
    """Flask has logged the traceback; this adds the name under which it may be reported."""
    logger.error("request broke", extra={"request_id": g.get("request_id"), "endpoint": request.endpoint})
    end_reading()
    return answer(500)


def answer(
    status: int,
    code: str | None = None,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Without a code of its own, a problem is named after its status."""
    name = HTTPStatus(status).name.lower()
    with force_locale(language()):
        body = {
            "type": "about:blank",
            "title": HTTPStatus(status).phrase,
            "status": status,
            "code": code or ("invalid" if problems else name),
            "detail": _words(Problem("", code)) if code else _words(Problem("", f"http_status_{status}")),
            "request_id": g.get("request_id"),
        }
        if problems:
            body["errors"] = told(problems)
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, headers=dict(headers or {}), content_type=MEDIA_TYPE)


def told(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """Each with its field, as this address calls it."""
    blueprint = current_app.blueprints.get(request.blueprint or "")
    names: Mapping[str, str] = getattr(blueprint, "names", {})
    with force_locale(language()):
        return [
            {"field": names.get(each.field, each.field), "code": each.code, "detail": _words(each)}
            for each in problems
        ]


def cautions(found: Iterable[Any]) -> list[dict[str, str]]:
    """What a person should know before a mailing is launched, as the form says it."""
    with force_locale(language()):
        words = get_template_attribute("components/reasons.html", "caution_text")
        return [{"code": each.code, "detail": str(words(each)).strip()} for each in found]


def language() -> str:
    """What the program asks for, else its user's own, else the installation's."""
    asked = request.accept_languages.best_match(LANGUAGES)
    user = g.get("api_user")
    return asked or (user.language if user else current_app.config["SETTINGS"].language)


def _words(problem: Problem) -> str:
    """Once for each code of a request: ten thousand rows may all have the same fault."""
    known: dict[Any, str] = g.setdefault("api_words", {})
    key = (str(get_locale()), problem.code, *sorted(problem.params.items()))
    if key not in known:
        known[key] = str(get_template_attribute("components/api_problems.html", "words")(problem)).strip()
    return known[key]


def _unreadable(data: Mapping[str, Any]) -> Iterator[Problem]:
    """What does not have the shape of the schema: marshmallow's messages, which are codes (see schemas/fields)."""
    for messages in data.get("messages", {}).values():
        yield from in_messages(messages)


def in_messages(messages: Any, path: tuple[str, ...] = ()) -> Iterator[Problem]:
    """Of a ValidationError."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            # A field's name may be half of a surrogate pair, which no answer can hold.
            name = str(key).encode(errors="replace").decode()
            yield from in_messages(inner, path if key == "_schema" else (*path, name))
    else:
        for message in messages:
            yield message if isinstance(message, Problem) else Problem(".".join(path), str(message))
