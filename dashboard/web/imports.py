"""How do people bring in a file of clients, step by step, and see what becomes of it?"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, get_template_attribute, request
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.exceptions import RequestEntityTooLarge

from .. import zones
from ..domain import imports
from ..domain.errors import Invalid
from ..domain.imports import FileLimits, ImportView, ProblemView, Upload
from ..domain.permissions import may_change
from ..jobs import queues
from ..marks import requires_change
from ..models import ImportState
from . import context, csv_stream, respond
from .access import actor, poll
from .extensions import creates
from .forms.imports import FileForm, MappingForm, mapping_form
from .paging import LARGEST_ID, Page, asked_for, row_number

blueprint = Blueprint("imports", __name__, url_prefix="/imports")
ONE = f"/<int(max={LARGEST_ID}):import_id>"


@blueprint.get("")
def index() -> Response:
    found = imports.page(actor(), asked_for())
    return respond.page("imports/index.html", page=Page.by_id(found))


# Step 1: the file


@blueprint.route("/new", methods=["GET", "POST"])
@requires_change
@creates
def new() -> Response:
    form = FileForm()
    if form.validate_on_submit():
        if not form.file.data:
            form.file.errors = ["file_missing"]
        else:
            begin = imports.begin
            import_id = _sent_in(
                form, lambda upload: begin(actor(), upload, context.zone_name(), _folder(), _limits())
            )
            if import_id is not None:
                return respond.redirect_to("imports.columns", import_id=import_id)
    return _file_page(form)


@blueprint.route(f"{ONE}/file", methods=["GET", "POST"])
@requires_change
@creates
def file(import_id: int) -> Response:
    """Back at the first step: the file may stay, or another may come in its place."""
    view = imports.get(actor(), import_id)
    form = FileForm()
    if form.validate_on_submit():

        def take(upload: Upload) -> int:
            imports.replace_file(actor(), import_id, upload, _folder(), _limits())
            return import_id

        if not form.file.data or _sent_in(form, take):
            return respond.redirect_to("imports.columns", import_id=import_id)
    return _file_page(form, view)


def _file_page(form: FileForm, view: ImportView | None = None, status: int = 200) -> Response:
    return respond.page("imports/file.html", status, form=form, import_=view, limits=_limits())


def _sent_in(form: FileForm, take: Callable[[Upload], int | None]) -> int | None:
    """The number of the import that has taken the file; None: it was refused, the form says why."""
    try:
        with imports.received(form.file.data.stream, _folder()) as path:
            return take(Upload(path, form.file.data.filename or ""))
    except Invalid as refusal:
        respond.form_errors(form, refusal)
        return None


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> Response:
    """The form cannot be read any more; nothing was in it but the file."""
    imports.hear_out(request.environ["wsgi.input"], request.content_length or 0, _limits())
    form = FileForm(formdata=None)
    form.file.errors = ["file_too_large"]
    return _file_page(form, status=413)


# Step 2: its columns


@blueprint.route(f"{ONE}/columns", methods=["GET", "POST"])
@requires_change
def columns(import_id: int) -> Response:
    """Whatever button is pressed, what was chosen is kept."""
    view = imports.get(actor(), import_id)
    if not view.is_open:
        return respond.redirect_to("imports.show", import_id=import_id)
    found = imports.columns(actor(), import_id)
    form = mapping_form(found)
    if request.form.get("go") == "back":
        imports.keep_mapping(actor(), import_id, form.draft())
        return respond.redirect_to("imports.file", import_id=import_id)
    if form.validate_on_submit():
        try:
            imports.map_columns(actor(), import_id, form.draft())
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        else:
            queues.import_later(import_id)
            respond.success(_("The columns are kept, and the dry run has begun."))
            return respond.redirect_to("imports.show", import_id=import_id)
    if not form.is_submitted():
        form.show(view, found.mapping)
    return respond.page("imports/columns.html", import_=view, timezones=zones.names(), **_preview(form, found))


@blueprint.post(f"{ONE}/preview")
@requires_change
def preview(import_id: int) -> Response:
    """The first rows under what is chosen at this moment. It is kept at once: whoever leaves finds it again."""
    found = imports.columns(actor(), import_id)
    form = mapping_form(found)
    imports.keep_mapping(actor(), import_id, form.draft())
    return respond.partial("imports/_columns.html", **_preview(form, found))


def _preview(form: MappingForm, found: imports.Columns) -> dict[str, Any]:
    mapping = form.mapping()
    titles = found.layout.rows[0] if mapping.has_header else [""] * found.layout.width
    rows = imports.preview(found.layout, mapping, form.timezone.data or "")
    return {"form": form, "titles": titles, "rows": rows}


# Steps 3 and 4: the dry run, and the import itself


@blueprint.get(ONE)
def show(import_id: int) -> Response:
    view = imports.get(actor(), import_id)
    if view.state is ImportState.MAPPING and may_change(actor()):
        return respond.redirect_to("imports.columns", import_id=import_id)
    return respond.page("imports/show.html", **_progress(view))


@blueprint.get(f"{ONE}/progress")
@poll
def progress(import_id: int) -> Response:
    view = imports.get(actor(), import_id)
    if request.args.get("version") == view.version:
        return respond.not_modified()
    return respond.partial("imports/_progress.html", **_progress(view))


def _progress(view: ImportView) -> dict[str, Any]:
    after, before = row_number("after"), row_number("before")
    found = imports.problems_page(actor(), view.id, after, before)
    problems = Page.of(
        found.items,
        total=view.not_taken,
        next_={"after": found.next_after},
        previous={"before": found.previous_before},
        endpoint="imports.show",
        import_id=view.id,
    )
    return {"import_": view, "problems": problems, "limits": _limits()}


@blueprint.post(f"{ONE}/start")
def start(import_id: int) -> Response:
    imports.start(actor(), import_id)
    queues.import_later(import_id)
    respond.success(_("The import has begun."))
    return respond.redirect_to("imports.show", import_id=import_id)


@blueprint.post(f"{ONE}/cancel")
def cancel(import_id: int) -> Response:
    imports.cancel(actor(), import_id, _folder())
    if imports.get(actor(), import_id).started_at:
        respond.success(_("The import has been cancelled. What it has added stays."))
    else:
        respond.success(_("The import has been cancelled. No client has been changed."))
    return respond.redirect_to("imports.show", import_id=import_id)


@blueprint.get(f"{ONE}/problems.csv")
def problems(import_id: int) -> Response:
    """In the user's language."""
    imports.get(actor(), import_id)
    header = [_("Line"), _("What is wrong"), _("What stood there")]
    rows = _worded(imports.all_problems(actor(), import_id))
    return csv_stream.attachment(f"import-{import_id}-problems.csv", header, rows)


def _worded(found: Iterator[ProblemView]) -> Iterator[tuple[int, str, str]]:
    words: dict[str, str] = {}
    for problem in found:
        if problem.code not in words:
            text: Markup = get_template_attribute("components/reasons.html", "problem_text")(problem.code)
            words[problem.code] = text.unescape()
        yield problem.line, words[problem.code], problem.value


def _folder() -> Path:
    folder: Path = current_app.config["SETTINGS"].imports_dir
    return folder


def _limits() -> FileLimits:
    settings = current_app.config["SETTINGS"]
    return FileLimits(settings.import_max_megabytes, settings.import_max_rows)
