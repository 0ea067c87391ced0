"""How does a started mailing get one message for each client of its audience?"""

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, insert, literal, null, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, String

from .. import clock
from ..database import AnySelect, db, insert_or_ignore, json_record, retrying, transaction
from ..models import Chunk, Client, FanOut, Lane, Mailing, Message, Status, StopListEntry
from ..models.columns import Json
from . import audience, ids, lanes, tallies
from .personalisation import placeholders
from .tallies import Move, Place

logger = logging.getLogger(__name__)

# Clients of one transaction: short, because on SQLite everybody else waits meanwhile.
RANGE = 10_000
WINDOW_CLOSED = "window_closed"


def one_range() -> bool:
    """Turn the next range of clients of some started mailing into messages. False: there was nothing to do.

    Repeating a range is harmless (unique keys), and two workers never hold the same mailing's checkpoint.
    """
    if not is_pending():
        return False
    first_id = ids.take(RANGE)
    return retrying(lambda: _next_range(first_id))


def _next_range(first_id: int) -> bool:
    """In one instant: a client who gets a tag or moves to a new zone between two statements would have no lane to
    be entered into, or take a number beyond the range's own.
    """
    with transaction(one_instant=True) as session:
        checkpoint = session.scalar(_pending().with_for_update(skip_locked=True, of=FanOut))
        if checkpoint is None:
            return False
        _fan_out(session, session.get_one(Mailing, checkpoint.mailing_id), checkpoint, first_id)
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


def _fan_out(session: Session, mailing: Mailing, checkpoint: FanOut, first_id: int) -> None:
    zones = session.execute(_next_zones(mailing, checkpoint)).all()
    is_last = sum(count for _zone, _last, count in zones) < RANGE
    through = checkpoint.audience_through if is_last else max(last for _zone, last, _count in zones)
    now = clock.database_now(session)
    if is_last:
        # The mailing before its lanes and books: in this order everybody locks them.
        session.execute(update(Mailing).where(Mailing.id == mailing.id).values(fanned_out_at=now))
    lanes.open_missing(session, mailing, [zone for zone, _last, _count in zones])
    session.execute(_insert(mailing, checkpoint.through, through, first_id, now))
    _record(session, mailing, first_id, now)
    checkpoint.through = through
    if is_last:
        logger.info("mailing fanned out", extra={"mailing_id": mailing.id})


def _next_zones(mailing: Mailing, checkpoint: FanOut) -> AnySelect:
    """Of the next range: its zones, with the last client and the count of each."""
    ahead = (
        audience.client_ids(audience.of(mailing))
        .add_columns(Client.timezone)
        .where(Client.id > checkpoint.through, Client.id <= checkpoint.audience_through)
        .order_by(Client.id)
        .limit(RANGE)
        .subquery()
    )
    return select(ahead.c.timezone, func.max(ahead.c.id), func.count()).group_by(ahead.c.timezone)


def _insert(mailing: Mailing, after: int, through: int, first_id: int, now: datetime) -> Any:
    """The one statement: every client of the range, with its number, zone, values and first status."""
    found = _found(mailing, after, through, first_id).subquery()
    status = case(
        (found.c.reason.is_(None), Status.QUEUED.value),
        (found.c.reason == WINDOW_CLOSED, Status.EXPIRED.value),
        else_=Status.SKIPPED.value,
    )
    columns: dict[str, ColumnElement[Any]] = {
        **dict(found.c.items()),
        "mailing_id": literal(mailing.id),
        "created_at": _instant(now),
        "status": status,
        "tries": literal(0),
        "settled_at": case((found.c.reason.is_not(None), _instant(now)), else_=null()),
    }
    # Always true: without a condition, SQLite would take the ON of ON CONFLICT for a join's.
    rows = select(*columns.values()).where(literal(1) == literal(1))
    return insert_or_ignore(Message).from_select(list(columns), rows, include_defaults=False)


def _found(mailing: Mailing, after: int, through: int, first_id: int) -> AnySelect:
    """The clients of a range as messages; a reason says why one does not even wait."""
    names = placeholders(mailing.text)
    lacks_value = or_(*(func.coalesce(_value(name), "") == "" for name in names)) if names else literal(False)
    reason = case(
        (StopListEntry.phone.is_not(None), "stop_list"),
        (lacks_value, "missing_value"),
        (Lane.opens_at.is_(None), WINDOW_CLOSED),
        else_=null(),
    )
    # Those of one zone get consecutive numbers, so that a chunk is a range of them. By the lane's zone: by the
    # client's, SQLite would follow the index that holds all clients in this order, for each range anew.
    number = func.row_number().over(order_by=(Lane.timezone, Client.id))
    values = json_record({name: _value(name) for name in names}) if names else cast(null(), Json)
    return (
        audience.client_ids(audience.of(mailing))
        .where(Client.id > after, Client.id <= through)
        .join(Lane, and_(Lane.mailing_id == mailing.id, Lane.timezone == Client.timezone))
        .outerjoin(StopListEntry, StopListEntry.phone == Client.phone)
        .with_only_columns(
            (literal(first_id - 1, BigInteger) + number).label("id"),
            Client.id.label("client_id"),
            Client.phone,
            Client.operator_code,
            Client.timezone,
            values.label("placeholder_values"),
            cast(reason, String).label("reason"),
        )
    )


def _value(name: str) -> ColumnElement[str]:
    value: ColumnElement[str] = Client.attributes[name].as_string()
    return value


def _instant(at: datetime) -> ColumnElement[Any]:
    return literal(at, Message.created_at.type)


def _record(session: Session, mailing: Mailing, first_id: int, now: datetime) -> None:
    """Count what this range has really inserted, for its numbers are nobody else's, and lay its chunks."""
    inserted = (
        select(
            Message.status,
            Message.reason,
            Message.operator_code,
            Message.timezone,
            func.count(),
            func.min(Message.id),
            func.max(Message.id),
        )
        .where(Message.id.between(first_id, first_id + RANGE - 1))
        .group_by(Message.status, Message.reason, Message.operator_code, Message.timezone)
    )
    moves: list[Move] = []
    spans: dict[str, tuple[int, int]] = {}
    for status, reason, code, zone, count, first, last in session.execute(inserted):
        moves.append(Move(mailing.id, code, zone, None, Place(status, reason, now), count))
        if status is Status.QUEUED:
            least, greatest = spans.get(zone, (first, last))
            spans[zone] = (min(least, first), max(greatest, last))
    tallies.record(session, moves)
    chunks = [
        {"mailing_id": mailing.id, "timezone": zone, "first_id": first, "last_id": last}
        for zone, (first, last) in sorted(spans.items())
    ]
    if chunks:
        session.execute(insert(Chunk), chunks)
