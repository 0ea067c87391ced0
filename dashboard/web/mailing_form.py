"""How is a mailing written? One form for a new one and for a draft; what is typed is never lost."""

import re
from dataclasses import replace
from datetime import datetime
from secrets import token_hex
from typing import Any

from flask import Response, request
from flask_babel import gettext as _

from ..domain import client_lists, exclusions, form_drafts, mailing_drafts, mailings, tags, trials
from ..domain.errors import Conflict, Invalid, NotFound
from ..domain.form_drafts import Fields, Unsaved
from ..domain.permissions import Actor
from ..jobs import queues
from ..marks import requires_change
from ..models import Mailing, Role, State
from . import context, respond
from .access import actor
from .extensions import creates
from .forms.mailing_fields import LONGEST_TEXT, MOST_CHOICES
from .forms.mailings import FIELD_OF, MailingForm, contents_of, contents_of_new, contents_of_unsaved
from .paging import row_number

FORM_KEY = re.compile(r"[0-9a-f]{32}|mailing-[0-9]{1,10}")


@requires_change
@creates
def new() -> Response:
    unsaved = None
    if request.method == "GET":
        unsaved = form_drafts.find(actor(), request.args.get("form", "").replace("\0", "")[:32])
    contents = contents_of_new(context.zone_name())
    return _write(MailingForm(data=contents | _typed_before(unsaved)), None, unsaved)


@requires_change
def edit(mailing_id: int) -> Response:
    mailing = mailings.get(actor(), mailing_id)
    if request.method == "GET" and mailing.state is not State.DRAFT:
        respond.error("mailing_not_draft")
        return respond.redirect_to("mailings.show", mailing_id=mailing_id)
    unsaved = unsaved_of(mailing) if request.method == "GET" else None
    contents = contents_of(mailing, context.zone_name())
    return _write(MailingForm(data=contents | _typed_before(unsaved)), mailing, unsaved)


def _typed_before(unsaved: Unsaved | None) -> dict[str, Any]:
    return contents_of_unsaved(unsaved.fields) if unsaved else {}


def unsaved_of(mailing: Mailing) -> Unsaved | None:
    """What this person has typed of a draft and not saved.

    The last keystroke may have arrived after its saving: then it is no news.
    """
    contents = contents_of(mailing, context.zone_name())
    found = form_drafts.find(actor(), form_drafts.key_of(mailing.id))
    if found is None:
        return None
    typed = contents_of_unsaved(found.fields)
    names = contents.keys() - {"version", "timezone"}
    return None if all(_plain(typed.get(name)) == _plain(contents[name]) for name in names) else found


def _plain(value: Any) -> Any:
    """As it would be saved."""
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else value or ""


def _write(form: MailingForm, mailing: Mailing | None, unsaved: Unsaved | None) -> Response:
    """The form, or the way to what came of it; a refused one comes back with all that was typed."""
    status, newer = 200, None
    if form.is_submitted():
        try:
            return _save(form, mailing)
        except Invalid as refusal:
            _explain(form, refusal)
        except Conflict as refusal:
            form.form_errors.append(refusal.code)
            # Pressed again on purpose, it makes another one, or replaces what somebody else has saved.
            form.form_key.data = token_hex(16)
            status, newer = 409, _newer(form, mailing)
    elif unsaved and mailing and form.version_read() != mailing.version:
        newer = _newer(form, mailing)
    owner = owner_of(mailing)
    _offer_choices(form, owner, mailing)
    is_fresh = mailing is None and unsaved is None and not form.is_submitted()
    return respond.page(
        "mailings/edit.html",
        status=status,
        form=form,
        mailing=mailing,
        newer=newer,
        unsaved=unsaved,
        unfinished=_unfinished() if is_fresh else [],
        timezone=form.timezone.data,
        longest_text=mailing_drafts.LONGEST_TEXT,
        trial_phone=trials.phone_of(actor()),
    )


