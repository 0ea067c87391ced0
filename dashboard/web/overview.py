"""What is going on, and what needs a decision?"""

from flask import Blueprint, Response, request

from ..domain import overview
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
