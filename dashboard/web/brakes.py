"""How is all sending stopped and let go on, and how does every open page come to know of it?

The bars above a page ask by a slow timer. Whatever else the page asks for says which bars it shows, and hears in
the answer that they are old: so a page that polls anyhow knows at once, and needs no second poll.
"""

from flask import Blueprint, Flask, Response
from flask_babel import gettext as _
from htmx_flask import request

from ..domain import brakes
from ..jobs import queues
from ..marks import requires_change
from . import access, respond
from .access import actor, poll
from .forms.brakes import GoOnForm

# The request's header, and the event on which static/js/bars.js and templates/_bars.html agree.
SHOWN, CHANGED = "X-Bars", "bars-changed"

blueprint = Blueprint("brakes", __name__, url_prefix="/brakes")


def init_app(app: Flask) -> None:
    app.after_request(tell_of_change)


def tell_of_change(answer: Response) -> Response:
    """Beside any answer to htmx: the bars that this page shows are true no longer."""
    shown = request.headers.get(SHOWN)
    if (
        shown is None
        or request.endpoint == "brakes.bars"
        or not access.user_or_none()
        or answer.status_code >= 400
    ):
        return answer
    if shown != brakes.standing().version:
        answer.headers.setdefault("HX-Trigger", CHANGED)
    return answer


@blueprint.get("/bars")
@poll
def bars() -> Response:
    """204 while the bars are those that the page says it has."""
    if request.args.get("version") == brakes.standing().version:
        return respond.not_modified()
    return respond.partial("_bars_anew.html")


@blueprint.get("/running")
@requires_change
def running() -> Response:
    """What the question before the stop says of this moment."""
    return respond.partial("_global_stop_running.html", running=brakes.running())


@blueprint.post("/stop")
def stop() -> Response:
    brakes.stop_everything(actor())
    respond.success(_("Everything is stopped. What was on its way to the gateway still gets there."))
    return _back()


@blueprint.post("/go-on")
def go_on() -> Response:
    """Only from the stop that the page showed: a newer one is shown first."""
    brakes.go_on(actor(), GoOnForm().seen())
    queues.work_later()
    respond.success(_("Sending goes on."))
    return _back()


def _back() -> Response:
    """To the page on which the button was pressed."""
    return respond.redirect_to_path(access.local_path(request.referrer) or "/")
