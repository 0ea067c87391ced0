"""How does somebody come in whom nobody has let in yet? As the setting REGISTRATION has it."""

from flask import Blueprint, Response, current_app
from flask_babel import gettext as _

from ..domain import registration
from ..domain.errors import Conflict, Invalid
from ..domain.registration import Policy
from ..marks import open_to_all
from . import context, respond
from .extensions import creates, limiter
from .forms.passwords import RegistrationForm

blueprint = Blueprint("registration", __name__)


@blueprint.route("/register", methods=["GET", "POST"])
@open_to_all
@limiter.limit("20/hour", methods=["POST"])
@creates
def register() -> Response:
    policy = Policy(current_app.config["SETTINGS"].registration)
    if policy is Policy.CLOSED:
        return respond.page("auth/register.html", status=403, form=None, is_waiting=False)
    form = RegistrationForm()
    if form.validate_on_submit():
        try:
            user = registration.register(form.registration(context.language(), context.zone_name()), policy)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
        else:
            if user.waiting_since:
                return respond.page("auth/register.html", status=202, form=None, is_waiting=True)
            respond.success(_("You are registered. Sign in with your name and password."))
            return respond.redirect_to("auth.sign_in")
    return respond.page("auth/register.html", form=form, is_waiting=False)
