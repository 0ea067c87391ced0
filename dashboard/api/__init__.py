"""What do other programs see? The REST API under /api/v1/, version 1."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, request

from . import (
    clients,
    index,
    mailing_verbs,
    messages,
    problems,
    signed_tokens,
    statistics,
    stop_list,
    tokens,
    webhooks,
)
from .extensions import description

BLUEPRINTS = (
    index.blueprint,
    tokens.signing_in,
    tokens.made,
    clients.blueprint,
    mailing_verbs.blueprint,
    messages.blueprint,
    statistics.blueprint,
    stop_list.blueprint,
    webhooks.blueprint,
)


def init_app(app: Flask) -> None:
    app.config.update(
        API_TITLE="Vestnik",
        API_VERSION="1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_JSON_PATH="openapi.json",
        OPENAPI_URL_PREFIX=None,
    )
    signed_tokens.init_app(app)
    description.init_app(app)
    for blueprint in BLUEPRINTS:
        description.register_blueprint(blueprint)
    app.before_request(_answer_unknown_address)
    app.wsgi_app = _WithoutSlash(app.wsgi_app)  # type: ignore[method-assign]


def is_ours(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def _answer_unknown_address() -> Response | None:
    """No such address, or not by this method: Flask would ask no blueprint, but the pages."""
    if request.routing_exception is not None and is_ours(request.path):
        return problems.of_http(request.routing_exception)
    return None


class _WithoutSlash:
    """Some programs end every address with a slash, some none: we do not mind."""

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if is_ours(path):
            environ["PATH_INFO"] = path.rstrip("/")
        return self._wsgi_app(environ, start_response)
