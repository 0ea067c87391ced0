"""How is a mailing watched? Its page, the poll that replaces the living part, and the numbers of its chart."""

from flask import Response, jsonify, request

from ..domain import live as pictures
from ..domain import mailings, statistics
from . import mailing_form, respond
from .access import actor, poll


def show(mailing_id: int) -> Response:
    picture = pictures.picture(actor(), mailing_id)
    unsaved = mailing_form.unsaved_of(mailings.get(actor(), mailing_id)) if picture.may_edit else None
    return respond.page("mailings/show.html", mailing=picture.mailing, live=picture, unsaved=unsaved)


@poll
def live(mailing_id: int) -> Response:
    """204 while the picture is the one that the page says it has."""
    picture = pictures.picture(actor(), mailing_id)
    if request.args.get("version") == picture.version:
        return respond.not_modified()
    return respond.partial("mailings/_live.html", mailing=picture.mailing, live=picture)


@poll
def chart(mailing_id: int) -> Response:
    """Outcomes by minute: `series[status][i]` belongs to `minutes[i]`, which is an ISO instant."""
    mailings.get(actor(), mailing_id)
    found = statistics.over_time(mailing_id)
    return jsonify(minutes=[minute.isoformat() for minute in found.minutes], series=found.series)
