"""How does somebody set a password who cannot sign in? By a link, mailed or handed on by an administrator.

The link's token goes into the session at once, and the page stands at an address without it: so it is in no
Referer, and not in the browser's history of what was looked at.
"""

import hashlib

from flask import Blueprint, Response, request, session
from flask_babel import gettext as _

from ..domain import password_changes
from ..domain.errors import Conflict, Invalid
from ..domain.user_rules import problem_with_email, tidy
from ..jobs import queues
from ..marks import open_to_all
from . import context, respond
from .extensions import limiter
from .forms.passwords import ForgottenForm, NewPasswordForm

TOKEN = "password_token"

blueprint = Blueprint("passwords", __name__, url_prefix="/password")


def _account() -> str:
    """Letters are counted for addresses that nobody has, too."""
    address = tidy(request.form.get("email", "")).lower()
    return "forgotten:" + hashlib.sha256(address.encode(errors="replace")).hexdigest()


@blueprint.route("/forgotten", methods=["GET", "POST"])
@open_to_all
@limiter.limit("10/hour", methods=["POST"])
@limiter.limit("3/hour", key_func=_account, methods=["POST"])
def forgotten() -> Response:
    """The answer is the same, and takes as long, whether anybody has this address."""
    if not context.has_mail():
        return respond.page("passwords/forgotten.html", form=None, is_asked=False)
    form = ForgottenForm()
    if form.validate_on_submit():
        problem = problem_with_email(form.email.data or "")
        if problem is None:
            password_changes.ask(form.email.data or "")
            queues.mail_later()
            return respond.page("passwords/forgotten.html", form=None, is_asked=True)
        respond.form_errors(form, Invalid([problem]))
    return respond.page("passwords/forgotten.html", form=form, is_asked=False)


@blueprint.get("/<token>")
@open_to_all
def follow(token: str) -> Response:
    """Asks no table, so that nothing can break here whose report would hold the token."""
    session[TOKEN] = token[:100]
    return respond.redirect_to("passwords.new")


@blueprint.route("/new", methods=["GET", "POST"])
@open_to_all
@limiter.limit("20/minute")
def new() -> Response:
    token = str(session.get(TOKEN, ""))
    user = password_changes.owner_of(token)
    if user is None:
        return respond.page("passwords/new.html", status=410, form=None, user=None)
    form = NewPasswordForm()
    if form.validate_on_submit():
        try:
            password_changes.use(token, form.password.data or "", tells=context.has_mail())
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict:
            return respond.page("passwords/new.html", status=410, form=None, user=None)
        else:
            session.pop(TOKEN, None)
            queues.mail_later()
            respond.success(_("The password is set. Sign in with it."))
            return respond.redirect_to("auth.sign_in")
    return respond.page("passwords/new.html", form=form, user=user)
