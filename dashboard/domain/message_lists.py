"""Which messages does a mailing have? Its list, page by page, and the same list as a whole for a file.

Made for mailings of millions: no OFFSET, no count; how many there are is what the tallies say.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ..database import db, end_reading
from ..models import WAITING, Message, Status
from . import audit, books, bulk, mailings, message_walks, reopening, standing
from .audit import Thing
from .books import Books
from .message_walks import Found, Sought, Walk
from .permissions import Actor
from .statistics import Counts, ReasonCount

PAGE = 50
# Rows that a page looks through at most. Scattered among five million in PostgreSQL that takes 20 ms.
LOOK = 10_000
# Rows of one statement of the export.
BATCH = 2_000


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: int
    phone: str
    operator_code: str
    timezone: str
    status: Status
    reason: str | None
    tries: int
    send_after: datetime | None
    settled_at: datetime | None
    mailing_id: int
    client_id: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MessagePage:
    """The cursors are phones, sealed in addresses, to ask the next or the previous page with; None: there is none.

    `total` is None where nobody has counted it. `looked_through`: the page ended after so many rows, among which
    only those in `items` were wanted, and the next page goes on looking; None: it is full, or at the list's end.
    `codes` and `zones` are those of the mailing's messages.
    """

    mailing_id: int
    mailing_title: str
    # Since when its messages are kept no longer, but only counted.
    folded_at: datetime | None
    counts: Counts
    reasons: list[ReasonCount]
    codes: list[str]
    zones: list[str]
    items: list[MessageRow]
    next_after: str | None
    previous_before: str | None
    total: int | None
    looked_through: int | None


def page(
    actor: Actor,
    mailing_id: int,
    sought: Sought | None = None,
    *,
    after: str | None = None,
    before: str | None = None,
    limit: int = PAGE,
    look: int = LOOK,
) -> MessagePage:
    """Messages to phones that follow `after`, or the ones just ahead of `before`. Raises NotFound."""
    mailing = mailings.get(actor, mailing_id)
    sought = sought or Sought()
    kept = books.of(mailing_id)
    bounds = _bounds(sought, kept)
    found: list[Found] = []
    stopped_at = None
    # Of what the books know to be nowhere, a million rows need not be asked.
    if min(bounds):
        walk = message_walks.to(mailing_id, _narrowed(sought, kept.reasons), kept.counts[Status.QUEUED])
        found, stopped_at = message_walks.go(walk, after, before, limit + 1, look)
    onward = found[limit - 1][1] if len(found) > limit else stopped_at
    shown = found[:limit] if before is None else found[:limit][::-1]
    rows = of_ids([number for number, _phone in shown])
    is_whole = after is before is onward is None
    next_after, previous_before = _cursors([phone for _number, phone in shown], onward, after, before)
    return MessagePage(
        mailing_id=mailing_id,
        mailing_title=mailing.title,
        folded_at=mailing.folded_at,
        counts=kept.counts,
        reasons=kept.reasons,
        codes=sorted(kept.by_code),
        zones=sorted(kept.by_zone),
        # A way by the rows' own status also meets those that are in the air.
        items=[row for row in rows if sought.status in (None, row.status)],
        next_after=next_after,
        previous_before=previous_before,
        total=len(shown) if is_whole else bounds[0] if len(bounds) == 1 else None,
        looked_through=look if stopped_at is not None else None,
    )


def _bounds(sought: Sought, kept: Books) -> list[int]:
    """No more than the least of these are found; a single one is their number."""
    bounds = []
    if sought.reason:
        rows = [row for row in kept.reasons if row.reason == sought.reason]
        bounds.append(sum(row.count for row in rows if sought.status in (None, row.status)))
    for key, of_key in ((sought.code, kept.by_code), (sought.zone, kept.by_zone)):
        if key:
            bounds.append(_of_status(of_key.get(key, {}), sought.status))
    if sought.phone or not bounds or sought.status in WAITING:
        # By code and zone the two that wait are one in the books, and by phone nothing is.
        bounds.append(sum(kept.counts.values()) if sought.status is None else kept.counts[sought.status])
    if sought.phone:
        bounds.append(max(bounds) if message_walks.some_digits_of(sought.phone) else 0)
    if sought.since or sought.until:
        bounds.append(max(bounds))
    return bounds


def _of_status(kept: dict[str, int], status: Status | None) -> int:
    if status is None:
        return sum(kept.values())
    return kept.get(Status.QUEUED if status is Status.SENDING else status, 0)


def _narrowed(sought: Sought, reasons: list[ReasonCount]) -> Sought:
    """A reason that only messages of one status bear leads to them by that status's key."""
    bearing = {row.status for row in reasons if row.reason == sought.reason}
    if sought.status is not None or len(bearing) != 1:
        return sought
    return replace(sought, status=bearing.pop())


def _cursors(
    shown: Sequence[str], onward: str | None, after: str | None, before: str | None
) -> tuple[str | None, str | None]:
    """Of the next page and of the previous one; `onward` is where the look, in its own direction, goes on."""
    if before is not None:
        # One digit less: ahead of `before`, and behind it only what has just been looked through.
        return (shown[-1] if shown else before[:-1]), onward
    if after is None:
        return onward, None
    return onward, shown[0] if shown else after + "0"


def of_ids(numbers: Sequence[int]) -> list[MessageRow]:
    """In the order of these numbers."""
    query = select(*_columns()).where(bulk.any_of(Message.id.expression, numbers))
    rows = {row.id: row for row in (MessageRow(*values) for values in db.session.execute(query))}
    return [rows[number] for number in numbers]


def _columns() -> tuple[Any, ...]:
    return (
        Message.id,
        Message.phone,
        Message.operator_code,
        Message.timezone,
        standing.status(),
        Message.reason,
        Message.tries,
        Message.send_after,
        Message.settled_at,
        Message.mailing_id,
        Message.client_id,
        Message.created_at,
    )


def every(actor: Actor, mailing_id: int, sought: Sought) -> Iterator[MessageRow]:
    """The whole list, each batch as it stands when its turn comes. Raises NotFound and Conflict at once."""
    reopening.require_messages(mailings.get(actor, mailing_id))
    audit.note_alone(actor, "export", Thing.MAILING, mailing_id, {"filter": asdict(sought)})
    kept = books.of(mailing_id)
    if not min(_bounds(sought, kept)):
        return iter(())
    walk = message_walks.to(mailing_id, _narrowed(sought, kept.reasons), kept.counts[Status.QUEUED])
    return _batches(replace(walk, is_direct=True), sought.status)


def _batches(walk: Walk, status: Status | None) -> Iterator[MessageRow]:
    """Between two batches nothing is held: a download may take minutes."""
    after = None
    while True:
        found, _stopped_at = message_walks.go(walk, after, None, BATCH, BATCH)
        rows = of_ids([number for number, _phone in found])
        end_reading()
        yield from (row for row in rows if status in (None, row.status))
        if len(found) < BATCH:
            return
        after = found[-1][1]
