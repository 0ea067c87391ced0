"""What does the form show while somebody types, and the question before a saved mailing is let go?

One request answers all of it: see domain/forecast.
"""

from flask import Response, request

from ..domain import forecast
from ..marks import requires_change
from . import respond
from .access import actor
from .forms.mailings import MailingForm
from .mailing_form import mailing_asked_for, owner_of


def preview() -> Response:
    """The rest of the form may be half filled in. `whole=1`: count everybody, however many they are."""
    form = MailingForm()
    form.validate()
    mailing = mailing_asked_for()
    found = forecast.of(form.draft(mailing), owner_of(mailing).id, whole=bool(request.args.get("whole")))
    return respond.partial(
        "mailings/_preview.html",
        forecast=found,
        mailing=mailing,
        timezone=form.timezone.data,
        text=form.text.data or "",
    )


@requires_change
def cautions(mailing_id: int) -> Response:
    """Of the mailing as it is saved: what one should know before it is scheduled, or approved."""
    return respond.partial("mailings/_cautions.html", cautions=forecast.cautions_of(actor(), mailing_id))
