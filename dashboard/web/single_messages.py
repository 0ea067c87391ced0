"""How is one message made by hand, given another text, or taken back?"""

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from ..domain import clients, mailing_drafts, mailings, messages, prospects, single_messages
from ..domain.errors import Conflict, Invalid, Problem
from ..domain.permissions import may_launch
from ..domain.prospects import OpenMailing
from ..jobs import queues
from ..marks import requires
from ..models import Status
from . import respond
from .access import actor
from .extensions import creates
from .forms.fields import TrimmedField
from .forms.messages import NewMessageForm, TextForm
from .messages import ONE
from .paging import row_number

# Refusals that are about the client; the others are about the mailing.
OF_THE_CLIENT = {"message_exists"}

blueprint = Blueprint("single_messages", __name__, url_prefix="/messages")


@blueprint.route("/new", methods=["GET", "POST"])
@requires(may_launch)
@creates
def new() -> Response:
    """`client` and `mailing` in the address fill in what somebody came from."""
    client_id = row_number("client")
    client = clients.get(actor(), client_id) if client_id else None
    form = NewMessageForm(
        data={"mailing": request.args.get("mailing", ""), "phone": client.phone if client else ""}
    )
    if form.is_submitted():
        try:
            message_id = _create(form)
        except Invalid as refusal:
            form.explain(refusal)
        except Conflict as refusal:
            _field_of(form, refusal.code).errors = [refusal.code]
        else:
            queues.work_later()
            respond.success(_("The message waits for its turn."))
            return respond.redirect_to("messages.show", message_id=message_id)
    offered = _offered(form, client.owner_id if client else None)
    return respond.page("messages/new.html", form=form, client=client, mailings=offered)


def _create(form: NewMessageForm) -> int:
    """Raises what is wrong; a second press finds the message that the first has made."""
    mailing_id = form.mailing_id()
    prospect = prospects.of(actor(), mailing_id, form.phone.data or "")
    return single_messages.create(actor(), mailing_id, prospect.client_id)


def _field_of(form: NewMessageForm, code: str) -> TrimmedField:
    return form.phone if code in OF_THE_CLIENT else form.mailing


def _offered(form: NewMessageForm, owner_id: int | None) -> list[OpenMailing]:
    """With the one that somebody came from, even if it takes none: why not, the form says."""
    offered = prospects.open_mailings(actor(), owner_id)
    try:
        chosen = mailings.get(actor(), form.mailing_id())
    except Invalid:
        return offered
    if chosen.id in [each.id for each in offered]:
        return offered
    return [OpenMailing(chosen.id, chosen.title, chosen.state, chosen.ends_at), *offered]


@blueprint.post("/preview")
def preview() -> Response:
    """Who would read what, and when; or why not."""
    form = NewMessageForm()
    prospect = None
    problem: Problem | str | None = None
    try:
        if form.phone.data:
            prospect = prospects.of(actor(), form.mailing_id(), form.phone.data)
    except Invalid as refusal:
        problem = refusal.problems[0]
    except Conflict as refusal:
        problem = refusal.code
    return respond.partial("messages/_prospect.html", prospect=prospect, problem=problem)


@blueprint.route(f"{ONE}/edit", methods=["GET", "POST"])
@requires(may_launch)
def edit(message_id: int) -> Response:
    message = messages.get(actor(), message_id)
    present = prospects.present_text(actor(), message_id)
    form = TextForm(data={"text": present.text})
    if form.is_submitted():
        try:
            single_messages.change_text(actor(), message_id, form.text.data or "")
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            form.text.errors = [refusal.code]
        else:
            respond.success(_("The message has a text of its own now."))
            return respond.redirect_to("messages.show", message_id=message_id)
    elif message.status is not Status.QUEUED:
        respond.error("message_settled")
        return respond.redirect_to("messages.show", message_id=message_id)
    elif message.is_in_doubt:
        respond.error("message_may_be_sent")
        return respond.redirect_to("messages.show", message_id=message_id)
    return respond.page(
        "messages/edit.html",
        form=form,
        message=message,
        present=present,
        longest_text=mailing_drafts.LONGEST_TEXT,
    )


@blueprint.post(f"{ONE}/text")
def text(message_id: int) -> Response:
    """What the client would read, and its parts; or what is wrong with it."""
    form = TextForm()
    own, problems = None, []
    try:
        own = prospects.own_text(actor(), message_id, form.text.data or "")
    except Invalid as refusal:
        problems = list(refusal.problems)
    return respond.partial("messages/_own_text.html", own=own, problems=problems)


@blueprint.post(f"{ONE}/cancel")
def cancel(message_id: int) -> Response:
    """Whoever comes too late sees where the message stands now, and why."""
    try:
        single_messages.cancel(actor(), message_id)
    except Conflict as refusal:
        respond.error(refusal.code)
    else:
        respond.success(_("The message is taken back: it will not be sent."))
    return respond.redirect_to("messages.show", message_id=message_id)
