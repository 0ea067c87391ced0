"""How does a started mailing get one message for each client of its audience?"""

import logging
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, literal, null, or_, select, update
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, String

from .. import clock
from ..database import db, insert_or_ignore, json_record, retrying, transaction
from ..models import Client, FanOut, Lane, Mailing, Message, Status, StopListEntry
from . import audience, ids, lanes, tallies
from .personalisation import placeholders
from .tallies import Move, Place

logger = logging.getLogger(__name__)

# Clients of one transaction: short, because on SQLite everybody else waits meanwhile.
RANGE = 5_000


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
    ahead = (
        audience.client_ids(audience.of(mailing))
        .where(Client.id > checkpoint.through, Client.id <= checkpoint.audience_through)
        .order_by(Client.id)
    )
    last = session.scalar(ahead.offset(RANGE - 1).limit(1))
    through = checkpoint.audience_through if last is None else last
    lanes.open_missing(session, mailing, checkpoint.through, through)
    now = clock.database_now(session)
    session.execute(_insert(mailing, checkpoint.through, through, first_id, now))
    _record(session, mailing, first_id, now)
    checkpoint.through = through
    if last is None:
        session.execute(update(Mailing).where(Mailing.id == mailing.id).values(fanned_out_at=now))
        logger.info("mailing fanned out", extra={"mailing_id": mailing.id})


def _insert(mailing: Mailing, after: int, through: int, first_id: int, now: datetime) -> Any:
    """The one statement: every client of the range, with its number, zone, values and first status."""
    names = placeholders(mailing.text)
    lacks_value = or_(*(func.coalesce(_value(name), "") == "" for name in names)) if names else literal(False)
    is_listed = StopListEntry.phone.is_not(None)
    is_closed = Lane.opens_at.is_(None)
    status = case(
        (is_listed, Status.SKIPPED.value),
        (lacks_value, Status.SKIPPED.value),
        (is_closed, Status.EXPIRED.value),
        else_=Status.QUEUED.value,
    )
    reason = case(
        (is_listed, "stop_list"), (lacks_value, "missing_value"), (is_closed, "window_closed"), else_=null()
    )
    number = literal(first_id - 1, BigInteger) + func.row_number().over(order_by=Client.id)
    columns: dict[str, ColumnElement[Any]] = {
        "id": number,
        "mailing_id": literal(mailing.id),
        "client_id": Client.id.expression,
        "phone": Client.phone.expression,
        "operator_code": Client.operator_code.expression,
        "timezone": Client.timezone.expression,
        "placeholder_values": json_record({name: _value(name) for name in names}) if names else null(),
        "created_at": _instant(now),
        "status": status,
        "reason": cast(reason, String),
        "send_after": _instant(mailing.starts_at),
        "tries": literal(0),
        "settled_at": case((or_(is_listed, lacks_value, is_closed), _instant(now)), else_=null()),
    }
    rows = (
        audience.client_ids(audience.of(mailing))
        .where(Client.id > after, Client.id <= through)
        .join(Lane, and_(Lane.mailing_id == mailing.id, Lane.timezone == Client.timezone))
        .outerjoin(StopListEntry, StopListEntry.phone == Client.phone)
        .with_only_columns(*columns.values())
    )
    return insert_or_ignore(Message).from_select(list(columns), rows, include_defaults=False)


def _value(name: str) -> ColumnElement[str]:
    value: ColumnElement[str] = Client.attributes[name].as_string()
    return value


def _instant(at: datetime) -> ColumnElement[Any]:
    return literal(at, Message.created_at.type)


def _record(session: Session, mailing: Mailing, first_id: int, now: datetime) -> None:
    """Count what this range has really inserted: its numbers are nobody else's."""
    inserted = (
        select(Message.status, Message.reason, Message.operator_code, Message.timezone, func.count())
        .where(Message.id.between(first_id, first_id + RANGE - 1))
        .group_by(Message.status, Message.reason, Message.operator_code, Message.timezone)
    )
    tallies.record(
        session,
        (
            Move(mailing.id, code, zone, None, Place(status, reason, now), count)
            for status, reason, code, zone, count in session.execute(inserted).all()
        ),
    )
