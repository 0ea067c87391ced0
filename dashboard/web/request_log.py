"""Which requests does the log tell of? Those that change something, fail or take long; all of them at DEBUG.

An address may hold what a log must not: so it is told as its pattern, with the numbers of what it is about.
"""

import logging
import re

from flask import Flask, Response, current_app, g, request

from .. import clock, metrics
from ..marks import SAFE_METHODS

logger = logging.getLogger(__name__)

SLOW_SECONDS = 1.0
METHODS = SAFE_METHODS | {"POST", "PUT", "PATCH", "DELETE"}
_CONVERTER = re.compile(r"<[^:<>]*:")


def init_app(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_tell)


def _begin() -> None:
    g.began_at = clock.monotonic()


def _tell(response: Response) -> Response:
    seconds = clock.monotonic() - g.get("began_at", clock.monotonic())
    if current_app.config["SETTINGS"].metrics_token:
        status = f"{response.status_code // 100}xx"
        metrics.observe(metrics.REQUESTS, seconds, route(), _method(), status)
    changes = request.method not in SAFE_METHODS and request.url_rule is not None
    level = logging.INFO if changes or response.status_code >= 500 or seconds >= SLOW_SECONDS else logging.DEBUG
    if logger.isEnabledFor(level):
        numbers = {name: value for name, value in (request.view_args or {}).items() if isinstance(value, int)}
        fields = {
            "method": request.method,
            "route": route(),
            "status": response.status_code,
            "duration_ms": round(seconds * 1000),
            "address": request.remote_addr,
        }
        logger.log(level, "request", extra=fields | numbers)
    return response


def _method() -> str:
    """One that anybody may have made up does not become a series of its own."""
    return request.method if request.method in METHODS else "other"


def route() -> str:
    """The address as a pattern, /mailings/<mailing_id>; "none" where there is no page."""
    return _CONVERTER.sub("<", request.url_rule.rule) if request.url_rule else "none"
