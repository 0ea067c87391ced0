"""How does a started mailing get one message for each client of its audience?"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, case, func, insert, literal, null, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from .. import clock
from ..database import db, insert_or_ignore, retrying, rows_changed, transaction
from ..models import Chunk, FanOut, Mailing, Message, Status
from . import ids, lanes, picking, tallies
from .picking import picked
from .tallies import Move, Place
from .webhooks import settlements

logger = logging.getLogger(__name__)

# Clients of one transaction: short, because on SQLite everybody else waits meanwhile.
RANGE = 10_000
WINDOW_CLOSED = "window_closed"

Insert = Callable[[type[Message]], Any]


def one_range() -> bool:
    """Turn the next range of clients of some started mailing into messages. False: there was nothing to do.

    Repeating a range is harmless (unique keys), and two workers never hold the same mailing's checkpoint.
    """
    if not is_pending():
        return False
    first_id = ids.take(RANGE)
    try:
        return retrying(lambda: _next_range(first_id, insert))
    except IntegrityError:
        # Somebody of the range has a message already, which is rare: a single one was created meanwhile. Looking
        # for such rows costs PostgreSQL as much as writing a half of them, so they are looked for only now.
        return retrying(lambda: _next_range(first_id, insert_or_ignore))


def _next_range(first_id: int, insert_into: Insert) -> bool:
    """In one instant: a mailing whose last range another worker has just written is not to be ended anew."""
    with transaction(one_instant=True) as session:
        checkpoint = session.scalar(_pending().with_for_update(skip_locked=True, of=FanOut))
        if checkpoint is None:
            return False
        _fan_out(session, session.get_one(Mailing, checkpoint.mailing_id), checkpoint, first_id, insert_into)
    return True


def is_pending() -> bool:
    return db.session.scalar(_pending()) is not None


def _pending() -> Select[FanOut]:
    return (
        select(FanOut)
        .join(Mailing, Mailing.id == FanOut.mailing_id)
        .where(Mailing.fanned_out_at.is_(None))
        .order_by(FanOut.mailing_id)
        .limit(1)
    )


def _fan_out(session: Session, mailing: Mailing, checkpoint: FanOut, first_id: int, insert_into: Insert) -> None:
    groups = picking.pick(session, mailing, checkpoint, RANGE)
    is_last = sum(group.count for group in groups) < RANGE
    now = clock.database_now(session)
    if is_last:
        # The mailing before its lanes and books: in this order everybody locks them.
        session.execute(update(Mailing).where(Mailing.id == mailing.id).values(fanned_out_at=now))
    if groups:
        lanes.open_missing(session, mailing, {group.timezone for group in groups})
        closed = lanes.closed(session, mailing)
        _write(session, _Entry(mailing.id, first_id, closed, now), groups, insert_into)
    checkpoint.through = checkpoint.audience_through if is_last else max(group.last_client for group in groups)
    if is_last:
        logger.info("mailing fanned out", extra={"mailing_id": mailing.id})


@dataclass(frozen=True, slots=True)
class _Entry:
    """As which messages a range's clients are entered; the first place becomes `first_id`.

    In the zones of `closed` no window is left.
    """

    mailing_id: int
    first_id: int
    closed: frozenset[str]
    at: datetime


@dataclass(frozen=True, slots=True)
class _Part:
    """`count` messages with the same outcome, code and zone; their numbers lie between `first` and `last`."""

    status: Status
    reason: str | None
    operator_code: str
    timezone: str
    count: int
    first: int
    last: int


def _write(session: Session, entry: _Entry, groups: list[picking.Group], insert_into: Insert) -> None:
    """Enter them, count them and lay their chunks."""
    offset = entry.first_id - min(group.first for group in groups)
    written = rows_changed(session, _insert(entry, offset, insert_into))
    if written == sum(group.count for group in groups):
        parts = [_part(entry, offset, group) for group in groups]
    else:
        parts = _counted(session, entry.first_id)
    moves = [
        Move(
            entry.mailing_id,
            part.operator_code,
            part.timezone,
            None,
            Place(part.status, part.reason, entry.at),
            part.count,
        )
        for part in parts
    ]
    if any(part.status is not Status.QUEUED for part in parts):
        first, last = min(part.first for part in parts), max(part.last for part in parts)
        settlements.note_entered(session, entry.mailing_id, first, last)
    tallies.record(session, moves)
    _lay_chunks(session, entry.mailing_id, parts)


def _insert(entry: _Entry, offset: int, insert_into: Insert) -> Any:
    """The one statement: everybody who is picked, with number and first status."""
    now = literal(entry.at, Message.created_at.type)
    reason: ColumnElement[Any] = picked.c.reason
    if entry.closed:
        is_late = reason.is_(None) & picked.c.timezone.in_(sorted(entry.closed))
        reason = case((is_late, WINDOW_CLOSED), else_=reason)
    columns: dict[str, ColumnElement[Any]] = {
        "id": literal(offset, BigInteger) + picked.c.place,
        "mailing_id": literal(entry.mailing_id),
        "client_id": picked.c.client_id,
        "phone": picked.c.phone,
        "operator_code": picked.c.operator_code,
        "timezone": picked.c.timezone,
        "placeholder_values": picked.c.placeholder_values,
        "created_at": now,
        "status": case(
            (reason.is_(None), Status.QUEUED.value),
            (reason == WINDOW_CLOSED, Status.EXPIRED.value),
            else_=Status.SKIPPED.value,
        ),
        "reason": reason,
        "tries": literal(0),
        "settled_at": case((reason.is_not(None), now), else_=null()),
    }
    # Always true: without a condition, SQLite would take the ON of ON CONFLICT for a join's.
    rows = select(*columns.values()).where(literal(1) == literal(1))
    written = insert_into(Message).from_select(list(columns), rows, include_defaults=False)
    return written.execution_options(preserve_rowcount=True)


def _part(entry: _Entry, offset: int, group: picking.Group) -> _Part:
    """The same in Python, for a whole group."""
    status, reason = Status.QUEUED, group.reason
    if reason is not None:
        status = Status.SKIPPED
    elif group.timezone in entry.closed:
        status, reason = Status.EXPIRED, WINDOW_CLOSED
    first, last = offset + group.first, offset + group.last
    return _Part(status, reason, group.operator_code, group.timezone, group.count, first, last)


def _counted(session: Session, first_id: int) -> list[_Part]:
    """What has really been inserted, for the range's numbers are nobody else's."""
    kinds = Message.status, Message.reason, Message.operator_code, Message.timezone
    inserted = (
        select(*kinds, func.count(), func.min(Message.id), func.max(Message.id))
        .where(Message.id.between(first_id, first_id + RANGE - 1))
        .group_by(*kinds)
    )
    return [_Part(*row) for row in session.execute(inserted)]


def _lay_chunks(session: Session, mailing_id: int, parts: Iterable[_Part]) -> None:
    spans: dict[str, tuple[int, int]] = {}
    for part in parts:
        if part.status is Status.QUEUED:
            least, greatest = spans.get(part.timezone, (part.first, part.last))
            spans[part.timezone] = (min(least, part.first), max(greatest, part.last))
    chunks = [
        {"mailing_id": mailing_id, "timezone": zone, "first_id": first, "last_id": last}
        for zone, (first, last) in sorted(spans.items())
    ]
    if chunks:
        session.execute(insert(Chunk), chunks)


def outlast(session: Session) -> None:
    """Ranges that were begun before this transaction are written by now, or refused by the database.

    Each holds its checkpoint and sees what was so when it began: whoever holds one is waited for, and who was
    about to take one finds it changed and begins anew. On SQLite nobody else writes meanwhile.
    """
    pending = select(Mailing.id).where(Mailing.fanned_out_at.is_(None))
    checkpoints = update(FanOut).where(FanOut.mailing_id.in_(pending))
    session.execute(checkpoints.values(through=FanOut.through))
