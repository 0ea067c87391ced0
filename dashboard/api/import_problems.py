"""Which rows of a file could not be taken, and why?"""

from typing import Any

from flask import Response, request, stream_with_context

from ..domain import csv_text, imports
from . import answers, problems
from .access import actor
from .answers import limit_of
from .imports import ONE, worded
from .imports import blueprint as blueprint
from .resources import row_number
from .schemas import imports as schemas

FAULT = schemas.BadRow()
CSV = {"type": "string"}
CSV_HEADER = ("line", "code", "detail", "value")


@blueprint.asked("GET", f"{ONE}/problems")
@blueprint.takes(schemas.PageQuery, "query")
@blueprint.gives(200, schemas.BadRowPage)
@blueprint.also_gives(200, CSV, "OK", content_type="text/csv", example=schemas.EXAMPLE_OF_CSV)
def faults(query: dict[str, Any], import_id: int) -> Response:
    """List the rows that are not taken, in the order of the file; as CSV, all of them, for `Accept: text/csv`."""
    if request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv":
        response = _as_csv(import_id)
    else:
        response = _fault_page(query, import_id)
    response.vary.add("Accept")
    return response


def _fault_page(query: dict[str, Any], import_id: int) -> Response:
    after, limit = answers.key_of_cursor(query.get("cursor"), row_number), limit_of(query)
    view = imports.get(actor(), import_id)
    found = imports.problems(actor(), import_id, after or 0, limit + 1)
    next_key = (found[limit - 1].line,) if len(found) > limit else None
    return answers.page(FAULT, list(worded(found[:limit])), view.not_taken, True, next_key)


@blueprint.asked("GET", f"{ONE}/problems.csv")
@blueprint.gives(200, CSV, content_type="text/csv", example=schemas.EXAMPLE_OF_CSV)
def faults_as_csv(import_id: int) -> Response:
    """Get all rows that are not taken, as CSV."""
    return _as_csv(import_id)


def _as_csv(import_id: int) -> Response:
    view = imports.get(actor(), import_id)
    found = worded(imports.all_problems(actor(), import_id))
    rows = ([each[name] for name in CSV_HEADER] for each in found)
    response = Response(stream_with_context(csv_text.pieces(CSV_HEADER, rows)), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=f"import-{import_id}-problems.csv")
    response.set_etag(f"{view.id}-{view.version}-{view.not_taken}-{problems.language()}", weak=True)
    return response.make_conditional(request)  # type: ignore[return-value]
