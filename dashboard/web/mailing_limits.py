"""How are the rate and the budget of a mailing changed while it is sent?"""

from flask import Response, request
from flask_babel import gettext as _

from ..domain import limits as domain_limits
from ..domain import mailing_limits, mailings
from ..domain.errors import Conflict, Invalid
from ..jobs import queues
from ..marks import requires_change
from ..models import Mailing, PauseReason, State
from . import respond
from .access import actor
from .forms.mailing_verbs import LimitsForm, limits_of


@requires_change
def limits(mailing_id: int) -> Response:
    """Registered as mailings.limits. `action=resume` lets a paused mailing go on as well."""
    mailing = mailings.get(actor(), mailing_id)
    form = LimitsForm(data=limits_of(mailing))
    if mailing.state not in domain_limits.CHANGEABLE:
        respond.error("cannot_change_limits")
        return respond.redirect_to("mailings.show", mailing_id=mailing_id)
    if form.is_submitted():
        try:
            return _save(form, mailing)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            respond.error(refusal.code)
            return respond.redirect_to("mailings.show", mailing_id=mailing_id)
    form.rate_unit.offer([("messages", ""), ("parts", "")])
    may_go_on = mailing.state is State.PAUSED and mailing.pause_reason is not PauseReason.CANARY
    return respond.page("mailings/limits.html", form=form, mailing=mailing, may_go_on=may_go_on)


def _save(form: LimitsForm, mailing: Mailing) -> Response:
    """Raises Invalid and Conflict."""
    form.validate()
    rate_limit, rate_unit, budget_parts = form.numbers()
    if form.errors:
        raise Invalid([])
    mailing_limits.change(actor(), mailing.id, rate_limit, rate_unit, budget_parts)
    respond.success(_("The limits are changed; they hold from the next message on."))
    if request.form.get("action") == "resume":
        mailings.resume(actor(), mailing.id)
        queues.work_later()
        respond.success(_("The mailing goes on."))
    return respond.redirect_to("mailings.show", mailing_id=mailing.id)
