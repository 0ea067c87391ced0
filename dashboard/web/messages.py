"""What became of each message of a mailing?"""

from typing import Any

from flask import Blueprint, Response, request

from ..domain import messages
from ..domain import waiting as waits
from ..domain.messages import MessageFilter
from ..models import Status
from . import respond
from .access import actor
from .paging import Page

# Numbers of messages, which are the gateway's msgIds, stay below this.
LARGEST_ID = 2**53
LONGEST_FILTER = 32

blueprint = Blueprint("messages", __name__, url_prefix="/messages")


def of_mailing(mailing_id: int) -> Response:
    """Registered as mailings.messages."""
    wanted = _filter_asked_for()
    found = messages.page(actor(), mailing_id, wanted, after=_phone("after"), before=_phone("before"))
    filters: dict[str, Any] = {"status": wanted.status or "", "reason": wanted.reason}
    page = Page.of(
        found.items,
        total=found.total,
        next_={"after": found.next_after},
        previous={"before": found.previous_before},
        **filters,
    )
    mailing = {"id": mailing_id, "title": found.mailing_title}
    return respond.page("mailings/messages.html", mailing=mailing, counts=found.counts, filters=filters, page=page)


def _filter_asked_for() -> MessageFilter:
    try:
        status = Status(request.args.get("status", ""))
    except ValueError:
        status = None
    return MessageFilter(status, request.args.get("reason", "").replace("\0", "")[:LONGEST_FILTER])


def _phone(name: str) -> str | None:
    """A cursor; anything but digits is none."""
    text = request.args.get(name, "")
    return text if text.isascii() and text.isdigit() else None


@blueprint.get(f"/<int(max={LARGEST_ID}):message_id>")
def show(message_id: int) -> Response:
    message = messages.get(actor(), message_id)
    waiting = waits.reason(message_id) if message.status is Status.QUEUED else None
    return respond.page("messages/show.html", message=message, waiting=waiting)
