"""How are failed messages sent again: which reasons, and until when?"""

from flask import Response, request
from flask_babel import gettext as _
from flask_babel import ngettext

from ..domain import decisions, mailings, resending, statistics
from ..domain.errors import Conflict, Invalid
from ..domain.statistics import ReasonCount
from ..jobs import queues
from ..marks import requires_change
from ..models import Mailing, Status
from . import context, respond
from .access import actor
from .filters import number
from .forms.mailing_verbs import ResendForm, resend_of


@requires_change
def resend(mailing_id: int) -> Response:
    """Registered as mailings.resend. `reason` in the address is chosen already; else all are."""
    mailing = mailings.get(actor(), mailing_id)
    failed = [row for row in statistics.reasons(mailing_id) if row.status is Status.FAILED]
    form = ResendForm(data=resend_of(mailing, context.zone_name(), _chosen(failed)))
    if form.is_submitted():
        try:
            return _resend(form, mailing)
        except Invalid as refusal:
            respond.form_errors(form, refusal)
        except Conflict as refusal:
            respond.error(refusal.code)
            return respond.redirect_to("mailings.show", mailing_id=mailing_id)
    elif not decisions.resendable(actor(), mailing, statistics.counts(mailing_id)):
        respond.error("nothing_to_resend")
        return respond.redirect_to("mailings.show", mailing_id=mailing_id)
    form.reasons.offer([row.reason for row in failed])
    return respond.page("mailings/resend.html", form=form, mailing=mailing, failed=failed)


def _chosen(failed: list[ReasonCount]) -> list[str]:
    reasons = [row.reason for row in failed]
    asked_for = request.args.get("reason")
    return [asked_for] if asked_for in reasons else reasons


def _resend(form: ResendForm, mailing: Mailing) -> Response:
    """Raises Invalid and Conflict."""
    form.validate()
    reasons, ends_at = form.chosen(), form.end(mailing)
    if form.errors:
        raise Invalid([])
    count, is_whole = resending.resend_some(actor(), mailing.id, reasons, ends_at)
    queues.work_later()
    respond.success(ngettext("%(n)s message waits again.", "%(n)s messages wait again.", count, n=number(count)))
    if not is_whole:
        respond.error(_("There are more than fit into one go: press again for the rest."))
    return respond.redirect_to("mailings.show", mailing_id=mailing.id)
