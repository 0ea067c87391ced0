"""How does an administrator get clients to try things out with, and get rid of them?"""

from flask import Blueprint, Response
from flask_babel import ngettext

from ..domain import sample_clients
from ..domain.permissions import may_administer
from ..marks import requires
from . import respond
from .access import actor
from .filters import number

# The API's own resource has the name `api_sample_clients`.
blueprint = Blueprint("sample_clients", __name__, url_prefix="/test-data")
administrators = requires(may_administer)


@blueprint.get("")
@administrators
def show() -> Response:
    return respond.page("sample_clients/show.html", usual=sample_clients.USUAL)


@blueprint.post("/add")
@administrators
def add() -> Response:
    n = sample_clients.add(actor())
    respond.success(ngettext("%(n)s client was added.", "%(n)s clients were added.", n, n=number(n)))
    return respond.redirect_to("sample_clients.show")


@blueprint.post("/remove")
@administrators
def remove() -> Response:
    n = sample_clients.remove(actor())
    respond.success(ngettext("%(n)s client was removed.", "%(n)s clients were removed.", n, n=number(n)))
    return respond.redirect_to("sample_clients.show")
