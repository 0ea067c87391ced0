"""Who has done what? The audit log for administrators: filtered, page by page, or as a table to take along."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import Blueprint, Response, request

from .. import clock
from ..domain import audit_pages, users
from ..domain.audit import Thing
from ..domain.audit_pages import Line, Wanted
from ..domain.permissions import may_administer
from ..marks import requires
from . import context, csv_stream, respond
from .access import actor
from .paging import LARGEST_ID, LARGEST_NUMBER, Page, asked_for

blueprint = Blueprint("audit", __name__, url_prefix="/audit")
LONGEST_VERB = 40
NAMES = ("person", "thing", "number", "verb", "from", "to")
HEADER = (
    *("number", "at", "actor_id", "actor", "via", "token_id", "ip", "request_id"),
    *("verb", "object_type", "object_id", "before", "after"),
)


@blueprint.get("")
@requires(may_administer)
def index() -> Response:
    filters = _filters()
    found = audit_pages.page(actor(), _wanted(filters), asked_for(LARGEST_NUMBER))
    return respond.page(
        "audit/index.html",
        page=Page.by_id(found, **filters),
        filters=filters,
        people=users.listed(),
        things=list(Thing),
    )


@blueprint.get("/export.csv")
@requires(may_administer)
def export() -> Response:
    rows = _cells(audit_pages.everything(actor(), _wanted(_filters())))
    return csv_stream.attachment(f"audit-{clock.now():%Y-%m-%d}.csv", HEADER, rows)


def _cells(lines: Iterator[Line]) -> Iterator[list[Any]]:
    for line in lines:
        yield [
            line.id,
            line.at.isoformat(),
            line.actor_id or "",
            line.actor_name or "",
            line.via.value,
            line.token_id or "",
            line.ip or "",
            line.request_id or "",
            line.verb,
            line.object_type,
            line.object_id or "",
            *(
                json.dumps(said, ensure_ascii=False) if said is not None else ""
                for said in (line.before, line.after)
            ),
        ]


def _filters() -> dict[str, str]:
    """As they stand in the address; '' where there is no condition, or one that cannot be read."""
    asked = {name: request.args.get(name, "").strip() for name in NAMES}
    return {
        "person": asked["person"] if _whole(asked["person"], LARGEST_ID) else "",
        "thing": asked["thing"] if asked["thing"] in tuple(Thing) else "",
        "number": asked["number"] if _whole(asked["number"], LARGEST_NUMBER) else "",
        "verb": asked["verb"].replace("\0", "")[:LONGEST_VERB],
        **{name: asked[name] if _day(asked[name]) else "" for name in ("from", "to")},
    }


def _wanted(filters: dict[str, str]) -> Wanted:
    until = _day(filters["to"])
    return Wanted(
        actor_id=_whole(filters["person"], LARGEST_ID),
        thing=Thing(filters["thing"]) if filters["thing"] else None,
        object_id=_whole(filters["number"], LARGEST_NUMBER),
        verb=filters["verb"],
        since=_midnight(_day(filters["from"])),
        until=_midnight(until and until + timedelta(days=1)),
    )


def _whole(text: str, largest: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return int(text) if 0 < int(text) <= largest else None


def _day(text: str) -> date | None:
    """Years beyond which instants cannot be reckoned with are none."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 1970 <= found.year <= 9000 else None


def _midnight(day: date | None) -> datetime | None:
    """When this day begins on the user's clock."""
    return datetime.combine(day, time(), tzinfo=context.timezone()).astimezone(UTC) if day else None
