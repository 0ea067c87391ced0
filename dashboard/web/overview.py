"""What is going on, what needs a decision, and how did the last days go?"""

from flask import Blueprint, Response, current_app, jsonify, request

from ..domain import daily, overview
from ..domain.overview import Overview
from ..gateway import token_expires_at
from . import context, respond
from .access import actor, poll

blueprint = Blueprint("overview", __name__)


@blueprint.get("/")
def show() -> Response:
    picture = _picture()
    return respond.page("overview/show.html", overview=picture)


@blueprint.get("/now")
@poll
def now() -> Response:
    """The living part alone; 204 while the picture is the one that the page says it has."""
    picture = _picture()
    if request.args.get("version") == picture.version:
        return respond.not_modified()
    return respond.partial("overview/_now.html", overview=picture)


def _picture() -> Overview:
    expires_at = token_expires_at(current_app.config["SETTINGS"].gateway_token)
    return overview.picture(actor(), context.timezone(), expires_at)


@blueprint.get("/statistics/days")
@poll
def days() -> Response:
    """Outcomes by day of the user's zone: `series[status][i]` belongs to `days[i]`, an ISO date; today is last."""
    found = daily.last_days(actor(), context.timezone())
    return jsonify(days=[day.isoformat() for day in found.days], series=found.series)
