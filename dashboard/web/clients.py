"""Whom can we reach? The pages of the directory."""

from typing import Any

from flask import Blueprint, Response
from flask_babel import gettext as _
from htmx_flask import request

from .. import clock, zones
from ..domain import client_lists, client_story, clients, stop_list, tags
from ..domain.client_export import Export
from ..domain.client_order import Sort
from ..domain.client_search import ClientFilter
from ..domain.clients import ClientView
from ..domain.errors import Conflict, Invalid, NotFound
from ..marks import requires_change
from . import client_bulk, client_filters, context, csv_stream, respond
from .access import actor
from .extensions import creates
from .forms.clients import ClientForm
from .paging import LARGEST_ID, Page, asked_for

blueprint = Blueprint("clients", __name__, url_prefix="/clients")
ONE = f"/<int(max={LARGEST_ID}):client_id>"
CHANGE = f"/bulk/<int(max={LARGEST_ID}):change_id>"
blueprint.add_url_rule("/bulk", "bulk", client_bulk.ask, methods=["GET"])
blueprint.add_url_rule("/bulk", "begin_bulk", client_bulk.begin, methods=["POST"])
blueprint.add_url_rule(CHANGE, "bulk_change", client_bulk.show)
blueprint.add_url_rule(f"{CHANGE}/progress", "bulk_progress", client_bulk.progress)
blueprint.add_url_rule(f"{CHANGE}/cancel", "cancel_bulk", client_bulk.cancel, methods=["POST"])


@blueprint.get("")
def index() -> Response:
    """The whole page, or only the list when htmx asks for another part of it."""
    wanted, sort = client_filters.wanted(request.args), client_filters.sort(request.args)
    found = client_lists.page(actor(), wanted, client_filters.place(request.args), sort)
    filters = client_filters.address_of(wanted, sort)
    page = Page.of(
        found.items,
        total=found.total,
        total_is_exact=found.total_is_exact,
        next_={"after": client_filters.key(found.next)},
        previous={"before": client_filters.key(found.previous)},
        **filters,
    )
    shown: dict[str, Any] = {"page": page, "filters": wanted.kept, "address": filters, "sort": found.sort}
    if request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request:
        return respond.partial("clients/_list.html", **shown)
    return respond.page("clients/index.html", choices=_choices(wanted), sorts=list(Sort), **shown)


def _choices(wanted: ClientFilter) -> dict[str, list[str]]:
    """What the filters offer; a value that a link brought is among them, so that it stays chosen."""
    return {
        "tags": _with(tags.tags_of(actor()), wanted.tag),
        "codes": _with(client_lists.codes_of(actor()), wanted.code),
        "timezones": _with(client_lists.zones_of(actor()), wanted.timezone),
    }


def _with(values: list[str], chosen: str) -> list[str]:
    return values if chosen in values or not chosen else [chosen, *values]


@blueprint.get("/export.csv")
def export() -> Response:
    """Of all who match the filters of the list."""
    table = Export(actor(), client_filters.wanted(request.args))
    return csv_stream.attachment(f"clients-{clock.now():%Y-%m-%d}.csv", table.header, table.rows())


@blueprint.route("/new", methods=["GET", "POST"])
@requires_change
@creates
def new() -> Response:
    form = ClientForm()
    if form.validate_on_submit():
        try:
            client_id = clients.add(actor(), form.draft())
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        else:
            respond.success(_("The client has been added."))
            return respond.redirect_to("clients.show", client_id=client_id)
    if not form.is_submitted():
        form.timezone.data = context.zone_name()
    return _edit_page(form, None)


@blueprint.get(ONE)
def show(client_id: int) -> Response:
    client = clients.get(actor(), client_id)
    page = Page.by_id(client_story.page(actor(), client_id, asked_for()))
    return respond.page("clients/show.html", client=client, page=page)


@blueprint.route(f"{ONE}/edit", methods=["GET", "POST"])
@requires_change
def edit(client_id: int) -> Response:
    """What somebody else has saved meanwhile is shown beside what was typed; saving again then replaces it."""
    form, status, newer = ClientForm(), 200, None
    try:
        client = clients.get(actor(), client_id)
    except NotFound:
        if not (form.is_submitted() and clients.was_deleted(actor(), client_id)):
            raise
        form.form_errors.append("client_deleted")
        return _edit_page(form, None, None, 409)
    form.kept_consent_at = client.consent_at
    if form.validate_on_submit():
        try:
            clients.change(actor(), client_id, form.draft(), form.version.data or "")
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
            status, newer = 409, clients.get(actor(), client_id)
            form.version.data = newer.version
        else:
            respond.success(_("The changes have been saved."))
            return respond.redirect_to("clients.show", client_id=client_id)
    if not form.is_submitted():
        form.show(client)
    return _edit_page(form, client, newer, status)


def _edit_page(
    form: ClientForm, client: ClientView | None, newer: ClientView | None = None, status: int = 200
) -> Response:
    """Without a client the form makes a new one."""
    return respond.page(
        "clients/edit.html", status, form=form, client=client, newer=newer, timezones=zones.names()
    )


@blueprint.post(f"{ONE}/delete")
def delete(client_id: int) -> Response:
    clients.delete(actor(), client_id)
    respond.success(_("The client has been deleted."))
    return respond.redirect_to("clients.index")


@blueprint.post(f"{ONE}/stop-list", endpoint="stop_list")
def put_on_stop_list(client_id: int) -> Response:
    stop_list.add(actor(), clients.get(actor(), client_id).phone)
    respond.success(_("The phone is on the stop list now."))
    return respond.redirect_to("clients.show", client_id=client_id)


@blueprint.post(f"{ONE}/unlist")
def unlist(client_id: int) -> Response:
    stop_list.remove(actor(), clients.get(actor(), client_id).phone)
    respond.success(_("The phone is off the stop list."))
    return respond.redirect_to("clients.show", client_id=client_id)