def _newer(form: MailingForm, mailing: Mailing | None) -> dict[str, Any] | None:
    """What somebody else has saved meanwhile, field by field where it differs from what was typed here.

    The form goes on from that version: to save it again is to replace theirs, knowingly.
    """
    if mailing is None:
        return None
    try:
        saved = mailings.get(actor(), mailing.id)
    except NotFound:
        return None
    if saved.state is not State.DRAFT:
        return None
    theirs = contents_of(saved, form.timezone.data)
    form.version.data = theirs["version"]
    names = theirs.keys() - {"version", "timezone"}
    return {
        name: theirs[name] for name in theirs if name in names and (form[name].data or "") != (theirs[name] or "")
    }


def _offer_choices(form: MailingForm, owner: Actor, mailing: Mailing | None) -> None:
    names = tags.tags_of(owner)
    form.tags.offer(names)
    form.excluded_tags.offer(names)
    form.operator_codes.offer(client_lists.codes_of(owner))
    form.time_basis.offer([("instant", ""), ("client", "")])
    form.rate_unit.offer([("messages", _("messages")), ("parts", _("parts of SMS"))])
    others = [
        (str(each.id), each.title) for each in exclusions.offered(owner) if each.id != (mailing and mailing.id)
    ]
    form.excluded_mailing_id.offer([("", _("none")), *others])


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
    form_drafts.drop(actor(), form_drafts.key_of(mailing.id) if mailing else form.form_key_read() or "")
    return respond.redirect_to("mailings.show", mailing_id=mailing_id)


def _explain(form: MailingForm, refusal: Invalid) -> None:
    """A field that could not be read needs no word that it is missing."""
    problems = [replace(each, field=FIELD_OF.get(each.field, each.field)) for each in refusal.problems]
    respond.form_errors(form, Invalid([each for each in problems if not form[each.field].errors]))


def owner_of(mailing: Mailing | None) -> Actor:
    """A mailing addresses its owner's clients, whoever writes it: choices are what the owner alone would see."""
    return Actor(mailing.owner_id if mailing else actor().id, Role.OPERATOR)


def mailing_asked_for() -> Mailing | None:
    """The draft whose form asks, None for a new one. Raises NotFound."""
    mailing_id = row_number("mailing_id")
    return None if mailing_id is None else mailings.get(actor(), mailing_id)


def _unfinished() -> list[dict[str, Any]]:
    return [
        {"form_key": each.form_key, "title": _first(each.fields, "title"), "saved_at": each.saved_at}
        for each in form_drafts.of_new_mailings(actor())
    ]


def _first(fields: Fields, name: str) -> str:
    return next(iter(fields.get(name, [])), "")


def keep() -> Response:
    """The page sends what is typed by itself, every few seconds; nothing is checked."""
    mailing = mailing_asked_for()
    key = form_drafts.key_of(mailing.id) if mailing else request.form.get("form_key", "")
    saved_at: datetime | None = None
    if FORM_KEY.fullmatch(key):
        saved_at = form_drafts.keep(actor(), key, _typed())
    return respond.partial("mailings/_kept.html", saved_at=saved_at)


def _typed() -> Fields:
    names = MailingForm()._fields.keys() - {"csrf_token"}
    return {
        name: [value.replace("\0", "")[:LONGEST_TEXT] for value in request.form.getlist(name)[:MOST_CHOICES]]
        for name in sorted(names)
        if name in request.form
    }


def discard() -> Response:
    """What was typed and never saved is not wanted; the form is drawn anew."""
    mailing = mailing_asked_for()
    key = form_drafts.key_of(mailing.id) if mailing else request.form.get("form_key", "")
    form_drafts.drop(actor(), key[:32])
    respond.success(_("What had been typed is discarded."))
    if mailing is None:
        return respond.redirect_to("mailings.new")
    return respond.redirect_to("mailings.edit", mailing_id=mailing.id)
