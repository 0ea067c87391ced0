"""What does a view give back? A page, a part of one, the way to another, or word that nothing has changed."""

from typing import Any

from flask import Response, flash, make_response, redirect, render_template, url_for
from flask_wtf import FlaskForm
from htmx_flask import request
from werkzeug.urls import iri_to_uri

from ..domain.errors import Invalid


def page(template: str, status: int = 200, **context: Any) -> Response:
    """A whole page. With a `form` that has errors it answers 422: nobody shall take that for a success."""
    form = context.get("form")
    if status == 200 and isinstance(form, FlaskForm) and form.errors:
        status = 422
    return make_response(render_template(template, **context), status)


def partial(template: str, status: int = 200, **context: Any) -> Response:
    """The part of a page that htmx puts in the place of an older one."""
    return make_response(render_template(template, **context), status)


def not_modified() -> Response:
    """To a poll: nothing has changed; htmx leaves the page alone and asks again later."""
    return Response(status=204)


def redirect_to(endpoint: str, **values: Any) -> Response:
    return redirect_to_path(url_for(endpoint, **values))


def redirect_to_path(path: str) -> Response:
    """htmx would follow a redirect by itself and put the whole new page into a corner of the old one."""
    if request.htmx and not request.htmx.boosted:
        # As `redirect` does by itself: a header takes Latin-1 only, else the connection breaks.
        return Response(status=204, headers={"HX-Redirect": iri_to_uri(path)})
    return make_response(redirect(path, code=303))


def form_errors(form: FlaskForm, refusal: Invalid) -> None:
    """Put each problem beside its field, or above the form if it has none; templates find the words."""
    for problem in refusal.problems:
        field = form._fields.get(problem.field)
        if field is None:
            form.form_errors.append(problem)
        else:
            field.errors = [*field.errors, problem]


def success(text: str) -> None:
    """Say it on the next page."""
    flash(text, "success")


def info(text: str) -> None:
    flash(text, "info")


def error(text: str) -> None:
    flash(text, "error")
