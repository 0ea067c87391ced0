"""What do other programs see? The REST API under /api/v1/, version 1."""

import re
from collections.abc import Iterable
from functools import cache
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from .. import counters
from . import (
    access,
    audit,
    clients,
    erasures,
    import_problems,
    index,
    mailing_verbs,
    messages,
    openapi,
    problems,
    rates,
    sample_clients,
    sending,
    signed_tokens,
    statistics,
    stop_list,
    tokens,
    users,
    webhooks,
)
from .extensions import description
from .resources import Resource

BLUEPRINTS = (
    index.blueprint,
    tokens.signing_in,
    tokens.made,
    audit.blueprint,
    clients.blueprint,
    erasures.blueprint,
    import_problems.blueprint,
    mailing_verbs.blueprint,
    messages.blueprint,
    sample_clients.blueprint,
    sending.blueprint,
    statistics.blueprint,
    stop_list.blueprint,
    users.blueprint,
    webhooks.blueprint,
)

# A thousand clients in one request, with much to say of each; files of clients have a limit of their own.
JSON_BYTES = 16 * 1024 * 1024


def init_app(app: Flask) -> None:
    app.config.update(
        API_TITLE="Vestnik",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=None,
    )
    signed_tokens.init_app(app)
    counters.init_app(app)
    description.init_app(app)
    openapi.prepare()
    for blueprint in BLUEPRINTS:
        description.register_blueprint(blueprint)
    app.before_request(lambda: _begin() if is_ours(request.path) else None)
    app.after_request(lambda response: rates.end(response) if is_ours(request.path) else response)
    app.register_blueprint(openapi.blueprint)
    app.wsgi_app = _WithoutSlash(app.wsgi_app)  # type: ignore[method-assign]


def is_ours(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _begin() -> Response | None:
    """Count the request for who sends it; an address that is none is a problem here, not one of the pages'."""
    blueprint = current_app.blueprints.get(request.blueprint or "")
    if isinstance(blueprint, Resource):
        if request.mimetype != "multipart/form-data":
            request.max_content_length = JSON_BYTES
        access.identify()
        rates.begin()
        return None
    try:
        rates.begin()
    except HTTPException as error:
        return problems.of_http(error)
    return _not_there(request.routing_exception) if request.routing_exception else None


def _not_there(error: HTTPException) -> Response:
    """No such address, or not by this method. Flask would ask no blueprint, but the pages."""
    is_unknown = isinstance(error, RequestRedirect) or (isinstance(error, MethodNotAllowed) and _would_be_known())
    return problems.of_http(NotFound() if is_unknown else error)


def _would_be_known() -> bool:
    """By this method, were the number in it not too great: Werkzeug forgets why a rule did not match."""
    return any(
        request.method in (rule.methods or ()) and _shape(rule.rule).fullmatch(request.path)
        for rule in current_app.url_map.iter_rules()
    )


@cache
def _shape(rule: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"<[^<>]+>", "[0-9]+", rule))


class _WithoutSlash:
    """Some programs end every address with a slash, some none: we do not mind."""

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if is_ours(path):
            environ["PATH_INFO"] = path.rstrip("/")
        return self._wsgi_app(environ, start_response)
