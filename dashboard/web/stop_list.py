"""Whom does nobody message any more, and how do phones get there and off again?"""

import re
from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from flask_babel import ngettext
from htmx_flask import request as htmx_request

from .. import clock
from ..domain import stop_list, stop_list_pages
from ..domain.errors import Invalid
from ..domain.stop_list import Outcome
from ..domain.stop_list_pages import Place
from ..marks import requires_change
from . import csv_stream, respond
from .access import actor
from .extensions import creates
from .filters import number
from .forms.stop_list import StopListForm
from .paging import Page, closed, opened

blueprint = Blueprint("stop_list", __name__, url_prefix="/stop-list")
LONGEST_SEARCH = 40
# Microseconds since 1970, then the phone.
KEY = re.compile(r"([0-9]{1,16})-(7[0-9]{10})")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HEADER = ("phone", "stop_listed_at", "source", "added_by")


@blueprint.get("")
def index() -> Response:
    """The whole page, or only the list when htmx asks for another part of it."""
    q = _search()
    found = stop_list_pages.page(actor(), q, _place("after"), _place("before"))
    page = Page.of(
        found.items,
        total=found.total,
        total_is_exact=found.total_is_exact,
        next_={"after": _key(found.next)},
        previous={"before": _key(found.previous)},
        q=q,
    )
    is_part = htmx_request.htmx and not htmx_request.htmx.boosted
    if is_part and not htmx_request.htmx.history_restore_request:
        return respond.partial("stop_list/_list.html", page=page, q=q)
    return respond.page("stop_list/index.html", page=page, q=q)


@blueprint.route("/add", methods=["GET", "POST"])
@requires_change
@creates
def add() -> Response:
    """Good lines are taken at once; bad ones stay in the form, each with its number and what is wrong with it."""
    form = StopListForm()
    outcome: Outcome | None = None
    if form.validate_on_submit():
        try:
            outcome = stop_list.add_many(actor(), form.lines())
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        else:
            if not outcome.bad:
                respond.success(_told(outcome))
                return respond.redirect_to("stop_list.index")
            form.phones.data = "\n".join(bad_line.value for bad_line in outcome.bad)
    status = 422 if outcome else 200
    told = _told(outcome) if outcome else ""
    return respond.page("stop_list/add.html", status, form=form, outcome=outcome, told=told)


def _told(outcome: Outcome) -> str:
    added: str = ngettext(
        "%(shown)s phone was put on the stop list.",
        "%(shown)s phones were put on the stop list.",
        outcome.added,
        shown=number(outcome.added),
    )
    if not outcome.known:
        return added
    known = ngettext(
        "%(shown)s was there already.", "%(shown)s were there already.", outcome.known, shown=number(outcome.known)
    )
    return f"{added} {known}"


@blueprint.post("/remove")
def remove() -> Response:
    stop_list.remove(actor(), request.form.get("phone", ""))
    respond.success(_("The phone is off the stop list."))
    return respond.redirect_to("stop_list.index", **({"q": _search()} if _search() else {}))


@blueprint.get("/export.csv")
def export() -> Response:
    rows = (
        [entry.phone, entry.added_at.isoformat(timespec="seconds"), entry.source, entry.added_by or ""]
        for entry in stop_list_pages.everything(actor(), _search())
    )
    return csv_stream.attachment(f"stop-list-{clock.now():%Y-%m-%d}.csv", HEADER, rows)


def _search() -> str:
    return request.args.get("q", "").replace("\0", "").strip()[:LONGEST_SEARCH]


def _key(of: Place | None) -> str | None:
    """`_place` reads it again."""
    return closed(f"{(of.added_at - EPOCH) // timedelta(microseconds=1)}-{of.phone}") if of else None


def _place(name: str) -> Place | None:
    found = KEY.fullmatch(opened(request.args.get(name, "")))
    return Place(EPOCH + timedelta(microseconds=int(found[1])), found[2]) if found else None
