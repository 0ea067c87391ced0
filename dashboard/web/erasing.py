"""How does an administrator forget a person who asks for it?"""

from flask import Blueprint, Response, current_app, request

from ..domain import clients, erasing
from ..domain.errors import Conflict, Invalid
from ..domain.permissions import may_administer
from ..marks import requires
from . import paging, respond
from .access import actor
from .forms.erasing import EraseForm

blueprint = Blueprint("erasing", __name__, url_prefix="/erase")


@blueprint.route("", methods=["GET", "POST"])
@requires(may_administer)
def index() -> Response:
    """By phone; the answer to the form says what was done, and names nobody."""
    form = EraseForm()
    if request.method == "GET":
        form.phone.data = _phone_of(paging.row_number("client"))
    if form.validate_on_submit():
        try:
            done = erasing.erase(actor(), form.phone.data or "", current_app.config["SETTINGS"].imports_dir)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
        else:
            return respond.page("erasing/done.html", done=done)
    return respond.page("erasing/index.html", form=form)


def _phone_of(client_id: int | None) -> str:
    """Looked up, for a phone stands in no address that need not have it. Raises NotFound."""
    return clients.get(actor(), client_id).phone if client_id else ""
