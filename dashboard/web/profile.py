"""What is known of me, and where am I signed in? Each section of the page has a form and an address of its own."""

from flask import Blueprint, Response, current_app
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from ..domain import password_changes, profile, second_factor, sessions, sign_ins, token_families, users
from ..domain.errors import Conflict, Invalid, NotFound
from ..domain.users import User
from ..jobs import queues
from ..marks import own_account
from . import context, respond
from .access import signed_in
from .entrance import with_cookies
from .extensions import limiter, was_refused
from .forms.profile import DetailsForm, LookForm, OwnPasswordForm
from .paging import LARGEST_ID

blueprint = Blueprint("profile", __name__, url_prefix="/profile")


def _user() -> User:
    """As kept now. Raises NotFound for who was switched off in this very instant."""
    user = users.active(signed_in().id)
    if user is None:
        raise NotFound
    return user


def _guesser() -> str:
    """Tries of the present password count for each user, from wherever they come."""
    return f"profile:{signed_in().id}"


@blueprint.get("")
def show() -> Response:
    return _page()


def _page(
    details: DetailsForm | None = None, password: OwnPasswordForm | None = None, look: LookForm | None = None
) -> Response:
    """With the form that was refused, and the others as they are kept."""
    user = _user()
    refused: FlaskForm | None = details or password or look
    shown = {
        "details": details or DetailsForm(formdata=None, name=user.name, email=user.email),
        "password": password or OwnPasswordForm(formdata=None),
        "look": look or LookForm(formdata=None, language=user.language, theme=user.theme, timezone=user.timezone),
    }
    open_sessions = sessions.listed(user.id, signed_in().get_id())
    standing = second_factor.standing(user.id)
    status = 200 if refused is None else 422
    return respond.page(
        "profile/show.html",
        status,
        user=user,
        sessions=open_sessions,
        programs=token_families.open_count(user.id),
        second_factor=standing,
        has_password=users.has_password(user.id),
        **shown,
    )


@blueprint.post("/details")
@own_account
@limiter.limit("5/minute", key_func=_guesser, deduct_when=was_refused)
def change_details() -> Response:
    form = DetailsForm()
    if form.validate():
        name, email, current = form.name.data or "", form.email.data or "", form.current.data or ""
        try:
            kept = current_app.config["SETTINGS"].oidc is not None
            profile.change(_user(), name, email, current, tells=context.has_mail(), keeps_address=kept)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
    if form.errors:
        return _page(details=form)
    queues.mail_later()
    respond.success(_("Your name and address are saved."))
    return respond.redirect_to("profile.show")


@blueprint.post("/password")
@own_account
@limiter.limit("5/minute", key_func=_guesser, deduct_when=was_refused)
def change_password() -> Response:
    """Every other session ends, and every sign-in of a program."""
    form = OwnPasswordForm()
    if form.validate():
        current, new = form.current.data or "", form.password.data or ""
        try:
            this = signed_in().get_id()
            password_changes.change(_user(), current, new, this, tells=context.has_mail())
        except Invalid as refusal:
            respond.form_errors(form, refusal)
    if form.errors:
        return _page(password=form)
    queues.mail_later()
    respond.success(_("Your password is changed. You are signed out everywhere else."))
    return respond.redirect_to("profile.show")


@blueprint.post("/look")
@own_account
def change_look() -> Response:
    form = LookForm()
    language, theme = form.language.data or "", form.theme.data or ""
    if form.validate():
        try:
            users.change_preferences(signed_in().id, language, theme, form.timezone.data or "")
        except Invalid as refusal:
            respond.form_errors(form, refusal)
    if form.errors:
        return _page(look=form)
    respond.success(_("Saved."))
    return with_cookies(respond.redirect_to("profile.show"), language, theme)


@blueprint.post(f"/sessions/<int(max={LARGEST_ID}):session_id>/end")
@own_account
def end_session(session_id: int) -> Response:
    sessions.end_one(signed_in().id, session_id)
    respond.success(_("That session is ended."))
    return respond.redirect_to("profile.show")


@blueprint.post("/sessions/end-others")
@own_account
def end_other_sessions() -> Response:
    """Browsers, and programs that have signed in by name and password."""
    sign_ins.end_others(signed_in().id, signed_in().get_id())
    respond.success(_("You are signed out everywhere else."))
    return respond.redirect_to("profile.show")
