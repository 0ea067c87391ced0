"""How does a person change many clients at once? They are asked first, and told exactly how many it is."""

from secrets import token_hex

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict

from ..domain import client_bulk, client_bulk_running, tags
from ..domain.client_bulk import ChangeView, Extent, Selection
from ..domain.errors import Conflict, Invalid, NotFound, Problem
from ..jobs import queues
from ..marks import requires_change
from ..models import ChangeState, ClientVerb
from . import client_filters, respond
from .access import actor, poll
from .filters import number
from .forms.clients import BulkForm
from .paging import LARGEST_ID

Values = MultiDict[str, str]


@requires_change
def ask() -> Response:
    """The question, with its answer's form. Everything it is about stands in the address."""
    selection = _selection(request.args)
    verb = _verb(request.args)
    extent = client_bulk.extent(actor(), selection)
    if not extent.count:
        respond.error("nobody_selected")
        return _back_to_list(request.args)
    form = BulkForm(formdata=None)
    form.form_key.data = token_hex(16)
    return _question(form, verb, selection, extent)


@requires_change
def begin() -> Response:
    form, verb, selection = BulkForm(), _verb(request.form), _selection(request.form)
    confirmed = Extent(form.whole(form.count), form.whole(form.through))
    try:
        change_id = client_bulk.begin(
            actor(), verb, selection, confirmed, form.tag_name.data or "", form.form_key_read()
        )
    except Invalid as refusal:
        named = {"tag": "tag_name"}
        respond.form_errors(
            form, Invalid([Problem(named.get(p.field, p.field), p.code, p.params) for p in refusal.problems])
        )
        return _question(form, verb, selection, confirmed)
    except Conflict as refusal:
        form.form_errors.append(refusal.code)
        form.form_key.data = token_hex(16)
        return _question(form, verb, selection, client_bulk.extent(actor(), selection), status=409)
    return _carry_out(change_id)


def _carry_out(change_id: int) -> Response:
    """A few at once; many in the background, on a page that shows how far it is."""
    change = client_bulk.get(actor(), change_id)
    if change.total <= client_bulk.AT_ONCE:
        client_bulk_running.run(change_id)
        change = client_bulk.get(actor(), change_id)
    if change.state is ChangeState.FINISHED:
        respond.success(told(change))
        return _back_to_list(request.form)
    queues.change_clients_later(change_id)
    return respond.redirect_to("clients.bulk_change", change_id=change_id)


def _question(
    form: BulkForm, verb: ClientVerb, selection: Selection, extent: Extent, status: int = 200
) -> Response:
    return respond.page(
        "clients/bulk.html",
        status,
        form=form,
        verb=verb,
        ids=selection.ids,
        is_all=selection.wanted is not None,
        extent=extent,
        address=_address(request.values),
        takes_tag=verb in client_bulk.TAG_VERBS,
        tags=tags.tags_of(actor()),
    )


def _verb(values: Values) -> ClientVerb:
    asked = values.get("verb", "")
    if asked not in tuple(ClientVerb):
        raise NotFound
    return ClientVerb(asked)


def _selection(values: Values) -> Selection:
    if values.get("scope") == "all":
        return Selection(wanted=client_filters.wanted(values))
    texts = [text for text in values.getlist("id") if text.isascii() and text.isdigit() and len(text) <= 10]
    ids = {int(text) for text in texts if 0 < int(text) <= LARGEST_ID}
    return Selection(ids=tuple(sorted(ids)))


def _address(values: Values) -> dict[str, str]:
    return client_filters.address_of(client_filters.wanted(values), client_filters.sort(values))


def _back_to_list(values: Values) -> Response:
    return respond.redirect_to("clients.index", **_address(values))


def show(change_id: int) -> Response:
    change = client_bulk.get(actor(), change_id)
    return respond.page("clients/bulk_change.html", change=change, told=told(change))


@poll
def progress(change_id: int) -> Response:
    change = client_bulk.get(actor(), change_id)
    if request.args.get("version") == change.version:
        return respond.not_modified()
    return respond.partial("clients/_bulk_progress.html", change=change, told=told(change))


def cancel(change_id: int) -> Response:
    client_bulk.cancel(actor(), change_id)
    respond.success(_("The change has been stopped. What it has done so far stays."))
    return respond.redirect_to("clients.bulk_change", change_id=change_id)


def told(change: ChangeView) -> str:
    """What has been done, in one or two sentences."""
    return f"{_done(change)} {_left_alone(change.refused)}" if change.refused else _done(change)


def _done(change: ChangeView) -> str:
    n, shown = change.changed, number(change.changed)
    match change.verb:
        case ClientVerb.ADD_TAG:
            said = ngettext(
                "%(shown)s client has got the tag “%(tag)s”.",
                "%(shown)s clients have got the tag “%(tag)s”.",
                n,
                shown=shown,
                tag=change.tag,
            )
        case ClientVerb.REMOVE_TAG:
            said = ngettext(
                "%(shown)s client has lost the tag “%(tag)s”.",
                "%(shown)s clients have lost the tag “%(tag)s”.",
                n,
                shown=shown,
                tag=change.tag,
            )
        case ClientVerb.STOP_LIST:
            said = ngettext(
                "%(shown)s phone was put on the stop list.",
                "%(shown)s phones were put on the stop list.",
                n,
                shown=shown,
            )
        case ClientVerb.UNLIST:
            said = ngettext(
                "%(shown)s phone was taken off the stop list.",
                "%(shown)s phones were taken off the stop list.",
                n,
                shown=shown,
            )
        case ClientVerb.DELETE:
            said = ngettext("%(shown)s client was deleted.", "%(shown)s clients were deleted.", n, shown=shown)
    return str(said)


def _left_alone(count: int) -> str:
    return str(
        ngettext(
            "%(shown)s bears as many tags as a client may, and was left as it is.",
            "%(shown)s bear as many tags as a client may, and were left as they are.",
            count,
            shown=number(count),
        )
    )
