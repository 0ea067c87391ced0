"""What does a person see when a request cannot be done?"""

import logging
from urllib.parse import urlsplit

from flask import Flask, Response, flash, g, render_template
from flask.typing import ResponseReturnValue
from htmx_flask import request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, InternalServerError

from ..database import end_reading
from ..domain.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from ..marks import SAFE_METHODS
from .access import local_path
from .respond import redirect_to_path

logger = logging.getLogger(__name__)

BROKEN = (
    "Something broke on our side. Try again in a moment.\nУ нас что-то сломалось. Попробуйте ещё раз чуть позже.\n"
)

STATUSES: dict[type[DomainError], int] = {NotFound: 404, Forbidden: 403, Conflict: 409, Invalid: 422}


def init_app(app: Flask) -> None:
    app.register_error_handler(DomainError, refused)
    app.register_error_handler(HTTPException, failed)
    app.register_error_handler(InternalServerError, broke)


def refused(error: DomainError) -> ResponseReturnValue:
    """What a view has not answered itself. After a button that came too late: its page again, and why."""
    code = error.code if isinstance(error, Conflict | Forbidden) else None
    if code is not None and request.method not in SAFE_METHODS:
        came_from = local_path(request.htmx.current_url or request.referrer)
        if came_from:
            flash(code, "error")
            return redirect_to_path(came_from)
    return show(STATUSES.get(type(error), 422), code)


def failed(error: HTTPException) -> ResponseReturnValue:
    """Headers that belong to the answer, such as Allow and Retry-After, are kept."""
    code = error.code or 500
    if code < 400 or request.endpoint == "static":
        return error.get_response()
    answer = show(code)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            answer.headers[name] = value
    return answer


def broke(_error: InternalServerError) -> ResponseReturnValue:
    """Flask has logged the traceback; this adds the name under which the person may report it."""
    logger.error("request broke", extra={"request_id": g.get("request_id"), "endpoint": request.endpoint})
    try:
        end_reading()
        return show(500)
    except SQLAlchemyError:
        # Without a database nobody knows who is asking, nor their language.
        return Response(BROKEN, 500, mimetype="text/plain")


def show(code: int, problem: str | None = None) -> Response:
    """htmx shows the page's own note instead of an answer's text, so it gets none."""
    if request.htmx:
        return Response(status=code)
    back = local_path(request.referrer)
    back = back if back and urlsplit(back).path != request.path else None
    html = render_template([f"errors/{code}.html", "errors/show.html"], code=code, problem=problem, back=back)
    return Response(html, code, mimetype="text/html")
