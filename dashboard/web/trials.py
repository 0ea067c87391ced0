"""How is a mailing tried out on one's own phone, from its form?"""

from flask import Response, request

from ..domain import trials
from ..domain.errors import Conflict, Forbidden, Invalid, Problem
from ..jobs import queues
from . import respond
from .access import actor, poll
from .forms.mailings import MailingForm
from .mailing_form import mailing_asked_for, owner_of


def send() -> Response:
    """The rest of the form may be half filled in; what is wrong is said beside the phone."""
    form = MailingForm()
    form.validate()
    mailing = mailing_asked_for()
    phone = request.form.get("trial_phone", "")
    try:
        trial_id = trials.begin(actor(), form.draft(mailing), owner_of(mailing).id, phone)
    except Invalid as refusal:
        return respond.partial("mailings/_trial.html", trial=None, problems=refusal.problems)
    except (Conflict, Forbidden) as refusal:
        if refusal.code is None:
            raise
        return respond.partial("mailings/_trial.html", trial=None, problems=[Problem("trial_phone", refusal.code)])
    queues.send_trial_later(trial_id)
    return respond.partial("mailings/_trial.html", trial=trials.get(actor(), trial_id), problems=[])


@poll
def show(trial_id: int) -> Response:
    """Asks for itself again until the outcome is known."""
    return respond.partial("mailings/_trial.html", trial=trials.get(actor(), trial_id), problems=[])
