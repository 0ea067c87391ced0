"""How is a mailing told what to do? A button is pressed, and its page says what has come of it."""

from collections.abc import Callable

from flask import Blueprint, Response
from flask_babel import gettext as _

from ..domain import mailings
from ..domain.errors import Conflict, Invalid
from ..domain.mailings import TRANSITIONS, Verb
from ..domain.permissions import Actor
from ..jobs import queues
from ..models import State
from . import respond
from .access import actor
from .paging import row_number


def _schedule(actor: Actor, mailing_id: int) -> None:
    """As the page has shown it."""
    mailings.schedule(actor, mailing_id, row_number("version"))


VERBS: dict[Verb, Callable[[Actor, int], None]] = {
    Verb.SCHEDULE: _schedule,
    Verb.UNSCHEDULE: mailings.unschedule,
    Verb.PAUSE: mailings.pause,
    Verb.RESUME: mailings.resume,
    Verb.CANCEL: mailings.cancel,
}


def add_to(blueprint: Blueprint, one: str) -> None:
    """`one` is the address of a mailing; the views are mailings.schedule, mailings.pause and so on."""
    for verb in Verb:
        blueprint.add_url_rule(f"{one}/{verb}", verb, view_func=_button(verb), methods=["POST"])
    blueprint.add_url_rule(f"{one}/delete", view_func=delete, methods=["POST"])


def _button(verb: Verb) -> Callable[[int], Response]:
    def view(mailing_id: int) -> Response:
        return _press(verb, mailing_id)

    return view


def _press(verb: Verb, mailing_id: int) -> Response:
    """Whoever comes too late sees how things stand now, and why; to press twice is to press once."""
    try:
        VERBS[verb](actor(), mailing_id)
    except Conflict as refusal:
        if not _has_happened(verb, mailings.get(actor(), mailing_id).state):
            respond.error(refusal.code)
    except Invalid as refusal:
        respond.error(refusal.problems[0].code)
    else:
        queues.work_later()
    return respond.redirect_to("mailings.show", mailing_id=mailing_id)


def _has_happened(verb: Verb, state: State) -> bool:
    """A scheduled mailing whose time has come may be running before the second click arrives."""
    return state is TRANSITIONS[verb][1] or (verb is Verb.SCHEDULE and state is State.RUNNING)


def delete(mailing_id: int) -> Response:
    try:
        mailings.remove(actor(), mailing_id)
    except Conflict as refusal:
        respond.error(refusal.code)
        return respond.redirect_to("mailings.show", mailing_id=mailing_id)
    respond.success(_("The draft is deleted."))
    return respond.redirect_to("mailings.index")
