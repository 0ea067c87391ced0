"""How does a person come in, go out, and say how they want to see things?"""

from flask import Blueprint, Response, current_app, request, session
from flask_babel import gettext as _

from .. import counters
from ..domain import setup_links, users
from ..domain.errors import Conflict, Invalid
from ..domain.registration import Policy
from ..domain.users import User
from ..marks import open_to_all, own_account
from . import access, context, entrance, respond
from .entrance import HOME, with_cookies
from .extensions import limiter, was_refused
from .forms.auth import SetupForm, SignInForm

blueprint = Blueprint("auth", __name__)


@blueprint.route("/sign-in", methods=["GET", "POST"])
@open_to_all
@limiter.limit("10/minute", methods=["POST"], deduct_when=was_refused)
def sign_in() -> Response:
    form = SignInForm(next=request.args.get("next", ""))
    if access.user_or_none() and request.method == "GET":
        return respond.redirect_to_path(access.local_path(form.next.data) or HOME)
    if form.is_submitted() and not current_app.config["SETTINGS"].passwords_open:
        form.form_errors.append("passwords_off")
    elif form.validate_on_submit():
        try:
            user, code = _authenticated(form.login.data or "", form.password.data or ""), "sign_in_failed"
        except Conflict as refusal:
            user, code = None, refusal.code
        if user is not None:
            return entrance.enter(user, bool(form.remember.data), form.next.data)
        form.form_errors.append(code)
    registers = Policy(current_app.config["SETTINGS"].registration) is not Policy.CLOSED
    return respond.page("auth/sign_in.html", form=form, registers=registers)


def _authenticated(login: str, password: str) -> User | None:
    """Raises Conflict as users.authenticate, and TooManyRequests after five wrong tries here and in the API."""
    who = users.tries_key(login)
    counters.require_tries(who)
    user = users.authenticate(login, password)
    if user is None:
        counters.count_try(who)
    return user


@blueprint.post("/sign-out")
@own_account
def sign_out() -> Response:
    is_still_known = session.get(entrance.BY_PROVIDER) and current_app.config["SETTINGS"].oidc
    access.end_session()
    return respond.redirect_to("provider.signed_out" if is_still_known else "auth.sign_in")


@blueprint.route("/setup/<token>", methods=["GET", "POST"])
@open_to_all
@limiter.limit("20/minute")
def setup(token: str) -> Response:
    """The one-time link for the first administrator, who is signed in at once."""
    if not setup_links.is_valid(token):
        return respond.page("auth/setup.html", status=410, form=None)
    form = SetupForm()
    if form.validate_on_submit():
        try:
            user_id = setup_links.use(token, form.new_user(context.language(), context.zone_name()))
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict:
            return respond.page("auth/setup.html", status=410, form=None)
        else:
            access.begin_session(user_id, remember=False)
            respond.success(_("Welcome. Vestnik is yours now: begin with your clients."))
            return respond.redirect_to_path(HOME)
    return respond.page("auth/setup.html", form=form)


@blueprint.post("/preferences")
@own_account
def preferences() -> Response:
    """Language, theme and time zone, each alone or together; back to the page they were chosen on."""
    user = access.signed_in()
    language = request.form.get("language", user.language)
    theme = request.form.get("theme", user.theme)
    timezone = request.form.get("timezone", user.timezone)
    answer = respond.redirect_to_path(access.local_path(request.form.get("next")) or HOME)
    try:
        users.change_preferences(user.id, language, theme, timezone)
    except Invalid as refusal:
        for problem in refusal.problems:
            respond.error(problem.code)
        return answer
    return with_cookies(answer, language, theme)
