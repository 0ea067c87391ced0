"""How are mailings listed and written?"""

from secrets import token_hex
from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from ..domain import audience as audiences
from ..domain import client_lists, mailing_drafts, mailing_lists, mailings, tags
from ..domain.audience import Audience
from ..domain.errors import Conflict, Invalid
from ..domain.permissions import Actor
from ..jobs import queues
from ..models import Mailing, Role, State
from . import context, live, mailing_verbs, messages, respond
from .access import actor, requires_change
from .forms.mailings import MailingForm, contents_of, contents_of_new
from .paging import LARGEST_ID, Page, asked_for, row_number

ONE = f"/<int(max={LARGEST_ID}):mailing_id>"

blueprint = Blueprint("mailings", __name__, url_prefix="/mailings")
blueprint.add_url_rule(ONE, view_func=live.show)
blueprint.add_url_rule(f"{ONE}/live", view_func=live.live)
blueprint.add_url_rule(f"{ONE}/chart", view_func=live.chart)
blueprint.add_url_rule(f"{ONE}/messages", "messages", view_func=messages.of_mailing)
mailing_verbs.add_to(blueprint, ONE)


@blueprint.get("")
def index() -> Response:
    state = _state_asked_for()
    found = mailing_lists.page(actor(), state, asked_for())
    filters: dict[str, Any] = {"state": state or ""}
    page = Page.by_id(found, **filters)
    states = list(mailing_lists.numbers(actor()).items())
    return respond.page("mailings/index.html", page=page, filters=filters, states=states)


def _state_asked_for() -> State | None:
    try:
        return State(request.args.get("state", ""))
    except ValueError:
        return None


@blueprint.route("/new", methods=["GET", "POST"])
@requires_change
def new() -> Response:
    return _write(MailingForm(data=contents_of_new(context.zone_name())), None)


@blueprint.route(f"{ONE}/edit", methods=["GET", "POST"])
@requires_change
def edit(mailing_id: int) -> Response:
    mailing = mailings.get(actor(), mailing_id)
    if request.method == "GET" and mailing.state is not State.DRAFT:
        respond.error("mailing_not_draft")
        return respond.redirect_to("mailings.show", mailing_id=mailing_id)
    return _write(MailingForm(data=contents_of(mailing, context.zone_name())), mailing)


def _write(form: MailingForm, mailing: Mailing | None) -> Response:
    """The form, or the way to what came of it; a refused one comes back with all that was typed."""
    status = 200
    if form.is_submitted():
        try:
            return _save(form, mailing)
        except Invalid as refusal:
            _explain(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
            # Pressed again on purpose, it makes another one.
            form.form_key.data = token_hex(16)
            status = 409
    owner = _owner(mailing)
    form.tags.offer(tags.tags_of(owner))
    form.operator_codes.offer(client_lists.codes_of(owner))
    return respond.page(
        "mailings/edit.html",
        status=status,
        form=form,
        mailing=mailing,
        audience=None,
        timezone=form.timezone.data,
        longest_text=mailing_drafts.LONGEST_TEXT,
    )


def _save(form: MailingForm, mailing: Mailing | None) -> Response:
    """Raises Invalid with everything that is wrong, and Conflict if somebody was quicker."""
    form.validate()
    draft = form.draft(mailing)
    if form.errors:
        mailing_drafts.checked(draft)
        raise Invalid([])
    mailing_id = mailing.id if mailing else None
    if request.form.get("action") == "schedule":
        mailing_id = mailings.launch(actor(), draft, mailing_id, form.version_read(), form.form_key_read())
        queues.work_later()
        respond.success(_("The mailing is scheduled."))
    elif mailing_id is None:
        mailing_id = mailings.create(actor(), draft, form.form_key_read())
        respond.success(_("The draft is saved."))
    else:
        mailings.change(actor(), mailing_id, draft, form.version_read())
        respond.success(_("The draft is saved."))
    return respond.redirect_to("mailings.show", mailing_id=mailing_id)


def _explain(form: MailingForm, refusal: Invalid) -> None:
    """A field that could not be read needs no word that it is missing."""
    respond.form_errors(form, Invalid([each for each in refusal.problems if not form[each.field].errors]))


def _owner(mailing: Mailing | None) -> Actor:
    """A mailing addresses its owner's clients, whoever writes it: choices are what the owner alone would see."""
    return Actor(mailing.owner_id if mailing else actor().id, Role.OPERATOR)


@blueprint.post("/audience")
def audience() -> Response:
    """How many clients match what is chosen so far? The rest of the form may be half filled in."""
    form = MailingForm()
    mailing_id = row_number("mailing_id")
    owner = _owner(None if mailing_id is None else mailings.get(actor(), mailing_id))
    wanted = Audience(
        owner.id,
        tuple(form.tags.data or ()),
        tuple(form.operator_codes.data or ()),
        everybody=bool(form.everybody.data),
    )
    sample = [
        {"phone": client.phone, "timezone": client.timezone, "tags": [tag.name for tag in client.tags]}
        for client in audiences.sample(wanted)
    ]
    is_unchosen = not (wanted.everybody or wanted.tags or wanted.operator_codes)
    found = {"is_unchosen": is_unchosen, "count": audiences.count(wanted), "sample": sample}
    return respond.partial("mailings/_audience.html", audience=found)
