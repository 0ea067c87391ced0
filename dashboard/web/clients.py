"""Whom can we reach? The pages of the directory."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response
from flask_babel import gettext as _
from htmx_flask import request

from .. import zones
from ..domain import client_lists, clients, stop_list, tags
from ..domain.client_lists import ClientFilter
from ..domain.errors import Invalid
from . import context, respond
from .access import actor, requires_change
from .forms.clients import ClientForm
from .paging import LARGEST_ID, Page, asked_for

blueprint = Blueprint("clients", __name__, url_prefix="/clients")
ONE = f"/<int(max={LARGEST_ID}):client_id>"
LONGEST_FILTER = 200


@blueprint.get("")
def index() -> Response:
    """The whole page, or only the list when htmx asks for another part of it."""
    wanted = ClientFilter(*map(_filter_text, ("q", "tag", "code", "timezone")))
    found = client_lists.page(actor(), wanted, asked_for())
    shown: dict[str, Any] = {"page": Page.by_id(found, **asdict(wanted)), "filters": asdict(wanted)}
    if request.htmx and not request.htmx.boosted and not request.htmx.history_restore_request:
        return respond.partial("clients/_list.html", **shown)
    return respond.page("clients/index.html", choices=_choices(wanted), **shown)


def _filter_text(name: str) -> str:
    """From the address; without NUL, which PostgreSQL refuses."""
    text: str = request.args.get(name, "")
    return text.replace("\0", "").strip()[:LONGEST_FILTER]


def _choices(wanted: ClientFilter) -> dict[str, list[str]]:
    """What the filters offer; a value that a link brought is among them, so that it stays chosen."""
    return {
        "tags": _with(tags.tags_of(actor()), wanted.tag),
        "codes": _with(client_lists.codes_of(actor()), wanted.code),
        "timezones": _with(client_lists.zones_of(actor()), wanted.timezone),
    }


def _with(values: list[str], chosen: str) -> list[str]:
    return values if chosen in values or not chosen else [chosen, *values]


@blueprint.route("/new", methods=["GET", "POST"])
@requires_change
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
    return respond.page("clients/edit.html", form=form, client=None, timezones=zones.names())


@blueprint.get(ONE)
def show(client_id: int) -> Response:
    client = clients.get(actor(), client_id)
    messages = client_lists.messages_of(actor(), client_id)
    return respond.page("clients/show.html", client=client, messages=messages)


@blueprint.route(f"{ONE}/edit", methods=["GET", "POST"])
@requires_change
def edit(client_id: int) -> Response:
    client = clients.get(actor(), client_id)
    form = ClientForm()
    if form.validate_on_submit():
        try:
            clients.change(actor(), client_id, form.draft())
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        else:
            respond.success(_("The changes have been saved."))
            return respond.redirect_to("clients.show", client_id=client_id)
    if not form.is_submitted():
        form.show(client)
    return respond.page("clients/edit.html", form=form, client=client, timezones=zones.names())


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
