"""Which outcomes are unknown, and how does a person decide about one, some or all of them?

A decision is asked for by GET, so that its question is a page of its own that says what will happen, and made by
the POST of that page.
"""

import re
from typing import Any

from flask import Blueprint, Response, get_template_attribute, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from ..domain import unknown_decisions, unknown_lists
from ..domain.errors import Invalid
from ..domain.unknown_decisions import Choice, Decided
from ..domain.unknown_lists import Position, UnknownFilter
from ..domain.unknown_outcomes import Decision
from ..jobs import queues
from ..marks import requires_change
from . import context, filters, respond
from .access import actor, local_path
from .forms.unknowns import DecisionForm
from .messages import LARGEST_MSG_ID
from .paging import Page, closed, opened, row_number

# More than a page of the list holds; a forged address must not become a long question.
MOST_TICKED = 200
LONGEST_REASON = 32
PLACE = re.compile(r"([0-9]{1,10})\.([0-9]{1,11})")

blueprint = Blueprint("unknowns", __name__, url_prefix="/unknown")


@blueprint.get("")
def index() -> Response:
    wanted = _filter()
    found = unknown_lists.page(actor(), wanted, after=_place("after"), before=_place("before"))
    page = Page.of(
        found.items,
        total=found.total,
        next_={"after": _cursor(found.next_after)},
        previous={"before": _cursor(found.previous_before)},
        **_named(wanted),
    )
    reasons = sorted({code for mailing in found.mailings for code in mailing.reasons})
    shown: dict[str, Any] = {
        "page": page,
        "mailings": found.mailings,
        "reasons": reasons,
        "filters": _named(wanted),
    }
    return respond.page("unknowns/index.html", **shown)


def _filter() -> UnknownFilter:
    return UnknownFilter(row_number("mailing"), request.args.get("reason", "").replace("\0", "")[:LONGEST_REASON])


def _named(wanted: UnknownFilter) -> dict[str, Any]:
    return {"mailing": wanted.mailing_id or "", "reason": wanted.reason}


def _place(name: str) -> Position | None:
    match = PLACE.fullmatch(opened(request.args.get(name, "")))
    return Position(int(match[1]), match[2]) if match else None


def _cursor(place: Position | None) -> str | None:
    return closed(f"{place.mailing_id}.{place.phone}") if place else None


@blueprint.get("/decide")
@requires_change
def ask() -> Response:
    """The question: how many, of which mailings, what will happen to them."""
    asked = _asked()
    if asked is None:
        respond.error("nothing_ticked")
        return respond.redirect_to("unknowns.index", **_set(_named(_filter())))
    back = local_path(request.referrer) or url_for("unknowns.index")
    return _question(*asked, DecisionForm(formdata=None, data={"timezone": context.zone_name(), "back": back}))


@blueprint.post("/decide")
def decide() -> Response:
    """The choice stands in the address, as it did when it was asked for. To press twice is to press once."""
    asked = _asked()
    if asked is None:
        return respond.redirect_to("unknowns.index")
    decision, choice = asked
    form = DecisionForm()
    try:
        decided = unknown_decisions.decide(actor(), choice, decision, form.ends_at_read())
    except Invalid as refusal:
        respond.form_errors(form, refusal)
        return _question(decision, choice, form)
    if decision is Decision.RESEND:
        queues.work_later()
    _tell(decision, decided)
    return respond.redirect_to_path(local_path(form.back.data) or url_for("unknowns.index"))


def _asked() -> tuple[Decision, Choice] | None:
    """From the address: one (`resend=12`), all that match (`all=resend`), or the ticked ones. None: none."""
    for decision in Decision:
        one = _number(request.args.get(decision.value, ""))
        if one is not None:
            return decision, Choice(message_ids=(one,))
    for name in ("all", "ticked"):
        if request.args.get(name) in [*Decision]:
            decision = Decision(request.args[name])
            if name == "all":
                return decision, Choice(_filter())
            ids = tuple(filter(None, map(_number, request.args.getlist("id")[:MOST_TICKED])))
            return (decision, Choice(message_ids=ids)) if ids else None
    return None


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > 16:
        return None
    return int(text) if 0 < int(text) <= LARGEST_MSG_ID else None


def _set(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _question(decision: Decision, choice: Choice, form: DecisionForm) -> Response:
    shares = unknown_decisions.shares(actor(), choice)
    return respond.page("unknowns/decide.html", decision=decision, shares=shares, form=form)


def _tell(decision: Decision, decided: Decided) -> None:
    count, n = decided.count, filters.number(decided.count)
    if not count and not decided.left:
        respond.info(_("There was nothing left to decide."))
    elif count and decision is Decision.RESEND:
        respond.success(
            ngettext("%(n)s message will be sent again.", "%(n)s messages will be sent again.", count, n=n)
        )
    elif count:
        respond.success(
            ngettext("%(n)s message is taken for sent.", "%(n)s messages are taken for sent.", count, n=n)
        )
    problem_text = get_template_attribute("components/reasons.html", "problem_text")
    for code, left in decided.left.items():
        why = str(problem_text(code))
        respond.error(_("Still unknown: %(n)s. %(why)s.", n=filters.number(left), why=why))
    if not decided.is_whole:
        respond.info(_("There are more than fit into one go: press again for the rest."))
