"""How do people send in a file of clients, and see what becomes of it?"""

import csv
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flask import Blueprint, Response, current_app, get_template_attribute, request, stream_with_context
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from .. import zones
from ..domain import imports
from ..domain.errors import Invalid
from ..domain.imports import ProblemView
from ..jobs import queues
from . import context, respond
from .access import actor, poll, requires_change
from .forms.imports import ImportForm
from .paging import LARGEST_ID, Page, asked_for

blueprint = Blueprint("imports", __name__, url_prefix="/imports")
ONE = f"/<int(max={LARGEST_ID}):import_id>"
_MEGABYTE = 1024 * 1024
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
# Lines of the CSV file that leave in one piece.
_LINES_AT_ONCE = 500


@blueprint.get("")
def index() -> Response:
    found = imports.page(actor(), asked_for())
    return respond.page("imports/index.html", page=Page.by_id(found))


@blueprint.route("/new", methods=["GET", "POST"])
@requires_change
def new() -> Response:
    form = ImportForm()
    if form.validate_on_submit():
        try:
            import_id = _begin(form)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        else:
            queues.import_later(import_id)
            return respond.redirect_to("imports.show", import_id=import_id)
    if not form.is_submitted():
        form.timezone.data = context.zone_name()
    return _new_page(form)


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """The form cannot be read any more, so what was chosen in it is lost; nothing was typed but the zone."""
    _read_away()
    form = ImportForm(formdata=None)
    form.timezone.data = context.zone_name()
    form.file.errors = ["file_too_large"]
    return _new_page(form, status=413)


def _read_away() -> None:
    """A browser reads no answer before it has sent everything; a file a few times too large is let in for it."""
    left = min(request.content_length or 0, 4 * _limit_megabytes() * _MEGABYTE)
    stream = request.environ["wsgi.input"]
    while left > 0 and (chunk := stream.read(min(left, _MEGABYTE))):
        left -= len(chunk)


def _new_page(form: ImportForm, status: int = 200) -> Response:
    limit = _limit_megabytes()
    names = zones.names()
    return respond.page("imports/new.html", status, form=form, limit_megabytes=limit, timezones=names)


def _limit_megabytes() -> int:
    return int(current_app.config["SETTINGS"].import_max_megabytes)


def _begin(form: ImportForm) -> int:
    """Raises Invalid."""
    folder: Path = current_app.config["SETTINGS"].imports_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    upload = _stored(form.file.data, folder)
    try:
        return imports.begin(actor(), form.draft(), upload, folder)
    finally:
        upload.unlink(missing_ok=True)  # it is gone already if the import has begun


def _stored(file: FileStorage, folder: Path) -> Path:
    """On the disk before the row says that it is there."""
    descriptor, name = tempfile.mkstemp(prefix="upload-", dir=folder)
    with os.fdopen(descriptor, "wb") as copy:
        file.save(copy)
        copy.flush()
        os.fsync(copy.fileno())
    return Path(name)


@blueprint.get(ONE)
def show(import_id: int) -> Response:
    return respond.page("imports/show.html", import_=imports.get(actor(), import_id), problems=_first(import_id))


@blueprint.get(f"{ONE}/progress")
@poll
def progress(import_id: int) -> Response:
    view = imports.get(actor(), import_id)
    if request.args.get("version") == view.version:
        return respond.not_modified()
    return respond.partial("imports/_progress.html", import_=view, problems=_first(import_id))


def _first(import_id: int) -> list[ProblemView]:
    return imports.problems(actor(), import_id)


@blueprint.post(f"{ONE}/cancel")
def cancel(import_id: int) -> Response:
    imports.cancel(actor(), import_id)
    respond.success(_("The import has been cancelled. What it has added stays."))
    return respond.redirect_to("imports.show", import_id=import_id)


@blueprint.get(f"{ONE}/problems.csv")
def problems(import_id: int) -> Response:
    """In the user's language, and with the separator that Excel expects in it."""
    imports.get(actor(), import_id)
    lines = _csv(imports.all_problems(actor(), import_id))
    answer = Response(stream_with_context(lines), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"import-{import_id}-problems.csv")
    return answer


def _csv(found: Iterator[ProblemView]) -> Iterator[str]:
    piece = io.StringIO()
    writer = csv.writer(piece, delimiter=";" if str(get_locale()) == "ru" else ",")
    words: dict[str, str] = {}
    piece.write("\N{BYTE ORDER MARK}")  # Excel reads UTF-8 only with it
    writer.writerow([_("Line"), _("What is wrong"), _("What stood there")])
    for count, problem in enumerate(found, start=1):
        if problem.code not in words:
            words[problem.code] = _worded(problem.code)
        writer.writerow([problem.line, words[problem.code], _harmless(problem.value)])
        if count % _LINES_AT_ONCE == 0:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()


def _worded(code: str) -> str:
    worded: Markup = get_template_attribute("components/reasons.html", "problem_text")(code)
    return worded.unescape()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell
