"""How do programs bring in a file of clients, and learn what becomes of it?

The four steps of the pages (domain/imports), without anybody who looks: the columns are guessed or said at once,
the dry run begins by itself, and with `start` so does the import.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, current_app, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge

from ..domain import imports
from ..domain.errors import NotFound, Problem
from ..domain.imports import (
    Column,
    Columns,
    FileLimits,
    ImportView,
    Mapping,
    MappingDraft,
    Meaning,
    ProblemView,
    Upload,
)
from ..domain.pages import NEWEST
from ..jobs import queues
from . import answers, problems
from .access import actor, user
from .answers import limit_of
from .problems import Refusal
from .rates import creates
from .resources import LARGEST_ID, Resource, cursor_of
from .schemas import imports as schemas

MOST_COLUMNS = imports.MOST_COLUMNS
NAMES = (
    {"columns": "mapping.columns"}
    | {f"meaning_{at}": f"mapping.columns.{at}.meaning" for at in range(MOST_COLUMNS)}
    | {f"name_{at}": f"mapping.columns.{at}.name" for at in range(MOST_COLUMNS)}
)
blueprint = Resource("imports", __name__, "/imports", "Files of clients, brought in", NAMES)
ONE = f"/<int(max={LARGEST_ID}):import_id>"
SHOWN, ROW = schemas.Import(), schemas.ImportRow()
FIRST_PROBLEMS = 10


@blueprint.asked("GET")
@blueprint.takes(schemas.PageQuery, "query")
@blueprint.gives(200, schemas.ImportPage)
def index(query: dict[str, Any]) -> Response:
    """List imports, newest first."""
    before = answers.key_of_cursor(query.get("cursor"), cursor_of)
    found = imports.page(actor(), before or NEWEST, limit_of(query), is_walk=True)
    next_key = (found.next_before,) if found.next_before else None
    rows = [_row(view) for view in found.items]
    return answers.page(ROW, rows, found.total, found.total_is_exact, next_key)


@blueprint.asked("POST")
@creates
@blueprint.takes(schemas.NewImport, "files")
@blueprint.gives(202, schemas.Import, example=schemas.BEGINS)
def create(form: dict[str, Any]) -> Response:
    """Send in a file of clients.

    Its columns are guessed unless `mapping` says which is which, and the dry run begins: it changes no client, and
    says what would happen. With `start` the import follows by itself. A file whose columns cannot be guessed waits
    in the state `mapping` until they are said.
    """
    timezone = form["timezone"] or user().timezone

    def choose(guessed: Mapping) -> MappingDraft:
        said = form["mapping"]
        return MappingDraft(_mapping(said) if said else guessed, form["known_phones"], timezone, form["start"])

    file = form["file"]
    with imports.received(file.stream, _folder()) as path:
        upload = Upload(path, file.filename or "")
        import_id = imports.begin(actor(), upload, timezone, _folder(), _limits(), choose)
    queues.import_later(import_id)
    return _one(import_id, 202)


def _mapping(said: dict[str, Any]) -> Mapping:
    """Only attributes have names of their own."""
    columns = [
        Column(each["meaning"], (each["name"] or "") if each["meaning"] is Meaning.ATTRIBUTE else "")
        for each in said["columns"]
    ]
    return Mapping(said["has_header"], tuple(columns))


def _require_form() -> None:
    """Behind the guard; asked of those who send in a file."""
    if request.endpoint == "api_imports.create" and request.mimetype != "multipart/form-data":
        raise Refusal(415, "form_needed")


def _too_large(_error: RequestEntityTooLarge) -> Response:
    imports.hear_out(request.environ["wsgi.input"], request.content_length or 0, _limits())
    return problems.answer(413, "file_too_large")


blueprint.before_request(_require_form)
blueprint.register_error_handler(RequestEntityTooLarge, _too_large)


@blueprint.asked("GET", ONE)
@blueprint.gives(200, schemas.Import)
def show(import_id: int) -> Response:
    """Ask how far an import is."""
    return _one(import_id)


@blueprint.asked("PATCH", ONE)
@blueprint.takes(schemas.ImportChange, example={"mapping": schemas.EXAMPLE_OF_MAPPING})
@blueprint.gives(202, schemas.Import, example=schemas.BEGINS)
def patch(body: dict[str, Any], import_id: int) -> Response:
    """Say otherwise which column holds what, before the start; the dry run begins anew."""
    with _as_asked_for(import_id) as view:
        mapping = _mapping(body["mapping"]) if "mapping" in body else imports.columns(actor(), import_id).mapping
        draft = MappingDraft(
            mapping,
            body.get("known_phones", view.known),
            body.get("timezone", view.timezone),
            body.get("start", view.starts_itself),
        )
        imports.map_columns(actor(), import_id, draft)
    queues.import_later(import_id)
    return _one(import_id, 202)


@blueprint.asked("POST", f"{ONE}/start")
@blueprint.gives(202, schemas.Import, example=schemas.STARTS)
def start(import_id: int) -> Response:
    """Bring in what the dry run has read. May be repeated."""
    with _as_asked_for(import_id):
        imports.start(actor(), import_id)
    queues.import_later(import_id)
    return _one(import_id, 202)


@blueprint.asked("POST", f"{ONE}/cancel")
@blueprint.gives(200, schemas.Import, example=schemas.CANCELLED)
def cancel(import_id: int) -> Response:
    """Stop for good. What has been brought in stays."""
    with _as_asked_for(import_id):
        imports.call_off(actor(), import_id)
    imports.discard(_folder(), import_id)
    return _one(import_id)


def worded(found: Iterable[ProblemView]) -> Iterator[dict[str, Any]]:
    """In the language asked for; each code is put into words once."""
    words: dict[str, str] = {}
    for each in found:
        if each.code not in words:
            words[each.code] = _words(each.code)
        yield {"line": each.line, "value": each.value, "code": each.code, "detail": words[each.code]}


def _words(code: str) -> str:
    return problems.told([Problem("", code)])[0]["detail"]


@contextmanager
def _as_asked_for(import_id: int) -> Iterator[ImportView]:
    """Held, so that nobody changes it meanwhile. Its version is another whenever a worker has gone on with it."""
    with imports.held(actor(), import_id) as view:
        if request.if_match:
            answers.require_version(SHOWN, _told(view))
        yield view


def _one(import_id: int, status: int = 200) -> Response:
    location = url_for("api_imports.show", import_id=import_id) if status == 202 else None
    return answers.one(SHOWN, _told(imports.get(actor(), import_id)), status, location)


def _told(view: ImportView) -> dict[str, Any]:
    return {
        **_row(view),
        "mapping": _columns(view.id),
        "problems": list(worded(imports.problems(actor(), view.id, limit=FIRST_PROBLEMS))),
        "problems_at": url_for("api_imports.faults", import_id=view.id),
    }


def _row(view: ImportView) -> dict[str, Any]:
    names = ("id", "owner_id", "filename", "size_bytes", "state", "timezone", "rows_total", "rows_read", "created")
    more = ("updated", "unchanged", "bad", "duplicates", "created_at", "started_at", "finished_at")
    return {
        **{name: getattr(view, name) for name in (*names, *more)},
        "failure": view.failure and {"code": view.failure, "detail": _words(view.failure)},
        "known_phones": view.known,
        "start": view.starts_itself,
        "progress": int(100 * view.share),
    }


def _columns(import_id: int) -> dict[str, Any] | None:
    """None of one whose columns are not known: it ended before they were kept (migration 0004)."""
    try:
        found: Columns = imports.columns(actor(), import_id)
    except NotFound:
        return None
    titles = found.layout.rows[0] if found.mapping.has_header else [None] * found.layout.width
    columns = [
        {"title": title, "meaning": column.meaning, "name": column.name or None}
        for title, column in zip(titles, found.mapping.columns, strict=True)
    ]
    return {"has_header": found.mapping.has_header, "columns": columns}


def _folder() -> Any:
    return current_app.config["SETTINGS"].imports_dir


def _limits() -> FileLimits:
    settings = current_app.config["SETTINGS"]
    return FileLimits(settings.import_max_megabytes, settings.import_max_rows)
