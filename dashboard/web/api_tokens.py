"""Which programs may act for me, and how do I let one in or shut it out? Administrators look after everybody's."""

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from ..domain import api_token_pages, api_tokens, users
from ..domain.errors import Invalid
from ..domain.permissions import may_administer
from ..marks import own_account, requires
from . import paging, respond
from .access import actor
from .extensions import creates
from .forms.api_tokens import ApiTokenForm
from .paging import LARGEST_ID, Page

# The API's own resource has the name `api_tokens`.
blueprint = Blueprint("tokens", __name__, url_prefix="/api-tokens")


@blueprint.get("")
def index() -> Response:
    """One's own: so few that they are one page."""
    return respond.page("api_tokens/index.html", tokens=api_tokens.listed(actor()))


@blueprint.get("/everybody")
@requires(may_administer)
def everybody() -> Response:
    found = api_token_pages.page(actor(), paging.asked_for())
    return respond.page("api_tokens/everybody.html", page=Page.by_id(found))


@blueprint.route("/new", methods=["GET", "POST"])
@own_account
@creates
def new() -> Response:
    """The answer to the form shows the token's text: there is no address at which it is seen again."""
    form = ApiTokenForm()
    form.offer(users.listed() if may_administer(actor()) else [], actor().id)
    if form.validate_on_submit():
        try:
            scopes, user_id = form.scopes.data or [], form.user_id.data
            token, text = api_tokens.make(actor(), form.name.data or "", scopes, user_id)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        else:
            owner = None if token.user_id == actor().id else dict(form.user_id.choices)[token.user_id]
            return respond.page("api_tokens/made.html", 201, token=token, text=text, owner=owner)
    return respond.page("api_tokens/new.html", form=form)


@blueprint.post(f"/<int(max={LARGEST_ID}):token_id>/revoke")
@own_account
def revoke(token_id: int) -> Response:
    api_tokens.revoke(actor(), token_id)
    respond.success(_("The token is revoked: whatever used it gets no further answer."))
    return respond.redirect_to("tokens.everybody" if "everybody" in request.form else "tokens.index")
