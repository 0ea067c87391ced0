"""What is going on, what needs a decision, and how did the last days go?"""

from flask import Blueprint, Response, jsonify, request

from ..domain import daily, overview
from . import context, respond
from .access import actor, poll

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
def show() -> Response:
    picture = overview.picture(actor(), context.timezone())
    return respond.page("overview/show.html", overview=picture)


@blueprint.get("/now")
@poll
def now() -> Response:
    """The living part alone; 204 while the picture is the one that the page says it has."""
    picture = overview.picture(actor(), context.timezone())
    if request.args.get("version") == picture.version:
        return respond.not_modified()
    return respond.partial("overview/_now.html", overview=picture)


@blueprint.get("/statistics/days")
@poll
def days() -> Response:
    """Outcomes by day of the user's zone: `series[status][i]` belongs to `days[i]`, an ISO date; today is last."""
    found = daily.last_days(actor(), context.timezone())
    return jsonify(days=[day.isoformat() for day in found.days], series=found.series)
