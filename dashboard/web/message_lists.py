"""What became of each message of a mailing? Its list, narrowed by what the address says, and the same as CSV."""

from collections.abc import Callable, Iterator
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Any

from flask import Response, get_template_attribute, request
from flask_babel import gettext as _

from .. import zones
from ..domain import message_lists
from ..domain.message_lists import MessageRow
from ..domain.message_walks import Sought
from ..models import Status
from . import context, csv_stream, respond
from .access import actor
from .paging import Page, closed, opened

LONGEST_FILTER = 64


def of_mailing(mailing_id: int) -> Response:
    """Registered as mailings.messages."""
    sought = _sought()
    found = message_lists.page(actor(), mailing_id, sought, after=_cursor("after"), before=_cursor("before"))
    filters = _filters(sought)
    page = Page.of(
        found.items,
        total=found.total,
        next_={"after": closed(found.next_after)},
        previous={"before": closed(found.previous_before)},
        **filters,
    )
    mailing = {"id": mailing_id, "title": found.mailing_title}
    return respond.page("mailings/messages.html", mailing=mailing, found=found, filters=filters, page=page)


def export(mailing_id: int) -> Response:
    """Registered as mailings.messages_csv. Instants are on the user's clock and on the client's own."""
    rows = message_lists.every(actor(), mailing_id, _sought())
    header = [
        _("Phone"),
        _("Status"),
        _("Why"),
        _("Operator code"),
        _("Time zone"),
        _("Tries"),
        _("When (%(zone)s)", zone=context.zone_name()),
        _("When, by the client's clock"),
        _("Message number"),
    ]
    return csv_stream.attachment(f"messages-{mailing_id}.csv", header, _cells(rows))


def _cells(rows: Iterator[MessageRow]) -> Iterator[list[Any]]:
    status_word, reason_text = _worded("status", "status_word"), _worded("reasons", "reason_text")
    users = context.timezone()
    for row in rows:
        yield [
            row.phone,
            status_word(row.status),
            reason_text(row.reason) if row.reason else "",
            row.operator_code,
            row.timezone,
            row.tries,
            _clock(row.settled_at, users),
            _clock(row.settled_at, zones.zone(row.timezone)),
            str(row.id),
        ]


def _worded(file: str, macro: str) -> Callable[[str], str]:
    """The words that pages have for a code; each code is looked up once."""
    words = get_template_attribute(f"components/{file}.html", macro)
    return lru_cache(maxsize=None)(lambda code: str(words(code)))


def _clock(instant: datetime | None, zone: tzinfo) -> str:
    return f"{instant.astimezone(zone):%Y-%m-%d %H:%M:%S}" if instant else ""


def _sought() -> Sought:
    try:
        status = Status(request.args.get("status", ""))
    except ValueError:
        status = None
    return Sought(status, reason=_text("reason"), code=_text("code"), zone=_text("zone"), phone=_text("phone"))


def _filters(sought: Sought) -> dict[str, Any]:
    """As they stand in the address; '' where there is no condition."""
    return {
        "status": sought.status or "",
        "reason": sought.reason,
        "code": sought.code,
        "zone": sought.zone,
        "phone": sought.phone,
    }


def _text(name: str) -> str:
    return request.args.get(name, "").replace("\0", "").strip()[:LONGEST_FILTER]


def _cursor(name: str) -> str | None:
    return opened(request.args.get(name, "")) or None
