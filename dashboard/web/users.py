"""Who works with Vestnik, and what may they? Administrators let people in, change what they may, see them off."""

from flask import Blueprint, Response, current_app, request
from flask_babel import gettext as _

from ..domain import (
    handing_over,
    password_changes,
    registration,
    second_factor,
    sessions,
    user_administration,
    user_lists,
)
from ..domain.errors import Conflict, Invalid
from ..domain.permissions import may_administer
from ..domain.user_lists import KnownUser, UserFilter, UserState
from ..jobs import letters, queues
from ..marks import requires
from ..models import Role
from . import context, paging, respond
from .access import actor
from .extensions import creates
from .forms.fields import LONGEST_INPUT
from .forms.users import DeletionForm, UserForm
from .paging import LARGEST_ID, Page

blueprint = Blueprint("users", __name__, url_prefix="/users")
ONE = f"/<int(max={LARGEST_ID}):user_id>"
# So long the page waits for what is handed over; the rest goes on in the background.
PATIENCE_SECONDS = 3.0
administrators = requires(may_administer)


@blueprint.get("")
@administrators
def index() -> Response:
    wanted = _filter()
    chosen = {"q": wanted.q, "role": wanted.role or "", "state": wanted.state or ""}
    page = Page.by_id(user_lists.page(actor(), wanted, paging.asked_for()), **chosen)
    return respond.page("users/index.html", page=page, filters=chosen)


def _filter() -> UserFilter:
    role, state = request.args.get("role", ""), request.args.get("state", "")
    return UserFilter(
        q=request.args.get("q", "").replace("\0", "").strip()[:LONGEST_INPUT],
        role=Role(role) if role in tuple(Role) else None,
        state=UserState(state) if state in tuple(UserState) else None,
    )


@blueprint.route("/new", methods=["GET", "POST"])
@administrators
@creates
def new() -> Response:
    """Where no letters leave, or none is wanted, the answer shows the link by which the user sets a password."""
    form = UserForm(language=context.language(), timezone=context.zone_name())
    if form.validate_on_submit():
        by_mail = bool(form.by_mail.data) and context.has_mail()
        opens = current_app.config["SETTINGS"].passwords_open
        try:
            user_id, token = user_administration.make(actor(), form.draft(), by_mail=by_mail, opens=opens)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        else:
            if token is not None:
                return _link(user_lists.get(actor(), user_id), token)
            if opens:
                queues.mail_later()
                respond.success(_("The user is made. A letter with a link to set the password is on its way."))
            else:
                respond.success(_("The user is made, and comes in by the external sign-in."))
            return respond.redirect_to("users.show", user_id=user_id)
    return respond.page("users/new.html", form=form)


def _link(known: KnownUser, token: str) -> Response:
    """There is no address at which it is seen again."""
    link = letters.link(current_app.config["SETTINGS"].public_address, token)
    return respond.page("users/link.html", 201, known=known, link=link)


@blueprint.route(ONE, methods=["GET", "POST"])
@administrators
def show(user_id: int) -> Response:
    known = user_lists.get(actor(), user_id)
    form = UserForm()
    if not form.is_submitted():
        form.show(known.user)
    elif form.validate():
        try:
            user_administration.change(actor(), user_id, form.draft())
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
        else:
            respond.success(_("What you changed is saved, and holds from the user's next request on."))
            return respond.redirect_to("users.show", user_id=user_id)
    open_sessions = sessions.listed(user_id)
    owned = user_lists.owned(user_id)
    standing = second_factor.standing(user_id)
    return respond.page(
        "users/show.html", known=known, form=form, sessions=open_sessions, owned=owned, second_factor=standing
    )


@blueprint.post(f"{ONE}/approve")
@administrators
def approve(user_id: int) -> Response:
    registration.approve(actor(), user_id, tells=context.has_mail())
    queues.mail_later()
    respond.success(_("The user can sign in now."))
    return respond.redirect_to("users.show", user_id=user_id)


@blueprint.post(f"{ONE}/refuse")
@administrators
def refuse(user_id: int) -> Response:
    registration.refuse(actor(), user_id)
    respond.success(_("The registration is deleted."))
    return respond.redirect_to("users.index")


@blueprint.post(f"{ONE}/deactivate")
@administrators
def deactivate(user_id: int) -> Response:
    user_administration.deactivate(actor(), user_id)
    respond.success(_("The user is switched off: nothing lets them in any more."))
    return respond.redirect_to("users.show", user_id=user_id)


@blueprint.post(f"{ONE}/activate")
@administrators
def activate(user_id: int) -> Response:
    user_administration.activate(actor(), user_id)
    respond.success(_("The user can sign in now."))
    return respond.redirect_to("users.show", user_id=user_id)


@blueprint.post(f"{ONE}/end-sessions")
@administrators
def end_sessions(user_id: int) -> Response:
    user_administration.end_sign_ins(actor(), user_id)
    respond.success(_("The user is signed out everywhere."))
    return respond.redirect_to("users.show", user_id=user_id)


@blueprint.post(f"{ONE}/password-link")
@administrators
def password_link(user_id: int) -> Response:
    """By which the user sets a new password; the old one works until then."""
    opens = current_app.config["SETTINGS"].passwords_open
    if "by_mail" in request.form and context.has_mail():
        user_administration.invite(actor(), user_id, opens=opens)
        queues.mail_later()
        respond.success(_("A letter with a link to set the password is on its way."))
        return respond.redirect_to("users.show", user_id=user_id)
    token = password_changes.issue_for(actor(), user_id, opens=opens)
    return _link(user_lists.get(actor(), user_id), token)


@blueprint.route(f"{ONE}/delete", methods=["GET", "POST"])
@administrators
def delete(user_id: int) -> Response:
    """Who gets what the user owns is chosen before."""
    known = user_lists.get(actor(), user_id)
    form = DeletionForm(receiver=actor().id)
    form.receiver.choices = user_lists.receivers(actor(), user_id)
    if form.validate_on_submit():
        try:
            handing_over.begin(actor(), user_id, form.receiver.data or 0)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
        else:
            return _handed_over(user_id)
    return respond.page("users/delete.html", known=known, form=form, owned=user_lists.owned(user_id))


def _handed_over(user_id: int) -> Response:
    if handing_over.run(user_id, PATIENCE_SECONDS) and user_id not in handing_over.unfinished():
        respond.success(_("The user is deleted, and what they owned is handed over."))
        return respond.redirect_to("users.index")
    queues.hand_over_later(user_id)
    respond.info(
        _("The user is switched off. What they own is being handed over; then they are gone from the list.")
    )
    return respond.redirect_to("users.show", user_id=user_id)
