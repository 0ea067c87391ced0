"""Which mailings are there, and at which addresses is one read, written and told what to do?"""

from typing import Any

from flask import Blueprint, Response, request
from flask_babel import gettext as _

from ..domain import copying, mailing_lists
from ..models import State
from . import context, live, mailing_form, mailing_verbs, message_lists, preview, respond, trials
from .access import actor
from .paging import LARGEST_ID, LARGEST_NUMBER, Page, asked_for

ONE = f"/<int(max={LARGEST_ID}):mailing_id>"
LONGEST_QUERY = 200

blueprint = Blueprint("mailings", __name__, url_prefix="/mailings")
blueprint.add_url_rule(ONE, view_func=live.show)
blueprint.add_url_rule(f"{ONE}/live", view_func=live.live)
blueprint.add_url_rule(f"{ONE}/chart", view_func=live.chart)
blueprint.add_url_rule(f"{ONE}/messages", "messages", view_func=message_lists.of_mailing)
blueprint.add_url_rule(f"{ONE}/messages.csv", "messages_csv", view_func=message_lists.export)
blueprint.add_url_rule("/new", view_func=mailing_form.new, methods=["GET", "POST"])
blueprint.add_url_rule(f"{ONE}/edit", view_func=mailing_form.edit, methods=["GET", "POST"])
blueprint.add_url_rule(f"{ONE}/cautions", view_func=preview.cautions)
blueprint.add_url_rule("/preview", view_func=preview.preview, methods=["POST"])
blueprint.add_url_rule("/keep", view_func=mailing_form.keep, methods=["POST"])
blueprint.add_url_rule("/discard", view_func=mailing_form.discard, methods=["POST"])
blueprint.add_url_rule("/trials", view_func=trials.send, methods=["POST"], endpoint="send_trial")
blueprint.add_url_rule(f"/trials/<int(max={LARGEST_NUMBER}):trial_id>", view_func=trials.show, endpoint="trial")
mailing_verbs.add_to(blueprint, ONE)


@blueprint.get("")
def index() -> Response:
    state, q = _state_asked_for(), request.args.get("q", "").replace("\0", "").strip()[:LONGEST_QUERY]
    found = mailing_lists.page(actor(), state, asked_for(), q=q)
    filters: dict[str, Any] = {"state": state or "", "q": q}
    page = Page.by_id(found, **filters)
    states = list(mailing_lists.numbers(actor()).items())
    return respond.page("mailings/index.html", page=page, filters=filters, states=states)


def _state_asked_for() -> State | None:
    try:
        return State(request.args.get("state", ""))
    except ValueError:
        return None


@blueprint.post(f"{ONE}/copy")
def copy(mailing_id: int) -> Response:
    """To its form: what one copies, one wants to change."""

    def entitle(title: str) -> str:
        return str(_("%(title)s (copy)", title=title))

    copied = copying.copy(actor(), mailing_id, entitle, context.timezone())
    respond.success(_("This is the copy. Look at its times before you schedule it."))
    return respond.redirect_to("mailings.edit", mailing_id=copied)
