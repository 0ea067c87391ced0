"""How is a mailing told what to do? A button is pressed, and its page says what has come of it."""

from collections.abc import Callable

from flask import Blueprint, Response
from flask_babel import gettext as _

from ..domain import approval, mailings, statistics
from ..domain.errors import Conflict, Invalid
from ..domain.mailings import TRANSITIONS, Verb
from ..domain.permissions import Actor
from ..jobs import queues
from ..models import State, Status
from . import mailing_limits, mailing_resending, respond
from .access import actor
from .filters import number
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
    blueprint.add_url_rule(f"{one}/approve", view_func=approve, methods=["POST"])
    blueprint.add_url_rule(f"{one}/delete", view_func=delete, methods=["POST"])
    blueprint.add_url_rule(f"{one}/limits", view_func=mailing_limits.limits, methods=["GET", "POST"])
    blueprint.add_url_rule(f"{one}/resend", view_func=mailing_resending.resend, methods=["GET", "POST"])


def _button(verb: Verb) -> Callable[[int], Response]:
    def view(mailing_id: int) -> Response:
        return _press(verb, mailing_id)

    return view


def _press(verb: Verb, mailing_id: int) -> Response:
    """Whoever comes too late sees how things stand now, and why; to press twice is to press once."""
    try:
        VERBS[verb](actor(), mailing_id)
    except Conflict as refusal:
        if _has_happened(verb, mailings.get(actor(), mailing_id).state):
            respond.info(_said_already(verb))
        else:
            respond.error(refusal.code)
    except Invalid as refusal:
        respond.error(refusal.problems[0].code)
    else:
        queues.work_later()
        respond.success(_said(verb, mailing_id))
    return respond.redirect_to("mailings.show", mailing_id=mailing_id)


def _has_happened(verb: Verb, state: State) -> bool:
    """A scheduled mailing whose time has come may be running before the second click arrives."""
    return state is TRANSITIONS[verb][1] or (verb is Verb.SCHEDULE and state is State.RUNNING)


def _said_already(verb: Verb) -> str:
    """To whoever presses a second time, or in another tab."""
    words = {
        Verb.SCHEDULE: _("This mailing is scheduled already."),
        Verb.UNSCHEDULE: _("This mailing is a draft already."),
        Verb.PAUSE: _("This mailing is paused already."),
        Verb.RESUME: _("This mailing goes on already."),
        Verb.CANCEL: _("This mailing is cancelled already."),
    }
    return str(words[verb])


def _said(verb: Verb, mailing_id: int) -> str:
    """What has been done, in numbers of the instant after it."""
    if verb is Verb.SCHEDULE:
        return str(_("The mailing is scheduled."))
    if verb is Verb.UNSCHEDULE:
        return str(_("The mailing is a draft again."))
    counts = statistics.counts(mailing_id)
    numbers = {
        "left": number(counts[Status.SENT] + counts[Status.UNKNOWN]),
        "flight": number(counts[Status.SENDING]),
        "waiting": number(counts[Status.QUEUED]),
    }
    if verb is Verb.PAUSE:
        return str(_("Paused. Already left: %(left)s, in flight: %(flight)s, waiting: %(waiting)s.", **numbers))
    if verb is Verb.RESUME:
        return str(_("The mailing goes on. Waiting: %(waiting)s.", **numbers))
    return str(
        _("Cancelled. Already left: %(left)s, in flight: %(flight)s, will not be sent: %(waiting)s.", **numbers)
    )


def approve(mailing_id: int) -> Response:
    try:
        approval.approve(actor(), mailing_id)
    except Conflict as refusal:
        respond.error(refusal.code)
    else:
        queues.work_later()
        respond.success(_("Approved. The mailing starts at its time."))
    return respond.redirect_to("mailings.show", mailing_id=mailing_id)


def delete(mailing_id: int) -> Response:
    try:
        mailings.remove(actor(), mailing_id)
    except Conflict as refusal:
        respond.error(refusal.code)
        return respond.redirect_to("mailings.show", mailing_id=mailing_id)
    respond.success(_("The draft is deleted."))
    return respond.redirect_to("mailings.index")
